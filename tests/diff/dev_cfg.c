// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the records about config space: virtual as the user sees it, physical as the machine has it,
 * and what of the physical one is adopted.  Called by dev.c for each record.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "tests/diff/dev.h"
#include "tests/diff/physdev.h"

#define ROW 16

static uint64_t cfg_at(uint64_t off)
{
	return dev_region_at(VFIO_PCI_CONFIG_REGION_INDEX, off);
}

/* --- virtual config space --- */

void dev_cfg_r(struct dev *d, const struct rec *rec)
{
	uint8_t buf[DEV_VALUE_MAX] = {};
	g_autofree char *value = NULL;
	uint64_t off, size;
	long ret;

	if (rec->args != 3 || !trace_hex(rec->arg[1], &off) || !trace_dec(rec->arg[2], &size) ||
	    size > sizeof(buf)) {
		replay_malformed(d->r, rec);
		return;
	}
	ret = dev_pread(d, buf, size, cfg_at(off));
	value = ret > 0 ? dev_spell(buf, (size_t)ret) : NULL;
	replay_got(d->r, rec, ret, value);
}

void dev_cfg_w(struct dev *d, const struct rec *rec)
{
	uint8_t buf[DEV_VALUE_MAX];
	uint64_t off, size;

	if (rec->args != 4 || !trace_hex(rec->arg[1], &off) || !trace_dec(rec->arg[2], &size) ||
	    size > sizeof(buf) || !trace_value(rec->arg[3], size, buf)) {
		replay_malformed(d->r, rec);
		return;
	}
	replay_got(d->r, rec, dev_pwrite(d, buf, size, cfg_at(off)), NULL);
}

/* rbad, wbad: the same with a user buffer that is not there. */
void dev_cfg_bad(struct dev *d, const struct rec *rec)
{
	uint64_t off, size;

	if (rec->args != 3 || !trace_hex(rec->arg[1], &off) || !trace_dec(rec->arg[2], &size))
		replay_malformed(d->r, rec);
	else if (trace_is(rec, "rbad"))
		replay_got(d->r, rec, dev_pread(d, NULL, size, cfg_at(off)), NULL);
	else
		replay_got(d->r, rec, dev_pwrite(d, NULL, size, cfg_at(off)), NULL);
}

struct vdump {
	uint8_t v[3][PCI_CFG_EXT];                   /* read by 1, 2 and 4 bytes */
	const struct rec *rec[3][PCI_CFG_EXT / ROW]; /* the lines; NULL = zeros */
};

static const unsigned widths[3] = {1, 2, 4};

/* Collect the lines up to vend. */
static bool parse_vdump(struct dev *d, struct vdump *want, size_t size)
{
	const struct rec *rec;

	while ((rec = replay_next(d->r)) && !trace_is(rec, "vend")) {
		unsigned w = trace_is(rec, "v1") ? 0 : trace_is(rec, "v2") ? 1 : 2;
		uint64_t off;

		if (rec->arg[0][0] != 'v' || strlen(rec->arg[0]) != 2 ||
		    !trace_row(rec, widths[w], want->v[w], size)) {
			replay_malformed(d->r, rec);
			return false;
		}
		trace_hex(rec->arg[1], &off);
		want->rec[w][off / ROW] = rec;
	}
	return rec;
}

static void read_whole(struct dev *d, uint8_t *buf, size_t size, unsigned width)
{
	for (size_t off = 0; off < size; off += width) {
		uint8_t v[4];

		memset(v, 0xee, sizeof(v));
		dev_pread(d, v, width, cfg_at(off));
		memcpy(buf + off, v, width);
	}
}

static char *spell_row(const uint8_t *row, unsigned width)
{
	GString *s = g_string_new(NULL);

	for (unsigned i = 0; i < ROW; i += width) {
		g_autofree char *v = dev_spell(row + i, width);

		g_string_append_printf(s, "%s%s", i ? " " : "", v);
	}
	return g_string_free(s, FALSE);
}

