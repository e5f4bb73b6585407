// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what firmware does to PCI before a kernel starts: bus numbers, BAR addresses, bridge
 * windows.  Called by the board at each reset; never keeps anything: the registers are the result.
 */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>

#include "base/err.h"
#include "hw/q35/q35.h"
#include "mem/layout.h"

enum space { SPACE_IO, SPACE_MEM32, SPACE_MEM64, SPACES };

/* Addresses handed out upwards; what is above `end` does not exist. */
struct arena {
	uint64_t next, end;
};

struct item {
	struct pcidev *dev;
	unsigned bar; /* PCI_BARS + 1: the window of a bridge */
	uint64_t size, align;
};

#define WINDOW (PCI_BARS + 1)
#define BAR_MAX (1ull << 52) /* no guest has more address bits; and sums do not overflow */

/*
 * What an empty slot gets for the device that may come (hw/pci/slot.h), each port that has one in
 * the order of the buses: those up to `granted`, as far as there is room.
 */
struct spare {
	GHashTable *rank; /* struct pcidev * to its number, from 1 */
	guint granted;
};

static uint64_t align_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

static bool is_io(const struct pcibar *b)
{
	return b->flags & PCI_BASE_ADDRESS_SPACE_IO;
}

/* 64-bit prefetchable BARs go high; the others, for the bridges' sake, low. */
static enum space space_of(const struct pcidev *d, unsigned n)
{
	const struct pcibar *b = &d->bar[n];
	const uint32_t high = PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;

	if (n < PCI_BARS && is_io(b))
		return SPACE_IO;
	if (n == PCI_ROM_BAR ||
	    (b->flags & PCI_BASE_ADDRESS_MEM_TYPE_MASK) != PCI_BASE_ADDRESS_MEM_TYPE_64)
		return SPACE_MEM32;
	if ((b->flags & high) == high || (d->bus && !d->bus->bridge && b->size >= 64 * MIB))
		return SPACE_MEM64;
	return SPACE_MEM32;
}

static const uint64_t window_align[SPACES] = {0x1000, MIB, MIB};
static const uint64_t window_spare[SPACES] = {0x1000, 2 * MIB, 32 * MIB};

static uint64_t need_of_bus(const struct pcibus *b, enum space s, const struct spare *spare,
			    uint64_t *align);

static uint64_t window_of(const struct pcidev *bridge, enum space s, const struct spare *spare,
			  uint64_t *align)
{
	uint64_t size = need_of_bus(bridge->child, s, spare, align);
	guint rank = GPOINTER_TO_UINT(g_hash_table_lookup(spare->rank, bridge));

	if (!size && rank && rank <= spare->granted)
		*align = size = window_spare[s]; /* one BAR may take all of it */
	return align_up(size, window_align[s]);
}

static void collect(const struct pcibus *b, enum space s, const struct spare *spare, GArray *items)
{
	for (unsigned i = 0; i < 256; i++) {
		struct pcidev *d = b->dev[i];

		for (unsigned n = 0; d && n <= PCI_ROM_BAR; n++)
			if (d->bar[n].region && space_of(d, n) == s) {
				/* Small BARs get a page of their own: they can be mapped then. */
				uint64_t size = s == SPACE_IO
							? d->bar[n].size
							: CLAMP(d->bar[n].size, 4096, BAR_MAX);
				struct item it = {d, n, size, size};

				g_array_append_val(items, it);
			}
		if (d && d->child) {
			uint64_t align = window_align[s];
			uint64_t size = window_of(d, s, spare, &align);
			struct item it = {d, WINDOW, size, align};

			if (size)
				g_array_append_val(items, it);
		}
	}
}

static gint larger_first(gconstpointer a, gconstpointer b)
{
	const struct item *x = a, *y = b;

	if (x->align != y->align)
		return x->align > y->align ? -1 : 1;
	return 0;
}

static GArray *items_of(const struct pcibus *b, enum space s, const struct spare *spare)
{
	GArray *items = g_array_new(FALSE, FALSE, sizeof(struct item));

	collect(b, s, spare, items);
	g_array_sort(items, larger_first);
	return items;
}

static uint64_t need_of_bus(const struct pcibus *b, enum space s, const struct spare *spare,
			    uint64_t *align)
{
	g_autoptr(GArray) items = items_of(b, s, spare);
	uint64_t size = 0;

	for (guint i = 0; i < items->len; i++) {
		const struct item *it = &g_array_index(items, struct item, i);

		size = align_up(size, it->align) + it->size;
		*align = MAX(*align, it->align);
	}
	return size;
}

static void set_window(struct pcidev *d, enum space s, uint64_t base, uint64_t last)
{
	uint8_t *c = d->cfg;

	switch (s) {
	case SPACE_IO:
		c[PCI_IO_BASE] = (uint8_t)((base >> 8 & 0xf0) | (c[PCI_IO_BASE] & 0xf));
		c[PCI_IO_LIMIT] = (uint8_t)((last >> 8 & 0xf0) | (c[PCI_IO_LIMIT] & 0xf));
		break;
	case SPACE_MEM32:
		pci_set16(c + PCI_MEMORY_BASE, base >> 16 & 0xfff0);
		pci_set16(c + PCI_MEMORY_LIMIT, last >> 16 & 0xfff0);
		break;
	default:
		pci_set16(c + PCI_PREF_MEMORY_BASE, (base >> 16 & 0xfff0) | PCI_PREF_RANGE_TYPE_64);
		pci_set16(c + PCI_PREF_MEMORY_LIMIT,
			  (last >> 16 & 0xfff0) | PCI_PREF_RANGE_TYPE_64);
		pci_set32(c + PCI_PREF_BASE_UPPER32, (uint32_t)(base >> 32));
		pci_set32(c + PCI_PREF_LIMIT_UPPER32, (uint32_t)(last >> 32));
	}
}

