/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of vfio/ share about a function of the emulated host: the role of Linux's struct
 * pci_dev.  Nobody outside of vfio/ includes this.
 *
 * Invariants: a hostdev lives from the scan that finds it until it is removed or the host goes;
 * `pci` is the physical device.  Fields without a note are fixed after the scan.  Sources: PCI 3.0,
 * PCI Express Base 3.0, PCI Power Management 1.2, SR-IOV 1.1.
 */
#ifndef VFIO_HOST_HOSTDEV_H
#define VFIO_HOST_HOSTDEV_H

#include <glib.h>
#include <linux/pci_regs.h>
#include <pthread.h>

#include "hw/pci/pci.h"
#include "vfio/host/host.h"

/* IORESOURCE_*, as the sysfs file `resource` shows them (linux/ioport.h). */
#define HOSTRES_IO 0x100u
#define HOSTRES_MEM 0x200u
#define HOSTRES_PREFETCH 0x2000u
#define HOSTRES_READONLY 0x4000u
#define HOSTRES_SIZEALIGN 0x40000u
#define HOSTRES_MEM64 0x100000u
#define HOSTRES_ROM_SHADOW 0x2u
#define HOSTRES_ROM 6
#define HOSTRES_VF 7 /* six BARs of the VFs */
#define HOSTRES_N 13

#define HOST_PAGE 4096u

enum host_power { HOST_D0, HOST_D1, HOST_D2, HOST_D3HOT, HOST_D3COLD, HOST_UNKNOWN };

enum host_reset { HOST_RESET_NONE, HOST_RESET_FLR, HOST_RESET_AF, HOST_RESET_PM, HOST_RESET_BUS };
#define HOST_RESETS 4

struct hostres {
	uint64_t start, end; /* inclusive; both 0 = not there */
	uint32_t flags;
};

/* A saved configuration: the header, and the registers that a reset would lose. */
#define HOST_SAVED_REGS 24
struct hoststate {
	uint32_t header[16];
	unsigned n;
	struct {
		uint16_t off;
		uint8_t len;
		uint32_t val;
	} reg[HOST_SAVED_REGS];
};

struct host_irq; /* irq.c */
struct iommu_group;
struct hostdrv;
struct vfio_pci_device;

struct hostdev {
	struct host *host;
	struct pcidev *pci;
	char bdf[16];
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class;
	uint8_t revision, hdr_type, pin;
	bool multifunction;
	unsigned cfg_size;
	struct hostres res[HOSTRES_N];
	uint8_t pm_cap, exp_cap, msi_cap, msix_cap, af_cap, vpd_cap, pcix_cap;
	uint16_t aer_cap, acs_cap, sriov_cap;
	bool d1, d2;
	uint8_t pme; /* states that it can wake up from, a bit each: D0, D1, D2, D3hot, D3cold */
	bool no_command_memory; /* a VF: always decodes */

	pthread_mutex_t lock; /* device_lock; recursive */

	/* Under host.lock. */
	struct hostdrv *drv;
	char *override; /* driver_override; NULL = none */
	struct iommu_group *group;
	bool removed;
	bool scanned;  /* has what a scan gives: a group, if any, and its resets */
	bool no_iommu; /* by host_no_iommu */
	bool msi_bus_off;

	/* Under lock. */
	enum host_power power;
	int enabled;
	bool state_saved, wake, suspended;
	struct hoststate state;
	enum host_reset reset_order[HOST_RESETS];
	unsigned resets;
	unsigned vpd_len; /* 0 = not known yet */
	bool vpd_bad;
	unsigned numvfs;
	bool autoprobe_off;
	struct vfio_pci_device *vfio; /* the driver's, while vfio-pci has it */

	/* Under pcihost.lock. */
	bool blocked; /* user accesses to config space wait */
	pthread_t blocker;

	/* MSI and MSI-X as they are programmed; under lock. */
	bool msi_enabled, msix_enabled;
	bool msi_live; /* the device holds the message */
	unsigned vectors;
	struct host_irq **irq; /* vectors */

	uint64_t dma_faults;    /* atomic */
	struct hostdev *parent; /* the bridge above, which outlives it; NULL on the root bus */
	struct hostdev *physfn; /* of a VF */
};

/* --- config cycles of the host's own software; any length the model takes --- */

static inline uint32_t hd_read(struct hostdev *d, unsigned off, unsigned len)
{
	return pcidev_cycle_read(d->pci, off, len);
}

