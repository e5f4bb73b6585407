/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread of a device model, for what must not keep a vCPU waiting: DMA, file I/O.
 *
 * Invariants: run() is called in the worker's thread after each kick, once for several that came
 * before it began.  It does DMA only through devworker_read and _write, which reach memory only
 * while the device may: plugged in, bus master, and not reset since this run began.  The model's
 * own locks may be held while kicking and cutting, never while doing DMA: it may lead back to the
 * device's own registers.
 */
#ifndef HW_DEV_WORKER_H
#define HW_DEV_WORKER_H

#include <pthread.h>
#include <stddef.h>

#include "hw/pci/pci.h"

struct err;

struct devworker {
	struct pcidev *dev;
	void (*run)(void *opaque);
	void *opaque;
	bool started;
	pthread_t thread;
	pthread_mutex_t lock; /* of the next two */
	pthread_cond_t cond;
	bool kicked, stop, busy;
	pthread_mutex_t dma; /* held over each access */
	unsigned epoch;      /* resets so far; atomic */
	unsigned run_epoch;  /* as the current run began; the worker's own */
};

/* 0, or the -errno of a thread that cannot be had.  The device need not be plugged yet. */
int devworker_start(struct devworker *w, struct pcidev *d, void (*run)(void *opaque), void *opaque,
		    struct err **errp);
/* Ends the thread, waiting for a run; nothing where it was never started. */
void devworker_stop(struct devworker *w);
void devworker_kick(struct devworker *w); /* any thread */
/* Wait until there is nothing to do and the last run is over; with no lock of the model held. */
void devworker_settle(struct devworker *w);

/*
 * The device is reset, in two steps.  _cut: what the current run still does reaches memory no more,
 * and a new run follows it; to be called with the lock held under which the model forgets its work.
 * _drain, with no lock of the model held: waits for a DMA access under way, but only for a moment,
 * for a guest may have led it to where it waits for the caller.
 */
void devworker_cut(struct devworker *w);
void devworker_drain(struct devworker *w);

/* For run(): was the device reset, so that there is nothing left to do in this run? */
bool devworker_stale(struct devworker *w);
/* For run(): may the device do DMA at all: plugged in, bus master, not stale? */
bool devworker_may_dma(struct devworker *w);
/* For run(): DMA at a bus address; false where the device may not or some byte is not there. */
bool devworker_read(struct devworker *w, uint64_t addr, void *buf, size_t len);
bool devworker_write(struct devworker *w, uint64_t addr, const void *buf, size_t len);

#endif
