// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the semantics trace's records of a container's mappings.  Called by sem.c for each record.
 */
#include <glib.h>

#include "tests/diff/sem.h"

#include <string.h>
#include <sys/mman.h>

#define MIB (1ull << 20)

/* The word "KEY=VALUE" with this key. */
static const char *value_of(const struct rec *rec, const char *key)
{
	size_t n = strlen(key);

	for (unsigned i = 1; i < rec->args; i++)
		if (!strncmp(rec->arg[i], key, n) && rec->arg[i][n] == '=')
			return rec->arg[i] + n + 1;
	return NULL;
}

static bool hex_of(const struct rec *rec, const char *key, uint64_t *v)
{
	return trace_hex(value_of(rec, key), v);
}

static bool dec_of(const struct rec *rec, const char *key, uint64_t *v)
{
	return trace_dec(value_of(rec, key), v);
}

/* Where the record's va is in this process. */
static bool address(struct sem *s, const struct rec *rec, uint64_t *va)
{
	const char *w = value_of(rec, "va");
	uint64_t base = (uintptr_t)s->buf;

	if (!w)
		return false;
	if (g_str_has_prefix(w, "buf+7M(hole")) {
		munmap(s->buf + 8 * MIB, MIB);
		*va = base + 7 * MIB;
		return true;
	}
	if (g_str_has_prefix(w, "buf+")) {
		if (!trace_hex(w + 4, va))
			return false;
		*va += base;
		return true;
	}
	if (!strcmp(w, "readonly"))
		*va = (uintptr_t)s->readonly;
	else if (!strcmp(w, "top"))
		*va = 0xfffffffffffff000;
	else if (!strcmp(w, "noncanonical"))
		*va = 1ull << 63;
	else
		return trace_hex(w, va);
	return true;
}

void sem_dma_map(struct sem *s, const struct rec *rec)
{
	struct vfio_iommu_type1_dma_map m = {};
	uint64_t iova, va, size, flags, argsz;

	if (!hex_of(rec, "iova", &iova) || !address(s, rec, &va) || !hex_of(rec, "size", &size) ||
	    !hex_of(rec, "flags", &flags) || !dec_of(rec, "argsz", &argsz))
		return replay_malformed(s->r, rec);
	m.argsz = (uint32_t)argsz;
	m.flags = (uint32_t)flags;
	m.vaddr = va;
	m.iova = iova;
	m.size = size;
	replay_got(s->r, rec, sem_ioctl(sem_container(s), VFIO_IOMMU_MAP_DMA, &m), NULL);
}

void sem_dma_unmap(struct sem *s, const struct rec *rec)
{
	union {
		struct vfio_iommu_type1_dma_unmap m;
		uint8_t room[256];
	} b = {};
	g_autofree char *text = NULL;
	uint64_t iova, size, flags, argsz;
	long ret;

	if (!hex_of(rec, "iova", &iova) || !hex_of(rec, "size", &size) ||
	    !hex_of(rec, "flags", &flags) || !dec_of(rec, "argsz", &argsz))
		return replay_malformed(s->r, rec);
	b.m.argsz = (uint32_t)argsz;
	b.m.flags = (uint32_t)flags;
	b.m.iova = iova;
	b.m.size = size;
	ret = sem_ioctl(sem_container(s), VFIO_IOMMU_UNMAP_DMA, &b);
	text = g_strdup_printf("size=%llx", b.m.size);
	replay_got(s->r, rec, ret, text);
}

/* --- GET_INFO --- */

/* Capabilities are laid out without regard to alignment. */
static void spell_ranges(GString *s, const uint8_t *cap, size_t room)
{
	struct vfio_iommu_type1_info_cap_iova_range c;
	struct vfio_iova_range r;
	uint32_t fit = (uint32_t)((room - sizeof(c)) / sizeof(r));

	memcpy(&c, cap, sizeof(c));
	for (uint32_t i = 0; i < MIN(c.nr_iovas, fit); i++) {
		memcpy(&r, cap + sizeof(c) + i * sizeof(r), sizeof(r));
		g_string_append_printf(s, " %llx-%llx", r.start, r.end);
	}
}

