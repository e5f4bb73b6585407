// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/isa/fw_cfg.c: ports, directory, DMA, and what a guest may do wrong. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "board_util.h"
#include "hw/isa/fw_cfg.h"
#include "mem/ram.h"

#define RAM_SIZE 0x10000ull
#define RAM_TOP (UINT64_MAX - RAM_SIZE + 1) /* a second view: it ends with the address space */
#define REQ 0x100                           /* where the tests' DMA requests are */
#define BUF 0x1000

struct rig {
	struct board b;
	struct ram ram;
	struct fw_cfg *f;
	size_t off, len;
	unsigned writes;
};

static void rig_init(struct rig *r)
{
	*r = (struct rig){};
	board_init(&r->b);
	g_assert_cmpint(ram_init(&r->ram, "ram", RAM_SIZE, NULL), ==, 0);
	aspace_map(r->b.mem, &r->ram.region, 0, 0, RAM_SIZE, 0);
	aspace_map(r->b.mem, &r->ram.region, RAM_TOP, 0, RAM_SIZE, 0);
	r->f = fw_cfg_new(r->b.io, r->b.mem);
}

static void rig_fini(struct rig *r)
{
	fw_cfg_free(r->f);
	board_fini(&r->b);
	ram_fini(&r->ram);
}

static void pick(struct rig *r, uint16_t key)
{
	aspace_write(r->b.io, FW_CFG_PORT, key, 2);
}

static void take(struct rig *r, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = in8(&r->b, FW_CFG_PORT + 1);
}

static uint64_t number(struct rig *r, uint16_t key, unsigned len)
{
	uint64_t v = 0;

	pick(r, key);
	take(r, &v, len);
	return v;
}

/* Size and key of a file as the directory has it; -1 = not there. */
static int64_t file(struct rig *r, const char *name, uint16_t *key)
{
	uint8_t entry[FW_CFG_FILE_ENTRY];
	uint32_t count;

	pick(r, FW_CFG_FILE_DIR);
	take(r, &count, 4);
	for (uint32_t i = 0; i < GUINT32_FROM_BE(count); i++) {
		take(r, entry, sizeof(entry));
		if (strcmp((char *)entry + 8, name))
			continue;
		*key = (uint16_t)(entry[4] << 8 | entry[5]);
		g_assert_cmphex(entry[6] | entry[7], ==, 0);
		return (int64_t)entry[0] << 24 | entry[1] << 16 | entry[2] << 8 | entry[3];
	}
	return -1;
}

/* One transfer; the control word afterwards. */
static uint32_t dma(struct rig *r, uint32_t control, uint32_t len, uint64_t addr)
{
	uint32_t be[4] = {GUINT32_TO_BE(control), GUINT32_TO_BE(len),
			  GUINT32_TO_BE((uint32_t)(addr >> 32)), GUINT32_TO_BE((uint32_t)addr)};

	aspace_write_buf(r->b.mem, REQ, be, sizeof(be));
	aspace_write(r->b.io, FW_CFG_DMA_PORT + 4, GUINT32_SWAP_LE_BE(REQ), 4);
	return GUINT32_FROM_BE((uint32_t)aspace_read(r->b.mem, REQ, 4));
}

static void signature(void)
{
	struct rig r;
	char text[9] = {0};

	rig_init(&r);
	take(&r, text, 4); /* selected from the start */
	g_assert_cmpstr(text, ==, "QEMU");
	g_assert_cmphex(number(&r, FW_CFG_ID, 4), ==, 3);
	g_assert_cmphex(number(&r, FW_CFG_SIGNATURE, 8), ==, 0x554d4551); /* zeros behind it */
	pick(&r, 0);
	g_assert_cmphex(in8(&r.b, FW_CFG_PORT), ==, 'Q'); /* the same register */
	out8(&r.b, FW_CFG_PORT + 1, 'x');                 /* dropped */
	g_assert_cmphex(aspace_read(r.b.io, FW_CFG_PORT, 2), ==, 0);
	g_assert_cmphex(in8(&r.b, FW_CFG_PORT + 1), ==, 'E');
	fw_cfg_reset(r.f);
	g_assert_cmphex(in8(&r.b, FW_CFG_PORT + 1), ==, 'Q');
	for (unsigned i = 0; i < 8; i++)
		text[i] = (char)in8(&r.b, (uint16_t)(FW_CFG_DMA_PORT + i));
	g_assert_cmpstr(text, ==, "QEMU CFG");
	g_assert_cmphex(aspace_read(r.b.io, FW_CFG_DMA_PORT + 4, 4), ==, 0x47464320);
	rig_fini(&r);
	fw_cfg_free(NULL);
}

