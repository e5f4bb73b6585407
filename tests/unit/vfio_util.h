/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of hw/vfio share: a provider of one VFIO device that keeps the kernel's rules
 * where they matter and records what was asked of it, an interrupt controller that records and
 * can refuse, and a small machine around both.
 *
 * Invariants: one thread drives a struct vt, unless a test says otherwise.  `violations` counts
 * requests that a correct user of VFIO or of the controller never makes; vt_fini asserts that
 * there were none and that nothing is left open.
 */
#ifndef TESTS_UNIT_VFIO_UTIL_H
#define TESTS_UNIT_VFIO_UTIL_H

#include <glib.h>

#include "base/err.h"
#include "base/vclock.h"
#include "hw/vfio/ctx.h"
#include "hw/vfio/vdev.h"

#define FAKE_BDF "0000:17:00.0"
#define FAKE_IRQS 5
#define FAKE_VECTORS 128

/* Where fake_standard() puts things. */
#define STD_PM 0x40u
#define STD_MSI 0x50u
#define STD_EXP 0x70u
#define STD_MSIX 0xb0u
#define STD_VNDR 0xd0u
#define STD_AER 0x100u
#define STD_SRIOV 0x160u
#define STD_DSN 0x1a0u
#define STD_TABLE 0x2000u /* MSI-X table in BAR 0 */
#define STD_PBA 0x3000u
#define STD_VECTORS 8u
/* Where vt_place() puts the BARs. */
#define AT_BAR0 0xc0000000ull
#define AT_BAR2 0x800000000ull
#define AT_BAR4 0xc000ull /* I/O */
#define AT_ROM 0xc1000000ull

struct fake_region {
	struct vfio_region info;
	uint8_t *data; /* of a memfd, so that it can be mapped */
	size_t alloc;
	int fd;
	unsigned reads, writes, maps;
	unsigned max_read; /* longest read in one call; 0 = any */
};

struct fake_dev {
	struct vfio_dev dev;
	bool open;
	uint8_t cfg[PCI_CFG_EXT], wmask[PCI_CFG_EXT];
	unsigned cfg_size;
	struct fake_region region[VFIO_PCI_NUM_REGIONS];
	struct vfio_irq irq[FAKE_IRQS];
	int fd[FAKE_IRQS][FAKE_VECTORS]; /* own copies of what was armed; -1 = hole */
	unsigned n[FAKE_IRQS];           /* vectors armed */
	int unmask_fd;
	bool line, masked; /* INTx */
	unsigned limit;    /* MSI and MSI-X: vectors that the host has; 0 = any */
	int map_errno;     /* mmap fails with it */
	int reset_err, hot_reset_err;
	unsigned calls, fail_at; /* the fail_at-th call fails, 0 = none */
	/* Called before a config write takes effect; NULL = none. */
	void (*on_cfg_write)(void *opaque, unsigned off);
	void *on_cfg_opaque;
	int fail_err;
	unsigned violations;
	GString *log; /* a line for each call that changes something */
};

struct fake_irqfd {
	int gsi, fd, copy, resample;
};

struct fake_chip {
	struct irqchip chip;
	struct msi_msg route[256], committed[256];
	bool used[256], committed_used[256];
	GArray *irqfds; /* of struct fake_irqfd */
	GArray *sent;   /* of struct msi_msg: delivered, in order, by irqfd or msi_send */
	unsigned depth, commits, changes, irqfd_adds, routes;
	bool line[GSI_PINS];
	bool refuse_irqfd, refuse_resample;
	unsigned route_limit; /* 0 = any */
	int commit_err;
	unsigned calls, fail_at;
	unsigned violations;
};

