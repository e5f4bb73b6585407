// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the fw_cfg device: its items, its directory, its ports and its DMA.  Filled by vm/, entered
 * by the address space (vCPU threads).  Never reaches anything but RAM by DMA and knows the meaning
 * of no item.
 */
#include "hw/isa/fw_cfg.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "mem/access.h"

#define PORTS 2
#define DMA_SIZE 8
#define KEY_ARCH 0x8000u
#define KEY_MASK 0x3fffu /* bit 14 asks for writes by the data port, which are not taken */
#define ITEMS (FW_CFG_FILE_FIRST + FW_CFG_FILES)
#define ID_PORTS 1u
#define ID_DMA 2u
#define DMA_ADDRESS 8 /* the request: control, length (u32), address (u64), big endian */
#define DMA_REQUEST 16
#define DMA_STEP 4096u

static const char signature[DMA_SIZE] = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};

struct item {
	uint8_t *data;
	size_t len;
	bool writable;
	fw_cfg_written *written;
	void *opaque;
};

struct file {
	char name[FW_CFG_NAME_MAX + 1];
};

struct fw_cfg {
	struct aspace *io, *mem;
	struct region ports, dma;
	struct mmapping *ports_map, *dma_map;
	pthread_mutex_t lock; /* of what follows; also around the regions' functions */
	struct item items[2][ITEMS];
	struct file files[FW_CFG_FILES];
	unsigned nfiles;
	struct item *selected; /* NULL = a key that there cannot be */
	size_t at;             /* bytes of it that were read */
	uint64_t dma_addr;
};

/* --- big endian, the wire format of DMA and directory --- */

static uint64_t be_load(const uint8_t *p, unsigned len)
{
	uint64_t v = 0;

	while (len--)
		v = v << 8 | *p++;
	return v;
}

static void be_store(uint8_t *p, uint64_t val, unsigned len)
{
	for (; len--; val >>= 8)
		p[len] = (uint8_t)val;
}

/* --- items --- */

static struct item *item_of(struct fw_cfg *f, uint16_t key)
{
	unsigned nr = key & KEY_MASK;

	return nr < ITEMS ? &f->items[!!(key & KEY_ARCH)][nr] : NULL;
}

static void item_set(struct item *it, const void *data, size_t len)
{
	g_free(it->data);
	it->data = g_memdup2(data, len);
	it->len = len;
}

static void item_clear(struct item *it)
{
	g_free(it->data);
	*it = (struct item){0};
}

static void select_key(struct fw_cfg *f, uint16_t key)
{
	f->selected = item_of(f, key);
	f->at = 0;
}

/* What is left of the selected item; 0 also where there is none. */
static size_t left(const struct fw_cfg *f)
{
	return f->selected && f->at < f->selected->len ? f->selected->len - f->at : 0;
}