static void items(void)
{
	struct rig r;

	rig_init(&r);
	g_assert_cmpint(fw_cfg_put_u16(r.f, FW_CFG_NB_CPUS, 0x1234), ==, 0);
	g_assert_cmpint(fw_cfg_put_u32(r.f, FW_CFG_IRQ0_OVERRIDE, 0x89abcdef), ==, 0);
	g_assert_cmpint(fw_cfg_put_u64(r.f, FW_CFG_RAM_SIZE, 0x123456789abcdef0), ==, 0);
	g_assert_cmphex(number(&r, FW_CFG_NB_CPUS, 2), ==, 0x1234);
	g_assert_cmphex(number(&r, FW_CFG_IRQ0_OVERRIDE, 4), ==, 0x89abcdef);
	g_assert_cmphex(number(&r, FW_CFG_IRQ0_OVERRIDE & 0x7fff, 4), ==, 0); /* another one */
	g_assert_cmphex(number(&r, FW_CFG_RAM_SIZE, 8), ==, 0x123456789abcdef0);
	g_assert_cmphex(number(&r, FW_CFG_RAM_SIZE | 0x4000, 8), ==, 0x123456789abcdef0);
	g_assert_cmpint(fw_cfg_put_u16(r.f, FW_CFG_RAM_SIZE, 7), ==, 0); /* replaces */
	g_assert_cmphex(number(&r, FW_CFG_RAM_SIZE, 8), ==, 7);
	g_assert_cmpint(fw_cfg_put_u16(r.f, FW_CFG_FILE_FIRST, 0), ==, -EINVAL);
	g_assert_cmpint(fw_cfg_put_u16(r.f, 0x4003, 0), ==, -EINVAL);
	g_assert_cmpint(fw_cfg_put(r.f, FW_CFG_UUID, NULL, 0), ==, 0);
	g_assert_cmphex(number(&r, FW_CFG_UUID, 8), ==, 0);
	rig_fini(&r);
}

/* No key is beyond the tables. */
static void every_key(void)
{
	struct rig r;

	rig_init(&r);
	for (unsigned key = 0; key < 0x10000; key++) {
		pick(&r, (uint16_t)key);
		in8(&r.b, FW_CFG_PORT + 1);
	}
	for (unsigned key = 0; key < 0x10000; key += 0x7f)
		g_assert_cmphex(dma(&r, key << 16 | FW_CFG_DMA_SELECT | FW_CFG_DMA_READ, 8, BUF),
				==, 0);
	rig_fini(&r);
}