static inline void hd_write(struct hostdev *d, unsigned off, unsigned len, uint32_t val)
{
	pcidev_cycle_write(d->pci, off, val, len);
}

/* On behalf of a user (pci_user_read_config_*): wait while accesses are blocked. */
uint32_t hd_user_read(struct hostdev *d, unsigned off, unsigned len);
void hd_user_write(struct hostdev *d, unsigned off, unsigned len, uint32_t val);
void hd_block(struct hostdev *d); /* pci_cfg_access_lock; the blocker itself passes */
void hd_unblock(struct hostdev *d);

/* --- pcidev.c: the functions of drivers/pci/pci.c that drivers call; names as there --- */

void hd_setup(struct hostdev *d); /* read the header and find capabilities */
unsigned hd_ext_cap(struct hostdev *d, uint16_t id);
uint64_t hd_res_len(const struct hostdev *d, unsigned n);

void hd_save_state(struct hostdev *d);
void hd_restore_state(struct hostdev *d);
int hd_set_power(struct hostdev *d, enum host_power state);
void hd_runtime_suspend(struct hostdev *d);
void hd_runtime_resume(struct hostdev *d);
void hd_enable(struct hostdev *d);
void hd_disable(struct hostdev *d);
void hd_clear_master(struct hostdev *d);
void hd_intx(struct hostdev *d, bool on);       /* pci_intx */
bool hd_intx_mask_supported(struct hostdev *d); /* by trying */
void hd_set_exp_word(struct hostdev *d, unsigned reg, uint16_t clear, uint16_t set);

/* --- reset.c --- */

void hd_reset_probe(struct hostdev *d); /* fills reset_order */
int hd_reset_function_locked(struct hostdev *d);
int hd_try_reset(struct hostdev *d);       /* saves, resets, restores */
int hd_probe_bus_reset(struct hostdev *d); /* 0, or -ENOTTY: its bus cannot be reset */
int hd_reset_bus(struct hostdev *d);       /* saves all below that bus, resets, restores */
const char *hd_reset_name(enum host_reset r);
/* Every hostdev on d's bus and below, in bus order. */
void hd_foreach_bus(struct hostdev *d, void (*fn)(struct hostdev *d, void *opaque), void *opaque);

/* --- vpd.c --- */

int hd_vpd_read(struct hostdev *d, unsigned off, uint32_t *val); /* bytes, or -errno */
int hd_vpd_write(struct hostdev *d, unsigned off, uint32_t val);

/* --- rom.c --- */

/* The size of a valid image in the ROM BAR, 0 if none; enables the BAR's decode meanwhile. */
uint64_t hd_rom_size(struct hostdev *d);
/* Memory decode on while the physical device's memory is touched; gives what to restore. */
uint16_t hd_memory_on(struct hostdev *d);
void hd_memory_restore(struct hostdev *d, uint16_t command);

/* --- irq.c --- */

/*
 * MSI or MSI-X with n vectors (1 <= n): all of them or fewer where the device has fewer; the number
 * or -errno (-EINVAL, -ENOSPC, -ERANGE).
 */
int hd_alloc_vectors(struct hostdev *d, unsigned n, bool msix);
void hd_free_vectors(struct hostdev *d);
void hd_restore_msi(struct hostdev *d);
void hd_rewrite_msix(struct hostdev *d, unsigned vector);
/* From here on fn is called, from any thread, when the vector fires. */
void hd_vector_request(struct hostdev *d, unsigned vector, void (*fn)(void *opaque), void *opaque);
void hd_vector_free(struct hostdev *d, unsigned vector); /* fn is not running any more */

/* INTx: fn is called with irq_lock held; masked: the line starts disabled. */
int hd_line_request(struct hostdev *d, bool shared, bool masked, void (*fn)(void *opaque),
		    void *opaque);
void hd_line_free(struct hostdev *d, void *opaque);
void hd_line_mask(struct hostdev *d, bool mask); /* disable_irq, enable_irq; irq_lock held */
unsigned hd_line_number(const struct hostdev *d);

void hd_irq_lock(struct hostdev *d);
void hd_irq_unlock(struct hostdev *d);
/* With irq_lock held: pci_check_and_mask_intx, pci_check_and_unmask_intx. */
bool hd_intx_check_and_mask(struct hostdev *d);
bool hd_intx_check_and_unmask(struct hostdev *d);

#endif
