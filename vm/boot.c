// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns struct boot_image: opens the files, finds the protocol, keeps the plan of what goes where,
 * and carries it out.  Called by the board at start and at each reset (boot_load), and by the
 * protocols for their common needs.  Never knows a protocol's structures, never holds an image in
 * its own memory.
 */
#include "vm/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem/aspace.h"
#include "vm/boot_impl.h"

/* Multiboot before PVH: an image that has both gets its modules. */
static const struct boot_proto *const protos[] = {&boot_linux, &boot_multiboot, &boot_pvh};

uint16_t boot_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t boot_le32(const uint8_t *p)
{
	return boot_le16(p) | (uint32_t)boot_le16(p + 2) << 16;
}

uint64_t boot_le64(const uint8_t *p)
{
	return boot_le32(p) | (uint64_t)boot_le32(p + 4) << 32;
}

/* Files. */

static void file_free(void *opaque)
{
	struct boot_file *f = opaque;

	if (f->fd >= 0)
		close(f->fd);
	g_free(f->label);
	g_free(f);
}

static int file_check(struct boot_file *f, struct err **errp)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return err_set_errno(errp, -errno, "%s: stat", f->label);
	if (S_ISDIR(st.st_mode))
		return err_set_errno(errp, -EISDIR, "%s", f->label);
	if (!S_ISREG(st.st_mode))
		return err_set(errp, -EINVAL,
			       "%s: not a regular file; it is read again at each reset", f->label);
	if (!st.st_size)
		return err_set(errp, -ENOEXEC, "%s: the file is empty", f->label);
	f->size = st.st_size;
	return 0;
}

const struct boot_file *boot_file(struct boot_image *b, const char *role, const char *path,
				  struct err **errp)
{
	struct boot_file *f = g_new0(struct boot_file, 1);

	f->label = g_strdup_printf("%s %s", role, path);
	/* A FIFO without a writer must not block before it is refused. */
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	g_ptr_array_add(b->files, f);
	if (f->fd < 0) {
		err_set_errno(errp, -errno, "%s: open", f->label);
		return NULL;
	}
	return file_check(f, errp) < 0 ? NULL : f;
}

int boot_pread(const struct boot_file *f, const char *part, uint64_t off, void *buf, size_t len,
	       struct err **errp)
{
	ssize_t got;

	if (off > f->size || len > f->size - off)
		return err_set(errp, -ENOEXEC,
			       "%s: truncated: %s has %zu bytes at offset 0x%" PRIx64
			       ", the file has %" PRIu64,
			       f->label, part, len, off, f->size);
	for (size_t done = 0; done < len; done += got) {
		do
			got = pread(f->fd, (char *)buf + done, len - done, off + done);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return err_set_errno(errp, -errno, "%s: read %s", f->label, part);
		if (!got)
			return err_set(errp, -EIO, "%s: changed while in use: %s ends early",
				       f->label, part);
	}
	return 0;
}

/* The plan. */

/*
 * The RAM entry that holds addr; size 0 = none.  The firmware area above the ACPI tables is RAM on
 * this board, and linkers like to put ELF headers just below 1 MiB: an image may have it, although
 * the map calls it reserved.
 */
static struct e820_entry ram_at(const struct boot_env *env, uint64_t addr)
{
	for (size_t i = 0; i < env->e820_n; i++) {
		struct e820_entry e = env->e820[i];

		if (e.addr == LAYOUT_BIOS_END) {
			e.addr = LAYOUT_ACPI_END;
			e.size += LAYOUT_BIOS_END - LAYOUT_ACPI_END;
		}
		if (e.type == E820_RAM && addr >= e.addr && addr - e.addr < e.size)
			return e;
	}
	return (struct e820_entry){0};
}

/* The first claim that touches [addr, addr + size), which does not wrap. */
static const struct boot_range *claimed(const struct boot_image *b, uint64_t addr, uint64_t size)
{
	for (guint i = 0; i < b->claims->len; i++) {
		const struct boot_range *c = &g_array_index(b->claims, struct boot_range, i);

		if (c->addr < addr + size && addr < c->addr + c->size)
			return c;
	}
	return NULL;
}

