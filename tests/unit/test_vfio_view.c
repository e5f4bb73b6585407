// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is told of assigned devices: ranges and reasons, vectors, counters, resets, DMA; over the
 * fake device and over pci-zoo on an emulated host; and as text.
 */
#include <errno.h>
#include <string.h>

#include "ctl/info_vfio.h"
#include "host_util.h"
#include "hw/dev/zoo.h"
#include "hw/vfio/view.h"
#include "vfio_util.h"

/* --- looking -------------------------------------------------------------------------------- */

/* An array of the only device's view. */
static GPtrArray *look(struct vt *t)
{
	GPtrArray *all = vfio_view_all(t->ctx);

	g_assert_cmpuint(all->len, ==, 1);
	return all;
}

static const struct view_region *region(const struct vfio_view *w, unsigned index)
{
	for (guint i = 0; i < w->regions->len; i++) {
		const struct view_region *r = &g_array_index(w->regions, struct view_region, i);

		if (r->index == index)
			return r;
	}
	g_error("no region %u", index);
}

/* want: "0+1000 mapped, 1000+1000 REASON" of a region. */
static void shows(struct vt *t, unsigned index, const char *want)
{
	g_autoptr(GString) s = g_string_new(NULL);
	g_autoptr(GPtrArray) all = look(t);
	const struct vfio_view *w = all->pdata[0];
	const GArray *ranges = region(w, index)->ranges;

	for (guint i = 0; i < ranges->len; i++) {
		const struct view_range *r = &g_array_index(ranges, struct view_range, i);

		g_string_append_printf(s, "%s%llx+%llx %s", i ? ", " : "",
				       (unsigned long long)r->off, (unsigned long long)r->size,
				       r->why ? r->why : "mapped");
	}
	g_assert_cmpstr(s->str, ==, want);
}

static void vectors(struct vt *t, const char *mode, unsigned asked, unsigned armed, unsigned irqfd,
		    unsigned watched)
{
	g_autoptr(GPtrArray) all = look(t);
	const struct vfio_view *w = all->pdata[0];

	g_assert_cmpstr(w->irq.mode, ==, mode);
	g_assert_cmpuint(w->irq.asked, ==, asked);
	g_assert_cmpuint(w->irq.armed, ==, armed);
	g_assert_cmpuint(w->irq.irqfd, ==, irqfd);
	g_assert_cmpuint(w->irq.watched, ==, watched);
}

static uint64_t events(struct vt *t)
{
	g_autoptr(GPtrArray) all = look(t);
	const struct vfio_view *w = all->pdata[0];

	return w->irq.watched_events;
}

/* --- ranges --------------------------------------------------------------------------------- */

static void standard(struct vt *t)
{
	g_autoptr(GPtrArray) all = look(t);
	const struct vfio_view *w = all->pdata[0];

	g_assert_cmpstr(w->id, ==, "17:00.0");
	g_assert_cmpstr(w->host, ==, FAKE_BDF);
	g_assert_cmpstr(w->guest, ==, "00:03.0");
	g_assert_cmpstr(w->backend, ==, "fake");
	g_assert_cmpuint(w->group, ==, 7);
	g_assert_cmpuint(w->regions->len, ==, 3);
	g_assert_false(w->asleep || w->gone || w->has_dma);
	g_assert_cmphex(region(w, 0)->addr, ==, AT_BAR0);
	g_assert_cmphex(view_mapped(region(w, 0)), ==, 0x2000);
	g_assert_cmpstr(region(w, 4)->kind, ==, "io");
	g_assert_true(region(w, 2)->is_64 && region(w, 2)->prefetch);
	shows(t, 0,
	      "0+2000 mapped, 2000+1000 MSI-X table in that page, 3000+1000 MSI-X pending bits in "
	      "that page");
	shows(t, 2, "0+100000 mapped");
	shows(t, 4, "0+20 I/O ports");
}

static void no_mmap(struct vt *t)
{
	t->conf.no_mmap = true;
}

static void all_trap(struct vt *t)
{
	shows(t, 2, "0+100000 x-no-mmap");
	shows(t, 0,
	      "0+2000 x-no-mmap, 2000+1000 MSI-X table in that page, 3000+1000 MSI-X pending bits "
	      "in that page");
}

static void not_allowed(struct vt *t)
{
	t->fake.region[2].info.flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_MMAP;
	fake_bar(&t->fake, 1, 0x100, 0);
	t->fake.region[1].info.flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_MMAP;
}

