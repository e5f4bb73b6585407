// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who owns which byte of config space: each row of docs/config-bits.md, over the fake device; what
 * vfio-pci hides, over pci-zoo on an emulated host; hostile chains; the map as text.
 */
#include <errno.h>
#include <string.h>

#include "ctl/info_vfio.h"
#include "host_util.h"
#include "hw/dev/zoo.h"
#include "hw/vfio/cfg_names.h"
#include "hw/vfio/owners.h"
#include "vfio_util.h"

/* --- looking -------------------------------------------------------------------------------- */

static const struct cfg_span *span_at(const struct cfg_owners *o, unsigned off)
{
	for (guint i = 0; i < o->spans->len; i++) {
		const struct cfg_span *s = &g_array_index(o->spans, struct cfg_span, i);

		if (off >= s->off && off < s->off + s->len)
			return s;
	}
	g_error("no span at 0x%x", off);
}

/* The bytes [off, off + len) are all this owner's, and one name's. */
static void owns(const struct cfg_owners *o, unsigned off, unsigned len, enum cfg_owner owner,
		 const char *name)
{
	for (unsigned i = off; i < off + len; i++) {
		const struct cfg_span *s = span_at(o, i);

		if (s->owner != owner || s->mask != 0xff || o->owner[i] != owner ||
		    strcmp(s->name, name))
			g_error("0x%x: %s (mask %x) %s, not %s %s", i, cfg_owner_names[s->owner],
				s->mask, s->name, cfg_owner_names[owner], name);
	}
}

static void owns_bits(const struct cfg_owners *o, unsigned off, enum cfg_owner owner, uint8_t mask,
		      const char *name)
{
	const struct cfg_span *s = span_at(o, off);

	g_assert_cmpint(s->owner, ==, owner);
	g_assert_cmphex(s->mask, ==, mask);
	g_assert_cmpstr(s->name, ==, name);
}

static struct cfg_owners *look(struct vt *t)
{
	struct err *e = NULL;
	struct cfg_owners *o = cfg_owners_new(t->ctx, t->d->name, &e);
	unsigned at = 0;

	if (!o)
		g_error("%s", err_text(e));
	for (guint i = 0; i < o->spans->len; i++) {
		const struct cfg_span *s = &g_array_index(o->spans, struct cfg_span, i);

		g_assert_cmphex(s->off, ==, at);
		g_assert_cmpuint(s->len, !=, 0);
		g_assert_cmpuint(s->mask, !=, 0);
		at += s->len;
	}
	g_assert_cmphex(at, ==, o->size);
	for (unsigned i = 0; i < o->size; i++)
		g_assert_cmphex(o->value[i], ==, vt_cfg(t, i, 1));
	return o;
}

/* --- docs/config-bits.md, row by row -------------------------------------------------------- */

static void header(struct vt *t)
{
	struct cfg_owners *o = look(t);

	g_assert_cmpstr(o->host, ==, FAKE_BDF);
	owns(o, PCI_VENDOR_ID, 2, CFG_VIRTUAL, "Vendor ID");
	owns(o, PCI_DEVICE_ID, 2, CFG_VIRTUAL, "Device ID");
	owns(o, PCI_SUBSYSTEM_VENDOR_ID, 2, CFG_DEVICE, "Subsystem Vendor ID");
	owns(o, PCI_SUBSYSTEM_ID, 2, CFG_DEVICE, "Subsystem ID");
	owns(o, PCI_REVISION_ID, 1, CFG_DEVICE, "Revision ID");
	owns(o, PCI_CLASS_PROG, 3, CFG_DEVICE, "Class Code");
	owns(o, PCI_COMMAND, 1, CFG_DEVICE, "Command");
	owns_bits(o, PCI_COMMAND + 1, CFG_VIRTUAL, PCI_COMMAND_INTX_DISABLE >> 8, "Command");
	owns_bits(o, PCI_STATUS, CFG_VIRTUAL, PCI_STATUS_CAP_LIST, "Status");
	owns(o, PCI_STATUS + 1, 1, CFG_DEVICE, "Status");
	owns(o, PCI_HEADER_TYPE, 1, CFG_OVERLAY, "Header Type");
	owns(o, PCI_BASE_ADDRESS_0, 4, CFG_OVERLAY, "BAR 0");
	owns(o, PCI_BASE_ADDRESS_5, 4, CFG_OVERLAY, "BAR 5");
	owns(o, PCI_ROM_ADDRESS, 4, CFG_OVERLAY, "Expansion ROM BAR");
	owns(o, PCI_CAPABILITY_LIST, 1, CFG_OVERLAY, "Capabilities Pointer");
	owns(o, PCI_INTERRUPT_LINE, 1, CFG_VIRTUAL, "Interrupt Line");
	owns(o, PCI_INTERRUPT_PIN, 1, CFG_VIRTUAL, "Interrupt Pin");
	cfg_owners_free(o);
}