int boot_claim(struct boot_image *b, const struct boot_env *env, const char *what, uint64_t addr,
	       uint64_t size, struct err **errp)
{
	const struct e820_entry ram = ram_at(env, addr);
	const struct boot_range *other;
	struct boot_range new = {.addr = addr, .size = size};

	if (!ram.size || size > ram.addr + ram.size - addr) {
		err_set(errp, -EFBIG,
			"%s: %s needs 0x%" PRIx64 " bytes of RAM at 0x%" PRIx64
			"; there are 0x%" PRIx64 " (RAM below 4 GiB ends at 0x%" PRIx64 ")",
			b->kernel->label, what, size, addr,
			ram.size ? ram.addr + ram.size - addr : 0, env->ram_below_4g);
		err_hint(errp, "Give the guest more memory with -m, if that is what is missing.");
		return -EFBIG;
	}
	other = claimed(b, addr, size);
	if (other)
		return err_set(errp, -ENOEXEC,
			       "%s: %s at 0x%" PRIx64 " of 0x%" PRIx64
			       " bytes overlaps %s at 0x%" PRIx64 " of 0x%" PRIx64 " bytes",
			       b->kernel->label, what, addr, size, other->what, other->addr,
			       other->size);
	g_strlcpy(new.what, what, sizeof(new.what));
	g_array_append_val(b->claims, new);
	return 0;
}

int boot_piece(struct boot_image *b, const struct boot_env *env, const char *what,
	       const struct boot_piece *p, struct err **errp)
{
	const struct boot_file *f = p->file;
	int r;

	if (p->off > f->size || p->filesz > f->size - p->off)
		return err_set(errp, -ENOEXEC,
			       "%s: truncated: %s has 0x%" PRIx64 " bytes at offset 0x%" PRIx64
			       ", the file has 0x%" PRIx64,
			       f->label, what, p->filesz, p->off, f->size);
	if (p->filesz > p->memsz)
		return err_set(errp, -ENOEXEC,
			       "%s: %s has 0x%" PRIx64
			       " bytes in the file, more than the 0x%" PRIx64 " in memory",
			       f->label, what, p->filesz, p->memsz);
	r = boot_claim(b, env, what, p->addr, p->memsz, errp);
	if (!r)
		g_array_append_val(b->pieces, *p);
	return r;
}

static uint64_t page_up(uint64_t v)
{
	return (v + BOOT_PAGE - 1) & ~(BOOT_PAGE - 1);
}

static bool fit_low(const struct boot_image *b, uint64_t size, uint64_t min, uint64_t max,
		    uint64_t *addr)
{
	const struct boot_range *c;

	for (min = page_up(min); min < max && size <= max - min; min = page_up(c->addr + c->size)) {
		c = claimed(b, min, size);
		if (!c) {
			*addr = min;
			return true;
		}
	}
	return false;
}

bool boot_find_low(const struct boot_image *b, const struct boot_env *env, uint64_t size,
		   uint64_t min, uint64_t max, uint64_t *addr)
{
	for (size_t i = 0; i < env->e820_n; i++) {
		const struct e820_entry *e = &env->e820[i];

		if (e->type == E820_RAM &&
		    fit_low(b, size, MAX(min, e->addr), MIN(max, e->addr + e->size), addr))
			return true;
	}
	return false;
}

static bool fit_high(const struct boot_image *b, uint64_t size, uint64_t min, uint64_t max,
		     uint64_t *addr)
{
	const struct boot_range *c;

	for (; min <= max && size <= max - min; max = c->addr) {
		*addr = (max - size) & ~(BOOT_PAGE - 1);
		if (*addr < min)
			return false;
		c = claimed(b, *addr, size);
		if (!c)
			return true;
	}
	return false;
}

