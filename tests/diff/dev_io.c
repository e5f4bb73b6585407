// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the records of regions' contents, mappings and interrupts.  Called by dev.c for each record.
 */
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/diff/dev.h"

/* --- regions --- */

void dev_br(struct dev *d, const struct rec *rec)
{
	uint8_t buf[DEV_VALUE_MAX] = {};
	g_autofree char *value = NULL;
	uint64_t index, off, size;
	const char *rest;
	long ret, expected;

	if (rec->args != 4 || !trace_dec(rec->arg[1], &index) || !trace_hex(rec->arg[2], &off) ||
	    !trace_dec(rec->arg[3], &size) || size > sizeof(buf) ||
	    !trace_ret(rec->res, &expected, &rest)) {
		replay_malformed(d->r, rec);
		return;
	}
	ret = dev_pread(d, buf, size, dev_region_at(index, off));
	/* Values that are device state are not recorded. */
	if (*rest && ret > 0)
		value = dev_spell(buf, (size_t)ret);
	replay_got(d->r, rec, ret, value);
}

void dev_bw(struct dev *d, const struct rec *rec)
{
	uint8_t buf[DEV_VALUE_MAX];
	uint64_t index, off, size;

	if (rec->args != 5 || !trace_dec(rec->arg[1], &index) || !trace_hex(rec->arg[2], &off) ||
	    !trace_dec(rec->arg[3], &size) || size > sizeof(buf) ||
	    !trace_value(rec->arg[4], size, buf)) {
		replay_malformed(d->r, rec);
		return;
	}
	replay_got(d->r, rec, dev_pwrite(d, buf, size, dev_region_at(index, off)), NULL);
}

void dev_mmap(struct dev *d, const struct rec *rec)
{
	struct vfio_vma *v = NULL;
	uint64_t index, off, len;
	int prot = 0, flags, ret;

	if (rec->args != 6 || !trace_dec(rec->arg[1], &index) || !trace_hex(rec->arg[2], &off) ||
	    !trace_hex(rec->arg[3], &len)) {
		replay_malformed(d->r, rec);
		return;
	}
	prot |= strchr(rec->arg[4], 'r') ? PROT_READ : 0;
	prot |= strchr(rec->arg[4], 'w') ? PROT_WRITE : 0;
	flags = !strcmp(rec->arg[5], "shared") ? MAP_SHARED : MAP_PRIVATE;
	ret = d->device ? vfio_mmap(d->device, dev_region_at(index, off), len, prot, flags, &v)
			: -EBADF;
	replay_got(d->r, rec, ret, NULL);
	/* The recorder unmaps an older one before, or does not use it any more. */
	if (ret < 0)
		return;
	vfio_munmap(d->vma);
	d->vma = v;
}

void dev_mread(struct dev *d, const struct rec *rec)
{
	uint64_t off, size;
	uint8_t buf[8];
	int ret;

	if (rec->args != 3 || !trace_hex(rec->arg[1], &off) || !trace_dec(rec->arg[2], &size) ||
	    size > sizeof(buf) || !rec->res) {
		replay_malformed(d->r, rec);
		return;
	}
	if (!d->vma) {
		replay_differs(d->r, rec, "expected %s, but nothing is mapped", rec->res);
		return;
	}
	ret = vfio_vma_read(d->vma, off, buf, size);
	replay_text(d->r, rec, rec->res, !ret ? "ok" : ret == -EFAULT ? "SIGBUS" : strerror(-ret));
}

/* The files have no position to seek; plain calls go on where the last one ended. */
void dev_lseek(struct dev *d, const struct rec *rec)
{
	replay_got(d->r, rec, -ESPIPE, NULL);
}

static bool plain_size(struct dev *d, const struct rec *rec, uint64_t *size)
{
	if (rec->args == 2 && trace_dec(rec->arg[1], size) && *size <= DEV_VALUE_MAX)
		return true;
	replay_malformed(d->r, rec);
	return false;
}

void dev_read(struct dev *d, const struct rec *rec)
{
	uint8_t buf[DEV_VALUE_MAX];
	uint64_t size;
	long ret;

	if (!plain_size(d, rec, &size))
		return;
	ret = dev_pread(d, buf, size, d->pos);
	d->pos += ret > 0 ? (uint64_t)ret : 0;
	replay_got(d->r, rec, ret, NULL);
}

void dev_write(struct dev *d, const struct rec *rec)
{
	const uint8_t buf[DEV_VALUE_MAX] = {};
	uint64_t size;
	long ret;

	if (!plain_size(d, rec, &size))
		return;
	ret = dev_pwrite(d, buf, size, d->pos);
	d->pos += ret > 0 ? (uint64_t)ret : 0;
	replay_got(d->r, rec, ret, NULL);
}