static void capabilities(struct vt *t)
{
	struct cfg_owners *o = look(t);

	owns(o, STD_MSI, 1, CFG_DEVICE, "MSI");
	owns(o, STD_MSI + 1, PCI_MSI_DATA_64 + 1, CFG_OVERLAY, "MSI");
	owns(o, STD_MSI + PCI_MSI_MASK_64, 8, CFG_DEVICE, "MSI");
	owns(o, STD_MSIX + 1, PCI_CAP_MSIX_SIZEOF - 1, CFG_OVERLAY, "MSI-X");
	owns(o, STD_EXP + 1, 3, CFG_OVERLAY, "PCI Express");
	owns(o, STD_EXP + PCI_EXP_DEVCAP, 4, CFG_DEVICE, "PCI Express");
	owns_bits(o, STD_EXP + PCI_EXP_DEVCTL, CFG_VIRTUAL, PCI_EXP_DEVCTL_PAYLOAD, "PCI Express");
	owns_bits(o, STD_EXP + PCI_EXP_DEVCTL + 1, CFG_VIRTUAL,
		  (PCI_EXP_DEVCTL_BCR_FLR | PCI_EXP_DEVCTL_READRQ) >> 8, "PCI Express");
	owns(o, STD_EXP + PCI_EXP_LNKCAP, 8, CFG_OVERLAY, "PCI Express");
	owns(o, STD_PM + PCI_PM_CTRL, 1, CFG_DEVICE, "Power Management");
	owns_bits(o, STD_PM + PCI_PM_CTRL + 1, CFG_VIRTUAL,
		  (PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS) >> 8, "Power Management");
	owns(o, STD_VNDR + 1, 1, CFG_OVERLAY, "Vendor-Specific");
	owns(o, STD_VNDR + 2, 14, CFG_DEVICE, "Vendor-Specific");
	owns(o, STD_VNDR + 16, 1, CFG_DEVICE, "unassigned");
	cfg_owners_free(o);
}

static void extended(struct vt *t)
{
	struct cfg_owners *o = look(t);

	owns(o, STD_AER, 4, CFG_OVERLAY, "Advanced Error Reporting");
	owns(o, STD_AER + 4, PCI_ERR_ROOT_COMMAND - 4, CFG_DEVICE, "Advanced Error Reporting");
	owns(o, STD_SRIOV, PCI_EXT_CAP_SRIOV_SIZEOF, CFG_HIDDEN, "hidden: SR-IOV");
	owns(o, STD_DSN, 4, CFG_OVERLAY, "Device Serial Number");
	owns(o, STD_DSN + 4, 8, CFG_DEVICE, "Device Serial Number");
	owns(o, 0xffc, 4, CFG_DEVICE, "unassigned");
	cfg_owners_free(o);
}

static void below_a_port(struct vt *t)
{
	t->on_root = false;
	t->conf.vendor_id = 0x8086;
	t->conf.sub_device_id = 1;
}

static void overrides(struct vt *t)
{
	struct cfg_owners *o = look(t);

	owns(o, STD_EXP + PCI_EXP_LNKCAP, 8, CFG_DEVICE, "PCI Express");
	owns(o, PCI_VENDOR_ID, 2, CFG_OVERLAY, "Vendor ID");
	owns(o, PCI_DEVICE_ID, 2, CFG_VIRTUAL, "Device ID");
	owns(o, PCI_SUBSYSTEM_ID, 2, CFG_OVERLAY, "Subsystem ID");
	cfg_owners_free(o);
}

