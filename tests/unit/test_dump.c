// SPDX-License-Identifier: GPL-2.0-or-later
/* pci-dump: the text, the sizes of BARs, what each register does, chains that are broken. */
#include <errno.h>

#include "hw/dev/dump.h"
#include "pci_util.h"

#define DEV 0x08
#define PM 0xc8
#define MSI 0xd0
#define EXP 0xe0
#define MSIX 0xa0
#define VPD 0x94
#define AF 0x8c
#define AER 0x100

struct dd {
	struct pciboard b;
	struct pcidev *d;
};

static char *data(const char *name)
{
	return g_test_build_filename(G_TEST_DIST, "..", "data", "dumps", name, NULL);
}

static int make(struct pcidev **out, const char *name, const char *device, uint64_t bar0,
		struct err **errp)
{
	g_autofree char *file = data(name);
	const struct dump_conf conf = {.file = file, .device = device, .bar = {bar0}};

	return pci_dump_new(out, &conf, errp);
}

static void dd_init(struct dd *s, const char *name, const char *device)
{
	struct err *e = NULL;

	pb_init(&s->b);
	make(&s->d, name, device, 0, &e);
	g_assert_cmpstr(err_text(e), ==, "");
	g_assert_cmpint(pcidev_plug(s->d, &s->b.host.root, DEV, NULL), ==, 0);
}

static void dd_fini(struct dd *s)
{
	pb_fini(&s->b);
}

static uint32_t rd(struct dd *s, unsigned off, unsigned len)
{
	return cfg_r(&s->b, DEV, off, len);
}

static void wr(struct dd *s, unsigned off, uint32_t val, unsigned len)
{
	cfg_w(&s->b, DEV, off, val, len);
}

/* --- the text --- */

static struct pcidump *parse(const char *text, struct err **errp)
{
	return pcidump_parse("f", text, strlen(text), errp);
}

static void bad(const char *text, const char *message)
{
	struct err *e = NULL;
	struct pcidump *d = parse(text, &e);

	g_assert_null(d);
	g_assert_cmpstr(err_text(e), ==, message);
	err_free(e);
}

#define ROW(o) o ": 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff"
#define ROWS(nl) ROW("00") nl ROW("10") nl ROW("20") nl ROW("30") nl

static void test_text(void)
{
	struct pcidump *d =
		parse("1:\n\r\n00:1f.3 Audio: x\r\n\tCapabilities: <access denied>\r\n" ROWS(
			      "\r\n") "\n0001:ab:02.1 y\n" ROWS(" \n"),
		      NULL);
	const struct pcidump_dev *dev;
	g_autofree char *name = NULL;

	g_assert_cmpuint(d->devs->len, ==, 2);
	dev = d->devs->pdata[0];
	g_assert_cmpuint(dev->bdf, ==, 0xfb);
	g_assert_cmpuint(dev->domain, ==, 0);
	g_assert_cmpuint(dev->line, ==, 3);
	g_assert_cmpuint(dev->size, ==, 64);
	g_assert_cmphex(dev->cfg[0x3f], ==, 0xff);
	g_assert_true(pcidump_find(d, NULL, NULL) == dev);
	dev = pcidump_find(d, "0001:ab:02.1", NULL);
	g_assert_true(dev == d->devs->pdata[1]);
	name = pcidump_name(dev);
	g_assert_cmpstr(name, ==, "0001:ab:02.1");
	g_assert_null(pcidump_find(d, "ab:02.1", NULL));
	g_assert_null(pcidump_find(d, "ab:02.1x", NULL));
	pcidump_free(d);
}

