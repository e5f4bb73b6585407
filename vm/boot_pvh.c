// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the PVH boot ABI (Xen's docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h): the ELF
 * note that gives the 32-bit entry, and struct hvm_start_info, version 1.  Called by boot.c.  Never
 * offers anything else of Xen.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "vm/boot_impl.h"

#define NOTE_PHYS32_ENTRY 18 /* of the owner "Xen" */
#define NOTES_MAX 65536u     /* bytes of one PT_NOTE that are looked at */
#define START_MAGIC 0x336ec578u

struct hvm_start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	uint32_t memmap_entries, reserved;
};
struct hvm_modlist_entry {
	uint64_t paddr, size, cmdline_paddr, reserved;
};
struct hvm_memmap_entry {
	uint64_t addr, size;
	uint32_t type, reserved;
};

/* What goes to b->info; all little endian, as the host is. */
struct pvh_info {
	struct hvm_start_info start;
	struct hvm_modlist_entry mod;
	struct hvm_memmap_entry map[BOOT_E820_MAX];
};
_Static_assert(sizeof(struct hvm_start_info) == 56 && sizeof(struct hvm_modlist_entry) == 32 &&
		       sizeof(struct hvm_memmap_entry) == 24 &&
		       sizeof(struct pvh_info) <= BOOT_PAGE,
	       "layouts of start_info.h");

static uint64_t align_to(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

/* Look for the note in the bytes of one PT_NOTE; 1 if it is there. */
static int find_note(const uint8_t *buf, uint64_t len, uint64_t align, uint64_t *entry)
{
	uint64_t at = 0, name, desc, end;

	for (; len - at >= sizeof(Elf32_Nhdr); at = MIN(align_to(end, align), len)) {
		uint32_t namesz = boot_le32(buf + at), descsz = boot_le32(buf + at + 4);

		name = at + sizeof(Elf32_Nhdr);
		desc = align_to(name + namesz, align);
		end = desc + descsz;
		if (end > len)
			return 0;
		if (boot_le32(buf + at + 8) != NOTE_PHYS32_ENTRY || namesz != 4 ||
		    memcmp(buf + name, "Xen", 4) || (descsz != 4 && descsz != 8))
			continue;
		*entry = descsz == 4 ? boot_le32(buf + desc) : boot_le64(buf + desc);
		return 1;
	}
	return 0;
}

/* 1 and the entry, 0 if the image has no such note, or -errno. */
static int pvh_entry(const struct boot_image *b, const struct boot_elf *elf, uint64_t *entry,
		     struct err **errp)
{
	g_autofree uint8_t *buf = g_malloc(NOTES_MAX);
	int r = 0;

	for (unsigned i = 0; !r && i < elf->n; i++) {
		uint64_t len = MIN(elf->ph[i].filesz, NOTES_MAX);

		if (elf->ph[i].type != PT_NOTE)
			continue;
		r = boot_pread(b->kernel, "a note segment", elf->ph[i].off, buf, len, errp);
		if (!r)
			r = find_note(buf, len, elf->ph[i].align == 8 ? 8 : 4, entry);
	}
	return r;
}

static int no_note(const struct boot_image *b, struct err **errp)
{
	err_set(errp, -ENOEXEC,
		"%s: ELF, but with neither a PVH note (XEN_ELFNOTE_PHYS32_ENTRY) nor a multiboot "
		"header",
		b->kernel->label);
	err_hint(errp, "For Linux use bzImage, or build vmlinux with CONFIG_PVH=y.");
	return -ENOEXEC;
}

static int pvh_plan(struct boot_image *b, const struct boot_env *env, const char *initrd,
		    struct err **errp)
{
	g_autofree struct boot_elf *elf = g_new0(struct boot_elf, 1);
	uint64_t entry = 0;
	int r = boot_elf_read(b, elf, errp);

	if (r < 0)
		return r;
	r = pvh_entry(b, elf, &entry, errp);
	if (r <= 0)
		return r < 0 ? r : no_note(b, errp);
	if ((r = boot_elf_plan(b, env, elf, errp)) < 0 ||
	    (r = boot_check_entry(b, entry, errp)) < 0 ||
	    (r = boot_place_common(b, env, BOOT_CMDLINE_MAX, errp)) < 0 ||
	    (r = boot_place(b, env, "start info", BOOT_INFO, sizeof(struct pvh_info), &b->info,
			    errp)) < 0)
		return r;
	return initrd ? boot_initrd(b, env, initrd, 4 * GIB, 4 * GIB, errp) : 0;
}

static void fill_start(struct hvm_start_info *s, const struct boot_image *b,
		       const struct boot_env *env)
{
	s->magic = START_MAGIC;
	s->version = 1;
	s->nr_modules = b->mods->len;
	if (b->mods->len)
		s->modlist_paddr = b->info + offsetof(struct pvh_info, mod);
	s->cmdline_paddr = b->cmdline;
	s->rsdp_paddr = env->rsdp;
	s->memmap_paddr = b->info + offsetof(struct pvh_info, map);
	s->memmap_entries = MIN(env->e820_n, BOOT_E820_MAX);
}

static int pvh_fill(const struct boot_image *b, const struct boot_env *env, struct x86_regs *regs,
		    struct err **errp)
{
	g_autofree struct pvh_info *info = g_new0(struct pvh_info, 1);
	int r;

	fill_start(&info->start, b, env);
	if (b->mods->len) {
		const struct boot_mod *m = &g_array_index(b->mods, struct boot_mod, 0);

		info->mod.paddr = m->addr;
		info->mod.size = m->file->size;
	}
	for (unsigned i = 0; i < info->start.memmap_entries; i++) {
		info->map[i].addr = env->e820[i].addr;
		info->map[i].size = env->e820[i].size;
		info->map[i].type = env->e820[i].type;
	}
	if ((r = boot_fill_common(b, env, X86_MODE_PROT32, regs, errp)) < 0 ||
	    (r = boot_put(env, b->info, info, sizeof(*info), errp)) < 0)
		return r;
	regs->gpr[X86_RBX] = b->info;
	return 0;
}

const struct boot_proto boot_pvh = {
	.name = "pvh",
	.probe = boot_elf_probe,
	.plan = pvh_plan,
	.fill = pvh_fill,
};
