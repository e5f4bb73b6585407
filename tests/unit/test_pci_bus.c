// SPDX-License-Identifier: GPL-2.0-or-later
/* The hierarchy: slots, bus numbers, config cycles, interrupt pins. */
#include <errno.h>

#include "pci_util.h"

#define SLOT(s) PCI_DEVFN(s, 0)

static void widths_and_ends(void)
{
	struct pciboard b;
	struct tpci *conv, *ext;

	pb_init(&b);
	conv = tpci_plug(&b, 1, &b.host.root, SLOT(1));
	ext = tpci_new(&b, 2, PCI_CFG_EXT);
	g_assert_cmpint(pcidev_plug(&ext->dev, &b.host.root, SLOT(2), NULL), ==, 0);
	for (unsigned i = 0x40; i < PCI_CFG_EXT; i++)
		conv->dev.cfg[i] = ext->dev.cfg[i] = (uint8_t)(i * 3);
	for (unsigned len = 1; len <= 4; len *= 2)
		for (unsigned off = 0x40; off + len <= PCI_CFG_EXT; off++) {
			uint32_t want = 0, none = len == 4 ? UINT32_MAX : (1u << (8 * len)) - 1;

			for (unsigned i = 0; i < len; i++)
				want |= (uint32_t)(uint8_t)((off + i) * 3) << (8 * i);
			g_assert_cmphex(cfg_r(&b, 0x10, off, len), ==, want);
			g_assert_cmphex(cfg_r(&b, 0x08, off, len), ==,
					off + len <= 256 ? want : none);
		}
	memset(conv->dev.wmask, 0xff, PCI_CFG_EXT);
	cfg_w(&b, 0x08, 0x100, 0, 4); /* past the end: dropped */
	cfg_w(&b, 0x08, 0xfe, 0, 4);
	g_assert_cmphex(conv->dev.cfg[0x100], ==, 0x00);
	g_assert_cmphex(conv->dev.cfg[0x101], ==, 0x03);
	g_assert_cmphex(conv->dev.cfg[0xff], ==, 0xfd);
	cfg_w(&b, 0x08, 0xfc, 0xffffffff, 2); /* no more than its width */
	g_assert_cmphex(cfg_r(&b, 0x08, 0xfc, 4), ==, 0xfdfaffff);
	g_assert_cmphex(cfg_r(&b, 0x18, 0, 4), ==, UINT32_MAX);
	g_assert_cmphex(cfg_r(&b, 0x18, 0, 2), ==, 0xffff);
	g_assert_cmphex(cfg_r(&b, 0x18, 0, 1), ==, 0xff);
	cfg_w(&b, 0x18, 4, 7, 4);
	pb_fini(&b);
}

static void masks(void)
{
	struct pciboard b;
	struct tpci *t;

	pb_init(&b);
	t = tpci_plug(&b, 1, &b.host.root, SLOT(1));
	pci_set16(t->dev.cfg + PCI_STATUS, 0xf910);
	cfg_w(&b, 8, PCI_COMMAND, 0x4000ffff, 4);
	g_assert_cmphex(cfg_r(&b, 8, PCI_COMMAND, 4), ==, 0xb9100547); /* one bit cleared by one */
	cfg_w(&b, 8, 0, 0, 4);
	g_assert_cmphex(cfg_r(&b, 8, 0, 4), ==, 0x00011234);
	cfg_w(&b, 8, PCI_INTERRUPT_LINE, 0xff0b, 2);
	g_assert_cmphex(cfg_r(&b, 8, PCI_INTERRUPT_LINE, 2), ==, 0x000b);
	g_assert_cmphex(cfg_r(&b, 8, PCI_CLASS_REVISION, 4), ==, 0x02000007);
	pcihost_reset(&b.host);
	g_assert_cmphex(cfg_r(&b, 8, PCI_COMMAND, 4), ==, 0x00100000);
	g_assert_cmphex(cfg_r(&b, 8, PCI_INTERRUPT_LINE, 1), ==, 0);
	g_assert_cmpuint(t->resets, ==, 1);
	pb_fini(&b);
}