static void traps_all(struct vt *t)
{
	shows(t, 2, "0+100000 the host does not allow mapping");
	shows(t, 1, "0+100 BAR smaller than a page, which the host does not map");
}

static void mmap_fails(struct vt *t)
{
	t->fake.map_errno = EBUSY;
}

static void says_errno(struct vt *t)
{
	shows(t, 2, "0+100000 the host's mmap failed: Device or resource busy");
	vt_messages_clear();
}

static void holes(struct vt *t)
{
	struct vfio_region *r = &t->fake.region[2].info;

	r->sparse = true;
	r->n_areas = 2;
	r->area[0] = (struct vfio_area){0x1000, 0x1000};
	r->area[1] = (struct vfio_area){0x4000, 0x8000};
}

static void has_holes(struct vt *t)
{
	const char *hole = "hole in the host's list of areas to map";
	g_autofree char *want =
		g_strdup_printf("0+1000 %s, 1000+1000 mapped, 2000+2000 %s, 4000+8000 mapped, "
				"c000+f4000 %s",
				hole, hole, hole);

	shows(t, 2, want);
}

static void odd_size(struct vt *t)
{
	fake_bar(&t->fake, 1, 0x1800, 0);
}

static void beyond(struct vt *t)
{
	shows(t, 1, "0+2000 mapped");
}

static void both_in_one(struct vt *t)
{
	pci_set32(t->fake.cfg + STD_MSIX + PCI_MSIX_PBA, STD_TABLE + 0x800);
}

static void one_page(struct vt *t)
{
	shows(t, 0,
	      "0+2000 mapped, 2000+1000 MSI-X table and pending bits in that page, 3000+1000 "
	      "mapped");
}

static void ranges(void)
{
	vt_run_guest(NULL, standard);
	vt_run_guest(no_mmap, all_trap);
	vt_run_guest(not_allowed, traps_all);
	vt_run_guest(mmap_fails, says_errno);
	vt_run_guest(holes, has_holes);
	vt_run_guest(odd_size, beyond);
	vt_run_guest(both_in_one, one_page);
}

/* --- what changes while the guest runs ------------------------------------------------------ */

static void small(struct vt *t)
{
	fake_bar(&t->fake, 1, 0x400, 0);
	fake_bar(&t->fake, 5, 0x100, 0);
}

static void small_bars(struct vt *t)
{
	vt_set_cfg(t, PCI_BASE_ADDRESS_1, 0xc2000000, 4);
	vt_set_cfg(t, PCI_BASE_ADDRESS_5, 0xc3000800, 4);
	shows(t, 1, "0+400 mapped");
	shows(t, 5, "0+100 BAR smaller than a page, not at the start of one");
	vt_set_cfg(t, PCI_BASE_ADDRESS_5, 0xc2000800, 4);
	shows(t, 1, "0+400 BAR smaller than a page, which it shares");
}

static void decoding(struct vt *t)
{
	const struct vfio_view *w;
	GPtrArray *all;

	vt_set_cfg(t, PCI_COMMAND, PCI_COMMAND_IO, 2);
	all = look(t);
	w = all->pdata[0];
	g_assert_cmphex(region(w, 0)->addr, ==, UINT64_MAX);
	g_assert_cmphex(region(w, 4)->addr, ==, AT_BAR4);
	g_ptr_array_unref(all);
}

static void sleeps(struct vt *t)
{
	const struct vfio_view *w;
	GPtrArray *all;

	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 3, 2);
	shows(t, 2, "0+100000 the device sleeps");
	all = look(t);
	w = all->pdata[0];
	g_assert_true(w->asleep);
	g_ptr_array_unref(all);
	vt_set_cfg(t, STD_PM + PCI_PM_CTRL, 0, 2);
	shows(t, 2, "0+100000 mapped");
}

static void by_hand(struct vt *t)
{
	t->conf.no_kvm_intx = t->conf.no_kvm_msi = t->conf.no_kvm_msix = true;
}

static void intx_pending(struct vt *t)
{
	vectors(t, "INTx", 1, 1, 0, 1);
	fake_line(&t->fake, true);
	vt_pump(t);
	g_assert_cmpuint(events(t), ==, 1);
	shows(t, 2, "0+100000 INTx is pending: the first access is its EOI");
	fake_line(&t->fake, false);
	aspace_read(t->mem, AT_BAR2, 4);
	shows(t, 2, "0+100000 INTx was pending: mapped again when it has been quiet");
}