static void spell_cap(GString *s, const uint8_t *buf, size_t size, uint32_t at)
{
	const struct vfio_info_cap_header *h = (const void *)(buf + at);

	g_string_append_printf(s, " [id=%u ver=%u at=%u next=%u", h->id, h->version, at, h->next);
	if (h->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
		spell_ranges(s, buf + at, size - at);
	} else if (h->id == VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION) {
		struct vfio_iommu_type1_info_cap_migration c;

		memcpy(&c, h, sizeof(c));
		g_string_append_printf(s, " flags=%x pgsz=%llx max_bitmap=%llx", c.flags,
				       c.pgsize_bitmap, c.max_dirty_bitmap_size);
	} else if (h->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
		const struct vfio_iommu_type1_info_dma_avail *c = (const void *)h;

		g_string_append_printf(s, " avail=%u", c->avail);
	}
	g_string_append(s, "]");
}

void sem_dma_info(struct sem *s, const struct rec *rec)
{
	union {
		struct vfio_iommu_type1_info i;
		uint8_t room[1024];
	} b = {};
	g_autoptr(GString) text = g_string_new(NULL);
	uint64_t argsz;
	bool caps;
	long ret;

	if (rec->args != 2 || !trace_dec(rec->arg[1], &argsz) || argsz > sizeof(b))
		return replay_malformed(s->r, rec);
	b.i.argsz = (uint32_t)argsz;
	ret = sem_ioctl(sem_container(s), VFIO_IOMMU_GET_INFO, &b);
	caps = argsz >= 24;
	g_string_printf(text, "argsz=%u flags=%x pgsizes=%llx cap=%u", b.i.argsz, b.i.flags,
			b.i.iova_pgsizes, caps ? b.i.cap_offset : 0);
	if (!ret && b.i.flags & VFIO_IOMMU_INFO_CAPS && caps)
		for (uint32_t at = b.i.cap_offset, n = 0; at && at < sizeof(b) - 64 && n < 8; n++) {
			spell_cap(text, b.room, sizeof(b), at);
			at = ((const struct vfio_info_cap_header *)(const void *)(b.room + at))
				     ->next;
		}
	replay_got(s->r, rec, ret, text->str);
}

/* --- dirty pages --- */

void sem_dma_dirty(struct sem *s, const struct rec *rec)
{
	struct vfio_iommu_type1_dirty_bitmap d = {};
	uint64_t argsz, flags;

	if (!dec_of(rec, "argsz", &argsz) || !hex_of(rec, "flags", &flags))
		return replay_malformed(s->r, rec);
	d.argsz = (uint32_t)argsz;
	d.flags = (uint32_t)flags;
	replay_got(s->r, rec, sem_ioctl(sem_container(s), VFIO_IOMMU_DIRTY_PAGES, &d), NULL);
}

void sem_dma_dirty_get(struct sem *s, const struct rec *rec)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap d;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} b = {.d = {.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP}};
	uint64_t bits[512] = {}, iova, size, pgsize, bmsize, argsz;
	g_autofree char *text = NULL;
	long ret;

	if (!hex_of(rec, "iova", &iova) || !hex_of(rec, "size", &size) ||
	    !hex_of(rec, "pgsize", &pgsize) || !hex_of(rec, "bmsize", &bmsize) ||
	    !dec_of(rec, "argsz", &argsz) || bmsize > sizeof(bits))
		return replay_malformed(s->r, rec);
	b.d.argsz = (uint32_t)argsz;
	b.get.iova = iova;
	b.get.size = size;
	b.get.bitmap.pgsize = pgsize;
	b.get.bitmap.size = bmsize;
	b.get.bitmap.data = (void *)bits;
	ret = sem_ioctl(sem_container(s), VFIO_IOMMU_DIRTY_PAGES, &b);
	text = g_strdup_printf("bm0=%02x", (unsigned)(bits[0] & 0xff));
	replay_got(s->r, rec, ret, text);
}