/* 00:01.0 -> 1 (02:00.0 -> nested bus); 00:02.0 -> other bus. */
struct tree {
	struct pciboard b;
	struct pcidev *p1, *p2, *nested;
	struct tpci *leaf, *other;
};

static void tree_init(struct tree *t)
{
	pb_init(&t->b);
	t->p1 = port_plug(&t->b, "p1", &t->b.host.root, SLOT(1));
	t->p2 = port_plug(&t->b, "p2", &t->b.host.root, SLOT(2));
	t->nested = port_plug(&t->b, "nested", t->p1->child, SLOT(0));
	t->leaf = tpci_plug(&t->b, 0x11, t->nested->child, SLOT(0));
	t->other = tpci_plug(&t->b, 0x22, t->p2->child, SLOT(0));
}

static void tree_number(struct tree *t)
{
	set_buses(&t->b, 0x0008, 5, 8);
	set_buses(&t->b, 0x0010, 9, 9);
	set_buses(&t->b, 0x0500, 7, 8);
}

static void numbering(void)
{
	struct tree t;

	tree_init(&t);
	for (unsigned bus = 1; bus < 256; bus++) /* nothing is numbered: nothing is forwarded */
		g_assert_cmphex(cfg_r(&t.b, bus << 8, 0, 4), ==, UINT32_MAX);
	tree_number(&t);
	g_assert_true(pcihost_bus(&t.b.host, 0) == &t.b.host.root);
	g_assert_true(pcihost_bus(&t.b.host, 5) == t.p1->child);
	g_assert_true(pcihost_bus(&t.b.host, 7) == t.nested->child);
	g_assert_true(pcihost_bus(&t.b.host, 9) == t.p2->child);
	g_assert_null(pcihost_bus(&t.b.host, 6)); /* within p1's range, but nobody's */
	g_assert_null(pcihost_bus(&t.b.host, 8));
	g_assert_null(pcihost_bus(&t.b.host, 10));
	g_assert_cmphex(cfg_r(&t.b, 0x0700, 2, 2), ==, 0x11);
	g_assert_cmphex(cfg_r(&t.b, 0x0900, 2, 2), ==, 0x22);
	g_assert_cmphex(cfg_r(&t.b, 0x0701, 0, 4), ==, UINT32_MAX);
	g_assert_cmphex(pcidev_bdf(&t.leaf->dev), ==, 0x0700);
	g_assert_cmpuint(pcibus_nr(t.nested->child), ==, 7);
	set_buses(&t.b, 0x0008, 5, 6); /* 7 is outside of its bridge's range now */
	g_assert_cmphex(cfg_r(&t.b, 0x0700, 0, 4), ==, UINT32_MAX);
	set_buses(&t.b, 0x0008, 0x20, 0xff);
	g_assert_cmphex(cfg_r(&t.b, 0x2000, 2, 2), ==, 0x000c); /* the bus moved, live */
	g_assert_cmphex(cfg_r(&t.b, 0x0500, 0, 4), ==, UINT32_MAX);
	pcihost_reset(&t.b.host);
	g_assert_cmphex(cfg_r(&t.b, 0x0900, 0, 4), ==, UINT32_MAX);
	g_assert_cmpuint(t.leaf->resets, ==, 1);
	g_assert_cmpuint(t.other->resets, ==, 1);
	pb_fini(&t.b);
}

/* A bridge that has left is asked no more; its number is free. */
static void bridge_leaves(void)
{
	struct tree t;

	tree_init(&t);
	tree_number(&t);
	pcidev_unplug(&t.other->dev);
	pcidev_unplug(t.p2);
	tpci_free(&t.other->dev);
	t.p2->ops->free(t.p2);
	for (unsigned nr = 0; nr < 256; nr++)
		g_assert_cmpint(pcihost_bus(&t.b.host, nr) != NULL, ==,
				nr == 0 || nr == 5 || nr == 7);
	t.p2 = port_plug(&t.b, "p3", &t.b.host.root, SLOT(2));
	set_buses(&t.b, 0x0010, 9, 9);
	g_assert_true(pcihost_bus(&t.b.host, 9) == t.p2->child);
	pb_fini(&t.b);
}

