// SPDX-License-Identifier: GPL-2.0-or-later
/* Capability chains, as a device may present them: good, looping, pointing anywhere, random. */
#include "pci_util.h"

/* Exactly as long as it claims: AddressSanitizer sees a read past its end. */
static uint8_t *space(size_t size)
{
	uint8_t *cfg = g_malloc0(size);

	cfg[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	return cfg;
}

static void link_cap(uint8_t *cfg, unsigned at, uint8_t id, uint8_t next)
{
	cfg[at] = id;
	cfg[at + 1] = next;
}

static void good_chain(void)
{
	g_autofree uint8_t *cfg = space(256);

	cfg[PCI_CAPABILITY_LIST] = 0x40;
	link_cap(cfg, 0x40, PCI_CAP_ID_PM, 0x50);
	link_cap(cfg, 0x50, PCI_CAP_ID_MSI, 0xfd); /* the low two bits are reserved */
	link_cap(cfg, 0xfc, PCI_CAP_ID_EXP, 0x60);
	link_cap(cfg, 0x60, PCI_CAP_ID_MSI, 0);
	g_assert_cmphex(pci_cap_find(cfg, PCI_CAP_ID_PM), ==, 0x40);
	g_assert_cmphex(pci_cap_find(cfg, PCI_CAP_ID_MSI), ==, 0x50); /* the first */
	g_assert_cmphex(pci_cap_find(cfg, PCI_CAP_ID_EXP), ==, 0xfc);
	g_assert_cmphex(pci_cap_find(cfg, PCI_CAP_ID_VPD), ==, 0);
	cfg[PCI_STATUS] = 0;
	g_assert_cmphex(pci_cap_find(cfg, PCI_CAP_ID_PM), ==, 0);
}

static void bad_chains(void)
{
	g_autofree uint8_t *cfg = space(256);

	g_assert_cmphex(pci_cap_find(cfg, 0), ==, 0); /* empty list, id 0 */
	cfg[PCI_CAPABILITY_LIST] = 0x40;
	link_cap(cfg, 0x40, 5, 0x40); /* to itself */
	g_assert_cmphex(pci_cap_find(cfg, 6), ==, 0);
	link_cap(cfg, 0x40, 5, 0x80);
	link_cap(cfg, 0x80, 9, 0x40); /* a ring */
	g_assert_cmphex(pci_cap_find(cfg, 6), ==, 0);
	g_assert_cmphex(pci_cap_find(cfg, 9), ==, 0x80);
	link_cap(cfg, 0x80, 9, 0x3c); /* into the header */
	cfg[0x3c] = 6;
	g_assert_cmphex(pci_cap_find(cfg, 6), ==, 0);
	memset(cfg, 0xff, 256); /* a device that has gone */
	g_assert_cmphex(pci_cap_find(cfg, 6), ==, 0);
}

/* All 48 places that a conventional header leaves can be in one chain. */
static void longest_chain(void)
{
	g_autofree uint8_t *cfg = space(256);

	cfg[PCI_CAPABILITY_LIST] = 0x40;
	for (unsigned at = 0x40; at < 0x100; at += 4)
		link_cap(cfg, at, (uint8_t)(at / 4), (uint8_t)(at + 4));
	g_assert_cmphex(pci_cap_find(cfg, 0xfc / 4), ==, 0xfc);
}

static void ext_chains(void)
{
	g_autofree uint8_t *cfg = space(4096);

	g_assert_cmphex(pci_ext_cap_find(cfg, 4096, 1), ==, 0);
	pci_set32(cfg + 0x100, 1 | 2 << 16 | 0x148u << 20);
	pci_set32(cfg + 0x148, 3 | 1 << 16 | 0xfffu << 20); /* 0xffc by its upper bits */
	pci_set32(cfg + 0xffc, 0xb | 0x100u << 20);
	g_assert_cmphex(pci_ext_cap_find(cfg, 4096, 1), ==, 0x100);
	g_assert_cmphex(pci_ext_cap_find(cfg, 4096, 3), ==, 0x148);
	g_assert_cmphex(pci_ext_cap_find(cfg, 4096, 0xb), ==, 0xffc);
	g_assert_cmphex(pci_ext_cap_find(cfg, 4096, 0x10), ==,
			0); /* and round again, but not for ever */
	g_assert_cmphex(pci_ext_cap_find(cfg, 256, 1), ==, 0);
	pci_set32(cfg + 0x148, 3 | 0x40u << 20); /* into conventional space */
	pci_set32(cfg + 0x40, 7);
	g_assert_cmphex(pci_ext_cap_find(cfg, 4096, 7), ==, 0);
	pci_set32(cfg + 0x100, UINT32_MAX);
	g_assert_cmphex(pci_ext_cap_find(cfg, 4096, 0xffff), ==, 0);
}

/* A space of odd length: nothing behind its end is read. */
static void short_space(void)
{
	static const unsigned sizes[] = {256, 257, 259, 260, 264, 0x14b, 0x200, 4095};

	for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree uint8_t *cfg = space(sizes[i]);

		for (unsigned at = 0x100; at + 4 <= sizes[i]; at += 4)
			pci_set32(cfg + at, 1 | 0xffcu << 20);
		g_assert_cmphex(pci_ext_cap_find(cfg, sizes[i], 2), ==, 0);
		if (sizes[i] >= 0x14c)
			pci_set32(cfg + 0x100, 1 | 0x148u << 20);
		g_assert_cmphex(pci_ext_cap_find(cfg, sizes[i], 2), ==, 0);
	}
}

