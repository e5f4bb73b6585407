// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns who sees which memory that is set aside for system management mode.  Called by mch.c for
 * config cycles; never touches what is in it.
 */
#include "hw/q35/smram.h"

#include <glib.h>

#include "hw/q35/q35.h"
#include "mem/layout.h"

#define EXT_TSEG 0x50  /* of QEMU's board: ones written are answered by a number of MiB */
#define F_SMBASE 0x9c  /* of QEMU's board */
#define SMRAM 0x9d     /* 5.1.32 */
#define ESMRAMC 0x9e   /* 5.1.33 */
#define LOW 0xa0000ull /* and the way to it from above: */
#define HIGH 0xfeda0000ull
#define SMBASE 0x30000ull
#define SIZE (128 * KIB)

enum { SMBASE_ASKED = 0xff, SMBASE_IN_RAM = 1, SMBASE_LOCK = 2 };
enum { D_OPEN = 0x40, D_CLS = 0x20, D_LCK = 0x10, G_SMRAME = 8, C_BASE = 2 };
enum { H_SMRAME = 0x80, TSEG_SIZE = 6, T_EN = 1, ESMRAMC_FIXED = 0x38 };

static void map(struct smram *s, struct mmapping **m, struct region *r, uint64_t addr, uint64_t off,
		uint64_t size, int prio)
{
	aspace_unmap(s->mem, *m);
	*m = size ? aspace_map(s->mem, r, addr, off, size, prio) : NULL;
}

static uint64_t tseg_size(const struct smram *s)
{
	static const uint64_t sizes[] = {MIB, 2 * MIB, 8 * MIB};
	uint8_t reg = s->dev->cfg[ESMRAMC], code = (reg & TSEG_SIZE) >> 1;
	uint64_t size = code < 3 ? sizes[code] : s->conf.tseg_mbytes * MIB;

	if (!(reg & T_EN) || !(s->dev->cfg[SMRAM] & G_SMRAME))
		return 0;
	return MIN(size, s->conf.ram_below_4g);
}

static void place(struct smram *s)
{
	uint8_t *cfg = s->dev->cfg, *wmask = s->dev->wmask;
	bool high = cfg[ESMRAMC] & H_SMRAME, open;
	uint64_t tseg;

	if (cfg[SMRAM] & D_LCK) {
		cfg[SMRAM] &= (uint8_t)~D_OPEN;
		wmask[SMRAM] = D_CLS;
		wmask[ESMRAMC] = 0;
	}
	open = cfg[SMRAM] & D_OPEN;
	tseg = tseg_size(s);
	aspace_begin(s->mem);
	if (open && !high)
		map(s, &s->low, s->conf.ram, LOW, LOW, SIZE, MCH_PRIO_VGA + 1);
	else
		map(s, &s->low, &s->hole, LOW, 0, SIZE, MCH_PRIO_VGA - 1);
	map(s, &s->high, s->conf.ram, HIGH, LOW, open && high ? SIZE : 0, 1);
	map(s, &s->tseg, &s->hole, s->conf.ram_below_4g - tseg, 0, tseg, 1);
	aspace_commit(s->mem);
}

/* Ones are a question; answered, the lock can be set, and is not undone but by a reset. */
static void write_smbase(struct smram *s)
{
	uint8_t *reg = &s->dev->cfg[F_SMBASE], *wmask = &s->dev->wmask[F_SMBASE];

	if (s->conf.no_smbase)
		return;
	if (*wmask == SMBASE_ASKED) {
		if (*reg == SMBASE_ASKED)
			*wmask = SMBASE_LOCK;
		*reg = *reg == SMBASE_ASKED ? SMBASE_IN_RAM : 0;
	} else if (*reg & SMBASE_LOCK) {
		*wmask = 0;
		*reg = SMBASE_LOCK;
	}
	map(s, &s->smbase, &s->hole, SMBASE, 0, *reg & SMBASE_LOCK ? SIZE : 0, 1);
}

static void write_ext_tseg(struct smram *s)
{
	uint8_t *reg = s->dev->cfg + EXT_TSEG;

	if (s->conf.tseg_mbytes && pci_get16(reg) == 0xffff)
		pci_set16(reg, (uint16_t)s->conf.tseg_mbytes);
}

void smram_written(struct smram *s, unsigned off, unsigned len)
{
	if (!s->conf.ram)
		return;
	if (pci_hits(off, len, SMRAM, 2))
		place(s);
	if (pci_hits(off, len, EXT_TSEG, 2))
		write_ext_tseg(s);
	if (pci_hits(off, len, F_SMBASE, 1))
		write_smbase(s);
}

void smram_reset(struct smram *s)
{
	uint8_t *cfg = s->dev->cfg, *wmask = s->dev->wmask;

	cfg[SMRAM] = C_BASE;
	wmask[SMRAM] = D_OPEN | D_CLS | D_LCK | G_SMRAME;
	cfg[ESMRAMC] = ESMRAMC_FIXED;
	wmask[ESMRAMC] = H_SMRAME | TSEG_SIZE | T_EN;
	cfg[F_SMBASE] = 0;
	wmask[F_SMBASE] = SMBASE_ASKED;
	pci_set16(cfg + EXT_TSEG, s->conf.tseg_mbytes ? 0xffff : 0);
	smram_written(s, EXT_TSEG, PCI_CFG_CONV - EXT_TSEG);
}

void smram_init(struct smram *s, struct pcidev *d, struct aspace *mem,
		const struct smram_conf *conf)
{
	*s = (struct smram){.conf = *conf, .dev = d, .mem = mem};
	region_init_io(&s->hole, "smram-closed", SMRAM_TSEG_MBYTES_MAX * MIB, NULL, NULL);
	pci_set16(d->wmask + EXT_TSEG, 0xffff);
	smram_reset(s);
}

void smram_fini(struct smram *s)
{
	struct mmapping **all[] = {&s->low, &s->high, &s->tseg, &s->smbase};

	aspace_begin(s->mem);
	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
		map(s, all[i], NULL, 0, 0, 0, 0);
	aspace_commit(s->mem);
}