static void a_bridge_type(struct vt *t)
{
	pci_set16(t->fake.cfg + STD_EXP + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_UPSTREAM << 4);
	t->fake.cfg[PCI_CAPABILITY_LIST] = STD_EXP;
	t->fake.cfg[STD_EXP + 1] = 0;
}

static void nothing_left(struct vt *t)
{
	struct cfg_owners *o = look(t);

	owns(o, STD_EXP, 20, CFG_HIDDEN, "hidden: PCI Express");
	owns_bits(o, PCI_STATUS, CFG_OVERLAY, PCI_STATUS_CAP_LIST, "Status");
	owns(o, PCI_CFG_CONV, PCI_CFG_EXT - PCI_CFG_CONV, CFG_OVERLAY,
	     "extended space, empty without PCI Express");
	cfg_owners_free(o);
}

static void hidden_head(struct vt *t)
{
	fake_ext(&t->fake, STD_AER, PCI_EXT_CAP_ID_SRIOV, 1, STD_DSN);
}

static void empty_head(struct vt *t)
{
	struct cfg_owners *o = look(t);

	owns(o, STD_AER, PCI_EXT_CAP_SRIOV_SIZEOF, CFG_HIDDEN, "hidden: SR-IOV");
	owns(o, STD_DSN, 4, CFG_OVERLAY, "Device Serial Number");
	cfg_owners_free(o);
}

static void rows(void)
{
	vt_run_guest(NULL, header);
	vt_run_guest(NULL, capabilities);
	vt_run_guest(NULL, extended);
	vt_run_guest(below_a_port, overrides);
	vt_run_guest(a_bridge_type, nothing_left);
	vt_run_guest(hidden_head, empty_head);
}

/* --- what cannot be told -------------------------------------------------------------------- */

static void refuses(struct vt *t)
{
	struct err *e = NULL;
	struct cfg_owners *o;

	g_assert_null(cfg_owners_new(t->ctx, "other", &e));
	g_assert_cmpint(err_code(e), ==, -ENODEV);
	assert_contains(err_text(e), "'other'");
	err_free(e);
	e = NULL;
	g_assert_null(cfg_owners_new(NULL, "17:00.0", &e));
	g_assert_cmpint(err_code(e), ==, -ENODEV);
	err_free(e);
	e = NULL;
	o = cfg_owners_new(t->ctx, FAKE_BDF, &e);
	g_assert_nonnull(o);
	cfg_owners_free(o);
	t->fake.fail_at = t->fake.calls + 1;
	g_assert_null(cfg_owners_new(t->ctx, FAKE_BDF, &e));
	g_assert_cmpint(err_code(e), ==, -EIO);
	assert_contains(err_text(e), "read the config space of " FAKE_BDF);
	err_free(e);
	cfg_owners_free(NULL);
}

/* Whatever a device shows: an answer for each byte, and no read outside of it. */
static void hostile(struct vt *t)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);

	for (unsigned round = 0; round < 200; round++) {
		struct cfg_owners *o;

		for (unsigned i = PCI_STD_HEADER_SIZEOF; i < PCI_CFG_EXT; i++)
			t->fake.cfg[i] = (uint8_t)g_rand_int(rand);
		if (round & 1)
			for (unsigned i = PCI_STD_HEADER_SIZEOF; i < PCI_CFG_CONV; i += 4)
				t->fake.cfg[i + 1] &= 0xfc;
		t->fake.cfg[PCI_CAPABILITY_LIST] = (uint8_t)g_rand_int(rand);
		o = look(t);
		cfg_owners_free(o);
	}
}

static void refusals(void)
{
	vt_run_guest(NULL, refuses);
	vt_run_guest(NULL, hostile);
	vt_messages_clear();
}

/* --- pci-zoo on an emulated host ------------------------------------------------------------ */

