// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what the board tells firmware and kernels: the items and files of fw_cfg, and the order of
 * drives in the CMOS.  Called by vm/machine.c; the device is hw/isa/fw_cfg.c.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "mem/access.h"
#include "mem/layout.h"
#include "vm/board.h"

/* --- items --- */

/* As the text of a UUID has them. */
static void put_uuid(struct fw_cfg *f, const char *text)
{
	uint8_t uuid[16] = {0};

	for (size_t i = 0; text && *text && i < sizeof(uuid);) {
		if (*text == '-') {
			text++;
			continue;
		}
		uuid[i++] = (uint8_t)(g_ascii_xdigit_value(text[0]) << 4 |
				      g_ascii_xdigit_value(text[1]));
		text += 2;
	}
	fw_cfg_put(f, FW_CFG_UUID, uuid, sizeof(uuid));
}

/* No NUMA nodes: their number, and the node of each APIC id, which is its CPU's number. */
static void put_numa(struct fw_cfg *f, unsigned cpus)
{
	g_autofree uint64_t *zeros = g_new0(uint64_t, 1 + cpus);

	fw_cfg_put(f, FW_CFG_NUMA, zeros, (1 + cpus) * sizeof(*zeros));
}

static void put_items(struct board *b)
{
	const struct vm_config *c = b->config;
	unsigned max = MAX(c->cpus, c->maxcpus);

	put_uuid(b->fw_cfg, c->uuid);
	fw_cfg_put_u64(b->fw_cfg, FW_CFG_RAM_SIZE, c->ram_size);
	fw_cfg_put_u16(b->fw_cfg, FW_CFG_NOGRAPHIC, c->nographic || c->no_graphics);
	fw_cfg_put_u16(b->fw_cfg, FW_CFG_NB_CPUS, (uint16_t)c->cpus);
	fw_cfg_put_u16(b->fw_cfg, FW_CFG_MAX_CPUS, (uint16_t)max);
	fw_cfg_put_u16(b->fw_cfg, FW_CFG_BOOT_MENU, c->boot.menu == ON);
	fw_cfg_put_u32(b->fw_cfg, FW_CFG_IRQ0_OVERRIDE, 1);
	put_numa(b->fw_cfg, max);
}

/* --- files --- */

static int add_number(struct board *b, const char *name, uint64_t val, unsigned len,
		      struct err **errp)
{
	uint8_t bytes[8];

	le_store(bytes, val, len);
	return fw_cfg_add_file(b->fw_cfg, name, bytes, len, errp);
}

static void add_range(GByteArray *a, uint64_t addr, uint64_t size, uint32_t type)
{
	uint8_t entry[20]; /* ACPI 6.3, table 15-374: base, length, type */

	if (!size)
		return;
	le_store(entry, addr, 8);
	le_store(entry + 8, size, 8);
	le_store(entry + 16, type, 4);
	g_byte_array_append(a, entry, sizeof(entry));
}

/* The memory that there is; holes for its own tables are the firmware's to make. */
static int add_e820(struct board *b, struct err **errp)
{
	g_autoptr(GByteArray) map = g_byte_array_new();

	add_range(map, LAYOUT_KVM_PAGES, 0x4000, E820_RESERVED);
	add_range(map, 0, b->ram_below_4g, E820_RAM);
	add_range(map, LAYOUT_HIGH, b->ram_above_4g, E820_RAM);
	return fw_cfg_add_file(b->fw_cfg, "etc/e820", map->data, map->len, errp);
}

static int read_file(const char *option, const char *path, char **data, gsize *len,
		     struct err **errp)
{
	g_autoptr(GError) error = NULL;

	if (!g_file_get_contents(path, data, len, &error))
		return err_set(errp, -EIO, "%s: %s", option, error->message);
	return 0;
}

/* Firmware shows JPEG, and BMP of 24 bits a pixel (at byte 28 of its header). */
static int add_splash(struct board *b, const char *path, struct err **errp)
{
	g_autofree char *data = NULL;
	gsize len = 0;
	bool jpeg, bmp;

	if (!path)
		return 0;
	if (read_file("-boot splash", path, &data, &len, errp) < 0)
		return -EIO;
	jpeg = len >= 30 && !memcmp(data, "\xff\xd8", 2);
	bmp = len >= 30 && !memcmp(data, "BM", 2) && le_load(data + 28, 2) == 24;
	if (!jpeg && !bmp)
		return err_set(errp, -EINVAL,
			       "-boot splash=%s: neither JPEG nor BMP of 24 bits a pixel", path);
	return fw_cfg_add_file(b->fw_cfg, jpeg ? "bootsplash.jpg" : "bootsplash.bmp", data, len,
			       errp);
}

static int add_boot(struct board *b, struct err **errp)
{
	const struct vm_boot *boot = &b->config->boot;
	int ret = add_number(b, "etc/boot-fail-wait",
			     boot->has_reboot_timeout ? (uint32_t)boot->reboot_timeout : UINT32_MAX,
			     4, errp);

	if (!ret && boot->has_splash_time)
		ret = add_number(b, "etc/boot-menu-wait", (uint16_t)boot->splash_time, 2, errp);
	return ret ?: add_splash(b, boot->splash, errp);
}

static int add_users(struct board *b, const struct vm_fw_file *f, struct err **errp)
{
	g_autofree char *data = NULL;
	gsize len = 0;
	int ret = 0;

	if (!g_str_has_prefix(f->name, "opt/"))
		g_message("-fw_cfg %s: names that begin with opt/ are the users', others may come "
			  "to mean something",
			  f->name);
	if (f->file && *f->file)
		ret = read_file("-fw_cfg", f->file, &data, &len, errp);
	else if (f->string)
		len = strlen(f->string); /* without its end */
	if (ret < 0)
		return ret;
	ret = fw_cfg_add_file(b->fw_cfg, f->name, data ? data : f->string, len, errp);
	if (ret < 0)
		err_prefix(errp, "-fw_cfg");
	return ret;
}

int board_fw_cfg(struct board *b, struct err **errp)
{
	int ret;

	b->fw_cfg = fw_cfg_new(b->io, b->mem);
	put_items(b);
	ret = add_e820(b, errp);
	if (!ret)
		ret = add_boot(b, errp);
	for (guint i = 0; !ret && i < b->config->fw_files->len; i++)
		ret = add_users(b, b->config->fw_files->pdata[i], errp);
	return ret;
}

/* --- CMOS --- */

static unsigned drive_number(char letter)
{
	switch (letter) {
	case 'a':
	case 'b':
		return 1;
	case 'c':
		return 2;
	case 'd':
		return 3;
	case 'n':
		return 4;
	}
	return 0;
}

/* Bytes 0x3d (first two drives) and 0x38 (the third), where PC firmware looks. */
void board_boot_order(struct board *b)
{
	const struct vm_boot *boot = &b->config->boot;
	const char *order = boot->order ?: "cad";
	unsigned n[3] = {0};

	if (boot->once && !b->booted)
		order = boot->once;
	b->booted = true;
	for (unsigned i = 0; i < 3 && order[i]; i++)
		n[i] = drive_number(order[i]);
	rtc_set_cmos(b->rtc, 0x3d, (uint8_t)(n[1] << 4 | n[0]));
	rtc_set_cmos(b->rtc, 0x38, (uint8_t)(n[2] << 4));
}