/* Whatever a guest writes into bus registers, a lookup ends. */
static void random_numbering(void)
{
	GRand *rnd = g_rand_new_with_seed(7);
	struct tree t;

	tree_init(&t);
	for (int i = 0; i < 2000; i++) {
		struct pcidev *const bridges[] = {t.p1, t.p2, t.nested};

		for (unsigned k = 0; k < 3; k++)
			for (unsigned r = PCI_PRIMARY_BUS; r <= PCI_SUBORDINATE_BUS; r++)
				bridges[k]->cfg[r] = (uint8_t)g_rand_int_range(rnd, 0, 6);
		for (unsigned nr = 0; nr < 8; nr++) {
			struct pcibus *bus = pcihost_bus(&t.b.host, nr);

			if (bus && bus != &t.b.host.root)
				g_assert_cmpuint(pcibus_nr(bus), ==, nr);
		}
	}
	pb_fini(&t.b);
	g_rand_free(rnd);
}

static void plugging(void)
{
	struct pciboard b;
	struct tpci *t, *u;
	struct pcidev *port;
	struct err *e = NULL;

	pb_init(&b);
	port = port_plug(&b, "rp0", &b.host.root, SLOT(3));
	t = tpci_new(&b, 1, PCI_CFG_CONV);
	g_assert_cmpint(pcidev_plug(&t->dev, &b.host.root, SLOT(3), &e), ==, -EBUSY);
	g_assert_cmpstr(err_text(e), ==, "dev1: address 03.0 is taken by rp0");
	err_free(e);
	e = NULL;
	g_assert_cmpint(pcidev_plug(&t->dev, port->child, SLOT(1), &e), ==, -EINVAL);
	g_assert_nonnull(strstr(err_text(e), "dev1: address 01.0 does not exist"));
	g_assert_null(t->dev.bus);
	err_free(e);
	g_assert_cmpint(pcibus_free_slot(port->child, 0), ==, 0);
	g_assert_cmpint(pcidev_plug(&t->dev, port->child, PCI_DEVFN(0, 5), NULL), ==, 0);
	g_assert_cmpint(pcibus_free_slot(port->child, 0), ==, -ENOSPC);
	g_assert_cmpint(pcibus_free_slot(&b.host.root, 1), ==, SLOT(1));
	for (unsigned i = 0; i < 32; i++)
		if (i != 3) {
			u = tpci_plug(&b, (uint8_t)(10 + i), &b.host.root, PCI_DEVFN(i, i % 8));
			g_assert_cmphex(pcidev_bdf(&u->dev), ==, PCI_DEVFN(i, i % 8));
		}
	g_assert_cmpint(pcibus_free_slot(&b.host.root, 1), ==, -ENOSPC);
	pcidev_unplug(&t->dev);
	pcidev_unplug(&t->dev); /* again: nothing */
	g_assert_null(t->dev.bus);
	g_assert_cmpint(pcibus_free_slot(port->child, 0), ==, 0);
	tpci_free(&t->dev);
	pb_fini(&b);
}

static void count_one(void *opaque, struct pcidev *d)
{
	g_string_append_printf(opaque, "%s ", d->name);
}

static void visits_everybody(void)
{
	g_autoptr(GString) s = g_string_new(NULL);
	struct tree t;

	tree_init(&t);
	pcihost_foreach(&t.b.host, count_one, s);
	g_assert_cmpstr(s->str, ==, "p1 nested dev17 p2 dev34 "); /* bridges before what is below */
	pcihost_intx_rerouted(&t.b.host);
	g_assert_cmpuint(t.leaf->routed, ==, 1);
	pcibus_reset(t.p1->child);
	g_assert_cmpuint(t.leaf->resets, ==, 1);
	g_assert_cmpuint(t.other->resets, ==, 0);
	pb_fini(&t.b);
}