static void changes(void)
{
	vt_run_guest(small, small_bars);
	vt_run_guest(NULL, decoding);
	vt_run_guest(NULL, sleeps);
	vt_run_guest(by_hand, intx_pending);
}

/* --- vectors -------------------------------------------------------------------------------- */

static void msi(struct vt *t)
{
	vectors(t, "INTx", 1, 1, 1, 0);
	vt_set_cfg(t, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE, 2);
	vectors(t, "INTx", 0, 1, 1, 0);
	t->fake.limit = 4;
	vt_set_cfg(t, STD_MSI + PCI_MSI_FLAGS, 3 << 4 | PCI_MSI_FLAGS_ENABLE, 2);
	vectors(t, "MSI", 8, 4, 4, 0);
}

static void set_vector(struct vt *t, unsigned nr, bool on)
{
	aspace_write(t->mem, AT_BAR0 + STD_TABLE + 16 * nr, 0xfee00000, 8);
	aspace_write(t->mem, AT_BAR0 + STD_TABLE + 16 * nr + 12, !on, 4);
}

static void msix(struct vt *t)
{
	set_vector(t, 0, true);
	set_vector(t, 3, true);
	vectors(t, "INTx", 1, 1, 1, 0);
	vt_set_cfg(t, STD_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	vectors(t, "MSI-X", 2, 2, 2, 0);
	/* A masked one stays armed; nobody hears it. */
	set_vector(t, 3, false);
	vectors(t, "MSI-X", 1, 2, 1, 0);
}

static void msix_by_hand(struct vt *t)
{
	set_vector(t, 1, true);
	vt_set_cfg(t, STD_MSIX + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
	vectors(t, "MSI-X", 1, 1, 0, 1);
	for (unsigned i = 1; i <= 3; i++) {
		vt_irq(t, VFIO_PCI_MSIX_IRQ_INDEX, 1);
		vt_pump(t);
		g_assert_cmpuint(events(t), ==, i);
	}
}

static void no_pin(struct vt *t)
{
	t->fake.cfg[PCI_INTERRUPT_PIN] = 0;
}

static void none(struct vt *t)
{
	vectors(t, "none", 0, 0, 0, 0);
}

static void interrupts(void)
{
	vt_run_guest(NULL, msi);
	vt_messages_clear();
	vt_run_guest(NULL, msix);
	vt_run_guest(by_hand, msix_by_hand);
	vt_run_guest(no_pin, none);
}

/* --- counters and resets -------------------------------------------------------------------- */

static void counts(struct vt *t)
{
	g_autoptr(GPtrArray) first = look(t), second = NULL;
	const struct vfio_view *a = first->pdata[0], *b;

	vt_cfg(t, PCI_VENDOR_ID, 4);
	vt_cfg(t, PCI_COMMAND, 2);
	vt_set_cfg(t, PCI_INTERRUPT_LINE, 5, 1);
	aspace_write(t->io, AT_BAR4, 1, 1);
	aspace_read(t->io, AT_BAR4 + 4, 4);
	aspace_read(t->mem, AT_BAR2, 4); /* mapped: nobody sees it */
	second = look(t);
	b = second->pdata[0];
	g_assert_cmpuint(b->cfg_reads - a->cfg_reads, ==, 2);
	g_assert_cmpuint(b->cfg_writes - a->cfg_writes, ==, 1);
	g_assert_cmpuint(region(b, 4)->reads, ==, 1);
	g_assert_cmpuint(region(b, 4)->writes, ==, 1);
	g_assert_cmpuint(region(b, 2)->reads, ==, 0);
	g_assert_true(b->resets.ioctl && b->resets.flr && !b->resets.pm && !b->resets.hot_known);
}

static void counters(void)
{
	vt_run_guest(NULL, counts);
}

/* --- pci-zoo on an emulated host ------------------------------------------------------------ */

#define SHARED 0x200000u

static void zoo_host(struct vt *t)
{
	struct host *h = vfio_host_new(NULL);
	struct pcidev *d;

	g_assert_cmpint(pci_zoo_new(&d, "z0", SHARED, NULL), ==, 0);
	hu_plug(d, hu_port(h, 1), 0);
	g_assert_cmpint(host_scan(h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(h, HU_FIRST), ==, 0);
	t->env.open = NULL;
	t->env.host = h;
	g_free(t->conf.host);
	t->conf.host = g_strdup(HU_FIRST);
	t->conf.id = g_strdup("z0");
}

static void zoo_place(struct vt *t)
{
	vt_set_cfg(t, PCI_BASE_ADDRESS_0, (uint32_t)AT_BAR0, 4);
	vt_set_cfg(t, PCI_BASE_ADDRESS_1, (uint32_t)AT_BAR4, 4);
	vt_set_cfg(t, PCI_BASE_ADDRESS_2, (uint32_t)AT_BAR2, 4);
	vt_set_cfg(t, PCI_BASE_ADDRESS_3, AT_BAR2 >> 32, 4);
	vt_set_cfg(t, PCI_BASE_ADDRESS_4, (uint32_t)AT_ROM, 4);
	vt_set_cfg(t, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static void zoo_looks(struct vt *t)
{
	const struct vfio_view *w;
	g_autoptr(GPtrArray) all = NULL;

	zoo_place(t);
	shows(t, 0, "0+1000 registers of an emulated device");
	shows(t, 1, "0+20 I/O ports");
	shows(t, 2, "0+200000 mapped");
	shows(t, 4,
	      "0+1000 MSI-X table in that page, 1000+1000 registers of an emulated device, "
	      "2000+1000 MSI-X pending bits in that page, 3000+1000 registers of an emulated "
	      "device");
	shows(t, VFIO_PCI_ROM_REGION_INDEX, "0+1000 a copy, read once");
	aspace_write(t->mem, AT_BAR0 + ZOO_SCRATCH, 5, 4);
	g_assert_cmphex(aspace_read(t->io, AT_BAR4 + ZOO_SCRATCH, 4), ==, 5);
	all = look(t);
	w = all->pdata[0];
	g_assert_cmpstr(w->backend, ==, "inproc");
	g_assert_cmpuint(region(w, 0)->writes, ==, 1);
	g_assert_cmpuint(region(w, 1)->reads, ==, 1);
	g_assert_true(w->resets.ioctl && w->resets.flr && w->resets.hot_known);
	g_assert_cmpint(w->resets.hot, ==, 0);
	g_assert_true(w->has_dma);
	g_assert_cmpuint(w->dma.container, ==, 0);
	g_assert_cmpuint(w->dma.maps, ==, 1); /* BAR 2, for other devices */
	g_assert_cmpuint(w->dma.bytes, ==, SHARED);
}

static void zoo_text(struct vt *t)
{
	g_autoptr(GString) s = g_string_new(NULL);

	zoo_place(t);
	info_vfio(NULL, s);
	g_assert_cmpstr(s->str, ==, "");
	info_vfio(t->ctx, s);
	assert_contains(s->str, "z0: host 0000:01:00.0, backend inproc, group ");
	assert_contains(s->str, ", container 0, guest 00:03.0\n");
	assert_contains(s->str,
			"  BAR 2: memory, 64 bits, prefetchable, 0x200000 bytes at 0x800000000, "
			"0x200000 mapped, 0 reads and 0 writes trapped\n"
			"    0x0-0x1fffff mapped\n");
	assert_contains(s->str, "    0x0-0xfff traps: MSI-X table in that page\n");
	assert_contains(s->str, "  ROM: memory, 0x1000 bytes not decoded, 0x0 mapped");
	assert_contains(s->str, "  Interrupts: INTx, 1 vectors asked for, 1 armed: 1 by irqfd, 0 ");
	assert_contains(s->str, "  Resets: VFIO_DEVICE_RESET, function level, bus or slot\n");
	assert_contains(s->str, "  DMA: 1 mappings, 2 MiB of the container; 0 ranges");
}

static void on_host(void (*guest)(struct vt *t))
{
	struct vt t;

	vt_init(&t);
	zoo_host(&t);
	vt_start(&t);
	guest(&t);
	vt_fini(&t);
	vfio_host_free(t.env.host);
}

static void zoo(void)
{
	on_host(zoo_looks);
	on_host(zoo_text);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-view/ranges", ranges);
	g_test_add_func("/vfio-view/changes", changes);
	g_test_add_func("/vfio-view/interrupts", interrupts);
	g_test_add_func("/vfio-view/counters", counters);
	g_test_add_func("/vfio-view/zoo", zoo);
	return g_test_run();
}