static void test_bad_text(void)
{
	struct err *e = NULL;

	bad("", "f: there is no device in it");
	bad("bash: lspci: not found\n", "f: there is no device in it");
	bad("00:1f.3 x\n", "f:1: there is no hex dump of 00:1f.3");
	bad("00:1f.3 x\n00:1f.4 y\n" ROWS("\n"), "f:1: there is no hex dump of 00:1f.3");
	bad(ROWS("\n"), "f:1: bytes, but no device's line (such as \"01:00.0 Ethernet "
			"controller: ...\") before them");
	bad("00:1f.3 x\n" ROW("00") "\n" ROW("20") "\n",
	    "f:3: offset 0x20 where 0x10 should follow");
	bad("00:1f.3 x\n" ROW("00") "\n" ROW("00") "\n",
	    "f:3: offset 0x0 where 0x10 should follow");
	bad("00:1f.3 x\n00: 1 2\n", "f:2: after the offset there must be 16 bytes in hexadecimal");
	bad("00:1f.3 x\n" ROW("00") " 00\n",
	    "f:2: after the offset there must be 16 bytes in hexadecimal");
	bad("00:1f.3 x\n" ROW("00") "\n",
	    "f:3: the dump of 00:1f.3 ends after 16 bytes: 64, 256 or 4096 it must have");
	bad("00:1f.3 x\n" ROWS("\n") "00:1f.3 x\n" ROWS("\n"),
	    "f:6: 00:1f.3 is there already, in line 1");
	g_assert_null(pcidump_parse("f", "a\0b", 3, &e));
	g_assert_cmpstr(err_text(e), ==, "f: there is a zero byte in it: it is no text");
	err_free(e);
}

/* Every start of a whole file: an error or a device, never a crash. */
static void test_truncated(void)
{
	g_autofree char *file = data("nic.txt"), *text = NULL;
	gsize len;

	g_assert_true(g_file_get_contents(file, &text, &len, NULL));
	for (gsize n = 0; n < len; n += n < 2000 ? 1 : 37) {
		struct err *e = NULL;
		struct pcidump *d = pcidump_parse("f", text, n, &e);

		g_assert_true(!d == !!e);
		pcidump_free(d);
		err_free(e);
	}
}

static void test_refused(void)
{
	struct pcidev *d;
	struct err *e = NULL;
	const struct dump_conf none = {};

	g_assert_cmpint(make(&d, "bridge.txt", NULL, 0, &e), ==, -EINVAL);
	g_assert_true(g_str_has_suffix(err_text(e), "bridge.txt:1: no model of 00:01.0 can be "
						    "made: it is a bridge, not an endpoint"));
	err_free(e);
	e = NULL;
	g_assert_cmpint(make(&d, "machine.txt", "02:00.0", 0, &e), ==, -EINVAL);
	g_assert_nonnull(strstr(err_text(e), "vendor id"));
	err_free(e);
	e = NULL;
	g_assert_cmpint(make(&d, "nic.txt", NULL, 3000, &e), ==, -EINVAL);
	g_assert_nonnull(strstr(err_text(e), "bar0=3000: its size must be a power of two"));
	err_free(e);
	g_assert_cmpint(make(&d, "nic.txt", "05:00.0", 0, NULL), <, 0);
	g_assert_cmpint(make(&d, "nosuch", NULL, 0, NULL), <, 0);
	g_assert_cmpint(pci_dump_new(&d, &none, NULL), ==, -EINVAL);
}

/* --- BARs --- */

static void test_sizes(void)
{
	struct dd s;
	struct pcidev *d;
	g_autofree char *file = data("gpu.txt");
	struct dump_conf conf = {.bar = {0, 0, 0x1000}};

	dd_init(&s, "nic.txt", NULL);
	g_assert_cmphex(s.d->bar[0].size, ==, 0x20000); /* up to the next one */
	g_assert_cmphex(s.d->bar[1].size, ==, 0x20000);
	g_assert_cmphex(s.d->bar[2].size, ==, 0x100);
	g_assert_cmphex(s.d->bar[3].size, ==, 0x10000); /* the ROM is behind it */
	g_assert_cmphex(s.d->bar[4].size, ==, 0);
	g_assert_cmphex(s.d->bar[PCI_ROM_BAR].size, ==, 0x10000);
	dd_fini(&s);
	dd_init(&s, "gpu.txt", "0000:01:00.0");
	g_assert_cmphex(s.d->bar[0].size, ==, 0x1000000);
	g_assert_cmphex(s.d->bar[1].size, ==, 0x10000000);
	g_assert_cmphex(s.d->bar[1].flags, ==, PREF64);
	g_assert_cmphex(s.d->bar[3].size, ==, 0x1000000);
	g_assert_cmphex(s.d->bar[5].flags, ==, IO);
	dd_fini(&s);
	g_assert_cmpint(make(&d, "nic.txt", NULL, 0x2000, NULL), ==, 0);
	g_assert_cmphex(d->bar[0].size, ==, 0x2000);
	d->ops->free(d);
	conf.file = file; /* BAR 2 is the upper half of BAR 1 */
	g_assert_cmpint(pci_dump_new(&d, &conf, NULL), ==, -EINVAL);
}

