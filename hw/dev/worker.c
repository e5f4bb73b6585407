// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the thread of a device model and the gate that its DMA goes through.  Called by models;
 * never knows what a run does.
 */
#include "hw/dev/worker.h"

#include <errno.h>
#include <time.h>

#include "base/err.h"

#define DRAIN_NS 100000000l /* for one access; the longest copy takes far less */

static void *worker_main(void *opaque)
{
	struct devworker *w = opaque;

	aspace_thread_enter();
	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		if (!w->kicked) {
			pthread_cond_wait(&w->cond, &w->lock);
			continue;
		}
		w->kicked = false;
		w->busy = true;
		pthread_mutex_unlock(&w->lock);
		w->run_epoch = __atomic_load_n(&w->epoch, __ATOMIC_ACQUIRE);
		w->run(w->opaque);
		pthread_mutex_lock(&w->lock);
		w->busy = false;
		pthread_cond_broadcast(&w->cond);
	}
	pthread_mutex_unlock(&w->lock);
	aspace_thread_leave();
	return NULL;
}

int devworker_start(struct devworker *w, struct pcidev *d, void (*run)(void *opaque), void *opaque,
		    struct err **errp)
{
	int ret;

	*w = (struct devworker){.dev = d, .run = run, .opaque = opaque};
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->dma, NULL);
	pthread_cond_init(&w->cond, NULL);
	ret = pthread_create(&w->thread, NULL, worker_main, w);
	if (ret)
		return err_set_errno(errp, -ret, "%s: start the device's thread", d->name);
	w->started = true;
	return 0;
}

void devworker_stop(struct devworker *w)
{
	if (!w->started)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->cond);
	pthread_mutex_unlock(&w->lock);
	__atomic_add_fetch(&w->epoch, 1, __ATOMIC_RELEASE);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->cond);
	pthread_mutex_destroy(&w->dma);
	pthread_mutex_destroy(&w->lock);
	w->started = false;
}

void devworker_kick(struct devworker *w)
{
	pthread_mutex_lock(&w->lock);
	w->kicked = true;
	pthread_cond_broadcast(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

void devworker_settle(struct devworker *w)
{
	if (!w->started)
		return;
	pthread_mutex_lock(&w->lock);
	while ((w->kicked || w->busy) && !w->stop)
		pthread_cond_wait(&w->cond, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void devworker_cut(struct devworker *w)
{
	__atomic_add_fetch(&w->epoch, 1, __ATOMIC_RELEASE);
	devworker_kick(w);
}

void devworker_drain(struct devworker *w)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += DRAIN_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	if (!pthread_mutex_timedlock(&w->dma, &until))
		pthread_mutex_unlock(&w->dma);
}

bool devworker_stale(struct devworker *w)
{
	return __atomic_load_n(&w->epoch, __ATOMIC_ACQUIRE) != w->run_epoch;
}

bool devworker_may_dma(struct devworker *w)
{
	return !devworker_stale(w) && __atomic_load_n(&w->dev->bus, __ATOMIC_ACQUIRE) &&
	       pci_get16(w->dev->cfg + PCI_COMMAND) & PCI_COMMAND_MASTER;
}

static bool reaches(struct devworker *w, uint64_t addr, size_t len)
{
	return addr + len >= addr && devworker_may_dma(w);
}

bool devworker_read(struct devworker *w, uint64_t addr, void *buf, size_t len)
{
	bool ok;

	pthread_mutex_lock(&w->dma);
	ok = reaches(w, addr, len) && pcidev_dma_read(w->dev, addr, buf, len);
	pthread_mutex_unlock(&w->dma);
	return ok;
}

bool devworker_write(struct devworker *w, uint64_t addr, const void *buf, size_t len)
{
	bool ok;

	pthread_mutex_lock(&w->dma);
	ok = reaches(w, addr, len) && pcidev_dma_write(w->dev, addr, buf, len);
	pthread_mutex_unlock(&w->dma);
	return ok;
}
