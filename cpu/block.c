// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns blocks of decoded instructions: finding, making, killing them (docs/cpu.md).  Called by the
 * dispatcher (exec.c) and, where code is written, by mmu.c; never executes anything.
 */
#include <glib.h>
#include <string.h>

#include "cpu/handlers.h"

/* --- pages of code --- */

static unsigned page_slot(uint64_t page)
{
	return (unsigned)(page >> 12 ^ page >> 24) & (X86_PAGE_HASH - 1);
}

struct x86_codepage *x86_codepage_find(struct x86_set *s, uint64_t page)
{
	struct x86_codepage *p = s->page[page_slot(page)];

	while (p && p->page != page)
		p = p->next;
	return p && p->blocks ? p : NULL;
}

static void *arena_alloc(struct x86_set *s, size_t n)
{
	void *p = s->arena + s->arena_used;

	n = (n + 31) & ~(size_t)31;
	if (s->arena_used + n > s->arena_size)
		return NULL;
	s->arena_used += n;
	return p;
}

static struct x86_codepage *codepage_get(struct x86_set *s, uint64_t page, const uint8_t *host)
{
	struct x86_codepage *p = s->page[page_slot(page)];

	while (p && p->page != page)
		p = p->next;
	if (!p) {
		p = arena_alloc(s, sizeof(*p));
		if (!p)
			return NULL;
		*p = (struct x86_codepage){.page = page, .next = s->page[page_slot(page)]};
		s->page[page_slot(page)] = p;
	}
	p->host = host;
	return p;
}

/* Of the bytes in the granules that hold code; any change shows but by a chance of 2^-64. */
static uint64_t stamp(const struct x86_codepage *p)
{
	uint64_t h = p->granules;

	for (uint64_t g = p->granules; g; g &= g - 1) {
		const uint8_t *q = p->host + 64 * (unsigned)__builtin_ctzll(g);

		for (int i = 0; i < 8; i++) {
			uint64_t v;

			memcpy(&v, q + 8 * i, 8);
			h = (h ^ v) * 0x9e3779b97f4a7c15;
			h ^= h >> 29;
		}
	}
	return h;
}

static uint64_t granules_of(uint64_t phys, unsigned n)
{
	unsigned first = (phys & 0xfff) >> 6, last = ((phys & 0xfff) + n - 1) >> 6;

	return (last == 63 ? ~(uint64_t)0 : (2ull << last) - 1) & ~((1ull << first) - 1);
}

/* --- death --- */

static const struct x86_op *gone(struct x86_cpu *c, const struct x86_op *op)
{
	if (c->via)
		c->via->gen = 0;
	else
		c->jump[x86_jump_slot(c->r[X86_R_BLOCK])].gen = 0;
	c->via = NULL;
	c->rip = x86_op_rip(c, op);
	c->icount -= op->left;
	return NULL;
}

static void unhash(struct x86_set *s, struct x86_block *b);

static void kill_block(struct x86_set *s, struct x86_block *b)
{
	unhash(s, b);
	b->dead = true;
	for (unsigned i = 0; i < (unsigned)b->ops_n - b->links; i++)
		b->ops[i].fn = gone;
}

static void kill_page(struct x86_set *s, struct x86_codepage *p)
{
	for (struct x86_block *b = p->blocks; b; b = b->page_next)
		kill_block(s, b);
	p->blocks = NULL;
	p->granules = 0;
}

bool x86_code_write(struct x86_set *s, uint64_t phys, unsigned n)
{
	struct x86_codepage *p = x86_codepage_find(s, phys & X86_PAGE_MASK);

	if (!p)
		return true;
	if (!(p->granules & granules_of(phys, n)))
		return false;
	kill_page(s, p);
	return true;
}

void x86_codepage_check(struct x86_set *s, uint64_t page)
{
	struct x86_codepage *p = x86_codepage_find(s, page);
	uint64_t seq = __atomic_load_n(&s->dma_seq, __ATOMIC_ACQUIRE);

	if (!p || p->seq == seq)
		return;
	p->seq = seq;
	if (stamp(p) != p->stamp)
		kill_page(s, p);
}

void x86_dma_hint(struct x86_set *s)
{
	__atomic_fetch_add(&s->dma_seq, 1, __ATOMIC_RELEASE);
}

void x86_blocks_drop(struct x86_set *s)
{
	memset(s->block, 0, sizeof(s->block));
	memset(s->page, 0, sizeof(s->page));
	s->arena_used = 0;
	s->drops++;
	for (unsigned n = 0; n < s->conf.cpus; n++) {
		struct x86_cpu *c = s->cpu[n];

		if (!c)
			continue;
		memset(c->jump, 0, sizeof(c->jump));
		c->via = c->want = NULL;
		c->gen[1] = ++s->gen << 8 | c->mode;
	}
}

/* --- finding --- */

static unsigned slot(uint64_t phys, uint32_t key)
{
	return (unsigned)(phys ^ phys >> 13 ^ (uint64_t)key << 7) & (X86_BLOCK_HASH - 1);
}

static void unhash(struct x86_set *s, struct x86_block *b)
{
	struct x86_block **p = &s->block[slot(b->phys, b->key)];

	while (*p && *p != b)
		p = &(*p)->hash_next;
	if (*p)
		*p = b->hash_next;
}

static struct x86_block *find(struct x86_set *s, uint64_t phys, uint32_t key)
{
	struct x86_block *b = s->block[slot(phys, key)];