static void test_bars(void)
{
	struct dd s;

	dd_init(&s, "nic.txt", NULL);
	wr(&s, PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, PCI_BASE_ADDRESS_0, 4), ==, 0xfffe0000);
	wr(&s, PCI_BASE_ADDRESS_0, 0xc0000000, 4);
	wr(&s, PCI_BASE_ADDRESS_0 + 8, 0xe000, 4);
	wr(&s, PCI_BASE_ADDRESS_0 + 12, 0xc1000000, 4);
	wr(&s, PCI_ROM_ADDRESS, 0xc2000001, 4);
	wr(&s, PCI_COMMAND, 7, 2);
	aspace_write(s.b.mem, 0xc0000123, 0x55aa, 2);
	g_assert_cmphex(aspace_read(s.b.mem, 0xc0000123, 2), ==, 0x55aa);
	aspace_write(s.b.io, 0xe0fe, 0x1234, 2);
	g_assert_cmphex(aspace_read(s.b.io, 0xe0fe, 2), ==, 0x1234);
	aspace_write(s.b.mem, 0xc2000000, 0xff, 1);
	g_assert_cmphex(aspace_read(s.b.mem, 0xc2000000, 4), ==, 0);
	/* The MSI-X table lies over BAR 3. */
	g_assert_cmphex(aspace_read(s.b.mem, 0xc100000c, 4), ==, 1);
	wr(&s, EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	g_assert_cmphex(rd(&s, PCI_COMMAND, 2), ==, 0);
	wr(&s, PCI_BASE_ADDRESS_0, 0xc0000000, 4);
	wr(&s, PCI_COMMAND, 2, 2);
	g_assert_cmphex(aspace_read(s.b.mem, 0xc0000123, 2), ==, 0);
	dd_fini(&s);
}

/* --- registers --- */

static void test_header(void)
{
	struct dd s;

	dd_init(&s, "nic.txt", NULL);
	g_assert_cmphex(rd(&s, 0, 4), ==, 0x10d31d6b);
	g_assert_cmphex(rd(&s, PCI_SUBSYSTEM_VENDOR_ID, 4), ==, 0xa01f1d6b);
	g_assert_cmphex(rd(&s, PCI_COMMAND, 4), ==, 0x00100000);
	wr(&s, PCI_COMMAND, 0xffff, 2);
	g_assert_cmphex(rd(&s, PCI_COMMAND, 2), ==, 0x0547);
	wr(&s, 0, 0, 4);
	wr(&s, PCI_CACHE_LINE_SIZE, 0xffff, 2);
	wr(&s, PCI_INTERRUPT_LINE, 0xff05, 2);
	g_assert_cmphex(rd(&s, 0, 4), ==, 0x10d31d6b);
	g_assert_cmphex(rd(&s, PCI_CACHE_LINE_SIZE, 2), ==, 0x00ff); /* no latency timer */
	g_assert_cmphex(rd(&s, PCI_INTERRUPT_LINE, 2), ==, 0x0105);
	g_assert_cmphex(rd(&s, 0x148, 4), ==, 0x55667788);
	wr(&s, 0x148, 0, 4);
	g_assert_cmphex(rd(&s, 0x148, 4), ==, 0x55667788);
	dd_fini(&s);
	dd_init(&s, "machine.txt", "03:01.0"); /* 64 bytes of a conventional device */
	g_assert_cmpuint(s.d->cfg_size, ==, 256);
	g_assert_false(s.d->express);
	wr(&s, PCI_LATENCY_TIMER, 0x40, 1);
	g_assert_cmphex(rd(&s, PCI_LATENCY_TIMER, 1), ==, 0x40);
	dd_fini(&s);
}

