/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the boot protocols share: the plan of one boot and the helpers to make and carry it out.
 *
 * Invariants: boot.c owns struct boot_image.  A protocol's plan() only fills it: every byte of
 * guest memory that will be written is claimed there, lies in RAM by the memory map, and is claimed
 * once.  fill() only reads it. File bytes are pieces (carried out by boot.c); what fill() writes
 * are the protocol's own structures. Within plan() errp is never NULL: boot_open() sees to it.
 * Included by vm/boot*.c and by nobody else.
 */
#ifndef VM_BOOT_IMPL_H
#define VM_BOOT_IMPL_H

#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "cpu/x86.h"
#include "mem/layout.h"
#include "vm/boot.h"

/*
 * Where the loaders put their structures.  A kernel that has to be loaded there itself moves
 * them: to the next free place in low memory, or else above 1 MiB.
 */
#define BOOT_GDT 0x1000ull       /* null, null, code (0x10), data (0x18) */
#define BOOT_INFO 0x2000ull      /* zero page, hvm_start_info or multiboot information */
#define BOOT_STACK 0x8000ull     /* a page of stack; no protocol asks for one */
#define BOOT_PGTABLE 0x9000ull   /* PML4, page directory pointers, 4 page directories */
#define BOOT_CMDLINE 0x20000ull  /* with its final 0 */
#define BOOT_LOW_END 0x90000ull  /* nothing is put at or above this below 1 MiB */
#define BOOT_PAGE 0x1000ull      /* unit and alignment of all of these */
#define BOOT_CMDLINE_MAX 0xffffu /* characters, without the final 0 */
#define BOOT_E820_MAX 128        /* as many as the zero page takes */
#define BOOT_HEAD 8192           /* multiboot's search range; other headers are shorter */

struct boot_file {
	int fd;
	uint64_t size;
	char *label; /* "kernel /path": starts every message about it */
};

/* [addr, addr + memsz): filesz bytes of the file from off on, then zeroes. */
struct boot_piece {
	const struct boot_file *file;
	uint64_t off, filesz, addr, memsz;
};

struct boot_range {
	uint64_t addr, size;
	char what[32];
};

/* The initrd, or a multiboot module; text is its string. */
struct boot_mod {
	const struct boot_file *file;
	uint64_t addr;
	char *text;
};

struct boot_image {
	const struct boot_proto *proto;
	char *path, *append;
	uint8_t head[BOOT_HEAD]; /* the start of the kernel; zeroes after head_len */
	size_t head_len;
	const struct boot_file *kernel;
	GPtrArray *files; /* of struct boot_file */
	GArray *pieces;   /* of struct boot_piece */
	GArray *claims;   /* of struct boot_range */
	GArray *mods;     /* of struct boot_mod */
	uint64_t entry, gdt, info, stack, pgtable, cmdline;
};

struct boot_proto {
	const char *name;
	bool (*probe)(const struct boot_image *b); /* looks at the head only */
	int (*plan)(struct boot_image *b, const struct boot_env *env, const char *initrd,
		    struct err **errp);
	int (*fill)(const struct boot_image *b, const struct boot_env *env, struct x86_regs *regs,
		    struct err **errp);
};
extern const struct boot_proto boot_linux, boot_multiboot, boot_pvh;

/* Little-endian values of an image; the caller has checked the bounds. */
uint16_t boot_le16(const uint8_t *p);
uint32_t boot_le32(const uint8_t *p);
uint64_t boot_le64(const uint8_t *p);

/* Open a regular file that is not empty; role: "kernel", "initrd", "module".  NULL on failure. */
const struct boot_file *boot_file(struct boot_image *b, const char *role, const char *path,
				  struct err **errp);
/* Read exactly len bytes; part: what they are.  -ENOEXEC where the file is too short for it. */
int boot_pread(const struct boot_file *f, const char *part, uint64_t off, void *buf, size_t len,
	       struct err **errp);

/* Take [addr, addr + size).  -EFBIG where it is not in RAM, -ENOEXEC where it is taken already. */
int boot_claim(struct boot_image *b, const struct boot_env *env, const char *what, uint64_t addr,
	       uint64_t size, struct err **errp);
/* Claim p's range and have it loaded; what names it in messages. */
int boot_piece(struct boot_image *b, const struct boot_env *env, const char *what,
	       const struct boot_piece *p, struct err **errp);
/* The lowest (highest) free place in RAM of [min, max), page aligned; false if there is none. */
bool boot_find_low(const struct boot_image *b, const struct boot_env *env, uint64_t size,
		   uint64_t min, uint64_t max, uint64_t *addr);
bool boot_find_high(const struct boot_image *b, const struct boot_env *env, uint64_t size,
		    uint64_t max, uint64_t *addr);
/* Claim pages for a structure of the loader, at pref if that is free. */
int boot_place(struct boot_image *b, const struct boot_env *env, const char *what, uint64_t pref,
	       uint64_t size, uint64_t *addr, struct err **errp);
/* Places for the GDT, the stack and the command line of at most max characters. */
int boot_place_common(struct boot_image *b, const struct boot_env *env, uint64_t max,
		      struct err **errp);
/* Open one initrd and put it as high as max (exclusive) or, where that is too low, max2 allows. */
int boot_initrd(struct boot_image *b, const struct boot_env *env, const char *path, uint64_t max,
		uint64_t max2, struct err **errp);

/* Write one of the protocol's structures to the guest. */
int boot_put(const struct boot_env *env, uint64_t addr, const void *buf, uint64_t len,
	     struct err **errp);
/* Write the GDT and the command line; set the registers that all protocols have alike. */
int boot_fill_common(const struct boot_image *b, const struct boot_env *env, enum x86_mode mode,
		     struct x86_regs *regs, struct err **errp);

/* ELF images: 32-bit and 64-bit, little endian, x86. */
#define BOOT_ELF_MAX 128 /* program headers */
struct boot_elf {
	bool is64;
	uint64_t entry;
	unsigned n;
	struct boot_phdr {
		uint32_t type;
		uint64_t off, vaddr, paddr, filesz, memsz, align;
	} ph[BOOT_ELF_MAX];
};
bool boot_elf_probe(const struct boot_image *b);
int boot_elf_read(const struct boot_image *b, struct boot_elf *elf, struct err **errp);
/* Pieces for all PT_LOADs. */
int boot_elf_plan(struct boot_image *b, const struct boot_env *env, const struct boot_elf *elf,
		  struct err **errp);
/* Is the physical address within a piece, and below 4 GiB? */
int boot_check_entry(struct boot_image *b, uint64_t entry, struct err **errp);

#endif
