// SPDX-License-Identifier: GPL-2.0-or-later
/* MSI-X: table and pending bits as a guest sees them, masks at three levels, delivery. */
#include "pci_util.h"

#include "mem/access.h"

#define VECTORS 70
#define ON PCI_MSIX_FLAGS_ENABLE
#define MASKALL PCI_MSIX_FLAGS_MASKALL

struct sx {
	struct pciboard b;
	struct tpci *t;
	struct pcimsix *m;
	unsigned told[VECTORS];
};

static void vector_told(void *opaque, unsigned nr)
{
	struct sx *s = opaque;

	g_assert_cmpuint(nr, <, VECTORS);
	s->told[nr]++;
}

static const struct pcimsix_ops sx_ops = {vector_told};

static void sx_init(struct sx *s)
{
	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	s->t = tpci_plug(&s->b, 1, &s->b.host.root, 8);
	cfg_w(&s->b, 8, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	s->m = pcimsix_new(&s->t->dev, VECTORS, &sx_ops, s);
}

static void sx_fini(struct sx *s)
{
	pcimsix_free(s->m);
	pcimsix_free(NULL);
	pb_fini(&s->b);
}

static uint64_t table_r(struct sx *s, unsigned off, unsigned len)
{
	return region_read(&s->m->table_region, off, len);
}

static void table_w(struct sx *s, unsigned off, uint64_t val, unsigned len)
{
	region_write(&s->m->table_region, off, val, len);
}

static void program(struct sx *s, unsigned nr, uint64_t addr, uint32_t data, bool masked)
{
	table_w(s, 16 * nr, (uint32_t)addr, 4);
	table_w(s, 16 * nr + 4, addr >> 32, 4);
	table_w(s, 16 * nr + 8, data, 4);
	table_w(s, 16 * nr + 12, masked, 4);
}

static void after_reset(void)
{
	struct sx s;

	sx_init(&s);
	g_assert_cmpuint(s.m->table_region.size, ==, 16 * VECTORS);
	g_assert_cmpuint(s.m->pba_region.size, ==, 16); /* 70 bits: two qwords */
	for (unsigned i = 0; i < VECTORS; i++) {
		g_assert_cmphex(table_r(&s, 16 * i, 8), ==, 0);
		g_assert_cmphex(table_r(&s, 16 * i + 8, 8), ==, 1ull << 32); /* masked */
		g_assert_false(pcimsix_vector_on(s.m, i));
	}
	program(&s, 69, 0xfee00000, 0x41, false);
	pcimsix_control(s.m, ON);
	g_assert_true(pcimsix_vector_on(s.m, 69));
	pcimsix_set_pending(s.m, 3, true);
	pcimsix_reset(s.m);
	g_assert_false(pcimsix_vector_on(s.m, 69));
	g_assert_false(pcimsix_pending(s.m, 3));
	g_assert_cmphex(table_r(&s, 16 * 69, 8), ==, 0);
	sx_fini(&s);
}

static void messages(void)
{
	struct sx s;

	sx_init(&s);
	program(&s, 5, 0x1fee01000, 0xdeadbeef, false);
	g_assert_cmphex(pcimsix_msg(s.m, 5).addr, ==, 0x1fee01000);
	g_assert_cmphex(pcimsix_msg(s.m, 5).data, ==, 0xdeadbeef);
	pcimsix_raise(s.m, 5); /* not enabled: lost, and not pending */
	g_assert_cmpuint(s.b.msis, ==, 0);
	g_assert_false(pcimsix_pending(s.m, 5));
	pcimsix_control(s.m, ON);
	g_assert_cmpuint(s.b.msis, ==, 0);
	pcimsix_raise(s.m, 5);
	g_assert_cmpuint(s.b.msis, ==, 1);
	g_assert_cmphex(s.b.last.addr, ==, 0x1fee01000);
	g_assert_cmphex(s.b.last.data, ==, 0xdeadbeef);
	pcimsix_raise(s.m, VECTORS); /* past the end */
	pcimsix_raise(s.m, UINT32_MAX);
	g_assert_cmpuint(s.b.msis, ==, 1);
	sx_fini(&s);
}

/* A vector that is raised while masked, at either level, comes once when both are open. */
static void pending_bits(void)
{
	struct sx s;

	sx_init(&s);
	program(&s, 1, 0xfee00000, 1, true);
	program(&s, 66, 0xfee00000, 66, false);
	pcimsix_control(s.m, ON);
	pcimsix_raise(s.m, 1);
	pcimsix_raise(s.m, 1);
	g_assert_cmphex(region_read(&s.m->pba_region, 0, 8), ==, 2);
	g_assert_cmphex(region_read(&s.m->pba_region, 0, 1), ==, 2);
	pcimsix_control(s.m, ON | MASKALL);
	pcimsix_raise(s.m, 66);
	g_assert_cmphex(region_read(&s.m->pba_region, 8, 4), ==, 4);
	region_write(&s.m->pba_region, 0, 0, 8); /* read only */
	region_write(&s.m->pba_region, 8, UINT64_MAX, 8);
	g_assert_true(pcimsix_pending(s.m, 1));
	g_assert_false(pcimsix_pending(s.m, 67));
	table_w(&s, 16 + 12, 0, 4); /* open, but the function is not */
	g_assert_cmpuint(s.b.msis, ==, 0);
	pcimsix_control(s.m, ON);
	g_assert_cmpuint(s.b.msis, ==, 2);
	g_assert_cmphex(region_read(&s.m->pba_region, 0, 8), ==, 0);
	g_assert_cmphex(region_read(&s.m->pba_region, 8, 8), ==, 0);
	table_w(&s, 16 + 12, 1, 4);
	pcimsix_raise(s.m, 1);
	table_w(&s, 16 + 12, 0, 1); /* the mask bit by its byte */
	g_assert_cmpuint(s.b.msis, ==, 3);
	g_assert_cmphex(s.b.last.data, ==, 1);
	sx_fini(&s);
}

/* The owner hears of each change once, and of no write that changes nothing. */
static void owner_is_told(void)
{
	struct sx s;

	sx_init(&s);
	table_w(&s, 16 * 7, 0xfee00000, 4);
	g_assert_cmpuint(s.told[7], ==, 1);
	table_w(&s, 16 * 7, 0xfee00000, 4);
	g_assert_cmpuint(s.told[7], ==, 1);
	table_w(&s, 16 * 7 + 8, 0x0000000000000055, 8);
	g_assert_cmpuint(s.told[7], ==, 2);
	g_assert_cmpuint(s.told[6] + s.told[8], ==, 0);
	pcimsix_control(s.m, ON);
	pcimsix_control(s.m, ON | 0x3ff); /* the size field is no change */
	for (unsigned i = 0; i < VECTORS; i++)
		g_assert_cmpuint(s.told[i], ==, i == 7 ? 3 : 1);
	sx_fini(&s);
}

static void partial_writes(void)
{
	GRand *rnd = g_rand_new_with_seed(5);
	uint8_t model[16 * VECTORS] = {0};
	struct sx s;

	sx_init(&s);
	for (unsigned i = 0; i < VECTORS; i++)
		model[16 * i + 12] = 1;
	for (int i = 0; i < 5000; i++) { /* any width, any place, across entries, too */
		unsigned len = (unsigned)g_rand_int_range(rnd, 1, 9);
		unsigned off = (unsigned)g_rand_int_range(rnd, 0, 16 * VECTORS - (int)len + 1);
		uint64_t val = (uint64_t)g_rand_int(rnd) << 32 | g_rand_int(rnd);

		table_w(&s, off, val, len);
		le_store(model + off, val, len);
		g_assert_cmpmem(s.m->table, sizeof(model), model, sizeof(model));
		g_assert_cmphex(table_r(&s, off, len), ==, le_load(model + off, len));
	}
	sx_fini(&s);
	g_rand_free(rnd);
}

static void without_owner(void)
{
	struct sx s;
	struct pcimsix *m;

	sx_init(&s);
	m = pcimsix_new(&s.t->dev, 1, NULL, NULL);
	pcimsix_control(m, ON);
	pcimsix_raise(m, 0);
	region_write(&m->table_region, 12, 0, 4);
	g_assert_cmpuint(s.b.msis, ==, 1);
	g_assert_cmpuint(m->pba_region.size, ==, 8);
	pcimsix_free(m);
	sx_fini(&s);
}

/* A model: the capability, its table and PBA in a BAR, all driven by config cycles. */
struct mx {
	struct pciboard b;
	struct tpci *t;
	struct region bar;
};

#define MX_BAR 0xc0000000u
#define MX_CAP 0x60

static void mx_init(struct mx *s)
{
	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	s->t = tpci_plug(&s->b, 1, &s->b.host.root, 8);
	region_init_container(&s->bar, "bar", 0x4000);
	pcidev_set_bar(&s->t->dev, 2, &s->bar, 0x4000, MEM64);
	s->t->dev.msix = pcimsix_new(&s->t->dev, VECTORS, NULL, NULL);
	pcimsix_add_cap(&s->t->dev, MX_CAP, 2, 0x2000, 0x3000);
	cfg_w(&s->b, 8, PCI_BASE_ADDRESS_2, MX_BAR, 4);
	cfg_w(&s->b, 8, PCI_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY, 2);
}

static void mx_fini(struct mx *s)
{
	struct pcimsix *m = s->t->dev.msix;

	pb_fini(&s->b); /* unplugs: nobody gets at the table any more */
	pcimsix_free(m);
}

static void mx_w(struct mx *s, unsigned off, uint32_t val, unsigned len)
{
	cfg_w(&s->b, 8, MX_CAP + off, val, len);
	pcimsix_written(&s->t->dev, MX_CAP + off, len);
}

static void capability(void)
{
	struct mx s;
	struct pcimsix *m;

	mx_init(&s);
	m = s.t->dev.msix;
	g_assert_cmphex(pci_cap_find(s.t->dev.cfg, PCI_CAP_ID_MSIX), ==, MX_CAP);
	g_assert_cmphex(cfg_r(&s.b, 8, MX_CAP + PCI_MSIX_TABLE, 4), ==, 0x2002);
	g_assert_cmphex(cfg_r(&s.b, 8, MX_CAP + PCI_MSIX_PBA, 4), ==, 0x3002);
	g_assert_cmphex(cfg_r(&s.b, 8, MX_CAP + PCI_MSIX_FLAGS, 2), ==, VECTORS - 1);
	aspace_write(s.b.mem, MX_BAR + 0x2000 + 16 * 3, 0xfee00000, 4);
	aspace_write(s.b.mem, MX_BAR + 0x2000 + 16 * 3 + 8, 0x33, 8); /* data, and unmasked */
	mx_w(&s, 0, UINT32_MAX, 4);
	g_assert_cmphex(cfg_r(&s.b, 8, MX_CAP + PCI_MSIX_FLAGS, 2), ==, ON | MASKALL | 69);
	g_assert_true(pcimsix_enabled(m));
	pcimsix_raise(m, 3);
	g_assert_cmpuint(s.b.msis, ==, 0);
	g_assert_cmphex(aspace_read(s.b.mem, MX_BAR + 0x3000, 8), ==, 8);
	mx_w(&s, PCI_MSIX_FLAGS + 1, ON >> 8, 1); /* the control word's upper byte */
	g_assert_cmpuint(s.b.msis, ==, 1);
	g_assert_cmphex(s.b.last.data, ==, 0x33);
	pcimsix_reset(m);
	g_assert_false(pcimsix_enabled(m));
	g_assert_cmphex(cfg_r(&s.b, 8, MX_CAP + PCI_MSIX_FLAGS, 2), ==, VECTORS - 1);
	g_assert_cmphex(aspace_read(s.b.mem, MX_BAR + 0x203c, 4), ==, 1);
	mx_fini(&s);
}

/* A worker raises while the vCPU moves the message under the mask bit. */
static void whole_message(void *opaque, struct pcidev *d, struct msi_msg msg)
{
	g_assert_cmphex(msg.addr >> 32, ==, msg.data);
}

static const struct pcihost_ops whole_ops = {pb_intx, pb_gsi, whole_message};

static void *raise_many(void *opaque)
{
	for (int i = 0; i < 20000; i++)
		pcimsix_raise(opaque, 65);
	return NULL;
}

static void threads(void)
{
	struct mx s;
	GThread *t;

	mx_init(&s);
	s.b.host.ops = &whole_ops;
	mx_w(&s, PCI_MSIX_FLAGS, ON, 2);
	t = g_thread_new("raise", raise_many, s.t->dev.msix);
	for (unsigned i = 0; i < 5000; i++) {
		uint64_t entry = MX_BAR + 0x2000 + 16 * 65;

		aspace_write(s.b.mem, entry + 12, 1, 4);
		aspace_write(s.b.mem, entry + 4, i, 4);
		aspace_write(s.b.mem, entry + 8, i, 4);
		aspace_write(s.b.mem, entry + 12, 0, 4);
	}
	g_thread_join(t);
	g_assert_false(pcimsix_pending(s.t->dev.msix, 65));
	mx_fini(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-msix/reset", after_reset);
	g_test_add_func("/pci-msix/messages", messages);
	g_test_add_func("/pci-msix/pending", pending_bits);
	g_test_add_func("/pci-msix/owner-is-told", owner_is_told);
	g_test_add_func("/pci-msix/partial-writes", partial_writes);
	g_test_add_func("/pci-msix/without-owner", without_owner);
	g_test_add_func("/pci-msix/capability", capability);
	g_test_add_func("/pci-msix/threads", threads);
	return g_test_run();
}
