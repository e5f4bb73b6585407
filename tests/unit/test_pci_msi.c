// SPDX-License-Identifier: GPL-2.0-or-later
/* MSI of device models: the four layouts, masks and pending bits, shared vectors, threads. */
#include "pci_util.h"

#define OFF 0x50
#define ADDR 0xfee01000u
#define ON PCI_MSI_FLAGS_ENABLE

struct ms {
	struct pciboard b;
	struct tpci *t;
	struct pcimsi m;
};

static void ms_init(struct ms *s, unsigned vectors, bool is64, bool maskbit)
{
	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	s->t = tpci_plug(&s->b, 1, &s->b.host.root, 8);
	pcimsi_init(&s->m, &s->t->dev, OFF, vectors, is64, maskbit);
	cfg_w(&s->b, 8, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
}

static void ms_fini(struct ms *s)
{
	pcimsi_fini(&s->m);
	pcimsi_fini(&s->m);
	pb_fini(&s->b);
}

static void wr(struct ms *s, unsigned off, uint32_t val, unsigned len)
{
	cfg_w(&s->b, 8, OFF + off, val, len);
	pcimsi_written(&s->m, OFF + off, len);
}

static uint32_t rd(struct ms *s, unsigned off, unsigned len)
{
	return cfg_r(&s->b, 8, OFF + off, len);
}

static void layouts(void)
{
	for (unsigned i = 0; i < 4; i++) {
		bool is64 = i & 1, maskbit = i & 2;
		unsigned end = (is64 ? 0xe : 0xa) + (maskbit ? 10 : 0);
		struct ms s;

		ms_init(&s, 4, is64, maskbit);
		g_assert_cmphex(pci_cap_find(s.t->dev.cfg, PCI_CAP_ID_MSI), ==, OFF);
		g_assert_cmphex(rd(&s, PCI_MSI_FLAGS, 2), ==,
				2 << 1 | (is64 ? 0x80 : 0) | (maskbit ? 0x100 : 0));
		for (unsigned off = PCI_MSI_FLAGS; off < 0x20; off++)
			wr(&s, off, 0xff, 1);
		g_assert_cmphex(rd(&s, PCI_MSI_FLAGS, 2) & 0x7f, ==, 0x75);
		g_assert_cmphex(rd(&s, PCI_MSI_ADDRESS_LO, 4), ==, 0xfffffffc);
		g_assert_cmphex(rd(&s, is64 ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32, 2), ==, 0xffff);
		if (is64)
			g_assert_cmphex(rd(&s, PCI_MSI_ADDRESS_HI, 4), ==, UINT32_MAX);
		if (maskbit)
			g_assert_cmphex(rd(&s, end - 8, 4), ==, 0xf); /* as many as vectors */
		for (unsigned off = maskbit ? end - 4 : end; off < 0x20; off++)
			g_assert_cmphex(rd(&s, off, 1), ==, 0);
		ms_fini(&s);
	}
}

static void messages(void)
{
	struct ms s;

	ms_init(&s, 8, true, false);
	wr(&s, PCI_MSI_ADDRESS_LO, ADDR, 4);
	wr(&s, PCI_MSI_ADDRESS_HI, 1, 4);
	wr(&s, PCI_MSI_DATA_64, 0x4170, 2);
	pcimsi_raise(&s.m, 0);
	g_assert_cmpuint(s.b.msis, ==, 0); /* off */
	g_assert_false(pcimsi_enabled(&s.m));
	wr(&s, PCI_MSI_FLAGS, ON | 3 << 4, 2);
	g_assert_true(pcimsi_enabled(&s.m));
	pcimsi_raise(&s.m, 5);
	g_assert_cmphex(s.b.last.addr, ==, 1ull << 32 | ADDR);
	g_assert_cmphex(s.b.last.data, ==, 0x4175);
	g_assert_true(s.b.sender == &s.t->dev);
	wr(&s, PCI_MSI_FLAGS, ON | 1 << 4, 2); /* two: they are shared */
	pcimsi_raise(&s.m, 5);
	g_assert_cmphex(s.b.last.data, ==, 0x4171);
	wr(&s, PCI_MSI_FLAGS, ON | 7 << 4, 2); /* a reserved number: what there is */
	pcimsi_raise(&s.m, 7);
	g_assert_cmphex(s.b.last.data, ==, 0x4177);
	g_assert_cmpuint(s.b.msis, ==, 3);
	pcimsi_raise(&s.m, 8);
	pcimsi_raise(&s.m, UINT32_MAX);
	cfg_w(&s.b, 8, PCI_COMMAND, 0, 2);
	pcimsi_raise(&s.m, 0); /* no bus master */
	g_assert_cmpuint(s.b.msis, ==, 3);
	ms_fini(&s);
}

static void short_address(void)
{
	struct ms s;

	ms_init(&s, 1, false, false);
	wr(&s, PCI_MSI_ADDRESS_LO, ADDR | 3, 4);
	wr(&s, PCI_MSI_DATA_32, 0x31, 2);
	wr(&s, PCI_MSI_FLAGS, ON, 1);
	pcimsi_raise(&s.m, 0);
	g_assert_cmphex(s.b.last.addr, ==, ADDR);
	g_assert_cmphex(s.b.last.data, ==, 0x31);
	ms_fini(&s);
}

/* Raised while masked: pending, and sent once when the mask goes. */
static void pending(void)
{
	struct ms s;

	ms_init(&s, 32, true, true);
	wr(&s, PCI_MSI_ADDRESS_LO, ADDR, 4);
	wr(&s, PCI_MSI_FLAGS, ON | 5 << 4, 2);
	wr(&s, PCI_MSI_MASK_64, 0x80000002, 4);
	pcimsi_raise(&s.m, 31);
	pcimsi_raise(&s.m, 31);
	pcimsi_raise(&s.m, 1);
	g_assert_cmpuint(s.b.msis, ==, 0);
	g_assert_cmphex(rd(&s, PCI_MSI_PENDING_64, 4), ==, 0x80000002);
	wr(&s, PCI_MSI_PENDING_64, 0, 4); /* read only */
	g_assert_cmphex(rd(&s, PCI_MSI_PENDING_64, 4), ==, 0x80000002);
	pcimsi_raise(&s.m, 0);
	g_assert_cmpuint(s.b.msis, ==, 1);
	wr(&s, PCI_MSI_MASK_64 + 3, 0, 1); /* by its byte */
	g_assert_cmpuint(s.b.msis, ==, 2);
	g_assert_cmphex(s.b.last.data, ==, 31);
	wr(&s, PCI_MSI_FLAGS, 0, 2); /* off: it waits */
	wr(&s, PCI_MSI_MASK_64, 0, 4);
	g_assert_cmpuint(s.b.msis, ==, 2);
	wr(&s, PCI_MSI_FLAGS, ON | 5 << 4, 2);
	g_assert_cmpuint(s.b.msis, ==, 3);
	g_assert_cmphex(rd(&s, PCI_MSI_PENDING_64, 4), ==, 0);
	pcimsi_written(&s.m, PCI_COMMAND, 2);
	g_assert_cmpuint(s.b.msis, ==, 3);
	ms_fini(&s);
}

static void reset(void)
{
	struct ms s;

	ms_init(&s, 2, true, true);
	wr(&s, PCI_MSI_ADDRESS_LO, ADDR, 4);
	wr(&s, PCI_MSI_MASK_64, 1, 4);
	wr(&s, PCI_MSI_FLAGS, ON, 2);
	pcimsi_raise(&s.m, 0);
	pcimsi_reset(&s.m);
	g_assert_false(pcimsi_enabled(&s.m));
	g_assert_cmphex(rd(&s, PCI_MSI_FLAGS, 2), ==, 0x182);
	for (unsigned off = PCI_MSI_ADDRESS_LO; off < 0x18; off += 4)
		g_assert_cmphex(rd(&s, off, 4), ==, 0);
	pcimsi_raise(&s.m, 0);
	g_assert_cmpuint(s.b.msis, ==, 0);
	ms_fini(&s);
}

/* A model's thread raises while the vCPU moves the message; no message is half one, half other. */
static void whole_message(void *opaque, struct pcidev *d, struct msi_msg msg)
{
	g_assert_cmphex(msg.addr >> 32, ==, msg.data);
}

static const struct pcihost_ops whole_ops = {pb_intx, pb_gsi, whole_message};

static void *raise_many(void *opaque)
{
	struct ms *s = opaque;

	for (int i = 0; i < 20000; i++)
		pcimsi_raise(&s->m, 0);
	return NULL;
}

static void threads(void)
{
	struct ms s;
	GThread *t;

	ms_init(&s, 1, true, true);
	s.b.host.ops = &whole_ops;
	wr(&s, PCI_MSI_FLAGS, ON, 2);
	t = g_thread_new("raise", raise_many, &s);
	for (unsigned i = 0; i < 5000; i++) {
		wr(&s, PCI_MSI_MASK_64, 1, 4);
		wr(&s, PCI_MSI_ADDRESS_HI, i & 0xff, 4);
		wr(&s, PCI_MSI_DATA_64, i & 0xff, 2);
		wr(&s, PCI_MSI_MASK_64, 0, 4);
	}
	g_thread_join(t);
	g_assert_cmphex(rd(&s, PCI_MSI_PENDING_64, 4), ==, 0);
	ms_fini(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-msi/layouts", layouts);
	g_test_add_func("/pci-msi/messages", messages);
	g_test_add_func("/pci-msi/short-address", short_address);
	g_test_add_func("/pci-msi/pending", pending);
	g_test_add_func("/pci-msi/reset", reset);
	g_test_add_func("/pci-msi/threads", threads);
	return g_test_run();
}