/* --- pins --- */

static unsigned pins_up(const struct pciboard *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 32; i++)
		for (unsigned k = 0; k < 4; k++)
			n += b->pin[i][k];
	return n;
}

/* A device in slot s of a bus rotates its pin by s at each bridge; ports have only slot 0. */
static void swizzle(void)
{
	for (unsigned slot = 0; slot < 32; slot++)
		for (uint8_t pin = 1; pin <= 4; pin++) {
			struct pciboard b;
			struct pcidev *upper, *lower;
			struct tpci *t;
			unsigned want =
				(pin - 1 + slot + 9) % 4; /* leaf's slot, then the lower one's */

			pb_init(&b);
			upper = port_plug(&b, "u", &b.host.root, SLOT(6));
			upper->express = false; /* conventional bridges: many slots below */
			lower = port_plug(&b, "l", upper->child, SLOT(9));
			lower->express = false;
			t = tpci_plug(&b, 1, lower->child, PCI_DEVFN(slot, 3));
			t->dev.cfg[PCI_INTERRUPT_PIN] = pin;
			pcidev_intx(&t->dev, true);
			g_assert_true(b.pin[6][want]);
			g_assert_cmpuint(pins_up(&b), ==, 1);
			g_assert_cmpint(pcidev_intx_gsi(&t->dev), ==, (int)(60 + want + 1));
			pcidev_intx(&t->dev, false);
			g_assert_cmpuint(pins_up(&b), ==, 0);
			pb_fini(&b);
		}
}

static void no_pin(void)
{
	static const uint8_t bad[] = {0, 5, 0xff};
	struct pciboard b;
	struct tpci *t;

	pb_init(&b);
	t = tpci_plug(&b, 1, &b.host.root, SLOT(1));
	for (unsigned i = 0; i < sizeof(bad); i++) { /* such a byte may come from a device */
		t->dev.cfg[PCI_INTERRUPT_PIN] = bad[i];
		pcidev_intx(&t->dev, true);
		g_assert_cmpint(pcidev_intx_gsi(&t->dev), ==, -1);
		pcidev_intx(&t->dev, false);
	}
	g_assert_cmpuint(b.edges, ==, 0);
	pcidev_unplug(&t->dev);
	t->dev.cfg[PCI_INTERRUPT_PIN] = 1;
	pcidev_intx(&t->dev, true);
	g_assert_cmpuint(b.edges, ==, 0);
	tpci_free(&t->dev);
	pb_fini(&b);
}

static void shared_pin(void)
{
	struct pciboard b;
	struct tpci *t[3];

	pb_init(&b);
	for (unsigned i = 0; i < 3; i++) {
		t[i] = tpci_plug(&b, (uint8_t)i, &b.host.root, PCI_DEVFN(4, i));
		t[i]->dev.cfg[PCI_INTERRUPT_PIN] = 2;
	}
	pcidev_intx(&t[0]->dev, true);
	pcidev_intx(&t[0]->dev, true); /* the same level again */
	pcidev_intx(&t[1]->dev, true);
	g_assert_cmpuint(b.edges, ==, 1);
	pcidev_intx(&t[0]->dev, false);
	g_assert_true(b.pin[4][1]);
	pcidev_intx(&t[0]->dev, false);
	g_assert_true(b.pin[4][1]);
	pcidev_intx(&t[2]->dev, true);
	pcidev_unplug(&t[1]->dev); /* one that leaves while it pulls */
	g_assert_true(b.pin[4][1]);
	pcihost_reset(&b.host); /* reset lets go */
	g_assert_false(b.pin[4][1]);
	g_assert_cmpuint(b.edges, ==, 2);
	tpci_free(&t[1]->dev);
	pb_fini(&b);
}

