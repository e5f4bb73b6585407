// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the Linux x86 boot protocol, 64-bit entry (Documentation/arch/x86/boot.rst of the kernel):
 * the checks of the setup header, the zero page, the identity map.  Called by boot.c.  Never runs
 * the image's real-mode part.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "vm/boot_impl.h"

#define HDR 0x1f1            /* the setup header in the image and in the zero page */
#define HDR_ZP_END 0x290     /* where the zero page's room for it ends */
#define HDR_MAGIC 0x53726448 /* "HdrS" */
#define HDR_NEED (HDR + offsetof(struct setup_header, handover_offset)) /* end of init_size */
#define ENTRY64 0x200 /* of the protected-mode part */
#define PGTABLE_PAGES 6

_Static_assert(sizeof(struct boot_params) == 4096, "the zero page is a page");

static bool linux_probe(const struct boot_image *b)
{
	return b->head_len >= 0x206 && boot_le32(b->head + 0x202) == HDR_MAGIC;
}

/* The header ends where the jump over it, at 0x200, leads (boot.rst, "Loading the rest"). */
static size_t hdr_end(const struct boot_image *b)
{
	return 0x202 + b->head[0x201];
}

static int bad(const struct boot_image *b, struct err **errp, const char *what, uint64_t found,
	       const char *want)
{
	return err_set(errp, -ENOEXEC, "%s: bzImage: %s is 0x%" PRIx64 ", expected %s",
		       b->kernel->label, what, found, want);
}

static int check_kind(const struct boot_image *b, const struct setup_header *h, struct err **errp)
{
	if (b->head_len < HDR_NEED)
		return err_set(errp, -ENOEXEC,
			       "%s: bzImage: truncated: the file has %zu bytes, its setup header "
			       "alone ends at %zu",
			       b->kernel->label, b->head_len, HDR_NEED);
	if (h->boot_flag != 0xaa55)
		return bad(b, errp, "the boot flag at offset 0x1fe", h->boot_flag, "0xaa55");
	if (h->version < 0x206)
		return bad(b, errp, "the boot protocol version at offset 0x206", h->version,
			   "0x206 (2.06) or later");
	if (!(h->loadflags & LOADED_HIGH))
		return bad(b, errp, "loadflags at offset 0x211", h->loadflags,
			   "bit 0 (loaded at 1 MiB: a bzImage, not a zImage)");
	if (h->version < 0x20c || !(h->xloadflags & XLF_KERNEL_64)) {
		err_set(errp, -ENOEXEC,
			"%s: bzImage: no 64-bit entry point (protocol 0x%x, xloadflags 0x%x; "
			"needed are 0x20c and bit 0)",
			b->kernel->label, h->version, h->version < 0x20c ? 0 : h->xloadflags);
		err_hint(errp, "Use a kernel built for x86-64.");
		return -ENOEXEC;
	}
	return 0;
}

static int check_values(const struct boot_image *b, const struct setup_header *h, struct err **errp)
{
	if (hdr_end(b) < HDR_NEED)
		return bad(b, errp, "the end of the setup header (byte at offset 0x201)",
			   hdr_end(b), "0x264 or more");
	if (!h->kernel_alignment || h->kernel_alignment & (h->kernel_alignment - 1))
		return bad(b, errp, "kernel_alignment at offset 0x230", h->kernel_alignment,
			   "a power of two");
	if (h->pref_address >= 4 * GIB)
		return bad(b, errp, "pref_address at offset 0x258", h->pref_address,
			   "an address below 4 GiB");
	return 0;
}

/* The file offset of the protected-mode part. */
static uint64_t setup_size(const struct setup_header *h)
{
	return ((h->setup_sects ? h->setup_sects : 4) + 1) * 512ull;
}

static int check_sizes(const struct boot_image *b, const struct setup_header *h, struct err **errp)
{
	uint64_t need = setup_size(h) + MAX(h->syssize * 16ull, ENTRY64 + 1);

	if (b->kernel->size < need)
		return err_set(errp, -ENOEXEC,
			       "%s: bzImage: truncated: the file has %" PRIu64
			       " bytes, its header says %" PRIu64
			       " (protected-mode code at offset 0x%" PRIx64 ")",
			       b->kernel->label, b->kernel->size, need, setup_size(h));
	return 0;
}

/*
 * The kernel goes where it would move to: at pref_address, aligned if it is relocatable, with
 * init_size bytes of room, in which it unpacks itself before it reads the memory map.
 */
static int plan_kernel(struct boot_image *b, const struct boot_env *env,
		       const struct setup_header *h, struct err **errp)
{
	uint64_t addr = h->pref_address, size = b->kernel->size - setup_size(h);
	struct boot_piece p = {.file = b->kernel, .off = setup_size(h), .filesz = size};
	int r;

	if (h->relocatable_kernel)
		addr = (MAX(addr, MIB) + h->kernel_alignment - 1) & -(uint64_t)h->kernel_alignment;
	p.addr = addr;
	p.memsz = size;
	r = boot_piece(b, env, "the protected-mode code", &p, errp);
	if (r < 0)
		return r;
	b->entry = addr + ENTRY64;
	if (h->init_size <= size)
		return 0;
	return boot_claim(b, env, "the room to unpack (init_size)", addr + size,
			  h->init_size - size, errp);
}

