// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns reading ELF executables: header, program headers, segments to pieces.  Called by boot_pvh.c
 * and boot_multiboot.c.  Never looks at sections or symbols, never relocates.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "vm/boot_impl.h"

bool boot_elf_probe(const struct boot_image *b)
{
	return b->head_len >= SELFMAG && !memcmp(b->head, ELFMAG, SELFMAG);
}

static int check_ident(const struct boot_image *b, struct err **errp)
{
	const uint8_t *h = b->head;
	bool is64 = h[EI_CLASS] == ELFCLASS64;
	size_t need = is64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	uint16_t type = boot_le16(h + 16), machine = boot_le16(h + 18);

	if (b->head_len < need)
		return err_set(errp, -ENOEXEC,
			       "%s: ELF: truncated: the file has %zu bytes, the header %zu",
			       b->kernel->label, b->head_len, need);
	if ((!is64 && h[EI_CLASS] != ELFCLASS32) || h[EI_DATA] != ELFDATA2LSB ||
	    h[EI_VERSION] != EV_CURRENT)
		return err_set(errp, -ENOEXEC,
			       "%s: ELF: class %u, data %u, version %u; expected 1 or 2, 1 and 1",
			       b->kernel->label, h[EI_CLASS], h[EI_DATA], h[EI_VERSION]);
	if (machine != EM_386 && machine != EM_X86_64)
		return err_set(errp, -ENOEXEC,
			       "%s: ELF: machine %u, expected %u (i386) or %u (x86-64)",
			       b->kernel->label, machine, EM_386, EM_X86_64);
	if (type != ET_EXEC && type != ET_DYN)
		return err_set(errp, -ENOEXEC, "%s: ELF: type %u, expected %u (executable)",
			       b->kernel->label, type, ET_EXEC);
	return 0;
}

static void phdr64(struct boot_phdr *ph, const uint8_t *p)
{
	ph->type = boot_le32(p + offsetof(Elf64_Phdr, p_type));
	ph->off = boot_le64(p + offsetof(Elf64_Phdr, p_offset));
	ph->vaddr = boot_le64(p + offsetof(Elf64_Phdr, p_vaddr));
	ph->paddr = boot_le64(p + offsetof(Elf64_Phdr, p_paddr));
	ph->filesz = boot_le64(p + offsetof(Elf64_Phdr, p_filesz));
	ph->memsz = boot_le64(p + offsetof(Elf64_Phdr, p_memsz));
	ph->align = boot_le64(p + offsetof(Elf64_Phdr, p_align));
}

static void phdr32(struct boot_phdr *ph, const uint8_t *p)
{
	ph->type = boot_le32(p + offsetof(Elf32_Phdr, p_type));
	ph->off = boot_le32(p + offsetof(Elf32_Phdr, p_offset));
	ph->vaddr = boot_le32(p + offsetof(Elf32_Phdr, p_vaddr));
	ph->paddr = boot_le32(p + offsetof(Elf32_Phdr, p_paddr));
	ph->filesz = boot_le32(p + offsetof(Elf32_Phdr, p_filesz));
	ph->memsz = boot_le32(p + offsetof(Elf32_Phdr, p_memsz));
	ph->align = boot_le32(p + offsetof(Elf32_Phdr, p_align));
}

static int read_phdrs(const struct boot_image *b, struct boot_elf *elf, uint64_t off, unsigned each,
		      struct err **errp)
{
	unsigned size = elf->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint8_t table[BOOT_ELF_MAX * sizeof(Elf64_Phdr)];
	int r;

	if (!elf->n || elf->n > BOOT_ELF_MAX)
		return err_set(errp, -ENOEXEC, "%s: ELF: %u program headers, expected 1 to %d",
			       b->kernel->label, elf->n, BOOT_ELF_MAX);
	if (each != size)
		return err_set(errp, -ENOEXEC, "%s: ELF: program headers of %u bytes, expected %u",
			       b->kernel->label, each, size);
	r = boot_pread(b->kernel, "the program header table", off, table, elf->n * size, errp);
	for (unsigned i = 0; !r && i < elf->n; i++)
		(elf->is64 ? phdr64 : phdr32)(&elf->ph[i], table + i * size);
	return r;
}

int boot_elf_read(const struct boot_image *b, struct boot_elf *elf, struct err **errp)
{
	const uint8_t *h = b->head;
	int r = check_ident(b, errp);

	if (r < 0)
		return r;
	elf->is64 = h[EI_CLASS] == ELFCLASS64;
	if (elf->is64) {
		elf->entry = boot_le64(h + offsetof(Elf64_Ehdr, e_entry));
		elf->n = boot_le16(h + offsetof(Elf64_Ehdr, e_phnum));
		return read_phdrs(b, elf, boot_le64(h + offsetof(Elf64_Ehdr, e_phoff)),
				  boot_le16(h + offsetof(Elf64_Ehdr, e_phentsize)), errp);
	}
	elf->entry = boot_le32(h + offsetof(Elf32_Ehdr, e_entry));
	elf->n = boot_le16(h + offsetof(Elf32_Ehdr, e_phnum));
	return read_phdrs(b, elf, boot_le32(h + offsetof(Elf32_Ehdr, e_phoff)),
			  boot_le16(h + offsetof(Elf32_Ehdr, e_phentsize)), errp);
}

int boot_elf_plan(struct boot_image *b, const struct boot_env *env, const struct boot_elf *elf,
		  struct err **errp)
{
	for (unsigned i = 0; i < elf->n; i++) {
		const struct boot_phdr *ph = &elf->ph[i];
		struct boot_piece p = {b->kernel, ph->off, ph->filesz, ph->paddr, ph->memsz};
		char what[32];
		int r;

		if (ph->type != PT_LOAD || (!ph->memsz && !ph->filesz))
			continue;
		snprintf(what, sizeof(what), "ELF segment %u", i);
		r = boot_piece(b, env, what, &p, errp);
		if (r < 0)
			return r;
	}
	if (!b->pieces->len)
		return err_set(errp, -ENOEXEC, "%s: ELF: no segment to load", b->kernel->label);
	return 0;
}