struct vt {
	struct aspace *mem, *io;
	struct pcihost host;
	struct vclock *clock;
	struct fake_chip chip;
	struct fake_dev fake;
	struct vfio_env env;
	struct vfio_ctx *ctx;
	struct vdev_conf conf;
	bool on_root;
	struct pcidev *port; /* the device sits below it; NULL = on the root bus */
	struct pcidev *d;
	struct vdev *v;
	int gsi; /* behind every pin */
	bool pin[4];
	unsigned opens, fatals;
	int open_err;
	GString *fatal;
	unsigned fds, maps; /* before realize */
};

/* --- the machine ---------------------------------------------------------------------------- */

void vt_init(struct vt *t);                  /* with fake_standard() */
int vt_try(struct vt *t, struct err **errp); /* vdev_new and plug; t->d stays NULL on failure */
void vt_start(struct vt *t);                 /* vt_try, which must work, and a machine reset */
void vt_place(struct vt *t);                 /* BARs as AT_*, decoding on */
void vt_free_dev(struct vt *t);              /* unplug and free */
void vt_fini(struct vt *t);
void vt_assert_clean(struct vt *t); /* no descriptor, mapping, route, irqfd or range is left */
/* Start, place, run, fini. */
void vt_run_guest(void (*setup)(struct vt *t), void (*guest)(struct vt *t));

uint32_t vt_cfg(struct vt *t, unsigned off, unsigned len);
void vt_set_cfg(struct vt *t, unsigned off, uint32_t val, unsigned len);
void vt_pump(struct vt *t); /* run the main loop until nothing is due; deliver irqfds */
/* The region that guest memory shows at addr; "" = none. */
const char *vt_region_at(struct vt *t, uint64_t addr, uint64_t *start, uint64_t *last);
void vt_irq(struct vt *t, unsigned index, unsigned nr); /* the device raises it */

unsigned count_fds(void);  /* eventfds that are open */
unsigned count_maps(void); /* mappings of a fake's regions */

/* What was logged by g_log since the last call; the handler is set by vt_test_init. */
void vt_test_init(int *argc, char ***argv);
const char *vt_messages(void);
void vt_messages_clear(void);
void vt_assert_said(const char *part); /* and forget it */
void assert_contains(const char *text, const char *part);

/* --- the device ----------------------------------------------------------------------------- */

/*
 * An express endpoint: BAR 0 16 KiB memory with table and PBA, BAR 2 64-bit 1 MiB, BAR 4 32
 * ports; PM, MSI (64 bit, maskable, 32 vectors), PCIe v2 with FLR, MSI-X (8), vendor; AER,
 * SR-IOV, DSN.
 */
void fake_standard(struct fake_dev *f);
void fake_fini(struct fake_dev *f);
void fake_region(struct fake_dev *f, unsigned index, uint64_t size, uint32_t flags);
void fake_bar(struct fake_dev *f, unsigned nr, uint64_t size, uint32_t bits); /* and its register */
void fake_cap(struct fake_dev *f, unsigned pos, uint8_t id, unsigned next);
void fake_ext(struct fake_dev *f, unsigned pos, uint16_t id, unsigned version, unsigned next);
void fake_drop_cap(struct fake_dev *f, uint8_t id); /* cut it out of the standard chain */
void fake_line(struct fake_dev *f, bool level);     /* the physical INTx pin */
bool fake_said(const struct fake_dev *f, const char *line);
void fake_log_clear(struct fake_dev *f);
/* Assert that the lines (NULL ends) were logged in this order. */
void fake_assert_order(const struct fake_dev *f, ...) __attribute__((sentinel));

/* --- the controller ------------------------------------------------------------------------- */

void chip_init(struct fake_chip *c);
void chip_fini(struct fake_chip *c);
void chip_pump(struct fake_chip *c);         /* deliver what irqfds hold */
void chip_eoi(struct fake_chip *c, int gsi); /* the guest's EOI of a level pin */
unsigned chip_sent(const struct fake_chip *c, uint64_t addr, uint32_t data);
unsigned chip_routes(const struct fake_chip *c);
const struct fake_irqfd *chip_irqfd_of(const struct fake_chip *c, int fd);

#endif
