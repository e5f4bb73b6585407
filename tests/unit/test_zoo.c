// SPDX-License-Identifier: GPL-2.0-or-later
/* pci-zoo: its BARs, its three kinds of interrupt, its ROM, what its capabilities do. */
#include "hw/dev/zoo.h"

#include <errno.h>

#include "pci_util.h"

#define DEV 0x08
#define REGS 0xc0000000u
#define PORTS 0xe000u
#define SHARED 0x4000000000ull
#define MSIX 0xc1000000u
#define ROM 0xc2000000u
#define SIZE 0x200000u
#define CMD (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

struct zd {
	struct pciboard b;
	struct pcidev *d;
};

static uint32_t rd(struct zd *s, unsigned off, unsigned len)
{
	return cfg_r(&s->b, DEV, off, len);
}

static void wr(struct zd *s, unsigned off, uint32_t val, unsigned len)
{
	cfg_w(&s->b, DEV, off, val, len);
}

static void enable(struct zd *s)
{
	wr(s, PCI_BASE_ADDRESS_0, REGS, 4);
	wr(s, PCI_BASE_ADDRESS_1, PORTS, 4);
	wr(s, PCI_BASE_ADDRESS_2, (uint32_t)SHARED, 4);
	wr(s, PCI_BASE_ADDRESS_3, SHARED >> 32, 4);
	wr(s, PCI_BASE_ADDRESS_4, MSIX, 4);
	wr(s, PCI_ROM_ADDRESS, ROM | PCI_ROM_ADDRESS_ENABLE, 4);
	wr(s, PCI_COMMAND, CMD, 2);
}

static void zd_init(struct zd *s)
{
	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	g_assert_cmpint(pci_zoo_new(&s->d, "z0", SIZE, NULL), ==, 0);
	g_assert_cmpint(pcidev_plug(s->d, &s->b.host.root, DEV, NULL), ==, 0);
	enable(s);
}

static void zd_fini(struct zd *s)
{
	pb_fini(&s->b);
}

static uint32_t reg(struct zd *s, unsigned off)
{
	return (uint32_t)aspace_read(s->b.mem, REGS + off, 4);
}

static void set(struct zd *s, unsigned off, uint32_t val)
{
	aspace_write(s->b.mem, REGS + off, val, 4);
}

static void test_bars(void)
{
	struct zd s;
	uint64_t len = 4096;

	zd_init(&s);
	g_assert_cmphex(reg(&s, ZOO_ID), ==, ZOO_ID_VALUE);
	set(&s, ZOO_SCRATCH, 0x1234567);
	g_assert_cmphex(aspace_read(s.b.io, PORTS + ZOO_SCRATCH, 4), ==, 0x1234567);
	g_assert_cmphex(reg(&s, 0x100), ==, 0);
	aspace_write(s.b.mem, SHARED + SIZE - 8, 0x1122334455667788, 8);
	g_assert_cmphex(aspace_read(s.b.mem, SHARED + SIZE - 8, 8), ==, 0x1122334455667788);
	g_assert_nonnull(aspace_ptr(s.b.mem, SHARED, &len, true));
	g_assert_cmpint(s.d->bar[2].region->fd, >=, 0);
	g_assert_cmphex(aspace_read(s.b.mem, MSIX + 12, 4), ==, 1);
	g_assert_cmphex(aspace_read(s.b.mem, MSIX + ZOO_PBA, 8), ==, 0);
	zd_fini(&s);
}

static void test_size(void)
{
	struct pcidev *d;

	g_assert_cmpint(pci_zoo_new(&d, NULL, 0, NULL), ==, -EINVAL);
	g_assert_cmpint(pci_zoo_new(&d, NULL, 12288, NULL), ==, -EINVAL);
	g_assert_cmpint(pci_zoo_new(&d, NULL, 1ull << 37, NULL), ==, -EINVAL);
	g_assert_cmpint(pci_zoo_new(&d, NULL, 4096, NULL), ==, 0);
	d->ops->free(d);
}

static void test_rom(void)
{
	struct zd s;
	uint8_t image[ZOO_ROM_SIZE], sum = 0;

	zd_init(&s);
	aspace_write(s.b.mem, ROM, 0, 2);
	g_assert_true(aspace_read_buf(s.b.mem, ROM, image, sizeof(image)));
	for (unsigned i = 0; i < sizeof(image); i++)
		sum = (uint8_t)(sum + image[i]);
	g_assert_cmphex(pci_get16(image), ==, 0xaa55);
	g_assert_cmpuint(sum, ==, 0);
	g_assert_cmpint(memcmp(image + pci_get16(image + 0x18), "PCIR", 4), ==, 0);
	zd_fini(&s);
}

