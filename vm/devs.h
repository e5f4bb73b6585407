/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is to plug in: help texts for the command line.  The tables live in devs.c. */
#ifndef VM_DEVS_H
#define VM_DEVS_H

#include <stdbool.h>
#include <stdio.h>

struct err;
struct prop;

/* One device model, for whoever lists them. */
struct devs_model {
	const char *name, *bus, *help; /* bus: PCI, ISA */
	const struct prop *props;      /* base/props.h */
};

bool devs_model(size_t i, struct devs_model *m); /* false past the last */
void devs_help(FILE *f);                         /* one line for each device model */
/* Properties of one model; -ENOENT with the nearest spelling where there is no such model. */
int devs_help_model(FILE *f, const char *driver, struct err **errp);
void cpu_help(FILE *f); /* CPU models and feature flags */

#endif