static void test_power(void)
{
	struct dd s;

	dd_init(&s, "nic.txt", NULL);
	g_assert_cmphex(rd(&s, PM + PCI_PM_CTRL, 2), ==, 0x2000); /* D0, not as dumped */
	wr(&s, PM + PCI_PM_CTRL, 0x0101, 2);
	g_assert_cmphex(rd(&s, PM + PCI_PM_CTRL, 2), ==, 0x2100); /* there is no D1 */
	wr(&s, PCI_COMMAND, 2, 2);
	wr(&s, PM + PCI_PM_CTRL, 0x0103, 2);
	g_assert_cmphex(rd(&s, PM + PCI_PM_CTRL, 2), ==, 0x2103);
	wr(&s, PM + PCI_PM_CTRL, 0x0100, 2);
	g_assert_cmphex(rd(&s, PCI_COMMAND, 2), ==, 0);           /* the way to D0 is a reset, */
	g_assert_cmphex(rd(&s, PM + PCI_PM_CTRL, 2), ==, 0x2100); /* which PME_En survives */
	dd_fini(&s);
}

static void test_interrupts(void)
{
	struct dd s;

	dd_init(&s, "nic.txt", NULL);
	g_assert_cmphex(rd(&s, MSI, 4), ==, 0x0080e005);
	wr(&s, MSI + PCI_MSI_FLAGS, 0xffff, 2);
	g_assert_cmphex(rd(&s, MSI + PCI_MSI_FLAGS, 2), ==, 0x00f1);
	wr(&s, MSI + PCI_MSI_ADDRESS_LO, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, MSI + PCI_MSI_ADDRESS_LO, 4), ==, 0xfffffffc);
	wr(&s, MSIX + PCI_MSIX_FLAGS, 0xffff, 2);
	g_assert_cmphex(rd(&s, MSIX + PCI_MSIX_FLAGS, 2), ==, 0xc004);
	g_assert_true(pcimsix_enabled(s.d->msix));
	wr(&s, AF + PCI_AF_CTRL, PCI_AF_CTRL_FLR, 1);
	g_assert_false(pcimsix_enabled(s.d->msix));
	g_assert_cmphex(rd(&s, MSI + PCI_MSI_FLAGS, 2), ==, 0x0080);
	dd_fini(&s);
	dd_init(&s, "gpu.txt", NULL);
	wr(&s, 0x78, UINT32_MAX, 4); /* masks of 32 vectors */
	g_assert_cmphex(rd(&s, 0x78, 4), ==, UINT32_MAX);
	dd_fini(&s);
}

static void test_vpd(void)
{
	struct dd s;

	dd_init(&s, "nic.txt", NULL);
	wr(&s, VPD + PCI_VPD_ADDR, 0x0010, 2);
	g_assert_cmphex(rd(&s, VPD + PCI_VPD_ADDR, 2), ==, 0x8010);
	g_assert_cmphex(rd(&s, VPD + PCI_VPD_DATA, 4), ==, UINT32_MAX);
	wr(&s, VPD + PCI_VPD_DATA, 0x11, 4);
	wr(&s, VPD + PCI_VPD_ADDR, 0x8010, 2);
	g_assert_cmphex(rd(&s, VPD + PCI_VPD_ADDR, 2), ==, 0x0010);
	dd_fini(&s);
}

