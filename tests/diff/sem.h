/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The semantics trace under way: what sem.c (driver core, files), sem_dev.c (a device in use),
 * sem_dma.c (the container's mappings) and sem_topo.c (the machine) share.
 *
 * Invariants: the format names files by tags (c, c2, g, g2, d, d2, x) only where they are opened
 * and closed; a call without a tag goes to the file that the recorder had at hand, which the
 * functions below find from what is open.
 */
#ifndef TESTS_DIFF_SEM_H
#define TESTS_DIFF_SEM_H

#include <pthread.h>

#include "tests/diff/replay.h"
#include "vfio/file.h"
#include "vfio/pci/driver.h"

#define SEM_BAD_FD 999
#define SEM_BUF (16u << 20)

struct pcidev;

/* An open file with its tag. */
struct sem_file {
	char *tag;
	struct vfio_file *file;
	char *bdf;  /* a group's member, a device's name */
	char *in;   /* the tag of the container that a group was put into; NULL = none */
	bool asked; /* a group that has been asked for a device */
};

/* A write to sysfs that blocks. */
struct sem_writer {
	pthread_t thread;
	bool running, done; /* done: under lock */
	pthread_mutex_t lock;
	pthread_cond_t finished;
	struct host *host;
	char *path, *text;
	long ret;
};

struct sem {
	struct replay *r;
	struct host *host;
	GPtrArray *traces; /* whose devices the machine has */
	struct sem_file file[16];
	unsigned files; /* in the order of opening */
	char **keep; /* by record: the tag of the device file that it opens, if that stays open */
	char *iommu; /* the type that SET_IOMMU was given last, for "again" */
	int req_fd;  /* eventfd of the REQ interrupt */
	struct sem_writer writer;
	uint8_t *buf; /* what map records call buf */
	uint8_t *readonly;
};

typedef void (*sem_fn)(struct sem *s, const struct rec *rec);

/* sem_topo.c: the machine of the "# qemu:" line; false: *error says why (g_free()). */
bool sem_topo_init(struct sem *s, char **error);

/* sem.c */
const char *sem_role(const struct sem *s, const char *role); /* a bdf, "" = not there */
struct sem_file *sem_tag(struct sem *s, const char *tag);    /* NULL = not open */
struct sem_file *sem_last(struct sem *s, char kind);         /* c, g or d: opened last; NULL */
struct sem_file *sem_container(struct sem *s);               /* the one at hand; NULL */
long sem_ioctl(struct sem_file *f, unsigned long cmd, void *arg);
int sem_number(const struct sem_file *f);
/* Text behind the first n words. */
const char *sem_rest(const struct rec *rec, unsigned n);

/* sem_dev.c */
void sem_dev_record(struct sem *s, const struct rec *rec); /* "d r ..", "VF p ..", "PF reset" */
void sem_dev_hotreset(struct sem *s, const struct rec *rec);
void sem_dev_hotreset_info(struct sem *s, const struct rec *rec);
void sem_dev_reset(struct sem *s, const struct rec *rec);
void sem_dev_req(struct sem *s, const struct rec *rec);
void sem_dev_unbind(struct sem *s, const struct rec *rec);
void sem_dev_set_irqs(struct sem *s, const struct rec *rec);
void sem_dev_feature(struct sem *s, const struct rec *rec);

/* sem_dma.c */
void sem_dma_map(struct sem *s, const struct rec *rec);
void sem_dma_unmap(struct sem *s, const struct rec *rec);
void sem_dma_info(struct sem *s, const struct rec *rec);
void sem_dma_dirty(struct sem *s, const struct rec *rec);
void sem_dma_dirty_get(struct sem *s, const struct rec *rec);

#endif