/* --- interrupts --- */

static bool token_fd(const struct dev *d, const char *token, int32_t *fd)
{
	char *end;

	if (!strcmp(token, "bad")) {
		*fd = DEV_BAD_FD;
		return true;
	}
	if (!strcmp(token, "file")) {
		*fd = d->null_fd;
		return true;
	}
	if (token[0] == 'e') {
		uint64_t n;

		if (!trace_dec(token + 1, &n) || n >= DEV_EFDS)
			return false;
		*fd = d->efd[n];
		return true;
	}
	*fd = (int32_t)strtol(token, &end, 10);
	return end != token && !*end;
}

/* The data tokens as bytes; their number, or -1 where one is of no known form. */
static int irq_data(const struct dev *d, const char *tokens, uint8_t *out, size_t room)
{
	g_auto(GStrv) list = g_strsplit(strcmp(tokens, ".") ? tokens : "", ",", -1);
	size_t n = 0;

	for (unsigned i = 0; list[i]; i++) {
		int32_t fd;
		uint64_t bit;

		if (n + 4 > room)
			return -1;
		if (list[i][0] == 'b' && trace_dec(list[i] + 1, &bit)) {
			out[n++] = (uint8_t)bit;
		} else if (token_fd(d, list[i], &fd)) {
			memcpy(out + n, &fd, 4);
			n += 4;
		} else {
			return -1;
		}
	}
	return (int)n;
}

void dev_irqset(struct dev *d, const struct rec *rec)
{
	union {
		struct vfio_irq_set set;
		uint8_t room[sizeof(struct vfio_irq_set) + 4096];
	} b = {};
	uint64_t argsz, flags, index, start, count;

	if (rec->args != 7 || !trace_dec(rec->arg[1], &argsz) || !trace_hex(rec->arg[2], &flags) ||
	    !trace_dec(rec->arg[3], &index) || !trace_dec(rec->arg[4], &start) ||
	    !trace_dec(rec->arg[5], &count) || argsz > sizeof(b) ||
	    irq_data(d, rec->arg[6], b.set.data, 4096) < 0) {
		replay_malformed(d->r, rec);
		return;
	}
	b.set.argsz = (uint32_t)argsz;
	b.set.flags = (uint32_t)flags;
	b.set.index = (uint32_t)index;
	b.set.start = (uint32_t)start;
	b.set.count = (uint32_t)count;
	replay_got(d->r, rec, dev_call(d, VFIO_DEVICE_SET_IRQS, &b), NULL);
}

static bool eventfd_of(struct dev *d, const struct rec *rec, int *fd)
{
	uint64_t n;

	if (rec->args == 2 && trace_dec(rec->arg[1], &n) && n < DEV_EFDS) {
		*fd = d->efd[n];
		return true;
	}
	replay_malformed(d->r, rec);
	return false;
}

void dev_efd(struct dev *d, const struct rec *rec)
{
	uint64_t v = 0;
	int fd;

	if (!eventfd_of(d, rec, &fd))
		return;
	if (read(fd, &v, sizeof(v)) != sizeof(v))
		v = 0;
	replay_got(d->r, rec, (long)v, NULL);
}

void dev_efdkick(struct dev *d, const struct rec *rec)
{
	uint64_t v = 1;
	long ret;
	int fd;

	if (!eventfd_of(d, rec, &fd))
		return;
	ret = write(fd, &v, sizeof(v));
	vfio_virqfd_sync(d->host);
	replay_got(d->r, rec, ret < 0 ? -errno : ret, NULL);
}

void dev_ioeventfd(struct dev *d, const struct rec *rec)
{
	struct vfio_device_ioeventfd b = {};
	uint64_t argsz, flags, off;
	const char *fd = rec->args == 5 ? dev_after(rec->arg[4], "fd=") : NULL;

	if (!fd || !trace_dec(dev_after(rec->arg[1], "argsz="), &argsz) ||
	    !trace_hex(dev_after(rec->arg[2], "flags="), &flags) ||
	    !trace_hex(dev_after(rec->arg[3], "off="), &off) || !token_fd(d, fd, &b.fd)) {
		replay_malformed(d->r, rec);
		return;
	}
	b.argsz = (uint32_t)argsz;
	b.flags = (uint32_t)flags;
	b.offset = off;
	replay_got(d->r, rec, dev_call(d, VFIO_DEVICE_IOEVENTFD, &b), NULL);
}
