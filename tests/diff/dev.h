/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device trace under way: what dev.c (steps), dev_cfg.c (config space) and dev_ioctl.c (the other
 * calls on the device) share.
 *
 * Invariants: a file that the stack did not give is NULL, and calls on it fail with -EBADF, which
 * is a fault where the recorded one did not.  The physical device is compared byte by byte and then
 * made equal to the recording.
 */
#ifndef TESTS_DIFF_DEV_H
#define TESTS_DIFF_DEV_H

#include "tests/diff/replay.h"
#include "tests/diff/topo.h"
#include "vfio/file.h"
#include "vfio/host/host.h"

#define DEV_EFDS 16
#define DEV_BAD_FD 999
#define DEV_VALUE_MAX 8192

struct dev {
	struct replay *r;
	struct topo topo;
	struct host *host;
	struct pcidev *pci; /* the physical device */
	struct hostdev *hd;
	const char *bdf;
	struct vfio_file *container, *group, *device;
	struct vfio_vma *vma; /* the last mapping */
	uint64_t pos;         /* of plain read and write */
	int efd[DEV_EFDS], null_fd;
	bool bind_seen;   /* the section in which vfio-pci gets the device has begun */
	unsigned wakeups; /* low power entries with wakeup in this section */
	bool native_dump; /* a dump of what was before vfio-pci is being compared */
	const char *section;
	bool ended;
};

/* A record's handler: compares, and consumes further lines where the record has some. */
typedef void (*dev_fn)(struct dev *d, const struct rec *rec);

/* dev_cfg.c */
void dev_cfg_r(struct dev *d, const struct rec *rec);
void dev_cfg_w(struct dev *d, const struct rec *rec);
void dev_cfg_bad(struct dev *d, const struct rec *rec);
void dev_cfg_phys_read(struct dev *d, const struct rec *rec);
void dev_cfg_phys_write(struct dev *d, const struct rec *rec);
void dev_cfg_hw(struct dev *d, const struct rec *rec);
void dev_cfg_vdump(struct dev *d, const struct rec *rec);
void dev_cfg_physdump(struct dev *d, const struct rec *rec);

/* dev_ioctl.c */
void dev_info(struct dev *d, const struct rec *rec);
void dev_region(struct dev *d, const struct rec *rec);
void dev_irq(struct dev *d, const struct rec *rec);
void dev_ioctl(struct dev *d, const struct rec *rec);
void dev_feature(struct dev *d, const struct rec *rec);
void dev_reset(struct dev *d, const struct rec *rec);
void dev_hotreset_info(struct dev *d, const struct rec *rec);
void dev_hotreset(struct dev *d, const struct rec *rec);

/* dev_io.c: regions, mappings, interrupts */
void dev_br(struct dev *d, const struct rec *rec);
void dev_bw(struct dev *d, const struct rec *rec);
void dev_mmap(struct dev *d, const struct rec *rec);
void dev_mread(struct dev *d, const struct rec *rec);
void dev_lseek(struct dev *d, const struct rec *rec);
void dev_read(struct dev *d, const struct rec *rec);
void dev_write(struct dev *d, const struct rec *rec);
void dev_irqset(struct dev *d, const struct rec *rec);
void dev_efd(struct dev *d, const struct rec *rec);
void dev_efdkick(struct dev *d, const struct rec *rec);
void dev_ioeventfd(struct dev *d, const struct rec *rec);

/* Calls on the device; -EBADF where it is not open. */
long dev_call(struct dev *d, unsigned long cmd, void *arg);
long dev_pread(struct dev *d, void *buf, size_t len, uint64_t off);
long dev_pwrite(struct dev *d, const void *buf, size_t len, uint64_t off);
/* A region's place in the device file. */
static inline uint64_t dev_region_at(uint64_t index, uint64_t off)
{
	return (index << 40) + off;
}

/* Bytes as the format spells them; freed by g_free(). */
char *dev_spell(const uint8_t *bytes, size_t n);
/* "KEY=": the text behind it, NULL = the word is not of that form. */
const char *dev_after(const char *word, const char *key);

#endif
