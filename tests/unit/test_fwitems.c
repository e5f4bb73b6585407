// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of vm/fwitems.c: what a guest reads from fw_cfg, and the CMOS's order of drives. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "mem/layout.h"
#include "vm/board.h"

struct rig {
	struct board b;
	struct vm_config *config;
};

/* The board as far as fw_cfg knows it. */
static void rig_init(struct rig *r)
{
	const struct rtc_conf rtc = {.cpus = 1};

	memset(r, 0, sizeof(*r));
	r->config = vm_config_new();
	r->b.config = r->config;
	r->b.io = aspace_new("io", 0x10000);
	r->b.mem = aspace_new("mem", 0);
	r->b.clock = vclock_new();
	vclock_set_manual(r->b.clock);
	r->b.ram_below_4g = 128 * MIB;
	r->b.rtc = rtc_new(r->b.io, (struct wire){0}, r->b.clock, &rtc);
}

static void rig_fini(struct rig *r)
{
	fw_cfg_free(r->b.fw_cfg);
	rtc_free(r->b.rtc);
	aspace_free(r->b.io);
	aspace_free(r->b.mem);
	vclock_free(r->b.clock);
	vm_config_free(r->config);
}

static void build(struct rig *r)
{
	struct err *e = NULL;

	vm_config_complete(r->config);
	board_fw_cfg(&r->b, &e);
	g_assert_cmpstr(err_text(e), ==, "");
}

static void take(struct rig *r, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)aspace_read(r->b.io, 0x511, 1);
}

static uint64_t number(struct rig *r, unsigned key, unsigned len)
{
	uint64_t v = 0;

	aspace_write(r->b.io, 0x510, key, 2);
	take(r, &v, len);
	return v;
}

/* Selects a file; its size, -1 = not there. */
static int64_t file(struct rig *r, const char *name)
{
	uint8_t e[FW_CFG_FILE_ENTRY];
	uint32_t count = GUINT32_FROM_BE((uint32_t)number(r, FW_CFG_FILE_DIR, 4));

	for (uint32_t i = 0; i < count; i++) {
		take(r, e, sizeof(e));
		if (strcmp((char *)e + 8, name))
			continue;
		aspace_write(r->b.io, 0x510, (unsigned)e[4] << 8 | e[5], 2);
		return (int64_t)e[0] << 24 | e[1] << 16 | e[2] << 8 | e[3];
	}
	return -1;
}

static void defaults(void)
{
	struct rig r;
	uint8_t e820[40];
	uint32_t wait;

	rig_init(&r);
	build(&r);
	g_assert_cmphex(number(&r, FW_CFG_SIGNATURE, 4), ==, 0x554d4551);
	g_assert_cmphex(number(&r, FW_CFG_ID, 4), ==, 3);
	g_assert_cmphex(number(&r, FW_CFG_UUID, 8), ==, 0);
	g_assert_cmphex(number(&r, FW_CFG_RAM_SIZE, 8), ==, 128 * MIB);
	g_assert_cmphex(number(&r, FW_CFG_NOGRAPHIC, 2), ==, 0);
	g_assert_cmphex(number(&r, FW_CFG_NB_CPUS, 2), ==, 1);
	g_assert_cmphex(number(&r, FW_CFG_MAX_CPUS, 2), ==, 1);
	g_assert_cmphex(number(&r, FW_CFG_NUMA, 8), ==, 0);
	g_assert_cmphex(number(&r, FW_CFG_BOOT_MENU, 2), ==, 0);
	g_assert_cmphex(number(&r, FW_CFG_IRQ0_OVERRIDE, 4), ==, 1);
	g_assert_cmpint(file(&r, "etc/boot-fail-wait"), ==, 4);
	take(&r, &wait, 4);
	g_assert_cmphex(wait, ==, UINT32_MAX);
	g_assert_cmpint(file(&r, "etc/boot-menu-wait"), ==, -1);
	g_assert_cmpint(file(&r, "etc/e820"), ==, 40);
	take(&r, e820, sizeof(e820));
	g_assert_cmpmem(e820, 20, "\0\xc0\xff\xfe\0\0\0\0\0\x40\0\0\0\0\0\0\2\0\0\0", 20);
	g_assert_cmpmem(e820 + 20, 20, "\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\1\0\0\0", 20);
	rig_fini(&r);
}

static void as_configured(void)
{
	static const uint8_t uuid[16] = {0x46, 0x00, 0xcb, 0x32, 0x38, 0xec, 0x4b, 0x2f,
					 0x8a, 0xcb, 0x81, 0xc6, 0xea, 0x54, 0xf2, 0xd8};
	struct rig r;
	uint8_t got[16];

	rig_init(&r);
	r.config->uuid = g_strdup("4600cb32-38ec-4b2f-8acb-81c6ea54f2d8");
	r.config->no_graphics = true;
	r.config->cpus = 3;
	r.config->maxcpus = 6;
	r.config->ram_size = 5 * GIB;
	r.config->boot.menu = ON;
	r.b.ram_below_4g = 2 * GIB;
	r.b.ram_above_4g = 3 * GIB;
	build(&r);
	number(&r, FW_CFG_UUID, 0);
	take(&r, got, sizeof(got));
	g_assert_cmpmem(got, 16, uuid, 16);
	g_assert_cmphex(number(&r, FW_CFG_NOGRAPHIC, 2), ==, 1);
	g_assert_cmphex(number(&r, FW_CFG_NB_CPUS, 2), ==, 3);
	g_assert_cmphex(number(&r, FW_CFG_MAX_CPUS, 2), ==, 6);
	g_assert_cmphex(number(&r, FW_CFG_RAM_SIZE, 8), ==, 5 * GIB);
	g_assert_cmphex(number(&r, FW_CFG_BOOT_MENU, 2), ==, 1);
	g_assert_cmpint(file(&r, "etc/e820"), ==, 60);
	rig_fini(&r);
}