bool boot_find_high(const struct boot_image *b, const struct boot_env *env, uint64_t size,
		    uint64_t max, uint64_t *addr)
{
	/* What is below 1 MiB is left to structures. */
	for (size_t i = env->e820_n; i-- > 0;) {
		const struct e820_entry *e = &env->e820[i];

		if (e->type == E820_RAM && e->addr >= MIB &&
		    fit_high(b, size, e->addr, MIN(max, e->addr + e->size), addr))
			return true;
	}
	return false;
}

int boot_place(struct boot_image *b, const struct boot_env *env, const char *what, uint64_t pref,
	       uint64_t size, uint64_t *addr, struct err **errp)
{
	size = page_up(size);
	if (!boot_find_low(b, env, size, pref, BOOT_LOW_END, addr) &&
	    !boot_find_low(b, env, size, BOOT_GDT, BOOT_LOW_END, addr) &&
	    !boot_find_low(b, env, size, MIB, 4 * GIB, addr))
		return err_set(errp, -EFBIG,
			       "%s: no room for the %s (0x%" PRIx64
			       " bytes) beside the kernel; RAM below 4 GiB ends at 0x%" PRIx64,
			       b->kernel->label, what, size, env->ram_below_4g);
	return boot_claim(b, env, what, *addr, size, errp);
}

int boot_place_common(struct boot_image *b, const struct boot_env *env, uint64_t max,
		      struct err **errp)
{
	size_t len = strlen(b->append);
	int r;

	if (len > MIN(max, BOOT_CMDLINE_MAX))
		return err_set(errp, -EFBIG,
			       "%s: the command line has %zu characters, the limit is %" PRIu64,
			       b->kernel->label, len, MIN(max, BOOT_CMDLINE_MAX));
	r = boot_place(b, env, "GDT", BOOT_GDT, BOOT_PAGE, &b->gdt, errp);
	if (r < 0)
		return r;
	r = boot_place(b, env, "stack", BOOT_STACK, BOOT_PAGE, &b->stack, errp);
	if (r < 0)
		return r;
	return boot_place(b, env, "command line", BOOT_CMDLINE, len + 1, &b->cmdline, errp);
}

/* The largest size that boot_find_high() would place; for messages. */
static uint64_t largest_room(const struct boot_image *b, const struct boot_env *env, uint64_t max)
{
	uint64_t lo = 0, hi = 1ull << 52, addr;

	while (hi - lo > BOOT_PAGE) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (boot_find_high(b, env, mid, max, &addr))
			lo = mid;
		else
			hi = mid;
	}
	return lo & ~(BOOT_PAGE - 1);
}

int boot_initrd(struct boot_image *b, const struct boot_env *env, const char *path, uint64_t max,
		uint64_t max2, struct err **errp)
{
	const struct boot_file *f = boot_file(b, "initrd", path, errp);
	struct boot_piece p = {.file = f};
	struct boot_mod m = {.file = f};

	if (!f)
		return err_code(*errp);
	if (!boot_find_high(b, env, f->size, max, &m.addr) &&
	    !boot_find_high(b, env, f->size, max2, &m.addr)) {
		uint64_t top = MAX(max, max2);

		err_set(errp, -EFBIG,
			"%s: does not fit: it has %" PRIu64 " bytes, the largest free room below "
			"0x%" PRIx64 " has %" PRIu64 " (RAM below 4 GiB ends at 0x%" PRIx64 ")",
			f->label, f->size, top, largest_room(b, env, top), env->ram_below_4g);
		err_hint(errp, "Give the guest more memory with -m, or use a smaller initrd.");
		return -EFBIG;
	}
	p.addr = m.addr;
	p.filesz = p.memsz = f->size;
	g_array_append_val(b->mods, m);
	return boot_piece(b, env, "initrd", &p, errp);
}