static void compare_row(struct dev *d, const struct rec *rec, unsigned off, unsigned width,
			const uint8_t *want, const uint8_t *got)
{
	g_autofree char *expected = NULL, *have = NULL;

	if (!memcmp(want, got, ROW)) {
		replay_same(d->r);
		return;
	}
	expected = spell_row(want, width);
	have = spell_row(got, width);
	replay_differs(d->r, rec, "v%u %03x: expected %s, got %s", width, off, expected, have);
}

void dev_cfg_vdump(struct dev *d, const struct rec *rec)
{
	g_autofree struct vdump *want = g_new0(struct vdump, 1);
	uint8_t got[PCI_CFG_EXT];
	uint64_t size;

	if (rec->args != 3 || !trace_dec(rec->arg[2], &size) || size != d->pci->cfg_size) {
		replay_malformed(d->r, rec);
		return;
	}
	if (!parse_vdump(d, want, size)) {
		replay_differs(d->r, rec, "malformed: it does not come to its vend");
		return;
	}
	for (unsigned w = 0; w < 3; w++) {
		read_whole(d, got, size, widths[w]);
		for (unsigned off = 0; off < size; off += ROW)
			compare_row(d, want->rec[w][off / ROW] ?: rec, off, widths[w],
				    want->v[w] + off, got + off);
	}
}

/* --- the physical device --- */

static long phys_read(struct dev *d, unsigned off, unsigned size, uint8_t *buf)
{
	while (size) {
		unsigned n = off & 1 || size < 2 ? 1 : off & 2 || size < 4 ? 2 : 4;
		uint32_t v = 0;
		int ret = host_cfg_read(d->hd, off, n, &v);

		if (ret < 0)
			return ret;
		for (unsigned i = 0; i < n; i++)
			buf[i] = (uint8_t)(v >> (8 * i));
		off += n;
		buf += n;
		size -= n;
	}
	return 0;
}

/*
 * What the recording may know better, byte by byte.  The rules are as narrow as the recorded
 * environment allows:
 *
 * ADOPT_MSI: bytes of MSI's low address and data that the emulated host wrote itself, while MSI is
 * enabled: they name a vector and a processor of the machine.
 * ADOPT_DRIVER: in the dumps "boot" and "unbound" before vfio-pci is asked: COMMAND and MSI, MSI-X
 * enables (of a bridge, whose driver is that of its port: anything from 0x40, too), as firmware,
 * the kernel's start and the native driver have left them.
 */
static int rule_for(const struct dev *d, unsigned off)
{
	if (physdev_is_host_message(d->pci, off))
		return ADOPT_MSI;
	if (d->native_dump && physdev_is_driver_state(d->pci, off))
		return ADOPT_DRIVER;
	return -1;
}

/* Take over what differs; false: something did that no rule covers. */
static bool adopt(struct dev *d, unsigned off, unsigned n, const uint8_t *want, const uint8_t *got)
{
	bool fine = true;

	for (unsigned i = 0; i < n; i++) {
		int rule;

		if (want[i] == got[i])
			continue;
		rule = rule_for(d, off + i);
		fine &= rule >= 0;
		if (rule >= 0)
			d->r->adopted[rule]++;
		physdev_set(d->pci, off + i, want[i]);
	}
	physdev_settle(d->pci);
	return fine;
}

static void compare_phys(struct dev *d, const struct rec *rec, unsigned off, unsigned n,
			 const uint8_t *want, const uint8_t *got)
{
	g_autofree char *expected = NULL, *have = NULL;

	if (!memcmp(want, got, n) || adopt(d, off, n, want, got)) {
		replay_same(d->r);
		return;
	}
	expected = dev_spell(want, n);
	have = dev_spell(got, n);
	replay_differs(d->r, rec, "physical %03x: expected %s, got %s", off, expected, have);
}

