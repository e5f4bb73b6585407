// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Config space of an assigned device: what is the overlay's and what the device's, chains, types,
 * and the order of a write.
 */
#include <errno.h>
#include <string.h>

#include "vfio_util.h"

/* --- the header ----------------------------------------------------------------------------- */

static void ids_are_the_devices(struct vt *t)
{
	g_assert_cmphex(vt_cfg(t, PCI_VENDOR_ID, 4), ==, 0x56781234);
	g_assert_cmphex(vt_cfg(t, PCI_SUBSYSTEM_VENDOR_ID, 4), ==, 0xbbbbaaaa);
	/* Raw bytes are read anew on each access, not kept. */
	pci_set16(t->fake.cfg + PCI_DEVICE_ID, 0x9999);
	t->fake.cfg[STD_VNDR + 9] = 0x5a;
	g_assert_cmphex(vt_cfg(t, PCI_DEVICE_ID, 2), ==, 0x9999);
	g_assert_cmphex(vt_cfg(t, STD_VNDR + 8, 4), ==, 0x5a00);
	g_assert_cmphex(vt_cfg(t, PCI_HEADER_TYPE, 1), ==, 0);
}

static void header(void)
{
	vt_run_guest(NULL, ids_are_the_devices);
}

static void multifunction_wanted(struct vt *t)
{
	t->conf.multifunction = true;
	t->conf.vendor_id = 0x8086;
	t->conf.device_id = 0xffff;
	t->conf.sub_device_id = 0x0001;
}

static void sees_overrides(struct vt *t)
{
	g_assert_cmphex(vt_cfg(t, PCI_VENDOR_ID, 4), ==, 0xffff8086);
	g_assert_cmphex(vt_cfg(t, PCI_SUBSYSTEM_VENDOR_ID, 4), ==, 0x0001aaaa);
	g_assert_cmphex(vt_cfg(t, PCI_HEADER_TYPE, 1), ==, 0x80);
	pci_set16(t->fake.cfg + PCI_VENDOR_ID, 0x4321);
	g_assert_cmphex(vt_cfg(t, PCI_VENDOR_ID, 2), ==, 0x8086);
}

static void overrides(void)
{
	vt_run_guest(multifunction_wanted, sees_overrides);
}

static void multifunction_device(struct vt *t)
{
	t->fake.cfg[PCI_HEADER_TYPE] = 0x80;
}

static void is_single(struct vt *t)
{
	g_assert_cmphex(vt_cfg(t, PCI_HEADER_TYPE, 1), ==, 0);
}

static void multifunction_hidden(void)
{
	vt_run_guest(multifunction_device, is_single);
}

/* setup must make realize fail with code; text and hint are parts of what is said. */
static void refused(void (*setup)(struct vt *t), int code, const char *text, const char *hint)
{
	struct err *e = NULL;
	struct vt t;

	vt_init(&t);
	setup(&t);
	g_assert_cmpint(vt_try(&t, &e), ==, code);
	assert_contains(err_text(e), "vfio-pci,host=17:00.0");
	assert_contains(err_text(e), text);
	assert_contains(err_hints(e), hint);
	err_free(e);
	vt_fini(&t);
}

static void bad_vendor(struct vt *t)
{
	t->conf.vendor_id = 0xffff;
}

static void bad_subsystem(struct vt *t)
{
	t->conf.sub_vendor_id = 0x10000;
}

static void dead_device(struct vt *t)
{
	memset(t->fake.cfg, 0xff, sizeof(t->fake.cfg));
}

static void bridge(struct vt *t)
{
	t->fake.cfg[PCI_HEADER_TYPE] = 0x81;
}

static void config_read_fails(struct vt *t)
{
	t->fake.fail_at = 8; /* region info: config and six BARs come first */
}

static void no_config_region(struct vt *t)
{
	t->fake.region[VFIO_PCI_CONFIG_REGION_INDEX].info.size = 64;
}