static void random_spaces(void)
{
	GRand *rnd = g_rand_new_with_seed(3);
	g_autofree uint8_t *cfg = space(4096);

	for (int i = 0; i < 500; i++) {
		for (unsigned k = 0; k < 4096; k += 4)
			pci_set32(cfg + k,
				  g_rand_int(rnd) & (g_rand_boolean(rnd) ? ~0u : 0x30ff00ff));
		cfg[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
		for (unsigned id = 0; id < 256; id++) {
			unsigned at = pci_cap_find(cfg, (uint8_t)id);
			unsigned ext = pci_ext_cap_find(cfg, 4096, (uint16_t)id);

			if (at) {
				g_assert_cmphex(cfg[at], ==, id);
				g_assert_cmphex(at & 3, ==, 0);
				g_assert_cmphex(at, >=, 0x40);
			}
			if (ext) {
				g_assert_cmphex(pci_get16(cfg + ext), ==, id);
				g_assert_cmphex(ext, >=, 0x100);
			}
		}
	}
	g_rand_free(rnd);
}

static void adding(void)
{
	struct pciboard b;
	struct tpci *t;

	pb_init(&b);
	t = tpci_plug(&b, 1, &b.host.root, 8);
	g_assert_cmphex(pci_cap_find(t->dev.cfg, PCI_CAP_ID_PM), ==, 0);
	pcidev_add_cap(&t->dev, PCI_CAP_ID_PM, 0x40);
	pcidev_add_cap(&t->dev, PCI_CAP_ID_MSIX, 0xf4);
	g_assert_cmphex(pci_cap_find(t->dev.cfg, PCI_CAP_ID_PM), ==, 0x40);
	g_assert_cmphex(pci_cap_find(t->dev.cfg, PCI_CAP_ID_MSIX), ==, 0xf4);
	g_assert_cmphex(t->dev.cfg[0x41], ==, 0);
	cfg_w(&b, 8, PCI_CAPABILITY_LIST, 0, 1); /* a guest cannot cut the chain */
	g_assert_cmphex(pci_cap_find(t->dev.cfg, PCI_CAP_ID_PM), ==, 0x40);
	pb_fini(&b);
}

static void adding_extended(void)
{
	struct pciboard b;
	struct tpci *t;

	pb_init(&b);
	t = tpci_new(&b, 1, PCI_CFG_EXT);
	g_assert_cmpint(pcidev_plug(&t->dev, &b.host.root, 8, NULL), ==, 0);
	pcidev_add_ext_cap(&t->dev, PCI_EXT_CAP_ID_ERR, 2, 0x100);
	pcidev_add_ext_cap(&t->dev, PCI_EXT_CAP_ID_ACS, 1, 0xff0);
	pcidev_add_ext_cap(&t->dev, PCI_EXT_CAP_ID_DSN, 1, 0x148);
	g_assert_cmphex(cfg_r(&b, 8, 0x100, 4), ==, 0xff020001);
	g_assert_cmphex(cfg_r(&b, 8, 0xff0, 4), ==, 0x1481000d);
	g_assert_cmphex(cfg_r(&b, 8, 0x148, 4), ==, 0x00010003);
	g_assert_cmphex(pci_ext_cap_find(t->dev.cfg, 4096, PCI_EXT_CAP_ID_DSN), ==, 0x148);
	pb_fini(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-cap/good", good_chain);
	g_test_add_func("/pci-cap/bad", bad_chains);
	g_test_add_func("/pci-cap/longest", longest_chain);
	g_test_add_func("/pci-cap/extended", ext_chains);
	g_test_add_func("/pci-cap/short-space", short_space);
	g_test_add_func("/pci-cap/random", random_spaces);
	g_test_add_func("/pci-cap/adding", adding);
	g_test_add_func("/pci-cap/adding-extended", adding_extended);
	return g_test_run();
}