	while (b && (b->phys != phys || b->key != key))
		b = b->hash_next;
	return b;
}

/* --- making --- */

/* n bytes of code at lin; a fault in the second page is the instruction's own. */
static void fetch(struct x86_cpu *c, uint64_t lin, uint8_t *code, unsigned n)
{
	while (n) {
		const struct x86_itlbe *e = x86_fetch_page(c, lin);
		unsigned here = MIN(n, 0x1000 - (unsigned)(lin & 0xfff));
		uint64_t at = e->phys | (lin & 0xfff);

		if (e->host) {
			memcpy(code, e->host + (lin & 0xfff), here);
		} else {
			x86_outside(c);
			aspace_read_buf(c->set->conf.mem, at, code, here);
			x86_inside(c, false);
		}
		lin = x86_code64(c) ? lin + here : (lin + here) & 0xffffffff;
		code += here;
		n -= here;
	}
}

/* Is it what the slot was made of?  Its bytes decide, page by page as they would be fetched. */
static bool same_code(struct x86_cpu *c, uint64_t lin, const struct x86_scratch *s)
{
	unsigned here = MIN(s->len, 0x1000 - (unsigned)(lin & 0xfff));
	uint8_t code[X86_INSN_MAX];

	if (!s->len || s->lin != lin || s->block->key != c->mode)
		return false;
	fetch(c, lin, code, here);
	if (memcmp(code, s->code, here))
		return false;
	fetch(c, (lin + here) & (x86_code64(c) ? ~(uint64_t)0 : 0xffffffff), code, s->len - here);
	return !memcmp(code, s->code + here, s->len - here);
}

/*
 * An instruction over a page's end, or in no RAM: what it is shows only when it is fetched, so it
 * is never found by address, and only kept for the case that it is the same the next time.
 */
static struct x86_block *one_off(struct x86_cpu *c, uint64_t lin)
{
	struct x86_scratch *s = &c->scratch[(lin >> 4 ^ c->mode) % X86_SCRATCHES];
	struct x86_block *b = s->block;
	unsigned len = MIN(0x1000 - (unsigned)(lin & 0xfff), X86_INSN_MAX);

	if (same_code(c, lin, s))
		return b;
	s->len = 0;
	fetch(c, lin, s->code, len);
	if (x86_decode(c, b, s->code, len, 0xfff, 1) < 0) {
		if (len == X86_INSN_MAX)
			x86_gp(c, 0); /* more than 15 bytes */
		len = X86_INSN_MAX;
		fetch(c, lin, s->code, len);
		if (x86_decode(c, b, s->code, len, 0xfff, 1) < 0)
			x86_gp(c, 0);
	}
	b->one_off = true;
	b->key = c->mode;
	s->lin = lin;
	s->len = (uint8_t)(b->ops[0].len ? b->bytes : len); /* all that made it invalid */
	return b;
}

static struct x86_block *room(struct x86_set *s)
{
	size_t most = sizeof(struct x86_block) + X86_BLOCK_OPS * sizeof(struct x86_op);

	if (s->arena_used + most + sizeof(struct x86_codepage) + 64 > s->arena_size)
		x86_blocks_drop(s);
	return (void *)(s->arena + s->arena_used);
}

static void keep(struct x86_set *s, struct x86_block *b, struct x86_codepage *p)
{
	unsigned h = slot(b->phys, b->key);
	uint64_t seq = __atomic_load_n(&s->dma_seq, __ATOMIC_ACQUIRE);

	arena_alloc(s, sizeof(*b) + b->ops_n * sizeof(b->ops[0]));
	b->hash_next = s->block[h];
	s->block[h] = b;
	if (!p->blocks)
		x86_tlb_protect(s, p->page);
	else if (p->seq != seq && stamp(p) != p->stamp)
		kill_page(s, p); /* not what its other blocks were made from */
	b->page_next = p->blocks;
	p->blocks = b;
	p->granules |= granules_of(b->phys, b->bytes);
	p->seq = seq;
	p->stamp = stamp(p);
}

static struct x86_block *make(struct x86_cpu *c, uint64_t lin, const struct x86_itlbe *e)
{
	struct x86_set *s = c->set;
	struct x86_codepage *p;
	struct x86_block *b;
	unsigned off = lin & 0xfff;

	if (!e->host)
		return one_off(c, lin);
	b = room(s);
	p = codepage_get(s, e->phys, e->host);
	b = (void *)(s->arena + s->arena_used);
	if (x86_decode(c, b, e->host + off, 0x1000 - off, off,
		       c->mode & X86_MODE_STEP ? 1 : X86_BLOCK_MAX) < 0)
		return one_off(c, lin);
	b->phys = e->phys | off;
	b->key = c->mode;
	keep(s, b, p);
	return b;
}

struct x86_block *x86_block_get(struct x86_cpu *c)
{
	uint64_t lin = c->rip;
	const struct x86_itlbe *e;
	struct x86_block *b;

	if (!x86_code64(c)) {
		if (c->rip > c->seg[X86_CS].limit)
			x86_gp(c, 0);
		lin = (lin + c->seg[X86_CS].base) & 0xffffffff;
	}
	e = x86_fetch_page(c, lin);
	b = find(c->set, e->phys | (lin & 0xfff), c->mode);
	return b ? b : make(c, lin, e);
}