static void refusals(void)
{
	refused(bad_vendor, -EINVAL, "x-pci-vendor-id=0xffff", "");
	refused(bad_subsystem, -EINVAL, "x-pci-sub-vendor-id=0x10000", "");
	refused(dead_device, -EIO, "header type 127", "disable_idle_d3=1");
	refused(bridge, -EINVAL, "header type 1", "behind it");
	refused(config_read_fails, -EIO, "read config space: Input/output error", "dmesg");
	refused(no_config_region, -EINVAL, "config space", "");
}

/* --- BARs: sizing and kinds ----------------------------------------------------------------- */

static uint32_t size_bar(struct vt *t, unsigned off)
{
	uint32_t mask;

	vt_set_cfg(t, off, UINT32_MAX, 4);
	mask = vt_cfg(t, off, 4);
	vt_set_cfg(t, off, 0, 4);
	return mask;
}

static void sizes(struct vt *t)
{
	g_assert_cmphex(size_bar(t, 0x10), ==, 0xffffc000);
	g_assert_cmphex(size_bar(t, 0x14), ==, 0);
	g_assert_cmphex(size_bar(t, 0x18), ==, 0xfff0000c);
	g_assert_cmphex(size_bar(t, 0x1c), ==, 0xffffffff);
	g_assert_cmphex(size_bar(t, 0x20), ==, 0xffffffe1);
	g_assert_cmphex(size_bar(t, 0x24), ==, 0);
	g_assert_cmphex(size_bar(t, PCI_ROM_ADDRESS), ==, 0);
	/* The guest's address is the overlay's alone: the device may hold anything. */
	vt_set_cfg(t, 0x10, 0xc0010000, 4);
	pci_set32(t->fake.cfg + 0x10, 0xdead0000);
	g_assert_cmphex(vt_cfg(t, 0x10, 4), ==, 0xc0010000);
	/* One byte of it can be written. */
	vt_set_cfg(t, 0x13, 0xc1, 1);
	g_assert_cmphex(vt_cfg(t, 0x10, 4), ==, 0xc1010000);
}

static void bar_sizing(void)
{
	vt_run_guest(NULL, sizes);
}

static void last_bar_64(struct vt *t)
{
	fake_bar(&t->fake, 5, 0x1000, 0);
	pci_set32(t->fake.cfg + 0x24, PCI_BASE_ADDRESS_MEM_TYPE_64);
}

static void last_bar_is_32(struct vt *t)
{
	g_assert_cmphex(vt_cfg(t, 0x24, 4), ==, 0);
	g_assert_cmphex(size_bar(t, 0x24), ==, 0xfffff000);
	g_assert_cmphex(vt_cfg(t, PCI_CARDBUS_CIS, 4), ==, 0);
}

static void bar_last_64(void)
{
	vt_run_guest(last_bar_64, last_bar_is_32);
}

/* --- the standard chain --------------------------------------------------------------------- */

