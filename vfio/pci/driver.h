/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An emulated host with VFIO on it: what users of vfio/file.h start from.
 */
#ifndef VFIO_PCI_DRIVER_H
#define VFIO_PCI_DRIVER_H

#include "vfio/host/host.h"

/* conf may be NULL.  NULL where a step of the start-up failed; all of it is undone then. */
struct host *vfio_host_new(const struct host_conf *conf);
void vfio_host_free(struct host *h); /* every VFIO file must be closed; NULL is accepted */

/*
 * The two halves of it: permission tables, the worker of unmask eventfds, the driver; in this
 * order, undone in reverse.  0 or -errno.
 */
int vfio_pci_init(struct host *h);
void vfio_pci_cleanup(struct host *h);

#endif
