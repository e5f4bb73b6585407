// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the Multiboot specification 0.6.96: finding the header, ELF images and those with address
 * fields (a.out kludge), modules, the information structure.  Called by boot.c.  Never sets a video
 * mode: that wish is optional for the guest to have granted, and the information says that it was
 * not.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "vm/boot_impl.h"

#define MB_MAGIC 0x1badb002u
#define MB_EAX 0x2badb002u
#define MB_HDR_VIDEO (1u << 2)
#define MB_HDR_ADDRS (1u << 16)
#define MB_HDR_KNOWN 0x7u /* of bits 0 to 15, which a loader must know or refuse */
#define MB_HDR_LEN 12u    /* magic, flags, checksum */
#define MB_HDR_LEN_ADDRS 32u

enum { MB_MEM = 1 << 0, MB_CMDLINE = 1 << 2, MB_MODS = 1 << 3, MB_MMAP = 1 << 6, MB_NAME = 1 << 9 };

struct mb_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr, drives[2], config_table, boot_loader_name, apm_table;
	uint32_t video[11];
};
struct mb_mod {
	uint32_t start, end, string, reserved;
};
struct mb_mmap {
	uint32_t size; /* of what follows it */
	uint64_t addr, len;
	uint32_t type;
} __attribute__((packed));
_Static_assert(sizeof(struct mb_info) == 116, "section 3.3 of the specification");
_Static_assert(sizeof(struct mb_mmap) == 24, "section 3.3, mmap");

static const char loader_name[] = "sluice";

/* The offset of the header, or -1 (section 3.1: 32-bit aligned, wholly within 8192 bytes). */
static long find_header(const struct boot_image *b)
{
	for (size_t at = 0; at + MB_HDR_LEN <= b->head_len; at += 4) {
		const uint8_t *p = b->head + at;

		if (boot_le32(p) == MB_MAGIC &&
		    !(uint32_t)(MB_MAGIC + boot_le32(p + 4) + boot_le32(p + 8)))
			return at;
	}
	return -1;
}

static bool mb_probe(const struct boot_image *b)
{
	return find_header(b) >= 0;
}

/* Where an image with address fields lies in the file and in memory (section 3.1.3). */
static int addr_fields(struct boot_image *b, long at, struct boot_piece *p, struct err **errp)
{
	const uint8_t *h = b->head + at;
	uint32_t header = boot_le32(h + 12), load = boot_le32(h + 16);
	uint32_t load_end = boot_le32(h + 20), bss_end = boot_le32(h + 24);
	uint64_t before = (uint64_t)header - load, end;

	if (load > header || before > (uint64_t)at)
		return err_set(
			errp, -ENOEXEC,
			"%s: multiboot: header_addr 0x%x and load_addr 0x%x do not match the "
			"header at file offset 0x%lx",
			b->kernel->label, header, load, at);
	p->file = b->kernel;
	p->off = at - before;
	p->addr = load;
	end = load_end ? load_end : load + (b->kernel->size - p->off);
	if (end <= load || (bss_end && bss_end < end))
		return err_set(
			errp, -ENOEXEC,
			"%s: multiboot: load_addr 0x%x, load_end_addr 0x%x, bss_end_addr 0x%x "
			"are not in order",
			b->kernel->label, load, load_end, bss_end);
	p->filesz = end - load;
	p->memsz = (bss_end ? bss_end : end) - load;
	return 0;
}

static int plan_addrs(struct boot_image *b, const struct boot_env *env, long at, struct err **errp)
{
	struct boot_piece p;
	int r;

	if ((size_t)at + MB_HDR_LEN_ADDRS > b->head_len)
		return err_set(errp, -ENOEXEC,
			       "%s: multiboot: truncated: the header at offset 0x%lx has %u bytes "
			       "with its address fields, only %zu are there",
			       b->kernel->label, at, MB_HDR_LEN_ADDRS, b->head_len - (size_t)at);
	if ((r = addr_fields(b, at, &p, errp)) < 0 ||
	    (r = boot_piece(b, env, "multiboot image", &p, errp)) < 0)
		return r;
	return boot_check_entry(b, boot_le32(b->head + at + 28), errp);
}