static void sorted_files(void)
{
	static const char *const names[] = {"etc/c", "etc/a", "opt/z", "etc/b"};
	struct rig r;
	uint16_t key = 0;
	char text[16] = {0};

	rig_init(&r);
	g_assert_cmphex(number(&r, FW_CFG_FILE_DIR, 4), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		g_assert_cmpint(fw_cfg_add_file(r.f, names[i], names[i], strlen(names[i]), NULL),
				==, 0);
	g_assert_cmphex(number(&r, FW_CFG_FILE_DIR, 4), ==, GUINT32_TO_BE(4));
	g_assert_cmpint(file(&r, "etc/a", &key), ==, 5);
	g_assert_cmphex(key, ==, 0x20);
	g_assert_cmpint(file(&r, "opt/z", &key), ==, 5);
	g_assert_cmphex(key, ==, 0x23);
	pick(&r, 0x21);
	take(&r, text, 6);
	g_assert_cmpstr(text, ==, "etc/b");
	g_assert_cmpint(fw_cfg_set_file(r.f, "etc/b", "new one", 7, NULL), ==, 0);
	g_assert_cmpint(file(&r, "etc/b", &key), ==, 7);
	g_assert_cmphex(key, ==, 0x21);
	pick(&r, key);
	take(&r, text, 8);
	g_assert_cmpstr(text, ==, "new one");
	g_assert_cmpint(fw_cfg_set_file(r.f, "etc/0", NULL, 0, NULL), ==, 0);
	g_assert_cmpint(file(&r, "etc/0", &key), ==, 0);
	g_assert_cmphex(key, ==, 0x20);
	rig_fini(&r);
}

static void refused(struct rig *r, const char *name, size_t len, int code, const char *message)
{
	struct err *e = NULL;

	g_assert_cmpint(fw_cfg_add_file(r->f, name, "", len, &e), ==, code);
	g_assert_cmpstr(err_text(e), ==, message);
	err_free(e);
}

static void bad_files(void)
{
	static const char name56[] = "12345678901234567890123456789012345678901234567890123456";
	struct rig r;
	uint16_t key;

	rig_init(&r);
	g_assert_cmpint(fw_cfg_add_file(r.f, name56 + 1, "", 1, NULL), ==, 0);
	g_assert_cmpint(file(&r, name56 + 1, &key), ==, 1);
	refused(&r, name56 + 1, 1, -EEXIST,
		"there are two fw_cfg files "
		"'2345678901234567890123456789012345678901234567890123456'");
	refused(&r, name56, 1, -EINVAL,
		"fw_cfg file '12345678901234567890123456789012345678901234567890123456': the name "
		"has 56 bytes, 1 to 55 it may have");
	refused(&r, "", 1, -EINVAL, "fw_cfg file '': the name has 0 bytes, 1 to 55 it may have");
	refused(&r, "x", 1ull << 32, -EFBIG,
		"fw_cfg file 'x': 4294967296 bytes, the most are 4294967295");
	for (unsigned i = 1; i < FW_CFG_FILES; i++) {
		char name[8];

		g_snprintf(name, sizeof(name), "f%u", i);
		g_assert_cmpint(fw_cfg_add_file(r.f, name, name, 2, NULL), ==, 0);
	}
	refused(&r, "x", 1, -ENOSPC, "fw_cfg file 'x': there are 32 files already, the most");
	g_assert_cmpint(fw_cfg_set_file(r.f, "f1", "..", 2, NULL), ==, 0);
	rig_fini(&r);
}

static void dma_reads(void)
{
	struct rig r;
	uint8_t buf[32];

	rig_init(&r);
	memset(r.ram.region.host, 0xee, RAM_SIZE);
	fw_cfg_add_file(r.f, "f", "0123456789", 10, NULL);
	g_assert_cmphex(dma(&r, 0x200000 | FW_CFG_DMA_SELECT | FW_CFG_DMA_READ, 4, BUF), ==, 0);
	g_assert_cmphex(dma(&r, FW_CFG_DMA_SKIP, 2, 0), ==, 0);
	g_assert_cmphex(in8(&r.b, FW_CFG_PORT + 1), ==, '6'); /* one offset for both ways */
	g_assert_cmphex(dma(&r, FW_CFG_DMA_READ | FW_CFG_DMA_SKIP | FW_CFG_DMA_WRITE, 8, BUF + 4),
			==, 0);
	g_assert_cmphex(dma(&r, FW_CFG_DMA_SKIP, UINT32_MAX, 0), ==, 0);
	g_assert_cmphex(dma(&r, 0, UINT32_MAX, UINT64_MAX), ==, 0); /* nothing asked */
	aspace_read_buf(r.b.mem, BUF, buf, 16);
	g_assert_cmpmem(buf, 16, "0123789\0\0\0\0\0\xee\xee\xee\xee", 16);
	/* An item that is not there reads as zeros. */
	g_assert_cmphex(dma(&r, 0x7f0000 | FW_CFG_DMA_SELECT | FW_CFG_DMA_READ, 16, BUF), ==, 0);
	aspace_read_buf(r.b.mem, BUF, buf, 16);
	g_assert_cmphex(buf[0] | buf[15], ==, 0);
	rig_fini(&r);
}

/* Both halves of the address, and the register forgets after each transfer. */
static void dma_address(void)
{
	struct rig r;
	const uint32_t be[4] = {GUINT32_TO_BE(FW_CFG_DMA_SELECT | FW_CFG_DMA_READ),
				GUINT32_TO_BE(4), 0, GUINT32_TO_BE(BUF)};
	uint64_t at = RAM_TOP + REQ;

	rig_init(&r);
	aspace_write_buf(r.b.mem, REQ, be, sizeof(be));
	out8(&r.b, FW_CFG_DMA_PORT + 4, 1); /* too narrow */
	aspace_write(r.b.io, FW_CFG_DMA_PORT, GUINT32_SWAP_LE_BE((uint32_t)(at >> 32)), 4);
	aspace_write(r.b.io, FW_CFG_DMA_PORT + 4, GUINT32_SWAP_LE_BE((uint32_t)at), 4);
	g_assert_cmphex(aspace_read(r.b.mem, REQ, 4), ==, 0);
	g_assert_cmphex(aspace_read(r.b.mem, BUF, 4), ==, 0x554d4551);
	aspace_write_buf(r.b.mem, REQ, be, sizeof(be));
	aspace_write(r.b.mem, BUF, 0, 4);
	aspace_write(r.b.io, FW_CFG_DMA_PORT + 4, GUINT32_SWAP_LE_BE(REQ), 4);
	g_assert_cmphex(aspace_read(r.b.mem, BUF, 4), ==, 0x554d4551);
	aspace_write(r.b.mem, BUF, 0, 4);
	aspace_write_buf(r.b.mem, REQ, be, sizeof(be));
	aspace_write(r.b.io, FW_CFG_DMA_PORT, GUINT64_SWAP_LE_BE(at), 8);
	g_assert_cmphex(aspace_read(r.b.mem, BUF, 4), ==, 0x554d4551);
	rig_fini(&r);
}

static void no_dma_beyond_ram(void)
{
	static const uint64_t bad[] = {RAM_SIZE,      RAM_SIZE - 4,   UINT64_MAX - 3, RAM_TOP - 4,
				       0xfee00000ull, RAM_SIZE - 100, RAM_TOP - 1};
	const uint32_t read = FW_CFG_DMA_SELECT | FW_CFG_DMA_READ; /* of key 0: four bytes */
	struct rig r;

	rig_init(&r);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_cmphex(dma(&r, read, 101, bad[i]), ==, FW_CFG_DMA_ERROR);
		aspace_write(r.b.io, FW_CFG_DMA_PORT, GUINT32_SWAP_LE_BE((uint32_t)(bad[i] >> 32)),
			     4);
		aspace_write(r.b.io, FW_CFG_DMA_PORT + 4, GUINT32_SWAP_LE_BE((uint32_t)bad[i]), 4);
	}
	g_assert_cmphex(dma(&r, read, UINT32_MAX, 0x2000), ==, FW_CFG_DMA_ERROR);
	g_assert_cmphex(dma(&r, read, UINT32_MAX, RAM_TOP), ==, FW_CFG_DMA_ERROR);
	g_assert_cmphex(dma(&r, read, 4, UINT64_MAX - 3), ==, 0); /* up to the last byte */
	/* A request that lies half outside is refused, too, and says so where it can. */
	aspace_write(r.b.mem, RAM_SIZE - 4, 0, 4);
	aspace_write(r.b.io, FW_CFG_DMA_PORT + 4, GUINT32_SWAP_LE_BE(RAM_SIZE - 4), 4);
	g_assert_cmphex(aspace_read(r.b.mem, RAM_SIZE - 4, 4), ==, GUINT32_TO_BE(1));
	rig_fini(&r);
}