int boot_check_entry(struct boot_image *b, uint64_t entry, struct err **errp)
{
	for (guint i = 0; i < b->pieces->len; i++) {
		const struct boot_piece *p = &g_array_index(b->pieces, struct boot_piece, i);

		if (entry < 4 * GIB && entry >= p->addr && entry - p->addr < p->memsz) {
			b->entry = entry;
			return 0;
		}
	}
	return err_set(errp, -ENOEXEC,
		       "%s: the entry point 0x%" PRIx64 " is in nothing that is loaded below 4 GiB",
		       b->kernel->label, entry);
}

/* Carrying it out. */

/* RAM at addr; *len is cut to what is contiguous. */
static void *ram_ptr(const struct boot_env *env, uint64_t addr, uint64_t *len, struct err **errp)
{
	void *p = aspace_ptr(env->mem, addr, len, true);

	if (p && *len)
		return p;
	err_set(errp, -EFAULT,
		"boot: guest address 0x%" PRIx64 " is not RAM, against the memory map", addr);
	return NULL;
}

int boot_put(const struct boot_env *env, uint64_t addr, const void *buf, uint64_t len,
	     struct err **errp)
{
	for (uint64_t done = 0, n; done < len; done += n) {
		void *p;

		n = len - done;
		p = ram_ptr(env, addr + done, &n, errp);
		if (!p)
			return -EFAULT;
		memcpy(p, (const char *)buf + done, n);
	}
	return 0;
}

/* A guest address as a place in the file that is behind the RAM there. */
struct backing {
	uint64_t addr, len, off;
	int fd; /* -1: there is none */
};

static void find_backing(void *opaque, const struct mrange *r)
{
	struct backing *k = opaque;

	if (k->addr < r->start || k->addr > r->last || r->region->kind != REGION_RAM ||
	    r->region->device)
		return;
	k->fd = r->region->fd;
	k->off = r->off + (k->addr - r->start);
	k->len = MIN(k->len, r->last - k->addr + 1);
}

/*
 * Let the kernel copy from file to file: pages that are written whole need no fault and are not
 * cleared first, which takes half the time of reading into fresh memory.  The number of bytes done;
 * 0 where this cannot be done, and then the caller reads and finds out why.
 */
static uint64_t piece_send(const struct boot_piece *p, const struct boot_env *env, uint64_t done)
{
	struct backing k = {.addr = p->addr + done, .len = p->filesz - done, .fd = -1};
	off_t from = p->off + done;
	ssize_t r;

	aspace_foreach(env->mem, find_backing, &k);
	if (k.fd < 0 || lseek(k.fd, k.off, SEEK_SET) < 0)
		return 0;
	r = sendfile(k.fd, p->file->fd, &from, k.len);
	return r > 0 ? r : 0;
}

static int piece_read(const struct boot_piece *p, const struct boot_env *env, struct err **errp)
{
	for (uint64_t done = 0, n; done < p->filesz; done += n) {
		void *to;
		int r;

		n = piece_send(p, env, done);
		if (n)
			continue;
		n = p->filesz - done;
		to = ram_ptr(env, p->addr + done, &n, errp);
		if (!to)
			return -EFAULT;
		r = boot_pread(p->file, "the image", p->off + done, to, n, errp);
		if (r < 0)
			return r;
	}
	return 0;
}

static int piece_load(const struct boot_piece *p, const struct boot_env *env, struct err **errp)
{
	int r = piece_read(p, env, errp);

	for (uint64_t done = p->filesz, n; !r && done < p->memsz; done += n) {
		void *to;

		n = p->memsz - done;
		to = ram_ptr(env, p->addr + done, &n, errp);
		if (!to)
			return -EFAULT;
		memset(to, 0, n);
	}
	return r;
}

int boot_fill_common(const struct boot_image *b, const struct boot_env *env, enum x86_mode mode,
		     struct x86_regs *regs, struct err **errp)
{
	uint64_t code = mode == X86_MODE_LONG64 ? 0x00af9b000000ffff : 0x00cf9b000000ffff;
	uint64_t gdt[4] = {0, 0, GUINT64_TO_LE(code), GUINT64_TO_LE(0x00cf93000000ffff)};
	int r;

