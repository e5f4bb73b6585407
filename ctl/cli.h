/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: argv to struct vm_config, in QEMU's spelling.
 *
 * Invariants: parsing only fills the config; defaults and limits are vm/config.c's.  Options may be
 * written -opt or --opt.  A scalar given twice: the last wins; lists (-device, -serial, -chardev,
 * -accel) grow.  In key=value lists a comma inside a value is doubled, a key alone means key=on.
 */
#ifndef CTL_CLI_H
#define CTL_CLI_H

#include <stdbool.h>
#include <stdio.h>

struct err;
struct vm_config;

struct cli_result {
	FILE *out;     /* in: where help goes; NULL = standard output */
	bool exit_now; /* out: help or version was printed, nothing is to be started */
	int status;    /* out: then the exit status */
};

/*
 * 0, or -errno with the option, the offending word and the nearest known spelling in *errp.  The
 * config comes from vm_config_new(); after an error it is good only for vm_config_free().
 */
int cli_parse(int argc, char **argv, struct vm_config *c, struct cli_result *res,
	      struct err **errp);

#endif