static void intx_disable(void)
{
	struct pciboard b;
	struct tpci *t;

	pb_init(&b);
	t = tpci_plug(&b, 1, &b.host.root, SLOT(4));
	t->dev.cfg[PCI_INTERRUPT_PIN] = 1;
	pcidev_intx(&t->dev, true);
	cfg_w(&b, 0x20, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
	g_assert_false(b.pin[4][0]);
	g_assert_true(t->dev.intx_level);
	cfg_w(&b, 0x20, PCI_COMMAND + 1, 0, 1); /* by its byte */
	g_assert_true(b.pin[4][0]);
	cfg_w(&b, 0x20, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
	pcidev_intx(&t->dev, false);
	pcidev_intx(&t->dev, true); /* raised while disabled */
	g_assert_false(b.pin[4][0]);
	cfg_w(&b, 0x20, PCI_COMMAND, 0, 2);
	g_assert_true(b.pin[4][0]);
	pb_fini(&b);
}

static void *toggle(void *opaque)
{
	struct pcidev *d = opaque;

	for (unsigned i = 0; i < 50000; i++)
		pcidev_intx(d, !(i & 1));
	pcidev_intx(d, true);
	return NULL;
}

/* The device raises while the guest writes the command register: no level is lost. */
static void raise_races_with_command(void)
{
	struct pciboard b;
	struct tpci *t;
	pthread_t thread;

	pb_init(&b);
	t = tpci_plug(&b, 1, &b.host.root, SLOT(4));
	t->dev.cfg[PCI_INTERRUPT_PIN] = 1;
	for (unsigned round = 0; round < 4; round++) {
		pthread_create(&thread, NULL, toggle, &t->dev);
		for (unsigned i = 0; i < 50000; i++)
			cfg_w(&b, 0x20, PCI_COMMAND, i & 1 ? PCI_COMMAND_INTX_DISABLE : 0, 2);
		pthread_join(thread, NULL);
		g_assert_true(t->dev.intx_level);
		cfg_w(&b, 0x20, PCI_COMMAND, 0, 2);
		g_assert_true(b.pin[4][0]);
		g_assert_cmpuint(b.host.intx_count[4][0], ==, 1);
	}
	pb_fini(&b);
}

static void messages(void)
{
	struct pciboard b;
	struct tpci *t;

	pb_init(&b);
	t = tpci_plug(&b, 1, &b.host.root, SLOT(4));
	pcidev_msi_send(&t->dev, (struct msi_msg){0xfee00000, 0x41});
	g_assert_cmpuint(b.msis, ==, 0); /* not bus master: no writes */
	cfg_w(&b, 0x20, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	pcidev_msi_send(&t->dev, (struct msi_msg){0xfee01000, 0x42});
	g_assert_cmpuint(b.msis, ==, 1);
	g_assert_cmphex(b.last.addr, ==, 0xfee01000);
	g_assert_cmphex(b.last.data, ==, 0x42);
	g_assert_true(b.sender == &t->dev);
	pcidev_unplug(&t->dev);
	pcidev_msi_send(&t->dev, (struct msi_msg){0xfee01000, 0x42});
	g_assert_cmpuint(b.msis, ==, 1);
	tpci_free(&t->dev);
	pb_fini(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-bus/widths", widths_and_ends);
	g_test_add_func("/pci-bus/masks", masks);
	g_test_add_func("/pci-bus/numbering", numbering);
	g_test_add_func("/pci-bus/bridge-leaves", bridge_leaves);
	g_test_add_func("/pci-bus/random-numbering", random_numbering);
	g_test_add_func("/pci-bus/plugging", plugging);
	g_test_add_func("/pci-bus/visits-everybody", visits_everybody);
	g_test_add_func("/pci-bus/swizzle", swizzle);
	g_test_add_func("/pci-bus/no-pin", no_pin);
	g_test_add_func("/pci-bus/shared-pin", shared_pin);
	g_test_add_func("/pci-bus/intx-disable", intx_disable);
	g_test_add_func("/pci-bus/intx-race", raise_races_with_command);
	g_test_add_func("/pci-bus/messages", messages);
	return g_test_run();
}
