// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the way between a command's data and the host's memory: PRP entries and lists (NVM Express
 * 1.4, 4.3).  Called by the commands, in the controller's thread; never follows more entries than a
 * command may have.
 */
#include "hw/dev/nvme_int.h"
#include "mem/access.h"

struct map {
	struct nvme *n;
	uint64_t page;
	size_t left; /* bytes that are not mapped yet */
	unsigned segs;
};

static void add(struct map *m, uint64_t addr)
{
	uint64_t room = m->page - (addr & (m->page - 1));
	uint32_t len = (uint32_t)MIN(m->left, room);

	m->n->seg[m->segs++] = (struct nvme_seg){addr, len};
	m->left -= len;
}

/*
 * One page of a list, whose last entry points to the next page where there is more.  Entries are
 * those of whole pages; only the first page of a list may begin in its middle, which bounds the
 * number of pages.
 */
static uint16_t list_page(struct map *m, uint64_t *list)
{
	uint8_t raw[8 * NVME_MAX_SEGS];
	unsigned room = (unsigned)((m->page - (*list & (m->page - 1))) / 8);
	unsigned want = (unsigned)((m->left + m->page - 1) / m->page);
	unsigned have = MIN(room, want), entries = want > room ? room - 1 : want;

	if (!nvme_dma_read(m->n, *list, raw, 8 * have))
		return NVME_TRANSFER_ERROR;
	for (unsigned i = 0; i < have; i++) {
		uint64_t entry = le_load(raw + 8 * i, 8);

		if (entry & (m->page - 1))
			return NVME_PRP_OFFSET | NVME_DNR;
		if (i < entries)
			add(m, entry);
		else
			*list = entry;
	}
	return NVME_OK;
}

uint16_t nvme_map(struct nvme *n, const struct nvme_cmd *c, size_t len)
{
	struct map m = {n, 1ull << n->page_bits, len, 0};
	uint64_t list = c->prp[1];
	uint16_t status = NVME_OK;

	if (c->prp[0] & 3)
		return NVME_PRP_OFFSET | NVME_DNR;
	add(&m, c->prp[0]);
	if (!m.left)
		return NVME_OK;
	if (list & (m.left <= m.page ? m.page - 1 : 7))
		return NVME_PRP_OFFSET | NVME_DNR;
	if (m.left <= m.page) {
		add(&m, list);
		return NVME_OK;
	}
	while (m.left && !status)
		status = list_page(&m, &list);
	return status;
}

uint16_t nvme_to_host(struct nvme *n, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	for (const struct nvme_seg *s = n->seg; len; len -= s->len, p += s->len, s++)
		if (!nvme_dma_write(n, s->addr, p, s->len))
			return NVME_TRANSFER_ERROR;
	return NVME_OK;
}

uint16_t nvme_from_host(struct nvme *n, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (const struct nvme_seg *s = n->seg; len; len -= s->len, p += s->len, s++)
		if (!nvme_dma_read(n, s->addr, p, s->len))
			return NVME_TRANSFER_ERROR;
	return NVME_OK;
}

uint16_t nvme_give(struct nvme *n, const struct nvme_cmd *c, const void *buf, size_t len)
{
	uint16_t status = nvme_map(n, c, len);

	return status ? status : nvme_to_host(n, buf, len);
}
