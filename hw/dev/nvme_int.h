/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The controller, as the files nvme*.c share it.  Private to them.
 *
 * Invariants: `lock` guards the registers and the queues.  Everything marked as the thread's is
 * touched by the controller's thread only.  Each time that thread has taken the lock again it asks
 * devworker_stale(): after a reset nothing of what it had in hand counts.  DMA, file I/O and
 * messages are done without the lock.
 */
#ifndef HW_DEV_NVME_INT_H
#define HW_DEV_NVME_INT_H

#include <glib.h>

#include "hw/dev/drive.h"
#include "hw/dev/nvme.h"
#include "hw/dev/nvme_spec.h"
#include "hw/dev/worker.h"
#include "hw/pci/sriov.h"
#include "mem/ram.h"

#define NVME_BLOCK DRIVE_SECTOR
#define NVME_MDTS 7u /* log2 of pages of 4 KiB that one command may move */
#define NVME_MAX_DATA (4096u << NVME_MDTS)
#define NVME_MAX_SEGS ((NVME_MAX_DATA / 4096) + 1)
#define NVME_MAX_ENTRIES 2048u      /* of an I/O queue */
#define NVME_PAGE_BITS_MAX 16u      /* 64 KiB */
#define NVME_AERS 4u                /* asynchronous event requests that are kept */
#define NVME_ERRORS 16u             /* entries of the error log */
#define NVME_MSI_VECTORS 32u        /* as many as interrupt mask bits */
#define NVME_TEMPERATURE 323u       /* kelvins, always */
#define NVME_TEMPERATURE_WARN 343u  /* where a host should be warned */
#define NVME_TEMPERATURE_LIMIT 353u /* where it should stop */
#define NVME_VENDOR 0x1b36
#define NVME_DEVICE 0x0010
#define NVME_MODEL "sluice NVMe drive"
#define NVME_FIRMWARE "1.0"

/* What a command's function gives instead of a status when the completion comes later. */
#define NVME_LATER 0xffffu

struct nvme_sq {
	unsigned entries; /* 0 = no such queue */
	unsigned cqid, head, tail;
	uint64_t base;
};

struct nvme_cq {
	unsigned entries; /* 0 = no such queue */
	unsigned vector, head, tail;
	bool irq; /* interrupts are enabled */
	bool phase, due;
	uint64_t base;
};

struct nvme_cmd {
	uint32_t dw[16];
	uint64_t prp[2];
	unsigned sqid;
};

struct nvme_seg {
	uint64_t addr;
	uint32_t len;
};

struct nvme_error {
	uint64_t count;
	unsigned sqid, cid, status;
	uint32_t nsid;
	uint64_t lba;
};

struct nvme_event {
	uint8_t type, info, log;
};

/* The memory that the controller lends (nvme_mem.c). */
struct nvme_mem {
	struct ram cmb;        /* size 0 = none */
	struct region pmr_bar; /* holds the next, which shows while the region is enabled */
	struct region pmr;     /* size 0 = none */
	uint64_t cmbmsc, pmrmsc;
	uint32_t pmrctl;
};

/* Values of features; all forget them when the controller is reset (5.21). */
struct nvme_features {
	uint32_t arbitration, power, recovery, write_cache, coalescing, atomicity, events;
	uint16_t over, under; /* temperature thresholds */
	bool uncoalesced[NVME_PAIRS_MAX + 1];
};

struct nvme {
	struct pcidev dev;
	struct region bar;
	struct pcimsi msi;
	struct devworker worker;
	struct drive drive;
	struct pcisriov sriov; /* of a PF; cap 0 = none */
	struct nvme *pf;       /* of VF vf_nr; NULL = this is none */
	unsigned vf_nr;
	unsigned pairs;
	bool no_msix;
	char serial[NVME_SERIAL_MAX + 1];

	pthread_mutex_t lock; /* of what follows */
	uint32_t cc, csts, aqa, intms;
	uint64_t asq, acq;
	bool running;             /* the queues are what CC.EN made of them */
	bool reset_due, stop_due; /* CC asks for a controller reset, for a shutdown */
	unsigned page_bits;       /* as CC had it when it was enabled */
	bool bad_doorbell[2];     /* by NVME_ERROR_DOORBELL_* */
	bool told;                /* a mistake of the guest's was logged */
	struct nvme_mem mem;
	struct nvme_sq sq[NVME_PAIRS_MAX + 1];
	struct nvme_cq cq[NVME_PAIRS_MAX + 1];

	/* The thread's. */
	struct nvme_features feat;
	unsigned aers;
	uint16_t aer[NVME_AERS]; /* command ids */
	unsigned events;
	struct nvme_event event[4]; /* one for each kind that there is */
	unsigned event_masked;      /* types that wait for their log page to be read; bits */
	struct nvme_error error[NVME_ERRORS];
	uint64_t errors, media_errors; /* ever since */
	uint64_t blocks_read, blocks_written, reads, writes;
	struct nvme_seg seg[NVME_MAX_SEGS];
	uint8_t *data; /* NVME_MAX_DATA bytes */
};

