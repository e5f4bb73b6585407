// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the synthetic devices' definitions and what such a device does to its own config space when
 * it is written.  Called by the physical device; never sees a bus or a BAR.
 */
#include "tests/diff/cfgtest.h"

#include <glib.h>
#include <string.h>

#include "hw/pci/pci.h"

static unsigned hex_at(char **words, unsigned i)
{
	return i < g_strv_length(words) ? (unsigned)g_ascii_strtoull(words[i], NULL, 16) : 0;
}

/* "c OFF bytes": the bytes go to `to`. */
static void put_bytes(uint8_t *to, char **words)
{
	unsigned off = hex_at(words, 1);

	for (unsigned i = 2; words[i] && off < CFGTEST_SIZE; i++, off++)
		to[off] = (uint8_t)hex_at(words, i);
}

static void init_vpd(struct cfgtest *c, char **words)
{
	c->vpd = hex_at(words, 1);
	c->vpd_len = MIN(hex_at(words, 2), sizeof(c->vpd_data));
	for (unsigned i = 0; i < c->vpd_len; i++)
		c->vpd_data[i] = (uint8_t)(7 * i + 3);
	memcpy(c->vpd_data,
	       "\x82\x10\x00"
	       "cfgtest device!!"
	       "\x91\x20\x00",
	       22);
	c->vpd_data[54] = 0x78;
}

static void init_pwr(struct cfgtest *c, char **words)
{
	c->pwr = hex_at(words, 1);
	for (unsigned i = 2; words[i] && c->pwr_count < CFGTEST_PWR; i++)
		c->pwr_data[c->pwr_count++] = hex_at(words, i);
}

static void parse_line(struct cfgtest *c, char **w)
{
	const char *op = w[0];

	if (!strcmp(op, "c"))
		put_bytes(c->init, w);
	else if (!strcmp(op, "w"))
		put_bytes(c->wmask, w);
	else if (!strcmp(op, "1"))
		put_bytes(c->w1c, w);
	else if (!strcmp(op, "next"))
		c->init[hex_at(w, 1) % CFGTEST_SIZE] = (uint8_t)hex_at(w, 2);
	else if (!strcmp(op, "hwbar"))
		c->hwbar = (int)hex_at(w, 1);
	else if (!strcmp(op, "vpd"))
		init_vpd(c, w);
	else if (!strcmp(op, "vpdff"))
		memset(c->vpd_data, 0xff, sizeof(c->vpd_data));
	else if (!strcmp(op, "af"))
		c->af = hex_at(w, 1);
	else if (!strcmp(op, "exp"))
		c->exp = hex_at(w, 1);
	else if (!strcmp(op, "pm"))
		c->pm = hex_at(w, 1);
	else if (!strcmp(op, "pwr"))
		init_pwr(c, w);
	else if (!strcmp(op, "intx"))
		c->intx = true;
	else if (!strcmp(op, "msi"))
		c->msi = hex_at(w, 1);
	else if (!strcmp(op, "msix"))
		c->msix = hex_at(w, 1);
}

/* Every capability fits behind its offset: what a file says otherwise is not there. */
static void bound(unsigned *off)
{
	if (*off < 0x40 || *off > CFGTEST_SIZE - 0x40)
		*off = 0;
}

struct cfgtest *cfgtest_load(const char *path, char **error)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	GError *e = NULL;
	struct cfgtest *c;

	if (!g_file_get_contents(path, &text, NULL, &e)) {
		*error = g_strdup(e->message);
		g_error_free(e);
		return NULL;
	}
	c = g_new0(struct cfgtest, 1);
	c->hwbar = -1;
	memset(c->wmask + 0x40, 0xff, CFGTEST_SIZE - 0x40);
	lines = g_strsplit(text, "\n", -1);
	for (unsigned i = 0; lines[i]; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);

		if (words[0] && words[0][0] != '#')
			parse_line(c, words);
	}
	bound(&c->vpd);
	bound(&c->af);
	bound(&c->exp);
	bound(&c->pm);
	bound(&c->pwr);
	bound(&c->msi);
	bound(&c->msix);
	return c;
}

/* --- side effects --- */

/* The flag says which way; it is toggled when the transfer is done, which is at once. */
static void vpd_access(struct cfgtest *c, uint8_t *cfg)
{
	uint16_t addr = pci_get16(cfg + c->vpd + 2);
	unsigned off = addr & 0x7ffc;
	bool store = addr & PCI_VPD_ADDR_F, inside = off + 4 <= c->vpd_len;

	if (inside && store)
		memcpy(c->vpd_data + off, cfg + c->vpd + 4, 4);
	else if (inside)
		memcpy(cfg + c->vpd + 4, c->vpd_data + off, 4);
	else if (!store)
		memset(cfg + c->vpd + 4, 0xff, 4);
	pci_set16(cfg + c->vpd + 2, addr ^ PCI_VPD_ADDR_F);
}

/* The byte of a write that lands on `at`; 0 where none does. */
static uint8_t byte_at(unsigned at, unsigned off, uint32_t val, unsigned len)
{
	return pci_hits(off, len, at, 1) ? (uint8_t)(val >> (8 * (at - off))) : 0;
}

bool cfgtest_written(struct cfgtest *c, uint8_t *cfg, unsigned off, uint32_t val, unsigned len,
		     uint8_t old_pm)
{
	bool reset = false;

	if (c->vpd && pci_hits(off, len, c->vpd + 3, 1))
		vpd_access(c, cfg);
	if (c->pwr && pci_hits(off, len, c->pwr + 4, 1)) {
		uint8_t select = cfg[c->pwr + 4];

		pci_set32(cfg + c->pwr + 8, select < c->pwr_count ? c->pwr_data[select] : 0);
	}
	if (c->af)
		reset |= byte_at(c->af + PCI_AF_CTRL, off, val, len) & PCI_AF_CTRL_FLR &&
			 cfg[c->af + PCI_AF_CAP] & PCI_AF_CAP_FLR;
	if (c->exp)
		reset |= byte_at(c->exp + PCI_EXP_DEVCTL + 1, off, val, len) & 0x80 &&
			 pci_get32(cfg + c->exp + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR;
	if (c->pm && pci_hits(off, len, c->pm + PCI_PM_CTRL, 1)) {
		uint8_t now = cfg[c->pm + PCI_PM_CTRL];

		reset |= (old_pm & PCI_PM_CTRL_STATE_MASK) == 3 &&
			 !(now & PCI_PM_CTRL_STATE_MASK) && !(now & PCI_PM_CTRL_NO_SOFT_RESET);
	}
	return reset;
}