int fw_cfg_put(struct fw_cfg *f, uint16_t key, const void *data, size_t len)
{
	if ((key & ~KEY_ARCH) >= FW_CFG_FILE_FIRST || len > UINT32_MAX)
		return -EINVAL;
	pthread_mutex_lock(&f->lock);
	item_set(item_of(f, key), data, len);
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static int put_number(struct fw_cfg *f, uint16_t key, uint64_t val, unsigned len)
{
	uint8_t bytes[8];

	le_store(bytes, val, len);
	return fw_cfg_put(f, key, bytes, len);
}

int fw_cfg_put_u16(struct fw_cfg *f, uint16_t key, uint16_t val)
{
	return put_number(f, key, val, 2);
}

int fw_cfg_put_u32(struct fw_cfg *f, uint16_t key, uint32_t val)
{
	return put_number(f, key, val, 4);
}

int fw_cfg_put_u64(struct fw_cfg *f, uint16_t key, uint64_t val)
{
	return put_number(f, key, val, 8);
}

/* --- files; under the lock but for the public ones --- */

static struct item *file_item(struct fw_cfg *f, unsigned i)
{
	return &f->items[0][FW_CFG_FILE_FIRST + i];
}

/* Its number, or where it would be among the sorted names. */
static unsigned file_place(const struct fw_cfg *f, const char *name, bool *there)
{
	unsigned i = 0;

	while (i < f->nfiles && strcmp(f->files[i].name, name) < 0)
		i++;
	*there = i < f->nfiles && !strcmp(f->files[i].name, name);
	return i;
}

/* The directory always has room for all entries: its length does not tell their number. */
static void write_directory(struct fw_cfg *f)
{
	uint8_t dir[4 + FW_CFG_FILES * FW_CFG_FILE_ENTRY] = {0};

	be_store(dir, f->nfiles, 4);
	for (unsigned i = 0; i < f->nfiles; i++) {
		uint8_t *e = dir + 4 + (size_t)i * FW_CFG_FILE_ENTRY;

		be_store(e, file_item(f, i)->len, 4);
		be_store(e + 4, FW_CFG_FILE_FIRST + i, 2);
		memcpy(e + 8, f->files[i].name, sizeof(f->files[i].name));
	}
	item_set(&f->items[0][FW_CFG_FILE_DIR], dir, sizeof(dir));
}

static int check_file(const char *name, size_t len, struct err **errp)
{
	size_t n = strlen(name);

	if (!n || n > FW_CFG_NAME_MAX)
		return err_set(errp, -EINVAL,
			       "fw_cfg file '%s': the name has %zu bytes, 1 to %d it may have",
			       name, n, FW_CFG_NAME_MAX);
	if (len > UINT32_MAX)
		return err_set(errp, -EFBIG, "fw_cfg file '%s': %zu bytes, the most are %u", name,
			       len, UINT32_MAX);
	return 0;
}

static void open_gap(struct fw_cfg *f, unsigned at, const char *name)
{
	for (unsigned i = f->nfiles; i > at; i--) {
		f->files[i] = f->files[i - 1];
		*file_item(f, i) = *file_item(f, i - 1);
	}
	*file_item(f, at) = (struct item){0};
	g_strlcpy(f->files[at].name, name, sizeof(f->files[at].name));
	f->nfiles++;
}

static int put_file(struct fw_cfg *f, const char *name, const struct item *it, bool replace,
		    struct err **errp)
{
	bool there;
	unsigned at = file_place(f, name, &there);

	if (there && !replace)
		return err_set(errp, -EEXIST, "there are two fw_cfg files '%s'", name);
	if (!there && f->nfiles == FW_CFG_FILES)
		return err_set(errp, -ENOSPC,
			       "fw_cfg file '%s': there are %d files already, the most", name,
			       FW_CFG_FILES);
	if (!there)
		open_gap(f, at, name);
	item_set(file_item(f, at), it->data, it->len);
	file_item(f, at)->writable = it->writable;
	file_item(f, at)->written = it->written;
	file_item(f, at)->opaque = it->opaque;
	write_directory(f);
	return 0;
}

static int set_file(struct fw_cfg *f, const char *name, const struct item *it, bool replace,
		    struct err **errp)
{
	int ret = check_file(name, it->len, errp);

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&f->lock);
	ret = put_file(f, name, it, replace, errp);
	pthread_mutex_unlock(&f->lock);
	return ret;
}

int fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data, size_t len,
		    struct err **errp)
{
	const struct item it = {.data = (uint8_t *)data, .len = len};

	return set_file(f, name, &it, false, errp);
}

int fw_cfg_set_file(struct fw_cfg *f, const char *name, const void *data, size_t len,
		    struct err **errp)
{
	const struct item it = {.data = (uint8_t *)data, .len = len};

	return set_file(f, name, &it, true, errp);
}

int fw_cfg_add_writable(struct fw_cfg *f, const char *name, const void *data, size_t len,
			fw_cfg_written *written, void *opaque, struct err **errp)
{
	const struct item it = {(uint8_t *)data, len, true, written, opaque};

	return set_file(f, name, &it, false, errp);
}

/* --- DMA --- */

/*
 * How much of [addr, addr + len) one copy may take: it ends with its page, and 0 = what is there is
 * not RAM.  A device's registers and its memory are no place for firmware's data, and could keep a
 * vCPU here for as long as a guest likes.
 */
static size_t ram_step(struct fw_cfg *f, uint64_t addr, size_t len, bool write)
{
	uint64_t n = MIN(len, DMA_STEP - addr % DMA_STEP);

	if (!aspace_ptr(f->mem, addr, &n, write) || aspace_is_device(f->mem, addr))
		return 0;
	return n;
}

/* from NULL: zeros. */
static bool to_guest(struct fw_cfg *f, uint64_t addr, const uint8_t *from, size_t len)
{
	static const uint8_t zeros[DMA_STEP];

	while (len) {
		size_t n = ram_step(f, addr, len, true);

		if (!n || !aspace_write_buf(f->mem, addr, from ? from : zeros, n))
			return false;
		addr += n;
		len -= n;
		from = from ? from + n : NULL;
		if (len && !addr) /* the end of the address space */
			return false;
	}
	return true;
}

static bool from_guest(struct fw_cfg *f, uint64_t addr, uint8_t *to, size_t len)
{
	while (len) {
		size_t n = ram_step(f, addr, len, false);

		if (!n || !aspace_read_buf(f->mem, addr, to, n))
			return false;
		addr += n;
		len -= n;
		to += n;
		if (len && !addr)
			return false;
	}
	return true;
}