static void waits(void)
{
	static const struct {
		int64_t ms;
		uint32_t want;
	} rows[] = {{15, 15}, {-1, UINT32_MAX}, {0, 0}, {65535, 65535}};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct rig r;
		uint32_t fail = 1;
		uint16_t menu = 1;

		rig_init(&r);
		r.config->boot.has_reboot_timeout = r.config->boot.has_splash_time = true;
		r.config->boot.reboot_timeout = rows[i].ms;
		r.config->boot.splash_time = 12;
		build(&r);
		g_assert_cmpint(file(&r, "etc/boot-fail-wait"), ==, 4);
		take(&r, &fail, 4);
		g_assert_cmphex(fail, ==, rows[i].want);
		g_assert_cmpint(file(&r, "etc/boot-menu-wait"), ==, 2);
		take(&r, &menu, 2);
		g_assert_cmphex(menu, ==, 12);
		rig_fini(&r);
	}
}

static void add(struct rig *r, const char *name, const char *path, const char *string)
{
	struct vm_fw_file *f = g_new0(struct vm_fw_file, 1);

	*f = (struct vm_fw_file){g_strdup(name), g_strdup(path), g_strdup(string)};
	g_ptr_array_add(r->config->fw_files, f);
}

static void fails(struct rig *r, const char *text)
{
	struct err *e = NULL;

	vm_config_complete(r->config);
	g_assert_cmpint(board_fw_cfg(&r->b, &e), <, 0);
	if (!strstr(err_text(e), text))
		g_error("'%s' not in '%s'", text, err_text(e));
	err_free(e);
	rig_fini(r);
}

static void users_files(void)
{
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("fwitems-XXXXXX", &path, NULL);
	struct rig r;
	char text[8] = {0};

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, "a\0b", 3), ==, 3);
	close(fd);
	rig_init(&r);
	add(&r, "opt/s", NULL, "text");
	add(&r, "opt/f", path, NULL);
	build(&r);
	g_assert_cmpint(file(&r, "opt/s"), ==, 4);
	take(&r, text, 6);
	g_assert_cmpmem(text, 6, "text\0\0", 6);
	g_assert_cmpint(file(&r, "opt/f"), ==, 3);
	take(&r, text, 4);
	g_assert_cmpmem(text, 4, "a\0b\0", 4);
	rig_fini(&r);
	g_unlink(path);

	rig_init(&r);
	add(&r, "opt/f", path, NULL);
	fails(&r, "-fw_cfg: Failed to open file");
	rig_init(&r);
	add(&r, "opt/f", NULL, "1");
	add(&r, "opt/f", NULL, "2");
	fails(&r, "-fw_cfg: there are two fw_cfg files 'opt/f'");
	rig_init(&r);
	add(&r, "opt/5678901234567890123456789012345678901234567890123456", NULL, "2");
	fails(&r, "the name has 56 bytes, 1 to 55 it may have");
}

static void splash(void)
{
	g_autofree char *path = NULL;
	char bmp[64] = "BM", jpeg[64] = "\xff\xd8";
	int fd = g_file_open_tmp("fwitems-XXXXXX", &path, NULL);
	struct rig r;

	g_assert_cmpint(fd, >=, 0);
	close(fd);
	bmp[28] = 24;
	for (unsigned i = 0; i < 4; i++) {
		char *data = i == 1 ? jpeg : bmp;

		bmp[28] = i == 2 ? 32 : 24;
		g_assert_true(g_file_set_contents(path, data, i == 3 ? 29 : 64, NULL));
		rig_init(&r);
		r.config->boot.splash = g_strdup(path);
		if (i >= 2) {
			fails(&r, ": neither JPEG nor BMP of 24 bits a pixel");
			continue;
		}
		build(&r);
		g_assert_cmpint(file(&r, i ? "bootsplash.jpg" : "bootsplash.bmp"), ==, 64);
		rig_fini(&r);
	}
	g_unlink(path);
}

static uint8_t cmos(struct rig *r, uint8_t i)
{
	aspace_write(r->b.io, 0x70, i, 1);
	return (uint8_t)aspace_read(r->b.io, 0x71, 1);
}

static void order(void)
{
	static const struct {
		const char *order;
		uint8_t first_two, third;
	} rows[] = {{NULL, 0x12, 0x30}, {"", 0, 0},          {"n", 0x04, 0},
		    {"dc", 0x23, 0},    {"bnd", 0x41, 0x30}, {"cda", 0x32, 0x10}};
	struct rig r;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		rig_init(&r);
		r.config->boot.order = g_strdup(rows[i].order);
		for (unsigned n = 0; n < 2; n++) { /* each reset finds the same */
			board_boot_order(&r.b);
			g_assert_cmphex(cmos(&r, 0x3d), ==, rows[i].first_two);
			g_assert_cmphex(cmos(&r, 0x38), ==, rows[i].third);
		}
		rig_fini(&r);
	}
	rig_init(&r);
	r.config->boot.order = g_strdup("c");
	r.config->boot.once = g_strdup("nd");
	board_boot_order(&r.b);
	g_assert_cmphex(cmos(&r, 0x3d), ==, 0x34);
	board_boot_order(&r.b);
	g_assert_cmphex(cmos(&r, 0x3d), ==, 0x02);
	rig_fini(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/fwitems/defaults", defaults);
	g_test_add_func("/fwitems/as-configured", as_configured);
	g_test_add_func("/fwitems/waits", waits);
	g_test_add_func("/fwitems/users-files", users_files);
	g_test_add_func("/fwitems/splash", splash);
	g_test_add_func("/fwitems/order", order);
	return g_test_run();
}
