// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the meaning of -object, -drive and -blockdev.  Called by the configuration's validation, by
 * the board before and after its devices, and by devs.c for a device that names one; never knows a
 * device.
 */
#include "vm/backends.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/names.h"
#include "base/props.h"
#include "hw/dev/drive.h"

/* --- memory --- */

struct memory_conf {
	uint64_t size;
	char *path;
	bool share;
	/* Accepted: the host gives memory as it is touched, to one process. */
	bool prealloc, merge, dump, hugetlb, reserve, discard_data, pmem, seal, canonical;
	char *policy, *nodes, *threads, *align, *page;
};

#define M(field, name_, type_, def_)                                                      \
	{                                                                                 \
		.name = name_, .type = type_, .off = offsetof(struct memory_conf, field), \
		.def = def_,                                                              \
	}
#define MEMORY_PROPS                                                                         \
	M(size, "size", PROP_U64, NULL), M(prealloc, "prealloc", PROP_BOOL, NULL),           \
		M(threads, "prealloc-threads", PROP_STR, NULL),                              \
		M(merge, "merge", PROP_BOOL, NULL), M(dump, "dump", PROP_BOOL, NULL),        \
		M(reserve, "reserve", PROP_BOOL, NULL), M(policy, "policy", PROP_STR, NULL), \
		M(nodes, "host-nodes", PROP_STR, NULL),                                      \
		M(canonical, "x-use-canonical-path-for-ramblock-id", PROP_BOOL, NULL)

static const struct prop ram_props[] = {
	MEMORY_PROPS,
	M(share, "share", PROP_BOOL, "off"),
	{0},
};
static const struct prop memfd_props[] = {
	MEMORY_PROPS,
	M(share, "share", PROP_BOOL, "on"),
	M(hugetlb, "hugetlb", PROP_BOOL, NULL),
	M(page, "hugetlbsize", PROP_STR, NULL),
	M(seal, "seal", PROP_BOOL, NULL),
	{0},
};
static const struct prop file_props[] = {
	MEMORY_PROPS,
	M(share, "share", PROP_BOOL, "off"),
	M(path, "mem-path", PROP_STR, NULL),
	M(align, "align", PROP_STR, NULL),
	M(discard_data, "discard-data", PROP_BOOL, NULL),
	M(pmem, "pmem", PROP_BOOL, NULL),
	{0},
};

static const struct object_type {
	const char *name;
	const struct prop *props;
} types[] = {
	{"memory-backend-ram", ram_props},
	{"memory-backend-file", file_props},
	{"memory-backend-memfd", memfd_props},
};

static const struct object_type *find_type(const char *name, struct err **errp)
{
	const char *known[G_N_ELEMENTS(types) + 1] = {0};

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		known[i] = types[i].name;
		if (!strcmp(known[i], name))
			return &types[i];
	}
	err_set(errp, -EINVAL, "there is no object type '%s'", name);
	err_hint_nearest(errp, name, known);
	return NULL;
}

/* Free what it filled with props_clear(). */
static int read_memory(const struct object_type *t, const struct vm_device *o,
		       struct memory_conf *m, struct err **errp)
{
	int ret = 0;

	props_defaults(m, t->props);
	for (guint i = 0; ret >= 0 && i < o->props->len; i++) {
		const struct kv *kv = &g_array_index(o->props, struct kv, i);

		ret = props_set(m, t->props, kv->key, kv->value, errp);
	}
	if (ret >= 0 && (!m->size || m->size > INT64_MAX - 4096))
		ret = err_set(errp, -EINVAL, "it needs size=, such as size=64M");
	if (ret >= 0 && t->props == file_props && !m->path)
		ret = err_set(errp, -EINVAL, "it needs mem-path=");
	return ret;
}

static void free_backend(gpointer p)
{
	struct memory_backend *b = p;

	ram_fini(&b->ram);
	g_free(b->id);
	g_free(b);
}

static int make_memory(struct memory_backend *b, const struct memory_conf *m, struct err **errp)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), size = (m->size + page - 1) & ~(page - 1);

	return m->path ? ram_init_file(&b->ram, b->id, m->path, size, m->share, errp)
		       : ram_init(&b->ram, b->id, size, errp);
}