static void zoo_owners(struct vt *t)
{
	struct cfg_owners *o = look(t);

	/* Hidden by vfio-pci: only the host's own chain has them. */
	owns(o, 0xe8, 8, CFG_HIDDEN, "hidden: Subsystem IDs of a Bridge");
	owns(o, 0xfc, 4, CFG_HIDDEN, "hidden: CompactPCI Central Resource Control");
	owns(o, 0x20c, 8, CFG_HIDDEN, "hidden: PASID");
	/* Hidden here. */
	owns(o, 0x1e4, 12, CFG_HIDDEN, "hidden: Resizable BAR");
	owns(o, 0x1a8, 8, CFG_HIDDEN, "hidden: ARI");
	owns(o, ZOO_CAP_VPD + 2, 6, CFG_VIRTUAL, "Vital Product Data");
	owns_bits(o, ZOO_CAP_AF + PCI_AF_CTRL, CFG_VIRTUAL, PCI_AF_CTRL_FLR, "Advanced Features");
	owns(o, ZOO_EXT_PWR + 4, 12, CFG_DEVICE, "Power Budgeting");
	owns(o, ZOO_CAP_VNDR + 4, 4, CFG_DEVICE, "Vendor-Specific");
	cfg_owners_free(o);
}

static void zoo_text(struct vt *t)
{
	g_autoptr(GString) plain = g_string_new(NULL), color = g_string_new(NULL);

	info_vfio_config(t->ctx, "z0", false, plain);
	assert_contains(plain->str, "z0: host 0000:01:00.0, 4096 bytes as the guest reads them\n");
	assert_contains(plain->str, "\n000: 34v 12v 05v 20v 00  00v 10v 00  01  00  00  ff  00");
	assert_contains(plain->str, "\n*\n  device: read from the hardware\nv virtual: ");
	assert_contains(plain->str, "\n000-001 virtual         Vendor ID = 3412\n");
	assert_contains(plain->str, "\n005-005 virtual bits 04 Command = ");
	assert_contains(plain->str, "\n0e8-0ef hidden          hidden: Subsystem IDs of a Bridge");
	assert_contains(plain->str, "\n2a0-fff device          unassigned = ...\n");
	g_assert_null(strchr(plain->str, '\033'));
	info_vfio_config(t->ctx, "01:00.0", true, color);
	assert_contains(color->str, "\n000: \033[36m34\033[0m \033[36m12\033[0m");
	assert_contains(color->str, "\033[31mhidden\033[0m: of a capability");
	g_string_truncate(plain, 0);
	info_vfio_config(t->ctx, "nobody", false, plain);
	g_assert_cmpstr(plain->str, ==,
			"Error: no assigned device has the id or host address 'nobody'\n");
}

static void on_host(void (*guest)(struct vt *t))
{
	struct host *h = vfio_host_new(NULL);
	struct pcidev *d;
	struct vt t;

	g_assert_cmpint(pci_zoo_new(&d, "z0", 2 << 20, NULL), ==, 0);
	hu_plug(d, hu_port(h, 1), 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	vt_init(&t);
	t.env.open = NULL;
	t.env.host = h;
	g_free(t.conf.host);
	t.conf.host = g_strdup(HU_FIRST);
	t.conf.id = g_strdup("z0");
	vt_start(&t);
	guest(&t);
	vt_fini(&t);
	vfio_host_free(h);
}

static void zoo(void)
{
	on_host(zoo_owners);
	on_host(zoo_text);
}

/* --- names --- */

static void names(void)
{
	unsigned len;

	for (unsigned i = 0; i < PCI_STD_HEADER_SIZEOF; i++) {
		const struct cfg_field *f = cfg_field_at(i);

		g_assert_true(i >= f->off && i < f->off + f->len);
	}
	g_assert_cmpstr(cfg_cap_name(PCI_CAP_ID_MSIX, false, &len), ==, "MSI-X");
	g_assert_cmpuint(len, ==, PCI_CAP_MSIX_SIZEOF);
	g_assert_cmpstr(cfg_cap_name(PCI_EXT_CAP_ID_ERR, true, NULL), ==,
			"Advanced Error Reporting");
	g_assert_null(cfg_cap_name(0x3ff, true, &len));
	g_assert_cmpuint(len, ==, 4);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-owners/rows", rows);
	g_test_add_func("/vfio-owners/refusals", refusals);
	g_test_add_func("/vfio-owners/zoo", zoo);
	g_test_add_func("/vfio-owners/names", names);
	return g_test_run();
}
