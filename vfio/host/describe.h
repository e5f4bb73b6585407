/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host described by a flattened device tree (Devicetree Specification 0.3; PCI Bus Binding to
 * IEEE 1275): what is plugged where, and what it is bound to.
 *
 * The tree has one node with compatible = "pci-host-ecam-generic".  Below it are devices with
 * compatible = "sluice,MODEL" and bridges with bus-range = <first last>; the first cell of reg is a
 * place: the bus of the bridge above, or 0, in bits 23..16, slot 15..11, function 10..8.
 * sluice,driver is the driver; other properties sluice,NAME = "VALUE" are the model's, without a
 * value they are "on".  Nodes that have neither a place nor a model, and those with status =
 * "disabled", are passed over.
 *
 * Invariants: the file is not trusted; whatever is wrong in it is one error that names file and
 * node.
 */
#ifndef VFIO_HOST_DESCRIBE_H
#define VFIO_HOST_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct hostdesc_prop {
	const char *name, *value;
};

/* All of it is valid during the call only. */
struct hostdesc_dev {
	const char *path; /* of its node */
	char bdf[16];     /* 0000:01:00.0 */
	unsigned bus, devfn;
	bool iommu; /* iommu-map covers it */
	/* A bridge: */
	bool bridge;
	unsigned first, last; /* its bus-range */
	/* A device: */
	const char *model;
	const char *driver; /* NULL = not said */
	const struct hostdesc_prop *props;
	unsigned nprops;
};

/* Bridges before what is below them; < 0 ends the walk. */
typedef int hostdesc_fn(void *opaque, const struct hostdesc_dev *d, struct err **errp);

int host_describe(const char *file, hostdesc_fn *fn, void *opaque, struct err **errp);
/* The same of a tree in memory, 8-byte aligned; file: its name in messages. */
int host_describe_tree(const char *file, const void *fdt, size_t len, hostdesc_fn *fn, void *opaque,
		       struct err **errp);

#endif
