/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System management memory of the host bridge (316966, 5.1.32, 5.1.33): the window at 0xa0000, TSEG
 * at the top of the RAM below 4 GiB, and the 128 KiB at the reset value of SMBASE.
 *
 * Invariants: no CPU of this board enters SMM, so memory that only SMM may see is a hole: reads
 * give ones, writes are dropped, what is in the RAM stays there.  The registers are in the host
 * bridge's config space, and this is the only file that knows them.  All functions are called with
 * the PCI host's lock held, or before anything runs.
 */
#ifndef HW_Q35_SMRAM_H
#define HW_Q35_SMRAM_H

#include "hw/pci/pci.h"

#define SMRAM_TSEG_MBYTES_MAX 0xfffu

struct smram_conf {
	struct region *ram; /* the board's memory from address 0 on; NULL = none of this is there */
	uint64_t ram_below_4g; /* bytes of it that show below 4 GiB */
	unsigned tseg_mbytes;  /* fourth size of TSEG, which a register tells; 0 = there is none */
	bool no_smbase;        /* register 0x9c is memory: boards before 4.2 */
};

struct smram {
	struct smram_conf conf;
	struct pcidev *dev;
	struct aspace *mem;
	struct region hole;
	struct mmapping *low, *high, *tseg, *smbase;
};

void smram_init(struct smram *s, struct pcidev *d, struct aspace *mem,
		const struct smram_conf *conf);
void smram_fini(struct smram *s);
void smram_reset(struct smram *s); /* undoes the locks */
/* To be called after each config write. */
void smram_written(struct smram *s, unsigned off, unsigned len);

#endif
