/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine that a device trace was recorded on, as an emulated host.
 *
 * Invariants: buses have the recorded numbers and the bridges' windows hold the recorded BARs, so
 * that the host's scan finds a machine whose firmware has done its work.
 */
#ifndef TESTS_DIFF_TOPO_H
#define TESTS_DIFF_TOPO_H

#include "hw/pci/pci.h"
#include "tests/diff/trace.h"

struct host;

/* A root port above 5 GT/s whose link does not tell that it is back after a reset of its bus. */
struct topo_fast_port {
	struct pcidev_ops ops;
	const struct pcidev_ops *base;
	bool lost;
};

struct topo {
	const struct trace *trace;
	const char *syn; /* folder of the synthetic devices' definitions */
	struct host *host;
	struct pcidev *dut;         /* the recorded function */
	struct topo_fast_port fast; /* of topology "fast" */
};

/*
 * Build, scan and set up as recorded.  False: *error says why (g_free()), and topo_free() is still
 * to be called, as it is with a topo that is all zero.
 */
bool topo_init(struct topo *topo, const struct trace *t, const char *syn, char **error);
void topo_free(struct topo *topo);

#endif