void dev_cfg_phys_read(struct dev *d, const struct rec *rec)
{
	uint8_t want[PCI_CFG_EXT], got[PCI_CFG_EXT];
	uint64_t off, size;

	if (rec->args != 4 || !trace_hex(rec->arg[1], &off) || !trace_dec(rec->arg[2], &size) ||
	    size > sizeof(want) || off > sizeof(want) - size ||
	    !trace_value(rec->arg[3], size, want)) {
		replay_malformed(d->r, rec);
		return;
	}
	if (phys_read(d, (unsigned)off, (unsigned)size, got) < 0)
		replay_differs(d->r, rec, "cannot be read");
	else
		compare_phys(d, rec, (unsigned)off, (unsigned)size, want, got);
}

void dev_cfg_phys_write(struct dev *d, const struct rec *rec)
{
	uint64_t off, size;
	uint8_t buf[4] = {};
	int ret;

	if (rec->args != 4 || !trace_hex(rec->arg[1], &off) || !trace_dec(rec->arg[2], &size) ||
	    !(size == 1 || size == 2 || size == 4) || off > PCI_CFG_EXT - size ||
	    !trace_value(rec->arg[3], size, buf)) {
		replay_malformed(d->r, rec);
		return;
	}
	ret = host_cfg_write(d->hd, (unsigned)off, (unsigned)size, pci_get32(buf));
	physdev_tester_wrote(d->pci, (unsigned)off, (unsigned)size);
	replay_got(d->r, rec, ret < 0 ? ret : (long)size, NULL);
}

/* The synthetic device is told by a BAR write to change its own config byte. */
void dev_cfg_hw(struct dev *d, const struct rec *rec)
{
	int bar = physdev_control_bar(d->pci);
	uint64_t off, size;
	uint8_t val, cmd[4];

	if (rec->args != 4 || !trace_hex(rec->arg[1], &off) || off >= PCI_CFG_EXT ||
	    !trace_dec(rec->arg[2], &size) || size != 1 || !trace_value(rec->arg[3], 1, &val) ||
	    bar < 0) {
		replay_malformed(d->r, rec);
		return;
	}
	pci_set32(cmd, (uint32_t)val << 16 | (uint32_t)off);
	replay_got(d->r, rec, dev_pwrite(d, cmd, 4, dev_region_at((unsigned)bar, 0x40)), NULL);
}

/* Lines after the record at `from` that are its dump; the index of the last one, or -1. */
static int parse_physdump(const struct replay *r, unsigned from, uint8_t *want, size_t size,
			  const struct rec **lines)
{
	unsigned i = from;

	for (; i + 1 < r->trace->recs && trace_is(&r->trace->rec[i + 1], "phys"); i++) {
		const struct rec *rec = &r->trace->rec[i + 1];
		uint64_t off;

		if (!trace_row(rec, 1, want, size))
			return -1;
		trace_hex(rec->arg[1], &off);
		lines[off / ROW] = rec;
	}
	return (int)i;
}

static bool dump_size(const struct dev *d, const struct rec *rec)
{
	uint64_t size;

	return rec->args == 3 && trace_dec(rec->arg[2], &size) && size == d->pci->cfg_size;
}

void dev_cfg_physdump(struct dev *d, const struct rec *rec)
{
	const struct rec *lines[PCI_CFG_EXT / ROW] = {};
	uint8_t want[PCI_CFG_EXT] = {}, got[PCI_CFG_EXT];
	unsigned size = d->pci->cfg_size;
	int last = parse_physdump(d->r, d->r->cur, want, size, lines);

	if (last < 0 || !dump_size(d, rec)) {
		replay_malformed(d->r, rec);
		return;
	}
	d->r->cur = (unsigned)last;
	d->native_dump =
		!d->bind_seen && (!strcmp(rec->arg[1], "boot") || !strcmp(rec->arg[1], "unbound"));
	if (phys_read(d, 0, size, got) < 0) {
		replay_differs(d->r, rec, "cannot be read");
		return;
	}
	for (unsigned off = 0; off < size; off += ROW)
		compare_phys(d, lines[off / ROW] ?: rec, off, ROW, want + off, got + off);
	d->native_dump = false;
}