static void read_header(const struct boot_image *b, struct setup_header *h)
{
	memcpy(h, b->head + HDR, sizeof(*h));
}

static int linux_plan(struct boot_image *b, const struct boot_env *env, const char *initrd,
		      struct err **errp)
{
	struct setup_header h;
	uint64_t max;
	int r;

	read_header(b, &h);
	if ((r = check_kind(b, &h, errp)) < 0 || (r = check_values(b, &h, errp)) < 0 ||
	    (r = check_sizes(b, &h, errp)) < 0 || (r = plan_kernel(b, env, &h, errp)) < 0 ||
	    (r = boot_place_common(b, env, h.cmdline_size, errp)) < 0 ||
	    (r = boot_place(b, env, "zero page", BOOT_INFO, BOOT_PAGE, &b->info, errp)) < 0 ||
	    (r = boot_place(b, env, "page tables", BOOT_PGTABLE, PGTABLE_PAGES * BOOT_PAGE,
			    &b->pgtable, errp)) < 0)
		return r;
	if (!initrd)
		return 0;
	max = h.initrd_addr_max + 1ull;
	return boot_initrd(b, env, initrd, max,
			   h.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G ? UINT64_MAX : max, errp);
}

/* All of the first 4 GiB in pages of 2 MiB, which every CPU with long mode has. */
static int fill_pgtable(const struct boot_image *b, const struct boot_env *env, struct err **errp)
{
	const uint64_t present_rw = 3, large = 0x80;
	g_autofree uint64_t *t = g_new0(uint64_t, PGTABLE_PAGES * 512);

	t[0] = GUINT64_TO_LE((b->pgtable + BOOT_PAGE) | present_rw);
	for (unsigned i = 0; i < 4; i++)
		t[512 + i] = GUINT64_TO_LE((b->pgtable + (2 + i) * BOOT_PAGE) | present_rw);
	for (unsigned i = 0; i < 4 * 512; i++)
		t[1024 + i] = GUINT64_TO_LE(i * 2 * MIB | large | present_rw);
	return boot_put(env, b->pgtable, t, PGTABLE_PAGES * BOOT_PAGE, errp);
}

static void zero_page_map(struct boot_params *zp, const struct boot_env *env)
{
	zp->e820_entries = MIN(env->e820_n, E820_MAX_ENTRIES_ZEROPAGE);
	for (unsigned i = 0; i < zp->e820_entries; i++) {
		zp->e820_table[i].addr = env->e820[i].addr;
		zp->e820_table[i].size = env->e820[i].size;
		zp->e820_table[i].type = env->e820[i].type;
	}
}

static int fill_zero_page(const struct boot_image *b, const struct boot_env *env, struct err **errp)
{
	g_autofree struct boot_params *zp = g_new0(struct boot_params, 1);

	memcpy((char *)zp + HDR, b->head + HDR, MIN(hdr_end(b), HDR_ZP_END) - HDR);
	zp->hdr.type_of_loader = 0xff;
	zp->hdr.code32_start = b->entry - ENTRY64;
	zp->hdr.vid_mode = 0xffff; /* "normal" */
	zp->hdr.cmd_line_ptr = b->cmdline;
	zp->ext_cmd_line_ptr = b->cmdline >> 32;
	zp->hdr.ramdisk_image = zp->hdr.ramdisk_size = 0;
	if (b->mods->len) {
		const struct boot_mod *m = &g_array_index(b->mods, struct boot_mod, 0);

		zp->hdr.ramdisk_image = m->addr;
		zp->ext_ramdisk_image = m->addr >> 32;
		zp->hdr.ramdisk_size = m->file->size;
		zp->ext_ramdisk_size = m->file->size >> 32;
	}
	zp->acpi_rsdp_addr = env->rsdp;
	zero_page_map(zp, env);
	return boot_put(env, b->info, zp, sizeof(*zp), errp);
}

static int linux_fill(const struct boot_image *b, const struct boot_env *env, struct x86_regs *regs,
		      struct err **errp)
{
	int r;

	if ((r = boot_fill_common(b, env, X86_MODE_LONG64, regs, errp)) < 0 ||
	    (r = fill_pgtable(b, env, errp)) < 0 || (r = fill_zero_page(b, env, errp)) < 0)
		return r;
	regs->cr3 = b->pgtable;
	regs->gpr[X86_RSI] = b->info;
	return 0;
}

const struct boot_proto boot_linux = {
	.name = "linux",
	.probe = linux_probe,
	.plan = linux_plan,
	.fill = linux_fill,
};