	x86_regs_flat(regs, mode);
	regs->gdt_base = b->gdt;
	regs->gdt_limit = sizeof(gdt) - 1;
	regs->idt_limit = 0;
	regs->tr.limit = 0x67; /* PVH asks for it; the others do not care */
	regs->rip = b->entry;
	regs->gpr[X86_RDX] = 0;
	regs->gpr[X86_RSP] = b->stack + BOOT_PAGE - 16;
	r = boot_put(env, b->gdt, gdt, sizeof(gdt), errp);
	return r < 0 ? r : boot_put(env, b->cmdline, b->append, strlen(b->append) + 1, errp);
}

/* The API. */

static int sniff(struct boot_image *b, struct err **errp)
{
	b->head_len = MIN(b->kernel->size, BOOT_HEAD);
	if (boot_pread(b->kernel, "the header", 0, b->head, b->head_len, errp) < 0)
		return err_code(*errp);
	for (size_t i = 0; i < G_N_ELEMENTS(protos); i++)
		if (protos[i]->probe(b)) {
			b->proto = protos[i];
			return 0;
		}
	return err_set(
		errp, -ENOEXEC,
		"%s: neither a Linux bzImage (\"HdrS\" at offset 0x202) nor ELF nor multiboot "
		"(header with a good checksum in the first 8 KiB); it starts with %02x %02x "
		"%02x %02x",
		b->kernel->label, b->head[0], b->head[1], b->head[2], b->head[3]);
}

static int plan(struct boot_image *b, const char *kernel, const char *initrd,
		const struct boot_env *env, struct err **errp)
{
	int r;

	b->kernel = boot_file(b, "kernel", kernel, errp);
	if (!b->kernel)
		return err_code(*errp);
	r = sniff(b, errp);
	if (r < 0)
		return r;
	if (env->e820_n > BOOT_E820_MAX)
		return err_set(errp, -EFBIG,
			       "boot: the memory map has %zu entries, the limit is %d", env->e820_n,
			       BOOT_E820_MAX);
	return b->proto->plan(b, env, initrd, errp);
}

static void mod_clear(void *opaque)
{
	struct boot_mod *m = opaque;

	g_free(m->text);
}

struct boot_image *boot_open(const char *kernel, const char *initrd, const char *append,
			     const struct boot_env *env, struct err **errp)
{
	struct boot_image *b = g_new0(struct boot_image, 1);
	struct err *e = NULL; /* the helpers read their own code from it */

	b->path = g_strdup(kernel);
	b->append = g_strdup(append ? append : "");
	b->files = g_ptr_array_new_with_free_func(file_free);
	b->pieces = g_array_new(FALSE, FALSE, sizeof(struct boot_piece));
	b->claims = g_array_new(FALSE, FALSE, sizeof(struct boot_range));
	b->mods = g_array_new(FALSE, FALSE, sizeof(struct boot_mod));
	g_array_set_clear_func(b->mods, mod_clear);
	if (plan(b, kernel, initrd, env, &e) < 0) {
		err_move(errp, e);
		boot_free(b);
		return NULL;
	}
	return b;
}

int boot_load(struct boot_image *b, const struct boot_env *env, struct x86_regs *regs,
	      struct err **errp)
{
	for (guint i = 0; i < b->pieces->len; i++) {
		const struct boot_piece *p = &g_array_index(b->pieces, struct boot_piece, i);
		int r = piece_load(p, env, errp);

		if (r < 0)
			return r;
	}
	return b->proto->fill(b, env, regs, errp);
}

const char *boot_protocol(const struct boot_image *b)
{
	return b->proto->name;
}

void boot_free(struct boot_image *b)
{
	if (!b)
		return;
	g_array_free(b->mods, TRUE);
	g_array_free(b->claims, TRUE);
	g_array_free(b->pieces, TRUE);
	g_ptr_array_free(b->files, TRUE);
	g_free(b->append);
	g_free(b->path);
	g_free(b);
}