/* The guest's chain as text: "pm msi ..." as "40:1 50:5 ...". */
static char *chain(struct vt *t)
{
	GString *s = g_string_new(NULL);
	unsigned pos = vt_cfg(t, PCI_CAPABILITY_LIST, 1);

	if (!(vt_cfg(t, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		g_string_append(s, "none ");
	for (int i = 0; pos && i < 60; i++) {
		g_string_append_printf(s, "%x:%x ", pos, vt_cfg(t, pos, 1));
		pos = vt_cfg(t, pos + 1, 1);
	}
	return g_string_free(s, FALSE);
}

static char *ext_chain(struct vt *t)
{
	GString *s = g_string_new(NULL);
	unsigned pos = PCI_CFG_CONV;

	for (int i = 0; pos && i < 1100; i++) {
		uint32_t head = vt_cfg(t, pos, 4);

		g_string_append_printf(s, "%x:%x ", pos, PCI_EXT_CAP_ID(head));
		pos = PCI_EXT_CAP_NEXT(head);
	}
	return g_string_free(s, FALSE);
}

static void chain_is(struct vt *t, const char *want)
{
	g_autofree char *have = chain(t);

	g_assert_cmpstr(have, ==, want);
}

static void ext_chain_is(struct vt *t, const char *want)
{
	g_autofree char *have = ext_chain(t);

	g_assert_cmpstr(have, ==, want);
}

static void standard_chain(struct vt *t)
{
	chain_is(t, "40:1 50:5 70:10 b0:11 d0:9 ");
}

static void hardware_order(struct vt *t)
{
	/* Not by address: e.g. d0, 40, b0, 50, 70. */
	t->fake.cfg[PCI_CAPABILITY_LIST] = 0xd3; /* low bits are reserved */
	t->fake.cfg[STD_VNDR + 1] = STD_PM;
	t->fake.cfg[STD_PM + 1] = STD_MSIX;
	t->fake.cfg[STD_MSIX + 1] = STD_MSI;
	t->fake.cfg[STD_EXP + 1] = 0;
}

static void keeps_order(struct vt *t)
{
	chain_is(t, "d0:9 40:1 b0:11 50:5 70:10 ");
}

static void loop(struct vt *t)
{
	t->fake.cfg[STD_VNDR + 1] = STD_MSI; /* five in the chain, of which four go round */
}

static void no_list(struct vt *t)
{
	t->fake.cfg[PCI_STATUS] &= (uint8_t)~PCI_STATUS_CAP_LIST;
}

static void nothing_kept(struct vt *t)
{
	chain_is(t, "none ");
	g_assert_cmpuint(t->v->msi.pos, ==, 0);
	g_assert_cmpuint(t->v->msix.pos, ==, 0);
}

/* MSI of 14 bytes at 0xf8: it would reach into extended space. */
static void msi_at_the_end(struct vt *t)
{
	fake_drop_cap(&t->fake, PCI_CAP_ID_MSI);
	t->fake.cfg[STD_VNDR + 1] = 0xf8;
	fake_cap(&t->fake, 0xf8, PCI_CAP_ID_MSI, 0);
	pci_set16(t->fake.cfg + 0xfa, PCI_MSI_FLAGS_64BIT);
}

static void msi_is_hidden(struct vt *t)
{
	chain_is(t, "40:1 70:10 b0:11 d0:9 ");
	ext_chain_is(t, "100:1 1a0:3 ");
}

static void chains(void)
{
	vt_run_guest(NULL, standard_chain);
	vt_run_guest(hardware_order, keeps_order);
	vt_run_guest(loop, standard_chain);
	vt_run_guest(no_list, nothing_kept);
	vt_run_guest(msi_at_the_end, msi_is_hidden);
}

/* --- PCI Express: what the place makes of the type ------------------------------------------ */

static void set_type(struct vt *t, unsigned type)
{
	uint8_t *c = t->fake.cfg + STD_EXP + PCI_EXP_FLAGS;

	pci_set16(c, (uint16_t)((pci_get16(c) & ~PCI_EXP_FLAGS_TYPE) | type << 4));
}

static unsigned type_of(struct vt *t)
{
	return (vt_cfg(t, STD_EXP + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE) >> 4;
}

static void endpoint_on_root(struct vt *t)
{
	g_assert_cmpuint(type_of(t), ==, PCI_EXP_TYPE_RC_END);
	g_assert_cmphex(vt_cfg(t, STD_EXP + PCI_EXP_LNKCAP, 4), ==, 0);
	g_assert_cmphex(vt_cfg(t, STD_EXP + PCI_EXP_LNKCTL, 4), ==, 0);
	g_assert_cmphex(vt_cfg(t, STD_EXP + PCI_EXP_LNKCAP2, 4), ==, 0);
	g_assert_cmphex(vt_cfg(t, STD_EXP + PCI_EXP_LNKCTL2, 4), ==, 0);
	g_assert_cmphex(vt_cfg(t, STD_EXP + PCI_EXP_DEVCAP, 4), ==, 0x10008000);
	ext_chain_is(t, "100:1 1a0:3 ");
}

static void below_port(struct vt *t)
{
	const struct pcie_port_conf conf = {.id = (char *)"rp"};

	t->on_root = false;
	t->port = pcie_root_port_new(&conf);
	g_assert_cmpint(pcidev_plug(t->port, &t->host.root, PCI_DEVFN(2, 0), NULL), ==, 0);
}

/* After the machine reset the port has no bus numbers: give it bus 1. */
static void open_port(struct vt *t)
{
	pcihost_cfg_write(&t->host, PCI_DEVFN(2, 0), PCI_PRIMARY_BUS, 0x010100, 4);
}

static void endpoint_below_port(struct vt *t)
{
	open_port(t);
	g_assert_cmpuint(type_of(t), ==, PCI_EXP_TYPE_ENDPOINT);
	g_assert_cmphex(vt_cfg(t, STD_EXP + PCI_EXP_LNKCAP, 4), ==, 0x0043f443);
	g_assert_cmphex(vt_cfg(t, STD_EXP + PCI_EXP_LNKSTA, 2), ==, 0x1043);
}

static void integrated_below_port(struct vt *t)
{
	below_port(t);
	set_type(t, PCI_EXP_TYPE_RC_END);
	pci_set16(t->fake.cfg + STD_EXP + PCI_EXP_FLAGS, PCI_EXP_TYPE_RC_END << 4); /* version 0 */
	pci_set32(t->fake.cfg + STD_EXP + PCI_EXP_LNKCAP, 0);
}

static void becomes_endpoint(struct vt *t)
{
	open_port(t);
	g_assert_cmphex(vt_cfg(t, STD_EXP + PCI_EXP_FLAGS, 2), ==, 0x0001);
	g_assert_cmphex(vt_cfg(t, STD_EXP + PCI_EXP_LNKCAP, 4), ==, 0x11);
	g_assert_cmphex(vt_cfg(t, STD_EXP + PCI_EXP_LNKSTA, 2), ==, 0x11);
}

static void legacy(struct vt *t)
{
	set_type(t, PCI_EXP_TYPE_LEG_END);
}

static void express_hidden(struct vt *t)
{
	chain_is(t, "40:1 50:5 b0:11 d0:9 ");
	for (unsigned off = PCI_CFG_CONV; off < PCI_CFG_EXT; off += 4)
		g_assert_cmphex(vt_cfg(t, off, 4), ==, 0);
	g_assert_true(t->v->flr); /* a reset still knows */
}

static void legacy_below_port(struct vt *t)
{
	below_port(t);
	legacy(t);
}

static void stays_legacy(struct vt *t)
{
	open_port(t);
	g_assert_cmpuint(type_of(t), ==, PCI_EXP_TYPE_LEG_END);
}

static void switch_type(struct vt *t)
{
	set_type(t, PCI_EXP_TYPE_UPSTREAM);
}

static void express(void)
{
	vt_run_guest(NULL, endpoint_on_root);
	vt_run_guest(below_port, endpoint_below_port);
	vt_run_guest(integrated_below_port, becomes_endpoint);
	vt_run_guest(legacy, express_hidden);
	vt_run_guest(legacy_below_port, stays_legacy);
	vt_run_guest(switch_type, express_hidden);
}

/* --- extended capabilities ------------------------------------------------------------------ */

static void hidden_head(struct vt *t)
{
	fake_ext(&t->fake, STD_AER, PCI_EXT_CAP_ID_ARI, 1, 0x140);
	fake_ext(&t->fake, 0x140, PCI_EXT_CAP_ID_REBAR, 1, STD_SRIOV);
}

static void dummy_head(struct vt *t)
{
	ext_chain_is(t, "100:0 1a0:3 ");
	g_assert_cmphex(vt_cfg(t, 0x100, 4), ==, 0x1a000000);
}

static void all_hidden(struct vt *t)
{
	fake_ext(&t->fake, STD_AER, PCI_EXT_CAP_ID_SRIOV, 1, STD_SRIOV);
	fake_ext(&t->fake, STD_SRIOV, PCI_EXT_CAP_ID_ARI, 1, 0);
}

static void empty_ext(struct vt *t)
{
	g_assert_cmphex(vt_cfg(t, 0x100, 4), ==, 0);
}

/* Backwards is allowed (nothing in the specification says otherwise); a loop is not. */
static void backward(struct vt *t)
{
	fake_ext(&t->fake, STD_AER, PCI_EXT_CAP_ID_ERR, 2, 0x300);
	fake_ext(&t->fake, 0x300, PCI_EXT_CAP_ID_DSN, 1, 0x200);
	fake_ext(&t->fake, 0x200, PCI_EXT_CAP_ID_VNDR, 1, 0x280);
	fake_ext(&t->fake, 0x280, PCI_EXT_CAP_ID_ARI, 1, 0x300);
}

static void backward_kept(struct vt *t)
{
	ext_chain_is(t, "100:1 300:3 200:b ");
}

static void below_256(struct vt *t)
{
	fake_ext(&t->fake, STD_AER, PCI_EXT_CAP_ID_ERR, 2, 0x40);
}

static void only_aer(struct vt *t)
{
	ext_chain_is(t, "100:1 ");
}

static void into_ones(struct vt *t)
{
	fake_ext(&t->fake, STD_AER, PCI_EXT_CAP_ID_ERR, 2, 0xffc);
	memset(t->fake.cfg + 0xffc, 0xff, 4);
}

static void every_dword(struct vt *t)
{
	for (unsigned off = PCI_CFG_CONV; off < PCI_CFG_EXT; off += 4)
		fake_ext(&t->fake, off, PCI_EXT_CAP_ID_VNDR, 1,
			 off + 4 < PCI_CFG_EXT ? off + 4 : 0x104);
}

static void all_960(struct vt *t)
{
	g_autofree char *have = ext_chain(t);
	unsigned n = 0;

	for (char *p = have; (p = strchr(p, ' ')); p++)
		n++;
	g_assert_cmpuint(n, ==, 960);
}

static void conventional(struct vt *t)
{
	t->fake.cfg_size = PCI_CFG_CONV;
	t->fake.region[VFIO_PCI_CONFIG_REGION_INDEX].info.size = PCI_CFG_CONV;
}

static void no_ext(struct vt *t)
{
	g_assert_cmphex(vt_cfg(t, 0x100, 4), ==, UINT32_MAX);
	standard_chain(t);
}

static void extended(void)
{
	vt_run_guest(hidden_head, dummy_head);
	vt_run_guest(all_hidden, empty_ext);
	vt_run_guest(backward, backward_kept);
	vt_run_guest(below_256, only_aer);
	vt_run_guest(into_ones, only_aer);
	vt_run_guest(every_dword, all_960);
	vt_run_guest(conventional, no_ext);
}

/* --- config cycles -------------------------------------------------------------------------- */

static void write_order(struct vt *t)
{
	fake_log_clear(&t->fake);
	vt_set_cfg(t, PCI_COMMAND, 0x0546, 2);
	g_assert_true(fake_said(&t->fake, "cfg 0x4 = 0x546/2"));
	g_assert_cmphex(pci_get16(t->fake.cfg + PCI_COMMAND), ==, 0x0546);
	g_assert_cmphex(vt_cfg(t, PCI_COMMAND, 2), ==, 0x0546);
	/* Only what the device took reads back. */
	vt_set_cfg(t, PCI_COMMAND, 0xffff, 2);
	g_assert_cmphex(vt_cfg(t, PCI_COMMAND, 2), ==, 0x0547);
	/* Overlaid registers are forwarded, too, with the width of the access. */
	fake_log_clear(&t->fake);
	vt_set_cfg(t, 0x12, 0xc0, 1);
	vt_set_cfg(t, STD_VNDR + 4, 0x12345678, 4);
	fake_assert_order(&t->fake, "cfg 0x12 = 0xc0/1", "cfg 0xd4 = 0x12345678/4", NULL);
	g_assert_cmphex(vt_cfg(t, STD_VNDR + 4, 4), ==, 0x12345678);
	/* Forward comes before the effect. */
	fake_log_clear(&t->fake);
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	fake_assert_order(&t->fake, "cfg 0x52 = 0x1/2", "intx off", "msi 0: +", NULL);
}

static void read_merge(struct vt *t)
{
	unsigned before = t->fake.region[VFIO_PCI_CONFIG_REGION_INDEX].reads;

	/* All bits emulated: the device is not asked. */
	vt_cfg(t, PCI_BASE_ADDRESS_0, 4);
	g_assert_cmpuint(t->fake.region[VFIO_PCI_CONFIG_REGION_INDEX].reads, ==, before);
	/* Half of a dword emulated: one read, merged by bits. */
	t->fake.cfg[PCI_CACHE_LINE_SIZE] = 0x11;
	t->fake.cfg[PCI_HEADER_TYPE] = 0x80;
	g_assert_cmphex(vt_cfg(t, PCI_CACHE_LINE_SIZE, 4), ==, 0x11);
	g_assert_cmpuint(t->fake.region[VFIO_PCI_CONFIG_REGION_INDEX].reads, ==, before + 1);
}

static void failing_cycles(struct vt *t)
{
	t->fake.fail_at = t->fake.calls + 1;
	g_assert_cmphex(vt_cfg(t, PCI_VENDOR_ID, 4), ==, UINT32_MAX);
	vt_assert_said("vfio-pci,host=0000:17:00.0: read config 0x0, 4 bytes");
	t->v->last_warning = 0;
	/* The rest of a write runs even if the device did not take it. */
	t->fake.fail_at = t->fake.calls + 1;
	vt_set_cfg(t, PCI_BASE_ADDRESS_0, 0xc5550000, 4);
	vt_assert_said("write config 0x10");
	g_assert_cmphex(vt_cfg(t, PCI_BASE_ADDRESS_0, 4), ==, 0xc5550000);
	g_assert_cmpstr(vt_region_at(t, 0xc5550000, NULL, NULL), ==, "vfio-bar");
	/* At most one message a second. */
	t->fake.fail_at = t->fake.calls + 1;
	vt_cfg(t, PCI_VENDOR_ID, 4);
	g_assert_cmpstr(vt_messages(), ==, "");
}

static void cycles(void)
{
	vt_run_guest(NULL, write_order);
	vt_run_guest(NULL, read_merge);
	vt_run_guest(NULL, failing_cycles);
}

static void interrupt_caps(struct vt *t)
{
	/* MSI: address, data and control are the overlay's, mask bits the device's. */
	vt_set_cfg(t, STD_MSI + PCI_MSI_ADDRESS_LO, 0xfee01003, 4);
	vt_set_cfg(t, STD_MSI + PCI_MSI_ADDRESS_HI, 0x12, 4);
	vt_set_cfg(t, STD_MSI + PCI_MSI_DATA_64, 0x4041, 2);
	vt_set_cfg(t, STD_MSI + PCI_MSI_MASK_64, 0x5, 4);
	g_assert_cmphex(vt_cfg(t, STD_MSI + PCI_MSI_ADDRESS_LO, 4), ==, 0xfee01000);
	g_assert_cmphex(vt_cfg(t, STD_MSI + PCI_MSI_ADDRESS_HI, 4), ==, 0x12);
	g_assert_cmphex(vt_cfg(t, STD_MSI + PCI_MSI_DATA_64, 2), ==, 0x4041);
	g_assert_cmphex(pci_get32(t->fake.cfg + STD_MSI + PCI_MSI_MASK_64), ==, 5);
	g_assert_cmphex(vt_cfg(t, STD_MSI + PCI_MSI_MASK_64, 4), ==, 5);
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, 0xfffe, 2);
	g_assert_cmphex(vt_cfg(t, STD_MSI + PCI_MSI_FLAGS, 2), ==, 0x1fa);
	/* MSI-X: only two bits can be written. */
	vt_set_cfg(t, STD_MSIX + PCI_MSIX_FLAGS, 0x7fff, 2);
	g_assert_cmphex(vt_cfg(t, STD_MSIX + PCI_MSIX_FLAGS, 2), ==, 0x4007);
	vt_set_cfg(t, STD_MSIX + PCI_MSIX_TABLE, 0, 4);
	g_assert_cmphex(vt_cfg(t, STD_MSIX + PCI_MSIX_TABLE, 4), ==, STD_TABLE);
}

static void left_enabled(struct vt *t)
{
	/* A device whose last user left MSI-X on: the guest must see it off. */
	pci_set16(t->fake.cfg + STD_MSIX + PCI_MSIX_FLAGS, 0xc000 | (STD_VECTORS - 1));
	t->fake.cfg[STD_MSI + PCI_MSI_FLAGS] |= PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE;
}

static void starts_off(struct vt *t)
{
	g_assert_cmphex(vt_cfg(t, STD_MSIX + PCI_MSIX_FLAGS, 2), ==, STD_VECTORS - 1);
	g_assert_cmphex(vt_cfg(t, STD_MSI + PCI_MSI_FLAGS, 2), ==, 0x18a);
}

static void interrupt_capabilities(void)
{
	vt_run_guest(NULL, interrupt_caps);
	vt_run_guest(left_enabled, starts_off);
}

/* --- power states: a sleeping device's BARs are not mapped ---------------------------------- */

static void sleeps(struct vt *t)
{
	unsigned reads;

	g_assert_cmpstr(vt_region_at(t, AT_BAR0, NULL, NULL), ==, "vfio-bar");
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 3, 2);
	g_assert_cmpstr(vt_region_at(t, AT_BAR0, NULL, NULL), ==, "vfio-mem");
	g_assert_cmphex(aspace_read(t->mem, AT_BAR0, 4), ==, UINT32_MAX);
	vt_messages_clear();
	/* A write that leaves it asleep, and one of other bytes, change nothing. */
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 3, 1);
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL + 1, 0, 1);
	g_assert_cmpstr(vt_region_at(t, AT_BAR0, NULL, NULL), ==, "vfio-mem");
	vt_set_cfg(t, STD_PM, 0, 4); /* the dword before: no power register */
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 0, 4);
	g_assert_cmpstr(vt_region_at(t, AT_BAR0, NULL, NULL), ==, "vfio-bar");
	reads = t->fake.region[0].reads;
	aspace_read(t->mem, AT_BAR0, 4);
	g_assert_cmpuint(t->fake.region[0].reads, ==, reads);
	/* A reset wakes it up. */
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 3, 2);
	pcihost_reset(&t->host);
	vt_place(t);
	g_assert_cmpstr(vt_region_at(t, AT_BAR0, NULL, NULL), ==, "vfio-bar");
	/* A device that does not want to sleep stays mapped. */
	t->fake.wmask[STD_PM + PCI_PM_CTRL] = 0;
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 3, 2);
	g_assert_cmpstr(vt_region_at(t, AT_BAR0, NULL, NULL), ==, "vfio-bar");
}