int backends_add(GPtrArray *all, const struct vm_device *o, struct err **errp)
{
	const struct object_type *t = find_type(o->driver, errp);
	struct memory_backend *b;
	struct memory_conf m = {};
	int ret = t ? read_memory(t, o, &m, errp) : -EINVAL;

	if (ret >= 0) {
		b = g_new0(struct memory_backend, 1);
		b->id = g_strdup(o->id);
		b->share = m.share;
		ret = make_memory(b, &m, errp);
		if (ret >= 0)
			g_ptr_array_add(all, b);
		else
			free_backend(b);
	}
	if (t)
		props_clear(&m, t->props);
	if (ret < 0)
		err_prefix(errp, "-object %s,id=%s", o->driver, o->id);
	return ret;
}

GPtrArray *backends_new(const struct vm_config *c, struct err **errp)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(free_backend);

	for (guint i = 0; i < c->objects->len; i++)
		if (backends_add(all, c->objects->pdata[i], errp) < 0) {
			g_ptr_array_free(all, TRUE);
			return NULL;
		}
	return all;
}

void backends_del(GPtrArray *all, const char *id)
{
	for (guint i = 0; all && i < all->len; i++)
		if (!strcmp(((struct memory_backend *)all->pdata[i])->id, id)) {
			g_ptr_array_remove_index(all, i);
			return;
		}
}

struct ram *backends_memory(const GPtrArray *backends, const char *id, struct err **errp)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new();

	for (guint i = 0; backends && i < backends->len; i++) {
		struct memory_backend *b = backends->pdata[i];

		if (!strcmp(b->id, id))
			return &b->ram;
		g_ptr_array_add(known, b->id);
	}
	g_ptr_array_add(known, NULL);
	err_set(errp, -ENOENT, "there is no memory '%s'", id);
	err_hint_nearest(errp, id, (const char *const *)known->pdata);
	err_hint(errp, "Make one: -object memory-backend-ram,id=%s,size=64M", id);
	return NULL;
}

/* --- disks --- */

/* Of -drive and of the block drivers; what does not matter here is taken and forgotten. */
struct disk_conf {
	char *file, *filename, *interface, *format, *driver, *sub_driver, *sub_name, *any;
	bool readonly;
	uint64_t size, sub_size;
};

#define D(field, name_, type_)                                                         \
	{                                                                              \
		.name = name_, .type = type_, .off = offsetof(struct disk_conf, field) \
	}

static const struct prop disk_props[] = {
	D(file, "file", PROP_STR),
	D(filename, "filename", PROP_STR),
	D(interface, "if", PROP_STR),
	D(format, "format", PROP_STR),
	D(driver, "driver", PROP_STR),
	D(readonly, "read-only", PROP_BOOL),
	D(readonly, "readonly", PROP_BOOL),
	D(size, "size", PROP_U64),
	D(sub_driver, "file.driver", PROP_STR),
	D(sub_name, "file.filename", PROP_STR),
	D(sub_size, "file.size", PROP_U64),
	D(any, "file.read-zeroes", PROP_STR),
	D(any, "file.locking", PROP_STR),
	D(any, "file.aio", PROP_STR),
	D(any, "file.node-name", PROP_STR),
	D(any, "read-zeroes", PROP_STR),
	D(any, "latency-ns", PROP_STR),
	D(any, "locking", PROP_STR),
	D(any, "auto-read-only", PROP_STR),
	D(any, "cache", PROP_STR),
	D(any, "cache.direct", PROP_STR),
	D(any, "cache.no-flush", PROP_STR),
	D(any, "cache.writeback", PROP_STR),
	D(any, "aio", PROP_STR),
	D(any, "discard", PROP_STR),
	D(any, "detect-zeroes", PROP_STR),
	D(any, "media", PROP_STR),
	D(any, "werror", PROP_STR),
	D(any, "rerror", PROP_STR),
	{0},
};

static const struct vm_device *find_disk(const struct vm_config *c, const char *id)
{
	for (guint i = 0; id && i < c->drives->len; i++) {
		const struct vm_device *d = c->drives->pdata[i];

		if (!g_strcmp0(d->id, id))
			return d;
	}
	return NULL;
}

static bool is_null(const char *driver)
{
	return !g_strcmp0(driver, "null-co") || !g_strcmp0(driver, "null-aio");
}

static int only(const char *prop, const char *value, const char *const *known, struct err **errp)
{
	g_autofree char *all = g_strjoinv(", ", (char **)known);

	if (!value || g_strv_contains(known, value))
		return 0;
	err_set(errp, -ENOTSUP, "%s=%s is not supported (known: %s)", prop, value, all);
	err_hint_nearest(errp, value, known);
	return -ENOTSUP;
}

