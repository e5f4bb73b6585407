/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assigned devices as people and programs want to see them: what is mapped and what traps and why,
 * what the guest asked for and what the host has, what passed through here.
 *
 * Invariants: a view is plain data that outlives its device; making one changes nothing.  Counters
 * count what this process sees: accesses to mapped memory and interrupts that the hypervisor takes
 * from the host's eventfds pass it by.
 */
#ifndef HW_VFIO_VIEW_H
#define HW_VFIO_VIEW_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "hw/vfio/backend.h"

struct vfio_ctx;

struct view_range {
	uint64_t off, size;
	char *why; /* each access exits, for this reason; NULL = it is mapped into the guest */
};

struct view_region {
	unsigned index;   /* VFIO_PCI_*_REGION_INDEX: BARs and ROM */
	const char *kind; /* "io", "memory", "rom" */
	bool is_64, prefetch;
	uint64_t size, addr;    /* where the guest has it; UINT64_MAX = it does not decode */
	GArray *ranges;         /* of struct view_range, in order, without gaps */
	uint64_t reads, writes; /* that trapped; of MSI-X table and PBA none is counted */
};

struct view_interrupts {
	const char *mode; /* "none", "INTx", "MSI", "MSI-X" */
	unsigned asked;   /* vectors that the guest has on: enabled and not masked */
	unsigned armed;   /* that the host signals */
	/* Who hears the eventfds; nobody hears a masked vector's. */
	unsigned irqfd;          /* the interrupt controller: with KVM, the kernel */
	unsigned watched;        /* hw/vfio */
	uint64_t watched_events; /* those that hw/vfio heard; it cannot see an irqfd's */
};

struct view_resets {
	bool ioctl;   /* VFIO_DEVICE_RESET is offered */
	bool flr, pm; /* function level reset; a return from D3hot resets */
	bool hot_known;
	int hot; /* whole bus or slot: 0, or -errno that it would fail with */
};

struct vfio_view {
	char id[40], host[16], guest[16]; /* guest: bus:slot.function; "" = on no bus */
	const char *backend;
	unsigned group;
	bool asleep, gone;
	GArray *regions; /* of struct view_region */
	struct view_interrupts irq;
	struct view_resets resets;
	uint64_t cfg_reads, cfg_writes; /* of the guest */
	bool has_dma;
	struct vfio_dma_info dma;
};

/* Of struct vfio_view, which it frees; in the order of realize.  Main loop's thread. */
GPtrArray *vfio_view_all(struct vfio_ctx *ctx);
uint64_t view_mapped(const struct view_region *r); /* bytes */

#endif