/* The item's bytes, then zeros. */
static bool dma_read(struct fw_cfg *f, uint64_t addr, uint32_t len)
{
	size_t n = MIN(left(f), len);
	bool ok = !n || to_guest(f, addr, f->selected->data + f->at, n);

	f->at += n;
	if (!ok || n == len)
		return ok;
	return addr + n >= addr && to_guest(f, addr + n, NULL, len - n);
}

/* All of it or none: a write may not pass the item's end. */
static bool dma_write(struct fw_cfg *f, uint64_t addr, uint32_t len)
{
	struct item *it = f->selected;
	size_t at = f->at;
	bool ok;

	if (!len)
		return true;
	if (left(f) < len) {
		f->at += left(f);
		return false;
	}
	f->at += len;
	ok = it->writable && from_guest(f, addr, it->data + at, len);
	if (ok && it->written)
		it->written(it->opaque, it->data, at, len);
	return ok;
}

static bool dma_transfer(struct fw_cfg *f, uint32_t control, uint32_t len, uint64_t addr)
{
	if (control & FW_CFG_DMA_SELECT)
		select_key(f, (uint16_t)(control >> 16));
	if (control & FW_CFG_DMA_READ)
		return dma_read(f, addr, len);
	if (control & FW_CFG_DMA_WRITE)
		return dma_write(f, addr, len);
	if (control & FW_CFG_DMA_SKIP)
		f->at += MIN(left(f), len);
	return true;
}

static void dma_run(struct fw_cfg *f)
{
	uint64_t where = f->dma_addr;
	uint8_t request[DMA_REQUEST], control[4] = {0};
	bool ok;

	f->dma_addr = 0;
	ok = from_guest(f, where, request, sizeof(request)) &&
	     dma_transfer(f, (uint32_t)be_load(request, 4), (uint32_t)be_load(request + 4, 4),
			  be_load(request + DMA_ADDRESS, 8));
	if (!ok)
		be_store(control, FW_CFG_DMA_ERROR, 4);
	to_guest(f, where, control, sizeof(control));
}

static uint64_t dma_reg_read(void *opaque, uint64_t off, unsigned len)
{
	return le_load(signature + off, len);
}

static void dma_reg_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct fw_cfg *f = opaque;
	uint8_t bytes[8];

	if (len < 4)
		return;
	le_store(bytes, val, len);
	val = be_load(bytes, len);
	if (len == 8)
		f->dma_addr = val;
	else if (off == 0)
		f->dma_addr = val << 32;
	else
		f->dma_addr |= val;
	if (off + len == DMA_SIZE)
		dma_run(f);
}

static const struct region_ops dma_ops = {
	.read = dma_reg_read, .write = dma_reg_write, .min = 1, .max = 8};

/* --- ports --- */

static uint64_t port_read(void *opaque, uint64_t off, unsigned len)
{
	struct fw_cfg *f = opaque;

	return len == 1 && left(f) ? f->selected->data[f->at++] : 0;
}

static void port_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	if (len == 2)
		select_key(opaque, (uint16_t)val);
}

static const struct region_ops port_ops = {
	.read = port_read, .write = port_write, .min = 1, .max = 2};

/* --- life --- */

struct fw_cfg *fw_cfg_new(struct aspace *io, struct aspace *mem)
{
	struct fw_cfg *f = g_new0(struct fw_cfg, 1);

	f->io = io;
	f->mem = mem;
	pthread_mutex_init(&f->lock, NULL);
	fw_cfg_put(f, FW_CFG_SIGNATURE, signature, 4);
	fw_cfg_put_u32(f, FW_CFG_ID, ID_PORTS | ID_DMA);
	select_key(f, FW_CFG_SIGNATURE);
	region_init_io(&f->ports, "fw_cfg", PORTS, &port_ops, f);
	region_init_io(&f->dma, "fw_cfg-dma", DMA_SIZE, &dma_ops, f);
	f->ports.lock = f->dma.lock = &f->lock;
	f->ports_map = aspace_map(io, &f->ports, FW_CFG_PORT, 0, PORTS, 0);
	f->dma_map = aspace_map(io, &f->dma, FW_CFG_DMA_PORT, 0, DMA_SIZE, 0);
	return f;
}

void fw_cfg_free(struct fw_cfg *f)
{
	if (!f)
		return;
	aspace_unmap(f->io, f->ports_map);
	aspace_unmap(f->io, f->dma_map);
	aspace_sync();
	for (unsigned i = 0; i < ITEMS; i++) {
		item_clear(&f->items[0][i]);
		item_clear(&f->items[1][i]);
	}
	pthread_mutex_destroy(&f->lock);
	g_free(f);
}

void fw_cfg_reset(struct fw_cfg *f)
{
	pthread_mutex_lock(&f->lock);
	select_key(f, FW_CFG_SIGNATURE);
	f->dma_addr = 0;
	pthread_mutex_unlock(&f->lock);
}