static void test_intx(void)
{
	struct zd s;

	zd_init(&s);
	set(&s, ZOO_INTX, 1);
	g_assert_true(s.b.pin[1][0]);
	g_assert_cmphex(rd(&s, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, !=, 0);
	wr(&s, ZOO_CAP_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	g_assert_false(s.b.pin[1][0]);
	wr(&s, ZOO_CAP_MSI + PCI_MSI_FLAGS, 0, 2);
	g_assert_true(s.b.pin[1][0]);
	set(&s, ZOO_INTX, 0);
	g_assert_false(s.b.pin[1][0]);
	zd_fini(&s);
}

static void test_messages(void)
{
	struct zd s;

	zd_init(&s);
	set(&s, ZOO_MSI, 0);
	set(&s, ZOO_MSIX, 0);
	g_assert_cmpuint(s.b.msis, ==, 0);
	wr(&s, ZOO_CAP_MSI + PCI_MSI_ADDRESS_LO, 0xfee00000, 4);
	wr(&s, ZOO_CAP_MSI + PCI_MSI_DATA_64, 0x40, 2);
	wr(&s, ZOO_CAP_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | 3 << 4, 2);
	set(&s, ZOO_MSI, 5);
	g_assert_cmpuint(s.b.msis, ==, 1);
	g_assert_cmphex(s.b.last.data, ==, 0x45);
	set(&s, ZOO_MSI, ZOO_MSI_VECTORS);
	g_assert_cmpuint(s.b.msis, ==, 1);
	wr(&s, ZOO_CAP_MSI + PCI_MSI_FLAGS, 0, 2);
	wr(&s, ZOO_CAP_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	aspace_write(s.b.mem, MSIX + 15 * 16, 0xfee01000, 8);
	set(&s, ZOO_MSIX, 15);
	g_assert_cmphex(aspace_read(s.b.mem, MSIX + ZOO_PBA, 8), ==, 0x8000);
	aspace_write(s.b.mem, MSIX + 15 * 16 + 8, 0x99, 8);
	g_assert_cmpuint(s.b.msis, ==, 2);
	g_assert_cmphex(s.b.last.addr, ==, 0xfee01000);
	g_assert_cmphex(s.b.last.data, ==, 0x99);
	zd_fini(&s);
}

/* Every chain ends, and each capability is there once. */
static void test_chains(void)
{
	struct zd s;
	unsigned at, n = 0;
	uint32_t head;

	zd_init(&s);
	for (at = rd(&s, PCI_CAPABILITY_LIST, 1); at && n < 48; at = rd(&s, at + 1, 1), n++)
		g_assert_cmpuint(at & 3, ==, 0);
	g_assert_cmpuint(n, ==, 16);
	g_assert_cmpuint(pci_cap_find(s.d->cfg, PCI_CAP_ID_EXP), ==, ZOO_CAP_EXP);
	for (at = 256, n = 0; at && n < 100; at = PCI_EXT_CAP_NEXT(head), n++)
		head = rd(&s, at, 4);
	g_assert_cmpuint(n, ==, 21);
	g_assert_cmphex(rd(&s, 0x1e8, 4), ==, 0x20); /* 2 MiB, and that is its size */
	g_assert_cmphex(rd(&s, 0x1ec, 4), ==, 0x122);
	zd_fini(&s);
}

static void test_vpd(void)
{
	struct zd s;
	char text[8];

	zd_init(&s);
	for (unsigned i = 0; i < 8; i += 4) {
		wr(&s, ZOO_CAP_VPD + PCI_VPD_ADDR, i, 2);
		g_assert_cmphex(rd(&s, ZOO_CAP_VPD + PCI_VPD_ADDR, 2), ==, PCI_VPD_ADDR_F | i);
		pci_set32((uint8_t *)text + i, rd(&s, ZOO_CAP_VPD + PCI_VPD_DATA, 4));
	}
	g_assert_cmpint(memcmp(text, "\x82\x07\x00pci-z", 8), ==, 0);
	wr(&s, ZOO_CAP_VPD + PCI_VPD_DATA, 0xabcdef01, 4);
	wr(&s, ZOO_CAP_VPD + PCI_VPD_ADDR, PCI_VPD_ADDR_F | 64, 2);
	g_assert_cmphex(rd(&s, ZOO_CAP_VPD + PCI_VPD_ADDR, 2), ==, 64);
	wr(&s, ZOO_CAP_VPD + PCI_VPD_DATA, 0, 4);
	wr(&s, ZOO_CAP_VPD + PCI_VPD_ADDR, 64, 2);
	g_assert_cmphex(rd(&s, ZOO_CAP_VPD + PCI_VPD_DATA, 4), ==, 0xabcdef01);
	wr(&s, ZOO_CAP_VPD + PCI_VPD_ADDR, 0x7ffc, 2);
	g_assert_cmphex(rd(&s, ZOO_CAP_VPD + PCI_VPD_DATA, 4), ==, UINT32_MAX);
	zd_fini(&s);
}

static void test_registers(void)
{
	struct zd s;

	zd_init(&s);
	g_assert_cmphex(rd(&s, ZOO_EXT_PWR + PCI_PWR_DATA, 4), !=, 0);
	wr(&s, ZOO_EXT_PWR + PCI_PWR_DSR, 200, 1);
	g_assert_cmphex(rd(&s, ZOO_EXT_PWR + PCI_PWR_DATA, 4), ==, 0);
	wr(&s, ZOO_EXT_LTR + 4, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, ZOO_EXT_LTR + 4, 4), ==, 0x1fff1fff);
	wr(&s, ZOO_CAP_VNDR + 4, 0x12345678, 4);
	g_assert_cmphex(rd(&s, ZOO_CAP_VNDR + 4, 4), ==, 0x12345678);
	s.d->cfg[ZOO_EXT_AER + PCI_ERR_COR_STATUS] = 1;
	wr(&s, ZOO_EXT_AER + PCI_ERR_COR_STATUS, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, ZOO_EXT_AER + PCI_ERR_COR_STATUS, 4), ==, 0);
	zd_fini(&s);
}

static void flr(struct zd *s)
{
	wr(s, ZOO_CAP_EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
}

static void af(struct zd *s)
{
	wr(s, ZOO_CAP_AF + PCI_AF_CTRL, PCI_AF_CTRL_FLR, 1);
}

static void reset_by(void (*reset)(struct zd *s))
{
	struct zd s;

	zd_init(&s);
	set(&s, ZOO_SCRATCH, 7);
	set(&s, ZOO_INTX, 1);
	aspace_write(s.b.mem, SHARED, 0x55, 1);
	wr(&s, ZOO_CAP_VNDR + 4, 0, 4);
	wr(&s, ZOO_EXT_AER + PCI_ERR_UNCOR_MASK, 0x10, 4);
	wr(&s, ZOO_CAP_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	reset(&s);
	g_assert_false(s.b.pin[1][0]);
	g_assert_cmphex(rd(&s, PCI_COMMAND, 2), ==, 0);
	g_assert_cmphex(rd(&s, ZOO_CAP_MSIX + PCI_MSIX_FLAGS, 2), ==, ZOO_MSIX_VECTORS - 1);
	g_assert_cmphex(rd(&s, ZOO_CAP_VNDR + 4, 4), ==, 0x5a5a5a5a);
	g_assert_cmphex(rd(&s, ZOO_EXT_AER + PCI_ERR_UNCOR_MASK, 4), ==, 0x10);
	enable(&s);
	g_assert_cmphex(reg(&s, ZOO_SCRATCH), ==, 0);
	g_assert_cmpuint(reg(&s, ZOO_RESETS), ==, 1);
	g_assert_cmphex(aspace_read(s.b.mem, SHARED, 1), ==, 0x55);
	zd_fini(&s);
}

static void test_reset(void)
{
	reset_by(flr);
	reset_by(af);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/zoo/bars", test_bars);
	g_test_add_func("/zoo/size", test_size);
	g_test_add_func("/zoo/rom", test_rom);
	g_test_add_func("/zoo/intx", test_intx);
	g_test_add_func("/zoo/messages", test_messages);
	g_test_add_func("/zoo/chains", test_chains);
	g_test_add_func("/zoo/vpd", test_vpd);
	g_test_add_func("/zoo/registers", test_registers);
	g_test_add_func("/zoo/reset", test_reset);
	return g_test_run();
}
