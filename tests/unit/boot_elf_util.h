/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF headers byte by byte, for the tests of vm/boot_pvh.c and vm/boot_multiboot.c.  No state. */
#ifndef TESTS_UNIT_BOOT_ELF_UTIL_H
#define TESTS_UNIT_BOOT_ELF_UTIL_H

#include <elf.h>

#include "boot_util.h"

struct seg {
	uint32_t type;
	uint64_t off, vaddr, paddr, filesz, memsz;
};

static inline void put_elf64(struct image *i, uint64_t entry, const struct seg *s, unsigned n)
{
	Elf64_Ehdr h = {.e_ident = ELFMAG,
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = 1,
			.e_entry = entry,
			.e_phoff = sizeof(h),
			.e_ehsize = sizeof(h),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = n};

	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	h.e_ident[EI_VERSION] = 1;
	put_bytes(i, 0, &h, sizeof(h));
	for (unsigned k = 0; k < n; k++) {
		Elf64_Phdr p = {.p_type = s[k].type,
				.p_offset = s[k].off,
				.p_vaddr = s[k].vaddr,
				.p_paddr = s[k].paddr,
				.p_filesz = s[k].filesz,
				.p_memsz = s[k].memsz,
				.p_align = 4};

		put_bytes(i, sizeof(h) + k * sizeof(p), &p, sizeof(p));
	}
}

static inline void put_elf32(struct image *i, uint32_t entry, const struct seg *s, unsigned n)
{
	Elf32_Ehdr h = {.e_ident = ELFMAG,
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_version = 1,
			.e_entry = entry,
			.e_phoff = sizeof(h),
			.e_ehsize = sizeof(h),
			.e_phentsize = sizeof(Elf32_Phdr),
			.e_phnum = n};

	h.e_ident[EI_CLASS] = ELFCLASS32;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	h.e_ident[EI_VERSION] = 1;
	put_bytes(i, 0, &h, sizeof(h));
	for (unsigned k = 0; k < n; k++) {
		Elf32_Phdr p = {.p_type = s[k].type,
				.p_offset = s[k].off,
				.p_vaddr = s[k].vaddr,
				.p_paddr = s[k].paddr,
				.p_filesz = s[k].filesz,
				.p_memsz = s[k].memsz,
				.p_align = 4};

		put_bytes(i, sizeof(h) + k * sizeof(p), &p, sizeof(p));
	}
}

#endif
