// SPDX-License-Identifier: GPL-2.0-or-later
/* Accesses to one region: every width and alignment against what its ops take. */
#include <glib.h>
#include <string.h>

#include "mem/access.h"

#define SIZE 64

struct dut {
	struct region_ops ops;
	struct region r;
	uint8_t bytes[SIZE];
	unsigned reads, writes;
	pthread_mutex_t lock;
};

/* The contract of region.h, checked at each call. */
static void check_call(const struct dut *d, uint64_t off, unsigned len)
{
	g_assert_cmpuint(len, >=, d->ops.min ? d->ops.min : 1);
	g_assert_cmpuint(len, <=, d->ops.max ? d->ops.max : 8);
	g_assert_cmpuint(len & (len - 1), ==, 0);
	g_assert_cmpuint(off + len, <=, SIZE);
	if (!d->ops.unaligned)
		g_assert_cmpuint(off % len, ==, 0);
}

static uint64_t dut_read(void *opaque, uint64_t off, unsigned len)
{
	struct dut *d = opaque;
	uint64_t junk = 0xa5a5a5a5a5a5a5a5; /* above len: nobody may see it */

	check_call(d, off, len);
	d->reads++;
	return len == 8 ? le_load(d->bytes + off, 8)
			: (junk << (8 * len)) | le_load(d->bytes + off, len);
}

static void dut_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct dut *d = opaque;

	check_call(d, off, len);
	d->writes++;
	if (len < 8)
		g_assert_cmphex(val >> (8 * len), ==, 0);
	le_store(d->bytes + off, val, len);
}

static void dut_init(struct dut *d, uint8_t min, uint8_t max, bool unaligned)
{
	memset(d, 0, sizeof(*d));
	pthread_mutex_init(&d->lock, NULL);
	d->ops = (struct region_ops){dut_read, dut_write, min, max, unaligned};
	region_init_io(&d->r, "dut", SIZE, &d->ops, d);
	d->r.lock = unaligned ? &d->lock : NULL; /* both ways are the same */
	for (unsigned i = 0; i < SIZE; i++)
		d->bytes[i] = (uint8_t)(i * 7 + 1);
}

static uint64_t want(const uint8_t *bytes, unsigned off, unsigned len)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < len; i++)
		v |= (uint64_t)bytes[off + i] << (8 * i);
	return v;
}

/* All of an access's bytes and no other, whatever the ops take. */
static void one_policy(uint8_t min, uint8_t max, bool unaligned)
{
	struct dut d;

	for (unsigned len = 1; len <= 8; len++)
		for (unsigned off = 0; off + len <= SIZE; off++) {
			uint64_t val = 0xf1e2d3c4b5a69788ull * (off + 1);
			uint8_t model[SIZE];

			dut_init(&d, min, max, unaligned);
			g_assert_cmphex(region_read(&d.r, off, len), ==, want(d.bytes, off, len));
			memcpy(model, d.bytes, SIZE);
			for (unsigned i = 0; i < len; i++)
				model[off + i] = (uint8_t)(val >> (8 * i));
			region_write(&d.r, off, val, len);
			g_assert_cmpmem(d.bytes, SIZE, model, SIZE);
		}
}

static void all_policies(void)
{
	for (unsigned min = 1; min <= 8; min *= 2)
		for (unsigned max = min; max <= 8; max *= 2) {
			one_policy((uint8_t)min, (uint8_t)max, false);
			one_policy((uint8_t)min, (uint8_t)max, true);
		}
	one_policy(0, 0, false); /* 0 = 1 and 8 */
}

/* What fits is one call; what does not is as few as the ops allow. */
static void number_of_calls(void)
{
	struct dut d;

	dut_init(&d, 1, 8, false);
	region_read(&d.r, 8, 8);
	g_assert_cmpuint(d.reads, ==, 1);
	dut_init(&d, 1, 8, true);
	region_read(&d.r, 3, 8);
	g_assert_cmpuint(d.reads, ==, 1);
	dut_init(&d, 1, 4, false);
	region_write(&d.r, 8, 1, 8);
	g_assert_cmpuint(d.writes, ==, 2);
	dut_init(&d, 4, 4, false);
	region_write(&d.r, 8, 0x1122334455667788, 8);
	g_assert_cmpuint(d.reads, ==, 0); /* nothing to keep */
	region_write(&d.r, 5, 0xaa, 1);
	g_assert_cmpuint(d.reads, ==, 1);
	g_assert_cmpuint(d.writes, ==, 3);
}