static void test_express(void)
{
	struct dd s;

	dd_init(&s, "nic.txt", NULL);
	g_assert_cmphex(rd(&s, EXP + PCI_EXP_DEVCTL, 4), ==, 0x00002810);
	wr(&s, EXP + PCI_EXP_DEVCTL, 0x7fff, 2);
	g_assert_cmphex(rd(&s, EXP + PCI_EXP_DEVCTL, 2), ==, 0x78ff);
	wr(&s, EXP + PCI_EXP_LNKCTL, 0xffff, 2);
	g_assert_cmphex(rd(&s, EXP + PCI_EXP_LNKCTL, 2), ==, 0x03cb);
	wr(&s, AER + PCI_ERR_UNCOR_MASK, UINT32_MAX, 4);
	wr(&s, AER + PCI_ERR_COR_MASK, 0, 4);
	g_assert_cmphex(rd(&s, AER + PCI_ERR_UNCOR_MASK, 4), ==, 0x07fff030);
	g_assert_cmphex(rd(&s, AER + PCI_ERR_UNCOR_STATUS, 4), ==, 0);
	s.d->cfg[AER + PCI_ERR_UNCOR_STATUS + 2] = 0x10;
	wr(&s, AER + PCI_ERR_UNCOR_STATUS, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, AER + PCI_ERR_UNCOR_STATUS, 4), ==, 0);
	wr(&s, 0x154, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, 0x154, 4), ==, 0x1fff1fff);
	wr(&s, 0x164, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, 0x164, 4), ==, 0x001f001f);
	wr(&s, 0x174, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, 0x174, 4), ==, 0x00000100);
	wr(&s, 0x180 + PCI_SRIOV_CTRL, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, 0x180 + PCI_SRIOV_CTRL, 4), ==, 0);
	wr(&s, EXP + PCI_EXP_DEVCTL + 1, PCI_EXP_DEVCTL_BCR_FLR >> 8, 1);
	g_assert_cmphex(rd(&s, EXP + PCI_EXP_DEVCTL, 2), ==, 0x2810);
	g_assert_cmphex(rd(&s, AER + PCI_ERR_UNCOR_MASK, 4), ==, 0x07fff030); /* it is sticky */
	g_assert_cmphex(rd(&s, 0x164, 4), ==, 0x0000001f);
	dd_fini(&s);
}

/* Nothing out of bounds, whatever is written where; all of config space stays readable. */
static void hammer(const char *name)
{
	struct dd s;

	dd_init(&s, name, NULL);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned off = 0; off < s.d->cfg_size; off += 4) {
			wr(&s, off, round ? UINT32_MAX * (round - 1) : 0x80018003, 4);
			rd(&s, off, 4);
		}
	pcihost_reset(&s.b.host);
	g_assert_cmpuint(s.b.msis, ==, 0);
	dd_fini(&s);
}

static void test_broken(void)
{
	struct dd s;

	hammer("loop.txt");
	hammer("pointer-ff.txt");
	hammer("cut-caps.txt");
	hammer("ext-loop.txt");
	hammer("nic.txt");
	hammer("gpu.txt");
	dd_init(&s, "cut-caps.txt", NULL); /* both begin, neither is whole */
	wr(&s, 0xfc, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, 0xfc, 4), ==, 0x01810005);
	dd_fini(&s);
	dd_init(&s, "loop.txt", NULL);
	wr(&s, 0x44, 3, 2);
	g_assert_cmphex(rd(&s, 0x44, 2), ==, 3);
	dd_fini(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dump/text", test_text);
	g_test_add_func("/dump/bad-text", test_bad_text);
	g_test_add_func("/dump/truncated", test_truncated);
	g_test_add_func("/dump/refused", test_refused);
	g_test_add_func("/dump/sizes", test_sizes);
	g_test_add_func("/dump/bars", test_bars);
	g_test_add_func("/dump/header", test_header);
	g_test_add_func("/dump/power", test_power);
	g_test_add_func("/dump/interrupts", test_interrupts);
	g_test_add_func("/dump/vpd", test_vpd);
	g_test_add_func("/dump/express", test_express);
	g_test_add_func("/dump/broken", test_broken);
	return g_test_run();
}
