/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg: what the board tells firmware and kernels, as numbered items and named files.
 *
 * Invariants: the registers are QEMU's (docs/specs/fw_cfg): selector at port 0x510 (16 bits, write
 * only), data at 0x511 (bytes; reads at 0x510 are the same), DMA address at 0x514 (64 bits, big
 * endian; a write of the low half, at 0x518, starts the transfer, which is over when the write
 * returns).  Items hold copies of what they were given.  Files are numbered from 0x20 in the order
 * of their names, so a file that is added renumbers those behind it: add them before the guest
 * runs.  DMA goes to and from RAM; anything else in the guest's memory map is an error that the
 * guest sees in the control word, whatever addresses and lengths it names.  Every function may be
 * called from any thread but new and free (main loop's thread).
 */
#ifndef HW_ISA_FW_CFG_H
#define HW_ISA_FW_CFG_H

#include <stddef.h>
#include <stdint.h>

#include "mem/aspace.h"

struct err;

/* Ports, from FW_CFG_PORT. */
#define FW_CFG_PORT 0x510
#define FW_CFG_DMA_PORT 0x514

/* Keys, as <linux/qemu_fw_cfg.h> and QEMU's firmware have them; those that a PC has. */
enum {
	FW_CFG_SIGNATURE = 0x00, /* "QEMU"; there from the start */
	FW_CFG_ID = 0x01,        /* u32: bit 0 the ports, bit 1 DMA; there from the start */
	FW_CFG_UUID = 0x02,      /* 16 bytes in the order of the text */
	FW_CFG_RAM_SIZE = 0x03,  /* u64, bytes */
	FW_CFG_NOGRAPHIC = 0x04, /* u16: 1 = the firmware's console is the serial port */
	FW_CFG_NB_CPUS = 0x05,   /* u16 */
	FW_CFG_NUMA = 0x0d,      /* u64: nodes; node of each APIC id; bytes of each node */
	FW_CFG_BOOT_MENU = 0x0e, /* u16: 1 = offer it */
	FW_CFG_MAX_CPUS = 0x0f,  /* u16: highest APIC id + 1 */
	FW_CFG_FILE_DIR = 0x19,  /* the directory of files; there from the first file on */
	FW_CFG_FILE_FIRST = 0x20,
	FW_CFG_IRQ0_OVERRIDE = 0x8002, /* u32: 1 = the timer's IRQ 0 is the IO-APIC's pin 2 */
};

#define FW_CFG_FILES 0x20    /* of them the most */
#define FW_CFG_NAME_MAX 55   /* bytes of a file's name */
#define FW_CFG_FILE_ENTRY 64 /* bytes of one directory entry */

/* Bits of the DMA control word; its upper 16 bits are the key to select. */
#define FW_CFG_DMA_ERROR 0x01u
#define FW_CFG_DMA_READ 0x02u
#define FW_CFG_DMA_SKIP 0x04u
#define FW_CFG_DMA_SELECT 0x08u
#define FW_CFG_DMA_WRITE 0x10u

struct fw_cfg;

/* Signature and id are there.  io: the I/O ports; mem: where DMA goes, the guest's memory. */
struct fw_cfg *fw_cfg_new(struct aspace *io, struct aspace *mem);
void fw_cfg_free(struct fw_cfg *f);  /* NULL is accepted */
void fw_cfg_reset(struct fw_cfg *f); /* selects key 0; the items stay */

/*
 * Put an item, or replace it.  key: below 0x20, or the same with bit 15 set (the architecture's
 * own); -EINVAL for another.  data: len bytes, copied; numbers are stored little endian.
 */
int fw_cfg_put(struct fw_cfg *f, uint16_t key, const void *data, size_t len);
int fw_cfg_put_u16(struct fw_cfg *f, uint16_t key, uint16_t val);
int fw_cfg_put_u32(struct fw_cfg *f, uint16_t key, uint32_t val);
int fw_cfg_put_u64(struct fw_cfg *f, uint16_t key, uint64_t val);

/*
 * Add a file of len bytes (below 4 GiB), copied.  -EEXIST: the name is taken; -EINVAL: it is empty
 * or longer than FW_CFG_NAME_MAX bytes; -EFBIG; -ENOSPC: there are FW_CFG_FILES already.
 */
int fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data, size_t len,
		    struct err **errp);
/* The same, or new content for the file of that name, which keeps its number. */
int fw_cfg_set_file(struct fw_cfg *f, const char *name, const void *data, size_t len,
		    struct err **errp);
/*
 * A file that the guest may write, by DMA.  written: called after each write that changed
 * [off, off + len) of data, on the vCPU's thread with fw_cfg's lock held: it may only take note.
 */
typedef void fw_cfg_written(void *opaque, const uint8_t *data, size_t off, size_t len);
int fw_cfg_add_writable(struct fw_cfg *f, const char *name, const void *data, size_t len,
			fw_cfg_written *written, void *opaque, struct err **errp);

#endif