static void written(void *opaque, const uint8_t *data, size_t off, size_t len)
{
	struct rig *r = opaque;

	g_assert_cmphex(data[off], ==, 0xa5);
	r->writes++;
	r->off = off;
	r->len = len;
}

static void dma_writes(void)
{
	const uint32_t write = 0x200000 | FW_CFG_DMA_SELECT | FW_CFG_DMA_WRITE;
	struct rig r;
	uint8_t all[8] = {0};

	rig_init(&r);
	memset(r.ram.region.host + BUF, 0xa5, 16);
	fw_cfg_add_writable(r.f, "w", all, sizeof(all), written, &r, NULL);
	fw_cfg_add_file(r.f, "x", all, sizeof(all), NULL);
	g_assert_cmphex(dma(&r, write, 9, BUF), ==, FW_CFG_DMA_ERROR);
	g_assert_cmphex(dma(&r, write, 8, RAM_SIZE), ==, FW_CFG_DMA_ERROR);
	g_assert_cmphex(dma(&r, write, 0, RAM_SIZE), ==, 0);
	g_assert_cmphex(dma(&r, write + 0x10000, 8, BUF), ==, FW_CFG_DMA_ERROR); /* read only */
	g_assert_cmphex(dma(&r, write + 0x5f0000, 8, BUF), ==, FW_CFG_DMA_ERROR);
	g_assert_cmpuint(r.writes, ==, 0);
	g_assert_cmphex(dma(&r, write & ~FW_CFG_DMA_WRITE, 0, 0), ==, 0);
	g_assert_cmphex(dma(&r, FW_CFG_DMA_SKIP, 2, 0), ==, 0);
	g_assert_cmphex(dma(&r, FW_CFG_DMA_WRITE, 3, BUF), ==, 0);
	g_assert_cmpuint(r.writes, ==, 1);
	g_assert_cmpuint(r.off, ==, 2);
	g_assert_cmpuint(r.len, ==, 3);
	g_assert_cmphex(number(&r, 0x20, 8), ==, 0xa5a5a50000);
	g_assert_cmphex(number(&r, 0x21, 8), ==, 0);
	rig_fini(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/fw_cfg/signature", signature);
	g_test_add_func("/fw_cfg/items", items);
	g_test_add_func("/fw_cfg/every-key", every_key);
	g_test_add_func("/fw_cfg/files", sorted_files);
	g_test_add_func("/fw_cfg/bad-files", bad_files);
	g_test_add_func("/fw_cfg/dma-reads", dma_reads);
	g_test_add_func("/fw_cfg/dma-address", dma_address);
	g_test_add_func("/fw_cfg/no-dma-beyond-ram", no_dma_beyond_ram);
	g_test_add_func("/fw_cfg/dma-writes", dma_writes);
	return g_test_run();
}