static const char *const space_names[SPACES] = {"I/O", "32-bit", "64-bit"};

static int no_room(const struct item *it, enum space s, uint64_t at, const struct arena *a,
		   struct err **errp)
{
	g_autofree char *what = it->bar == WINDOW        ? g_strdup("the window of its bus")
				: it->bar == PCI_ROM_BAR ? g_strdup("its ROM")
							 : g_strdup_printf("BAR %u", it->bar);

	err_set(errp, -ENOSPC,
		"%s: %s needs 0x%" PRIx64 " bytes at 0x%" PRIx64
		", but the %s PCI window ends at 0x%" PRIx64,
		it->dev->name, what, it->size, at, space_names[s], a->end);
	err_hint(
		errp,
		s == SPACE_MEM64
			? "The host's processor cannot address more; assign fewer devices with large "
			  "BARs."
			: "Assign fewer devices, or rombar=0 where a ROM is not needed.");
	return -ENOSPC;
}

static int place_bus(struct pcibus *b, enum space s, const struct spare *spare, struct arena *a,
		     struct err **errp)
{
	g_autoptr(GArray) items = items_of(b, s, spare);

	for (guint i = 0; i < items->len; i++) {
		const struct item *it = &g_array_index(items, struct item, i);
		uint64_t at = align_up(a->next, it->align);

		if (at + it->size > a->end || at + it->size < at)
			return no_room(it, s, at, a, errp);
		a->next = at + it->size;
		if (it->bar == WINDOW) {
			struct arena inner = {at, at + it->size};
			int ret = place_bus(it->dev->child, s, spare, &inner, errp);

			if (ret < 0)
				return ret;
			set_window(it->dev, s, at, at + it->size - 1);
		} else {
			pcidev_set_bar_value(it->dev, it->bar, at);
		}
	}
	return 0;
}

/* --- spare windows for what is plugged in later --- */

static bool fits(const struct pcibus *root, enum space s, const struct spare *spare,
		 const struct arena *a)
{
	g_autoptr(GArray) items = items_of(root, s, spare);
	uint64_t at = a->next;

	for (guint i = 0; i < items->len; i++) {
		const struct item *it = &g_array_index(items, struct item, i);

		at = align_up(at, it->align);
		if (at + it->size > a->end || at + it->size < at)
			return false;
		at += it->size;
	}
	return true;
}

static void rank_ports(const struct pcibus *b, GHashTable *rank)
{
	for (unsigned i = 0; i < 256; i++) {
		struct pcidev *d = b->dev[i];

		if (!d || !d->child)
			continue;
		if (d->slot && d->cfg[PCI_SECONDARY_BUS])
			g_hash_table_insert(rank, d, GUINT_TO_POINTER(g_hash_table_size(rank) + 1));
		rank_ports(d->child, rank);
	}
}

/* The most that fits; need grows with each. */
static void grant(const struct pcibus *root, enum space s, struct spare *spare,
		  const struct arena *a)
{
	guint low = 0, high = g_hash_table_size(spare->rank);

	while (low < high) {
		spare->granted = low + (high - low + 1) / 2;
		if (fits(root, s, spare, a))
			low = spare->granted;
		else
			high = spare->granted - 1;
	}
	spare->granted = low;
}

/* Depth first; a bridge's numbers cover everything below it. */
static unsigned number_buses(struct pcibus *b, unsigned nr)
{
	unsigned last = nr;

	for (unsigned i = 0; i < 256; i++) {
		struct pcidev *d = b->dev[i];

		if (!d || !d->child || last == 255)
			continue;
		d->cfg[PCI_PRIMARY_BUS] = (uint8_t)nr;
		d->cfg[PCI_SECONDARY_BUS] = (uint8_t)(last + 1);
		d->cfg[PCI_SUBORDINATE_BUS] = 255;
		last = number_buses(d->child, last + 1);
		d->cfg[PCI_SUBORDINATE_BUS] = (uint8_t)last;
		pci_set16(d->cfg + PCI_COMMAND,
			  PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	}
	return last;
}

static void update(void *opaque, struct pcidev *d)
{
	pcidev_update_bars(d);
}

int q35_setup_pci(struct pcihost *host, const struct pci_windows *w, struct err **errp)
{
	struct arena arenas[SPACES] = {
		{w->io, w->io_end}, {w->mem32, w->mem32_end}, {w->mem64, w->mem64_end}};
	g_autoptr(GHashTable) rank = g_hash_table_new(NULL, NULL);
	struct spare spare = {.rank = rank};
	int ret = 0;

	pthread_mutex_lock(&host->lock);
	number_buses(&host->root, 0);
	rank_ports(&host->root, rank);
	for (int s = 0; s < SPACES && ret >= 0; s++) {
		grant(&host->root, (enum space)s, &spare, &arenas[s]);
		ret = place_bus(&host->root, (enum space)s, &spare, &arenas[s], errp);
	}
	pthread_mutex_unlock(&host->lock);
	pcihost_foreach(host, update, NULL);
	return ret;
}

unsigned q35_last_bus(const struct pcihost *host)
{
	unsigned last = 0;

	for (const struct pcidev *d = host->root.bridges; d; d = d->next_bridge)
		last = MAX(last, d->cfg[PCI_SUBORDINATE_BUS]);
	return last;
}