static int check_disk(const struct disk_conf *m, const char *driver, struct err **errp)
{
	static const char *const raw[] = {"raw", NULL}, *const none[] = {"none", NULL};
	/* The first is what -drive itself is, the second has another node below. */
	static const char *const drivers[] = {"drive",   "raw",      "file", "host_device",
					      "null-co", "null-aio", NULL};
	int ret = only("format", m->format, raw, errp);

	if (!ret && strcmp(driver, "drive"))
		ret = only("driver", driver, drivers + 1, errp);
	if (!ret)
		ret = only("file.driver", m->sub_driver, drivers + 2, errp);
	if (!ret && !strcmp(driver, "drive"))
		ret = only("driver", m->driver, drivers + 1, errp);
	if (!ret && !strcmp(driver, "drive"))
		ret = only("if", m->interface ?: "ide", none, errp);
	return ret;
}

/* A raw node may stand on another node, and that on the first: depth ends it. */
static int read_disk(const struct vm_config *c, const struct vm_device *d, unsigned depth,
		     struct disk *out, struct err **errp)
{
	const bool is_drive = !strcmp(d->driver, "drive");
	const char *file = vm_device_get(d, is_drive ? "file" : "filename");
	const struct vm_device *below = is_drive ? NULL : find_disk(c, vm_device_get(d, "file"));
	struct disk_conf m = {};
	int ret = 0;

	for (guint i = 0; ret >= 0 && i < d->props->len; i++) {
		const struct kv *kv = &g_array_index(d->props, struct kv, i);

		ret = props_set(&m, disk_props, kv->key, kv->value, errp);
	}
	if (ret >= 0)
		ret = check_disk(&m, d->driver, errp);
	/* The configuration's texts, which outlive m. */
	*out = (struct disk){file ?: vm_device_get(d, "file.filename"), m.size ?: m.sub_size,
			     m.readonly};
	if (is_null(d->driver) || is_null(m.driver) || is_null(m.sub_driver))
		out->file = DRIVE_NULL;
	else if (ret >= 0 && below && depth < 8)
		ret = read_disk(c, below, depth + 1, out, errp);
	else if (ret >= 0 && !out->file)
		ret = err_set(errp, -EINVAL, "it has no file");
	out->readonly |= m.readonly;
	if (out->file && !strncmp(out->file, "file:", 5))
		out->file += 5;
	props_clear(&m, disk_props);
	return ret;
}

int backends_disk(const struct vm_config *c, const char *id, struct disk *out, struct err **errp)
{
	const struct vm_device *d = find_disk(c, id);

	return d ? read_disk(c, d, 0, out, errp) : -ENOENT;
}

/* --- validation --- */

static const char *option_of(const struct vm_device *d)
{
	return strcmp(d->driver, "drive") ? "-blockdev" : "-drive";
}

static int validate_disks(const struct vm_config *c, struct err **errp)
{
	for (guint i = 0; i < c->drives->len; i++) {
		const struct vm_device *d = c->drives->pdata[i];
		struct disk disk;
		int ret = read_disk(c, d, 0, &disk, errp);

		if (ret >= 0 && !d->id)
			ret = err_set(errp, -EINVAL, "nobody can have it: it has no id");
		if (ret >= 0 && find_disk(c, d->id) != d)
			ret = err_set(errp, -EEXIST, "the id '%s' is used twice", d->id);
		if (ret < 0) {
			err_prefix(errp, "%s %s", option_of(d), d->id ?: "");
			return ret;
		}
	}
	return 0;
}

static int validate_object(const struct vm_device *o, struct err **errp)
{
	const struct object_type *t = find_type(o->driver, errp);
	struct memory_conf m = {};
	int ret = t ? read_memory(t, o, &m, errp) : -EINVAL;

	if (t)
		props_clear(&m, t->props);
	if (ret >= 0 && !o->id)
		ret = err_set(errp, -EINVAL, "it has no id");
	return ret;
}

int backends_validate(const struct vm_config *c, struct err **errp)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < c->objects->len; i++) {
		const struct vm_device *o = c->objects->pdata[i];
		int ret = validate_object(o, errp);

		if (ret >= 0 && !g_hash_table_add(seen, o->id))
			ret = err_set(errp, -EEXIST, "the id '%s' is used twice", o->id);
		if (ret < 0) {
			err_prefix(errp, "-object %s", o->driver);
			return ret;
		}
	}
	return validate_disks(c, errp);
}