static unsigned seen;

static void look(void *opaque, unsigned off)
{
	seen++;
	g_assert_cmpstr(vt_region_at(opaque, AT_BAR0, NULL, NULL), !=, "vfio-bar");
}

/* The host unmaps at the write: by then no vCPU may have the mapping any more. */
static void unmapped_before(struct vt *t)
{
	t->fake.on_cfg_opaque = t;
	for (int i = 0; i < 2; i++) {
		g_assert_cmpstr(vt_region_at(t, AT_BAR0, NULL, NULL), ==, "vfio-bar");
		t->fake.on_cfg_write = look;
		if (i)
			vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 3, 2);
		else
			vt_set_cfg(t, PCI_COMMAND, PCI_COMMAND_IO, 2);
		t->fake.on_cfg_write = NULL;
		vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 0, 2);
		vt_set_cfg(t, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	}
	g_assert_cmpuint(seen, ==, 2);
}

static void power(void)
{
	vt_run_guest(NULL, sleeps);
	vt_run_guest(NULL, unmapped_before);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-config/header", header);
	g_test_add_func("/vfio-config/overrides", overrides);
	g_test_add_func("/vfio-config/multifunction-hidden", multifunction_hidden);
	g_test_add_func("/vfio-config/refusals", refusals);
	g_test_add_func("/vfio-config/bar-sizing", bar_sizing);
	g_test_add_func("/vfio-config/bar-last-64", bar_last_64);
	g_test_add_func("/vfio-config/chains", chains);
	g_test_add_func("/vfio-config/express", express);
	g_test_add_func("/vfio-config/extended", extended);
	g_test_add_func("/vfio-config/cycles", cycles);
	g_test_add_func("/vfio-config/interrupt-capabilities", interrupt_capabilities);
	g_test_add_func("/vfio-config/power", power);
	return g_test_run();
}
