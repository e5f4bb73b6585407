/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The physical device of a trace: a device model whose config space, masks and side effects are
 * what the recording says of the recorded one.
 *
 * Invariants: config cycles are answered from the recorded masks alone; what changes by itself is
 * what FORMAT.md lists.  The functions below are the tester's hand on the hardware: they go around
 * the masks and are never called by the stack under test.
 */
#ifndef TESTS_DIFF_PHYSDEV_H
#define TESTS_DIFF_PHYSDEV_H

#include "hw/pci/pci.h"
#include "tests/diff/sriov.h"
#include "tests/diff/trace.h"

/* syn: folder of the synthetic devices' definitions.  NULL: *error says why, freed by g_free(). */
struct pcidev *physdev_new(const struct trace *t, const char *syn, char **error);
/*
 * A PF for the VF that the trace tells of: nothing but what a driver core needs of it.  Its VFs are
 * made with physdev_set_vfs().
 */
struct pcidev *physdev_new_pf(const struct trace *vf, unsigned pf_devfn, unsigned vf_devfn);
/* What to put on the bus when software enables VFs; devices without SR-IOV never ask. */
void physdev_set_vfs(struct pcidev *d, sriov_make_fn make, void *opaque);
/* The power-on state of a device that a trace found configured: BARs and enables off. */
void physdev_power_on(struct pcidev *d);

/* Was the trace recorded of a virtual function? */
bool physdev_trace_is_vf(const struct trace *t);

/* What is behind a BAR; NULL = nothing. */
struct region *physdev_region(struct pcidev *d, unsigned n);
/* The function stops to answer config cycles. */
void physdev_silence(struct pcidev *d);

/* Set a byte; physdev_settle() after the last one brings BARs, pin and MSI-X in line with it. */
void physdev_set(struct pcidev *d, unsigned off, uint8_t val);
void physdev_settle(struct pcidev *d);

/* Is this byte part of an MSI message that the host's own software wrote, while MSI is enabled? */
bool physdev_is_host_message(const struct pcidev *d, unsigned off);
/* A test wrote [off, off + len) over the bus itself: what stands there is no host's message. */
void physdev_tester_wrote(struct pcidev *d, unsigned off, unsigned len);
/* An interrupt enable or the command register: what a native driver leaves is not recorded. */
bool physdev_is_driver_state(const struct pcidev *d, unsigned off);

/* The BAR with the synthetic device's control registers; -1 = none. */
int physdev_control_bar(const struct pcidev *d);

#endif
