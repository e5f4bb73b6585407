// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the memslots: a listener of guest memory turns RAM, ROM and mapped BARs into slots.  Called
 * by the address space under its lock; never decides what is mapped.
 *
 * KVM can neither cut nor move a slot: the pieces of one that something was laid over are new slots
 * and the old one goes first.  For that moment the pieces have no slot, and a vCPU that fetches
 * from there, or whose page tables lie there, would end in an internal error.  So a commit is
 * gathered, and where slots go and come at the same addresses the vCPUs are held out of the guest.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "accel/kvm.h"
#include "base/err.h"

#define PAGE 4096u

static struct kvm *kvm_of_listener(struct aspace_listener *l)
{
	return (struct kvm *)((char *)l - offsetof(struct kvm, mem.listener));
}

static int slot_set(struct kvm *k, unsigned i)
{
	const struct kvm_slot *s = &k->mem.slots[i];
	struct kvm_userspace_memory_region r = {
		.slot = i,
		.flags = s->flags,
		.guest_phys_addr = s->gpa,
		.memory_size = s->size,
		.userspace_addr = (uintptr_t)s->host,
	};

	return kvm_ioctl(k->vm_fd, KVM_SET_USER_MEMORY_REGION, &r);
}

static struct kvm_slot *slot_find(struct kvm *k, uint64_t gpa, uint64_t size)
{
	for (unsigned i = 0; i < k->mem.n; i++)
		if (k->mem.slots[i].size == size && (!size || k->mem.slots[i].gpa == gpa))
			return &k->mem.slots[i];
	return NULL;
}

static struct kvm_slot *slot_new(struct kvm *k)
{
	struct kvm_slot *s = slot_find(k, 0, 0);

	if (s)
		return s;
	if (k->mem.n == k->mem.max)
		return NULL;
	k->mem.slots = g_renew(struct kvm_slot, k->mem.slots, k->mem.n + 8);
	memset(&k->mem.slots[k->mem.n], 0, 8 * sizeof(struct kvm_slot));
	k->mem.n += MIN(8, k->mem.max - k->mem.n);
	return slot_find(k, 0, 0);
}

/*
 * The whole pages of a range.  What is left at its ends (a trap window that ends within a page) is
 * served by exits: the address space knows the bytes.
 */
static bool whole_pages(const struct mrange *r, uint64_t *gpa, uint64_t *size, uint8_t **host)
{
	uint64_t start = (r->start + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	uint64_t end = (r->last + 1) & ~(uint64_t)(PAGE - 1);

	if (!r->region->host || start < r->start || end <= start)
		return false;
	*gpa = start;
	*size = end - start;
	*host = r->region->host + r->off + (start - r->start);
	return !((uintptr_t)*host & (PAGE - 1));
}

static void note(struct kvm *k, int ret, const struct mrange *r, const char *what)
{
	if (ret >= 0)
		return;
	if (!k->mem.error)
		k->mem.error = ret;
	g_warning("kvm: %s memory slot 0x%" PRIx64 "-0x%" PRIx64 " (%s): %s; accesses to it will "
		  "exit",
		  what, r->start, r->last, r->region->name, g_strerror(-ret));
}

static void mem_add(struct aspace_listener *l, const struct mrange *r)
{
	struct kvm *k = kvm_of_listener(l);

	g_array_append_val(k->mem.coming, *r);
}

static void mem_del(struct aspace_listener *l, const struct mrange *r)
{
	struct kvm *k = kvm_of_listener(l);

	if (!k->mem.closing)
		g_array_append_val(k->mem.going, *r);
}

static void slot_add(struct kvm *k, const struct mrange *r)
{
	uint64_t gpa, size;
	uint8_t *host;
	struct kvm_slot *s;
	int ret;

	if (!whole_pages(r, &gpa, &size, &host))
		return;
	s = slot_new(k);
	if (!s) {
		note(k, -ENOSPC, r, "add");
		return;
	}
	*s = (struct kvm_slot){gpa, size, host,
			       r->region->kind == REGION_ROM ? KVM_MEM_READONLY : 0};
	ret = slot_set(k, (unsigned)(s - k->mem.slots));
	if (ret < 0)
		s->size = 0;
	note(k, ret, r, "add");
}

static void slot_del(struct kvm *k, const struct mrange *r)
{
	uint64_t gpa, size;
	uint8_t *host;
	struct kvm_slot *s;

	if (!whole_pages(r, &gpa, &size, &host))
		return;
	s = slot_find(k, gpa, size);
	if (!s)
		return;
	s->size = 0;
	note(k, slot_set(k, (unsigned)(s - k->mem.slots)), r, "remove");
}

/* Does memory that stays lose its slot for a moment?  Both lists are sorted. */
static bool recut(const GArray *going, const GArray *coming)
{
	guint i = 0, j = 0;

	while (i < going->len && j < coming->len) {
		const struct mrange *g = &g_array_index(going, struct mrange, i);
		const struct mrange *c = &g_array_index(coming, struct mrange, j);

		if (g->last < c->start || !g->region->host)
			i++;
		else if (c->last < g->start || !c->region->host)
			j++;
		else
			return true;
	}
	return false;
}

static void mem_end(struct aspace_listener *l)
{
	struct kvm *k = kvm_of_listener(l);
	GArray *going = k->mem.going, *coming = k->mem.coming;
	bool hold = recut(going, coming);

	if (hold)
		kvm_hold(k);
	for (guint i = 0; i < going->len; i++)
		slot_del(k, &g_array_index(going, struct mrange, i));
	for (guint i = 0; i < coming->len; i++)
		slot_add(k, &g_array_index(coming, struct mrange, i));
	if (hold)
		kvm_release(k);
	g_array_set_size(going, 0);
	g_array_set_size(coming, 0);
}

int kvm_mem_init(struct kvm *k, struct err **errp)
{
	int max = kvm_cap(k, KVM_CAP_NR_MEMSLOTS);

	k->mem.max = max > 0 ? (unsigned)max : 32;
	k->mem.slots = g_new0(struct kvm_slot, 1);
	k->mem.going = g_array_new(FALSE, FALSE, sizeof(struct mrange));
	k->mem.coming = g_array_new(FALSE, FALSE, sizeof(struct mrange));
	k->mem.listener = (struct aspace_listener){.add = mem_add, .del = mem_del, .end = mem_end};
	aspace_listen(k->accel.mem, &k->mem.listener);
	if (k->mem.error)
		return err_set_errno(errp, k->mem.error, "kvm: give the guest its memory");
	return 0;
}

void kvm_mem_fini(struct kvm *k)
{
	k->mem.closing = true;
	aspace_unlisten(k->accel.mem, &k->mem.listener);
	g_free(k->mem.slots);
	k->mem.slots = NULL;
	g_array_unref(k->mem.going);
	g_array_unref(k->mem.coming);
}
