/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot protocols: a kernel image becomes bytes in guest memory and the first registers of CPU 0.
 *
 * Invariants: boot_open() reads and checks everything (magic numbers, sizes, that kernel, initrd
 * and command line fit the memory map) and keeps the files open; it writes nothing to the guest.
 * boot_load() may be called any number of times (start, each guest reset) and writes the same bytes
 * each time.  Images are read straight into guest memory; nothing of their size is allocated.
 */
#ifndef VM_BOOT_H
#define VM_BOOT_H

#include <stddef.h>
#include <stdint.h>

struct aspace;
struct err;
struct x86_regs;

enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_NVS = 4 };
struct e820_entry {
	uint64_t addr, size;
	uint32_t type;
};

/* What the loaders need to know of the machine. */
struct boot_env {
	struct aspace *mem;
	const struct e820_entry
		*e820; /* sorted; the first RAM entry starts at 0, the second at 1 MiB */
	size_t e820_n;
	uint64_t ram_below_4g; /* end of the RAM range that starts at 1 MiB */
	uint64_t rsdp;         /* guest address of the RSDP */
};

struct boot_image;

/*
 * Open kernel (and initrd, append, which may be NULL) and find its protocol: Linux bzImage (boot
 * protocol 2.06 or later, 64-bit entry), ELF with a PVH note, multiboot 1.  Errors: -ENOENT and the
 * like from open, -ENOEXEC for an image of no known kind or a malformed one, -EFBIG where something
 * does not fit, -EINVAL for what is no regular file.
 * initrd: one file; for multiboot QEMU's list "file arg,file arg", with ",," for a comma.
 */
struct boot_image *boot_open(const char *kernel, const char *initrd, const char *append,
			     const struct boot_env *env, struct err **errp);
/*
 * Write the images and the protocol's structures; fill regs.  env: as given to boot_open(), but mem
 * and rsdp are used only here.  Fails only if a file changed underneath or mem has less than e820.
 */
int boot_load(struct boot_image *b, const struct boot_env *env, struct x86_regs *regs,
	      struct err **errp);
const char *boot_protocol(const struct boot_image *b); /* "linux", "pvh", "multiboot" */
void boot_free(struct boot_image *b);

#endif
