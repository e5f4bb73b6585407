// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the shape of regions; called by every model when it builds its own; never maps anything. */
#include "mem/region.h"

#include <string.h>

static void region_init(struct region *r, const char *name, enum region_kind kind, uint64_t size)
{
	memset(r, 0, sizeof(*r));
	r->name = name;
	r->kind = kind;
	r->size = size;
	r->fd = -1;
}

void region_init_io(struct region *r, const char *name, uint64_t size, const struct region_ops *ops,
		    void *opaque)
{
	region_init(r, name, REGION_IO, size);
	r->ops = ops;
	r->opaque = opaque;
}

void region_init_ram(struct region *r, const char *name, uint64_t size, void *host, int fd)
{
	region_init(r, name, REGION_RAM, size);
	r->host = host;
	r->fd = fd;
}

void region_init_container(struct region *r, const char *name, uint64_t size)
{
	region_init(r, name, REGION_CONTAINER, size);
}

void region_add_sub(struct region *parent, struct region *sub, uint64_t off)
{
	struct region **p = &parent->subs;

	while (*p)
		p = &(*p)->next;
	*p = sub;
	sub->off = off;
	sub->next = NULL;
}

void region_del_sub(struct region *parent, struct region *sub)
{
	struct region **p = &parent->subs;

	while (*p && *p != sub)
		p = &(*p)->next;
	if (*p) {
		*p = sub->next;
		sub->next = NULL;
	}
}