/* The entry point of an ELF image may be a virtual address of one of its segments. */
static uint64_t elf_entry(const struct boot_elf *elf)
{
	for (unsigned i = 0; i < elf->n; i++) {
		const struct boot_phdr *ph = &elf->ph[i];

		if (ph->type == PT_LOAD && elf->entry >= ph->vaddr &&
		    elf->entry - ph->vaddr < ph->memsz)
			return elf->entry - ph->vaddr + ph->paddr;
	}
	return elf->entry;
}

static int plan_elf(struct boot_image *b, const struct boot_env *env, struct err **errp)
{
	g_autofree struct boot_elf *elf = g_new0(struct boot_elf, 1);
	int r;

	if (!boot_elf_probe(b))
		return err_set(errp, -ENOEXEC,
			       "%s: multiboot: neither ELF nor with address fields (bit 16 of the "
			       "header's flags)",
			       b->kernel->label);
	if ((r = boot_elf_read(b, elf, errp)) < 0 || (r = boot_elf_plan(b, env, elf, errp)) < 0)
		return r;
	return boot_check_entry(b, elf_entry(elf), errp);
}

static int plan_kernel(struct boot_image *b, const struct boot_env *env, struct err **errp)
{
	long at = find_header(b);
	uint32_t flags = boot_le32(b->head + at + 4), unknown = flags & 0xffff & ~MB_HDR_KNOWN;

	if (unknown)
		return err_set(
			errp, -ENOEXEC,
			"%s: multiboot: the header's flags 0x%x demand features that are not "
			"known (0x%x)",
			b->kernel->label, flags, unknown);
	return flags & MB_HDR_ADDRS ? plan_addrs(b, env, at, errp) : plan_elf(b, env, errp);
}

/* -initrd "file arg,file arg"; ",," is a comma in a name or an argument. */
static GPtrArray *split_modules(const char *list)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
	GString *one = g_string_new(NULL);

	for (const char *s = list;; s++) {
		if (*s == ',' && s[1] == ',')
			s++;
		else if (*s == ',' || !*s) {
			g_strchug(one->str);
			if (*one->str)
				g_ptr_array_add(all, g_strdup(one->str));
			g_string_truncate(one, 0);
			if (!*s)
				break;
			continue;
		}
		g_string_append_c(one, *s);
	}
	g_string_free(one, TRUE);
	return all;
}

/* Modules lie above the kernel, in their order, each at the start of a page. */
static int plan_module(struct boot_image *b, const struct boot_env *env, const char *text,
		       uint64_t *from, struct err **errp)
{
	g_autofree char *path = g_strndup(text, strcspn(text, " "));
	const struct boot_file *f = boot_file(b, "module", path, errp);
	struct boot_mod m = {.file = f};
	struct boot_piece p = {.file = f};
	char what[32];

	if (!f)
		return err_code(*errp);
	if (!boot_find_low(b, env, f->size, *from, 4 * GIB, &m.addr)) {
		err_set(errp, -EFBIG,
			"%s: does not fit: it has %" PRIu64
			" bytes, RAM after the kernel is 0x%" PRIx64 " to 0x%" PRIx64,
			f->label, f->size, *from, env->ram_below_4g);
		err_hint(errp, "Give the guest more memory with -m, or use a smaller module.");
		return -EFBIG;
	}
	m.text = g_strdup(text);
	p.addr = m.addr;
	p.filesz = p.memsz = f->size;
	snprintf(what, sizeof(what), "module %u", b->mods->len);
	g_array_append_val(b->mods, m);
	*from = m.addr + f->size;
	return boot_piece(b, env, what, &p, errp);
}

static int plan_modules(struct boot_image *b, const struct boot_env *env, const char *initrd,
			struct err **errp)
{
	g_autoptr(GPtrArray) list = split_modules(initrd);
	uint64_t from = MIB;
	int r = 0;

	for (guint i = 0; i < b->pieces->len; i++) {
		const struct boot_piece *p = &g_array_index(b->pieces, struct boot_piece, i);

		from = MAX(from, p->addr + p->memsz);
	}
	for (guint i = 0; !r && i < list->len; i++)
		r = plan_module(b, env, g_ptr_array_index(list, i), &from, errp);
	return r;
}

/*
 * b->info: struct mb_info, then the memory map, the modules, the loader's name and the modules'
 * strings.  The command line is not in it.
 */
