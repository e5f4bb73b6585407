// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/dev/pvpanic.c: the port, and the PCI function. */
#include "hw/dev/pvpanic.h"
#include "pci_util.h"

#define BAR 0xe0000000ull

struct seen {
	unsigned panics, crashes;
};

static void panicked(void *opaque, bool crash_loaded)
{
	struct seen *s = opaque;

	*(crash_loaded ? &s->crashes : &s->panics) += 1;
}

static void port(void)
{
	struct aspace *io = aspace_new("io", 0x10000);
	struct seen s = {};
	const struct pvpanic_ops ops = {panicked, &s};
	struct pvpanic *p = pvpanic_new(io, PVPANIC_PORT, PVPANIC_EVENTS, &ops);

	g_assert_cmphex(aspace_read(io, PVPANIC_PORT, 1), ==, PVPANIC_EVENTS);
	aspace_write(io, PVPANIC_PORT, PVPANIC_PANICKED, 1);
	g_assert_cmpuint(s.panics, ==, 1);
	g_assert_cmpuint(s.crashes, ==, 0);
	aspace_write(io, PVPANIC_PORT, PVPANIC_CRASH_LOADED, 1);
	g_assert_cmpuint(s.panics, ==, 1);
	g_assert_cmpuint(s.crashes, ==, 1);
	aspace_write(io, PVPANIC_PORT, 3, 1); /* one event: the panic */
	g_assert_cmpuint(s.panics, ==, 2);
	g_assert_cmpuint(s.crashes, ==, 1);
	aspace_write(io, PVPANIC_PORT, 0, 1);
	aspace_write(io, PVPANIC_PORT, 0xfc, 1); /* events that there are not */
	aspace_write(io, PVPANIC_PORT, 0xfc, 1);
	aspace_write(io, PVPANIC_PORT + 1, 1, 1);
	g_assert_cmpuint(s.panics + s.crashes, ==, 3);
	pvpanic_free(p);
	pvpanic_free(NULL);
	g_assert_cmphex(aspace_read(io, PVPANIC_PORT, 1), ==, 0xff);
	aspace_free(io);
}

/* The events property: what is not offered is not taken. */
static void fewer_events(void)
{
	struct aspace *io = aspace_new("io", 0x10000);
	struct seen s = {};
	const struct pvpanic_ops ops = {panicked, &s};
	struct pvpanic *p = pvpanic_new(io, 0x600, PVPANIC_CRASH_LOADED, &ops);

	g_assert_cmphex(aspace_read(io, 0x600, 1), ==, PVPANIC_CRASH_LOADED);
	aspace_write(io, 0x600, PVPANIC_PANICKED, 1);
	g_assert_cmpuint(s.panics, ==, 0);
	aspace_write(io, 0x600, 3, 1);
	g_assert_cmpuint(s.panics, ==, 0);
	g_assert_cmpuint(s.crashes, ==, 1);
	pvpanic_free(p);
	aspace_free(io);
}

static void pci(void)
{
	struct pciboard b;
	struct seen s = {};
	const struct pvpanic_ops ops = {panicked, &s};
	struct pcidev *d = pci_pvpanic_new(NULL, PVPANIC_EVENTS, &ops);

	pb_init(&b);
	g_assert_cmpint(pcidev_plug(d, &b.host.root, PCI_DEVFN(4, 0), NULL), ==, 0);
	g_assert_cmpstr(d->name, ==, "pvpanic-pci");
	g_assert_cmphex(pcihost_cfg_read(&b.host, 0x20, 0, 4), ==, 0x00111b36);
	g_assert_cmphex(pcihost_cfg_read(&b.host, 0x20, 8, 4), ==, 0x08800001);
	g_assert_cmphex(pcihost_cfg_read(&b.host, 0x20, PCI_INTERRUPT_PIN, 1), ==, 0);
	pcihost_cfg_write(&b.host, 0x20, PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
	g_assert_cmphex(pcihost_cfg_read(&b.host, 0x20, PCI_BASE_ADDRESS_0, 4), ==, 0xfffffff0);
	pcihost_cfg_write(&b.host, 0x20, PCI_BASE_ADDRESS_0, BAR, 4);
	pcihost_cfg_write(&b.host, 0x20, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmphex(aspace_read(b.mem, BAR, 1), ==, PVPANIC_EVENTS);
	g_assert_cmphex(aspace_read(b.mem, BAR + 1, 1), ==, 0);
	g_assert_cmphex(aspace_read(b.mem, BAR, 4), ==, PVPANIC_EVENTS);
	aspace_write(b.mem, BAR, 1, 1);
	aspace_write(b.mem, BAR, 2, 4);
	aspace_write(b.mem, BAR + 1, 1, 1);
	g_assert_cmpuint(s.panics, ==, 1);
	g_assert_cmpuint(s.crashes, ==, 1);
	pb_fini(&b);
}

/* On a host without a machine behind it the byte goes nowhere. */
static void nobody_listens(void)
{
	struct pciboard b;
	const struct pvpanic_ops ops = {0};
	struct pcidev *d = pci_pvpanic_new("p0", PVPANIC_EVENTS, &ops);

	pb_init(&b);
	g_assert_cmpint(pcidev_plug(d, &b.host.root, 0x20, NULL), ==, 0);
	g_assert_cmpstr(d->name, ==, "p0");
	pcihost_cfg_write(&b.host, 0x20, PCI_BASE_ADDRESS_0, BAR, 4);
	pcihost_cfg_write(&b.host, 0x20, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	aspace_write(b.mem, BAR, 3, 1);
	pb_fini(&b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pvpanic/port", port);
	g_test_add_func("/pvpanic/events", fewer_events);
	g_test_add_func("/pvpanic/pci", pci);
	g_test_add_func("/pvpanic/nobody", nobody_listens);
	return g_test_run();
}
