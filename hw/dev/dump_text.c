// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the reading of lspci's hex dumps.  Called by the pci-dump model and by whoever plugs a whole
 * file; never interprets a register.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "hw/dev/dump.h"

#define MAX_FILE (64u << 20)
#define ROW 16u

/* --- words --- */

/* min to max hexadecimal digits, not one more. */
static bool hex(const char **p, unsigned min, unsigned max, unsigned *v)
{
	unsigned n = 0;

	*v = 0;
	for (; n < max && g_ascii_isxdigit((*p)[n]); n++)
		*v = *v << 4 | (unsigned)g_ascii_xdigit_value((*p)[n]);
	if (n < min || g_ascii_isxdigit((*p)[n]))
		return false;
	*p += n;
	return true;
}

static bool literal(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool short_address(const char **p, uint16_t *bdf)
{
	unsigned bus, slot, fn;

	if (!hex(p, 2, 2, &bus) || !literal(p, ':') || !hex(p, 2, 2, &slot) || slot > 0x1f ||
	    !literal(p, '.') || !hex(p, 1, 1, &fn) || fn > 7)
		return false;
	*bdf = (uint16_t)(bus << 8 | PCI_DEVFN(slot, fn));
	return true;
}

static bool address(const char **p, unsigned *domain, uint16_t *bdf)
{
	const char *q = *p;

	if (hex(&q, 4, 8, domain) && literal(&q, ':'))
		*p = q;
	else
		*domain = 0;
	return short_address(p, bdf);
}

/* "01:00.0 Class: Name", at the start of a line. */
static bool is_header(const char *line, unsigned *domain, uint16_t *bdf)
{
	return address(&line, domain, bdf) && (!*line || g_ascii_isspace(*line));
}

/* "10: 00 ..." */
static bool is_row(const char **line, unsigned *off)
{
	return hex(line, 2, 3, off) && literal(line, ':') && (!**line || g_ascii_isspace(**line));
}

/* --- lines --- */

struct parser {
	const char *file;
	unsigned line;
	struct pcidump *dump;
	struct pcidump_dev *dev; /* the last of the dump's; NULL before the first */
};

char *pcidump_name(const struct pcidump_dev *dev)
{
	unsigned bus = dev->bdf >> 8, slot = PCI_SLOT(dev->bdf & 0xff), fn = PCI_FUNC(dev->bdf);

	if (dev->domain)
		return g_strdup_printf("%04x:%02x:%02x.%x", dev->domain, bus, slot, fn);
	return g_strdup_printf("%02x:%02x.%x", bus, slot, fn);
}

/* The dump of a device is over: is it whole? */
static int end_device(struct parser *p, struct err **errp)
{
	const struct pcidump_dev *d = p->dev;
	g_autofree char *name = d ? pcidump_name(d) : NULL;
	bool cardbus = d && (d->cfg[PCI_HEADER_TYPE] & 0x7f) == PCI_HEADER_TYPE_CARDBUS;
	int ret;

	if (!d || d->size == 64 || d->size == PCI_CFG_CONV || d->size == PCI_CFG_EXT ||
	    (d->size == 128 && cardbus))
		return 0;
	if (d->size)
		return err_set(errp, -EINVAL,
			       "%s:%u: the dump of %s ends after %u bytes: 64, 256 or 4096 it "
			       "must have",
			       p->file, p->line, name, d->size);
	ret = err_set(errp, -EINVAL, "%s:%u: there is no hex dump of %s", p->file, d->line, name);
	err_hint(errp, "As root on the machine that has it: lspci -xxxx");
	return ret;
}

static int begin_device(struct parser *p, unsigned domain, uint16_t bdf, struct err **errp)
{
	int ret = end_device(p, errp);

	for (guint i = 0; ret == 0 && i < p->dump->devs->len; i++) {
		const struct pcidump_dev *d = p->dump->devs->pdata[i];

		if (d->domain == domain && d->bdf == bdf)
			ret = err_set(errp, -EINVAL,
				      "%s:%u: %02x:%02x.%x is there already, in line %u", p->file,
				      p->line, bdf >> 8, PCI_SLOT(bdf & 0xff), PCI_FUNC(bdf),
				      d->line);
	}
	if (ret < 0)
		return ret;
	p->dev = g_new0(struct pcidump_dev, 1);
	p->dev->domain = domain;
	p->dev->bdf = bdf;
	p->dev->line = p->line;
	g_ptr_array_add(p->dump->devs, p->dev);
	return 0;
}

static bool row_bytes(const char *at, uint8_t *bytes)
{
	unsigned v;

	for (unsigned i = 0; i < ROW; i++) {
		if (!g_ascii_isspace(*at))
			return false;
		at += strspn(at, " \t");
		if (!hex(&at, 2, 2, &v))
			return false;
		bytes[i] = (uint8_t)v;
	}
	return !at[strspn(at, " \t")];
}

static int row(struct parser *p, unsigned off, const char *at, struct err **errp)
{
	struct pcidump_dev *d = p->dev;

	if (!d)
		return err_set(errp, -EINVAL,
			       "%s:%u: bytes, but no device's line (such as \"01:00.0 Ethernet "
			       "controller: ...\") before them",
			       p->file, p->line);
	if (off != d->size || off >= PCI_CFG_EXT)
		return err_set(errp, -EINVAL, "%s:%u: offset 0x%x where 0x%x should follow",
			       p->file, p->line, off, d->size);
	if (!row_bytes(at, d->cfg + off))
		return err_set(errp, -EINVAL,
			       "%s:%u: after the offset there must be 16 bytes in hexadecimal",
			       p->file, p->line);
	d->size += ROW;
	return 0;
}

/* What is neither a header nor bytes is what lspci -v prints between: text. */
static int take_line(struct parser *p, const char *line, struct err **errp)
{
	unsigned domain, off;
	uint16_t bdf;

	if (is_header(line, &domain, &bdf))
		return begin_device(p, domain, bdf, errp);
	return is_row(&line, &off) ? row(p, off, line, errp) : 0;
}

static int take_lines(struct parser *p, char *text, struct err **errp)
{
	int ret = 0;

	while (ret == 0 && text) {
		char *next = strchr(text, '\n'), *end = next ? next : text + strlen(text);

		p->line++;
		if (end > text && end[-1] == '\r')
			end[-1] = '\0';
		*end = '\0';
		ret = take_line(p, text, errp);
		text = next ? next + 1 : NULL;
	}
	return ret;
}

struct pcidump *pcidump_parse(const char *file, const char *text, size_t len, struct err **errp)
{
	g_autofree char *copy = g_strndup(text, len);
	struct parser p = {.file = file, .dump = g_new0(struct pcidump, 1)};
	int ret = 0;

	p.dump->file = g_strdup(file);
	p.dump->devs = g_ptr_array_new_with_free_func(g_free);
	if (memchr(text, 0, len))
		ret = err_set(errp, -EINVAL, "%s: there is a zero byte in it: it is no text", file);
	if (ret == 0)
		ret = take_lines(&p, copy, errp);
	if (ret == 0)
		ret = end_device(&p, errp);
	if (ret == 0 && !p.dev) {
		ret = err_set(errp, -EINVAL, "%s: there is no device in it", file);
		err_hint(errp, "It must be the output of lspci -x, -xxx or -xxxx.");
	}
	if (ret == 0)
		return p.dump;
	pcidump_free(p.dump);
	return NULL;
}

/* --- the file --- */

struct pcidump *pcidump_read(const char *file, struct err **errp)
{
	g_autofree char *text = g_malloc(MAX_FILE + 1);
	FILE *f = fopen(file, "re");
	size_t len;
	int failed;

	if (!f) {
		err_set_errno(errp, -errno, "open the dump '%s'", file);
		return NULL;
	}
	errno = 0;
	len = fread(text, 1, MAX_FILE + 1, f);
	failed = ferror(f) ? errno : 0;
	fclose(f);
	if (failed || len > MAX_FILE) {
		failed = failed ?: EFBIG;
		err_set_errno(errp, -failed, "read the dump '%s'", file);
		return NULL;
	}
	return pcidump_parse(file, text, len, errp);
}

void pcidump_free(struct pcidump *dump)
{
	if (!dump)
		return;
	g_ptr_array_free(dump->devs, TRUE);
	g_free(dump->file);
	g_free(dump);
}

const struct pcidump_dev *pcidump_find(const struct pcidump *dump, const char *addr,
				       struct err **errp)
{
	g_autofree char *first = pcidump_name(dump->devs->pdata[0]);
	const char *p = addr;
	unsigned domain;
	uint16_t bdf;

	if (!addr)
		return dump->devs->pdata[0];
	if (!address(&p, &domain, &bdf) || *p) {
		err_set(errp, -EINVAL, "device=%s is no PCI address", addr);
		err_hint(errp, "Write it as the dump does, such as device=%s.", first);
		return NULL;
	}
	for (guint i = 0; i < dump->devs->len; i++) {
		const struct pcidump_dev *d = dump->devs->pdata[i];

		if (d->domain == domain && d->bdf == bdf)
			return d;
	}
	err_set(errp, -ENOENT, "%s has no device %s", dump->file, addr);
	err_hint(errp, "Its first one is %s, of %u.", first, dump->devs->len);
	return NULL;
}