static uint64_t info_size(const struct boot_image *b, const struct boot_env *env)
{
	uint64_t size = sizeof(struct mb_info) + env->e820_n * sizeof(struct mb_mmap) +
			b->mods->len * sizeof(struct mb_mod) + sizeof(loader_name);

	for (guint i = 0; i < b->mods->len; i++)
		size += strlen(g_array_index(b->mods, struct boot_mod, i).text) + 1;
	return size;
}

static int mb_plan(struct boot_image *b, const struct boot_env *env, const char *initrd,
		   struct err **errp)
{
	char *line;
	int r = plan_kernel(b, env, errp);

	if (r < 0)
		return r;
	line = g_strdup_printf("%s %s", b->path, b->append);
	g_free(b->append);
	b->append = line;
	r = boot_place_common(b, env, BOOT_CMDLINE_MAX, errp);
	if (!r && initrd)
		r = plan_modules(b, env, initrd, errp);
	if (r < 0)
		return r;
	return boot_place(b, env, "multiboot information", BOOT_INFO, info_size(b, env), &b->info,
			  errp);
}

static void put_map(GByteArray *out, const struct boot_env *env)
{
	for (size_t i = 0; i < env->e820_n; i++) {
		const struct e820_entry *e = &env->e820[i];
		struct mb_mmap m = {sizeof(m) - sizeof(m.size), e->addr, e->size, e->type};

		g_byte_array_append(out, (const guint8 *)&m, sizeof(m));
	}
}

static void put_modules(GByteArray *out, const struct boot_image *b)
{
	uint64_t string =
		b->info + out->len + b->mods->len * sizeof(struct mb_mod) + sizeof(loader_name);

	for (guint i = 0; i < b->mods->len; i++) {
		const struct boot_mod *m = &g_array_index(b->mods, struct boot_mod, i);
		struct mb_mod mod = {m->addr, m->addr + m->file->size, string, 0};

		g_byte_array_append(out, (const guint8 *)&mod, sizeof(mod));
		string += strlen(m->text) + 1;
	}
}

static void put_strings(GByteArray *out, const struct boot_image *b)
{
	g_byte_array_append(out, (const guint8 *)loader_name, sizeof(loader_name));
	for (guint i = 0; i < b->mods->len; i++) {
		const char *s = g_array_index(b->mods, struct boot_mod, i).text;

		g_byte_array_append(out, (const guint8 *)s, strlen(s) + 1);
	}
}

static GByteArray *make_info(const struct boot_image *b, const struct boot_env *env)
{
	GByteArray *out = g_byte_array_sized_new(info_size(b, env));
	struct mb_info i = {.flags = MB_MEM | MB_CMDLINE | MB_MODS | MB_MMAP | MB_NAME};

	i.mem_lower = env->e820_n ? MIN(env->e820[0].size, 640 * KIB) / KIB : 0;
	i.mem_upper = (MAX(env->ram_below_4g, MIB) - MIB) / KIB;
	i.cmdline = b->cmdline;
	i.mmap_addr = b->info + sizeof(i);
	i.mmap_length = env->e820_n * sizeof(struct mb_mmap);
	i.mods_addr = i.mmap_addr + i.mmap_length;
	i.mods_count = b->mods->len;
	i.boot_loader_name = i.mods_addr + b->mods->len * sizeof(struct mb_mod);
	g_byte_array_append(out, (const guint8 *)&i, sizeof(i));
	put_map(out, env);
	put_modules(out, b);
	put_strings(out, b);
	return out;
}

static int mb_fill(const struct boot_image *b, const struct boot_env *env, struct x86_regs *regs,
		   struct err **errp)
{
	g_autoptr(GByteArray) info = make_info(b, env);
	int r = boot_fill_common(b, env, X86_MODE_PROT32, regs, errp);

	if (r < 0)
		return r;
	regs->gpr[X86_RAX] = MB_EAX;
	regs->gpr[X86_RBX] = b->info;
	return boot_put(env, b->info, info->data, info->len, errp);
}

const struct boot_proto boot_multiboot = {
	.name = "multiboot",
	.probe = mb_probe,
	.plan = mb_plan,
	.fill = mb_fill,
};