static inline uint32_t nvme_nsid(const struct nvme_cmd *c)
{
	return c->dw[1];
}

static inline uint16_t nvme_cid(const struct nvme_cmd *c)
{
	return (uint16_t)(c->dw[0] >> 16);
}

static inline uint64_t nvme_blocks(const struct nvme *n)
{
	return n->drive.size / NVME_BLOCK;
}

/* --- nvme.c --- */

/* Log what the guest's driver does wrong, once for each controller; the lock is held. */
void nvme_mistake(struct nvme *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Bring INTx to what the completion queues ask for; the lock is held. */
void nvme_drive_pin(struct nvme *n);
/* Forget queues and requests; the lock is held. */
void nvme_clear_queues(struct nvme *n);

/* --- nvme_queue.c --- */

void nvme_run(void *opaque); /* the thread's work after a kick */
/*
 * Write a completion and have its interrupt due; status without the phase bit.  False where the
 * completion queue is full or the controller was reset.
 */
bool nvme_complete(struct nvme *n, unsigned sqid, uint16_t cid, uint32_t result, uint16_t status);

/* Is there room for n completions in the admin queue? */
bool nvme_room(struct nvme *n, unsigned completions);

/*
 * --- nvme_admin.c, nvme_event.c, nvme_feature.c, nvme_info.c, nvme_io.c ---
 * Commands; they return a status, or NVME_LATER.
 */

uint16_t nvme_admin(struct nvme *n, const struct nvme_cmd *c, uint32_t *result);
uint16_t nvme_io(struct nvme *n, const struct nvme_cmd *c, uint32_t *result);
uint16_t nvme_identify(struct nvme *n, const struct nvme_cmd *c, uint32_t *result);
uint16_t nvme_get_log(struct nvme *n, const struct nvme_cmd *c, uint32_t *result);
uint16_t nvme_get_features(struct nvme *n, const struct nvme_cmd *c, uint32_t *result);
uint16_t nvme_set_features(struct nvme *n, const struct nvme_cmd *c, uint32_t *result);
uint16_t nvme_aer(struct nvme *n, const struct nvme_cmd *c, uint32_t *result);
void nvme_reset_features(struct nvme *n);
/* Are there such commands? */
bool nvme_admin_has(uint8_t opcode);
bool nvme_io_has(uint8_t opcode, bool *writes);

/* --- nvme_event.c --- */

void nvme_event(struct nvme *n, unsigned type, unsigned info, unsigned log);
void nvme_log_read(struct nvme *n, unsigned log); /* the host has seen what events told of */
void nvme_send_events(struct nvme *n);            /* complete requests as far as there are events */
bool nvme_abort_aer(struct nvme *n, uint16_t cid);
void nvme_check_temperature(struct nvme *n);
unsigned nvme_warnings(const struct nvme *n); /* critical warnings (5.14.1.2) */
/* Put an entry into the error log; the status with NVME_MORE. */
uint16_t nvme_log_error(struct nvme *n, const struct nvme_cmd *c, uint16_t status, uint64_t lba);

/* --- nvme_mem.c --- */

/* After pcidev_init().  -EINVAL for a size that cannot be, or ram_init's errors. */
int nvme_mem_init(struct nvme *n, const struct nvme_conf *conf, struct err **errp);
void nvme_mem_fini(struct nvme *n);
/* Registers; the lock is held. */
void nvme_mem_reset(struct nvme *n); /* of the function; a controller reset keeps all of it */
uint64_t nvme_mem_cap(const struct nvme *n); /* bits of CAP */
void nvme_mem_registers(const struct nvme *n, uint8_t r[NVME_REGS]);
void nvme_mem_pmr_registers(const struct nvme *n, uint8_t r[NVME_PMR_REGS]);
void nvme_mem_write(struct nvme *n, unsigned off, uint32_t val);
void nvme_mem_persist(struct nvme *n); /* what is in the PMR survives the host's crash */
/* For the thread, with no lock held: as devworker_read and _write, or in the lent memory. */
bool nvme_dma_read(struct nvme *n, uint64_t addr, void *buf, size_t len);
bool nvme_dma_write(struct nvme *n, uint64_t addr, const void *buf, size_t len);

/* --- nvme_prp.c --- */

/*
 * The host memory that a command's PRP entries name (4.3), len bytes of it (1..NVME_MAX_DATA), into
 * n->seg.
 */
uint16_t nvme_map(struct nvme *n, const struct nvme_cmd *c, size_t len);
/* Move between buf and what was mapped. */
uint16_t nvme_to_host(struct nvme *n, const void *buf, size_t len);
uint16_t nvme_from_host(struct nvme *n, void *buf, size_t len);
/* nvme_map and nvme_to_host. */
uint16_t nvme_give(struct nvme *n, const struct nvme_cmd *c, const void *buf, size_t len);

#endif