static void missing_ops(void)
{
	struct dut d;

	dut_init(&d, 4, 4, false);
	d.ops.read = NULL;
	for (unsigned len = 1; len <= 8; len++)
		g_assert_cmphex(region_read(&d.r, 0, len), ==, UINT64_MAX >> (64 - 8 * len));
	region_write(&d.r, 1, 0xee, 1); /* nothing to merge with: zeroes */
	g_assert_cmphex(want(d.bytes, 0, 4), ==, 0xee00);
	d.ops.write = NULL;
	region_write(&d.r, 0, 0, 4);
	g_assert_cmphex(want(d.bytes, 0, 4), ==, 0xee00);
	d.r.ops = NULL;
	g_assert_cmphex(region_read(&d.r, 0, 2), ==, 0xffff);
	region_write(&d.r, 0, 0, 8);
}

static void memory_kinds(void)
{
	uint8_t host[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	struct region ram, rom;
	struct dut d;

	region_init_ram(&ram, "ram", 16, host, -1);
	region_write(&ram, 3, 0xaabbccddeeff, 6);
	g_assert_cmphex(region_read(&ram, 2, 8), ==, 0x0aaabbccddeeff03);
	dut_init(&d, 1, 8, false);
	rom = ram;
	rom.kind = REGION_ROM;
	region_write(&rom, 0, 0x55, 1); /* no ops: dropped */
	g_assert_cmphex(host[0], ==, 1);
	rom.ops = &d.ops;
	rom.opaque = &d;
	region_write(&rom, 0, 0x55, 1); /* a flash's command */
	g_assert_cmphex(host[0], ==, 1);
	g_assert_cmphex(d.bytes[0], ==, 0x55);
	g_assert_cmphex(region_read(&rom, 0, 1), ==, 1);
}

static void loads_and_stores(void)
{
	uint8_t raw[24], out[24];

	for (unsigned i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(0xf0 - i);
	for (unsigned len = 1; len <= 8; len++)
		for (unsigned at = 0; at < 8; at++) {
			memset(out, 0x5a, sizeof(out));
			le_store(out + at, le_load(raw + at, len), len);
			g_assert_cmpmem(out + at, len, raw + at, len);
			g_assert_cmphex(out[at + len], ==, 0x5a);
			if (at)
				g_assert_cmphex(out[at - 1], ==, 0x5a);
		}
}

struct adder {
	struct region *r;
};

static uint64_t locked_read(void *opaque, uint64_t off, unsigned len)
{
	return *(volatile uint32_t *)opaque;
}

static void locked_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	*(volatile uint32_t *)opaque = (uint32_t)val;
}

static const struct region_ops locked_ops = {locked_read, locked_write, 4, 4, false};

static void *add_bytes(void *opaque)
{
	const struct adder *a = opaque;

	for (unsigned i = 0; i < 20000; i++)
		region_write(a->r, 0, i, 1);
	return NULL;
}

/* Read, merge, write of a narrow access is one step under the region's lock. */
static void merge_is_locked(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	uint32_t reg = 0;
	struct region r;
	struct adder a = {&r};
	pthread_t t;

	region_init_io(&r, "r", 4, &locked_ops, &reg);
	r.lock = &lock;
	pthread_create(&t, NULL, add_bytes, &a);
	for (unsigned i = 0; i < 20000; i++) {
		region_write(&r, 3, i, 1);
		g_assert_cmphex(region_read(&r, 3, 1), ==, i & 0xff);
	}
	pthread_join(t, NULL);
	g_assert_cmphex(reg, ==, (19999u & 0xff) << 24 | (19999 & 0xff));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/access/all-policies", all_policies);
	g_test_add_func("/access/number-of-calls", number_of_calls);
	g_test_add_func("/access/missing-ops", missing_ops);
	g_test_add_func("/access/memory-kinds", memory_kinds);
	g_test_add_func("/access/loads-and-stores", loads_and_stores);
	g_test_add_func("/access/merge-is-locked", merge_is_locked);
	return g_test_run();
}
