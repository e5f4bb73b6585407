// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the GSI routes, the levels of the pins and the irqfds of a machine without KVM's irqchip,
 * and the thread that hears them.  Created by accel/soft.c; called through struct irqchip by
 * devices' back ends, and by the board with EOIs.  Never knows whose interrupt it is, nor blocks on
 * a descriptor.
 */
#include "hw/irq/softirq.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "mem/aspace.h"

#define BATCH 64

struct irqfd {
	int gsi, fd, resamplefd; /* resamplefd -1: an edge */
};

struct softirq {
	const struct softirq_ops *ops;
	void *opaque;
	pthread_t thread;
	int epoll, wake;

	pthread_mutex_t lock; /* all below; held while an irqfd is delivered */
	bool stop;
	GHashTable *irqfds;   /* fd -> struct irqfd, owned */
	uint32_t wires, held; /* levels of the pins: by line_set, by irqfds */
	uint64_t used[SOFTIRQ_GSIS / 64];
	struct msi_msg routes[SOFTIRQ_GSIS];
};

static bool is_pin(int gsi)
{
	return gsi >= 0 && gsi < GSI_PINS;
}

static bool is_routed(const struct softirq *s, int gsi)
{
	return gsi >= GSI_PINS && gsi < SOFTIRQ_GSIS && s->used[gsi / 64] >> (gsi % 64) & 1;
}

/* --- descriptors ---------------------------------------------------------------------------- */

static int check_eventfd(int fd)
{
	char path[40], target[40];
	ssize_t n;

	if (fcntl(fd, F_GETFD) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = 0;
	return strcmp(target, "anon_inode:[eventfd]") ? -EINVAL : 0;
}

static bool is_ready(int fd, short what)
{
	struct pollfd p = {fd, what, 0};

	return poll(&p, 1, 0) == 1 && p.revents & what;
}

/* Empty the counter; false where somebody else did.  The descriptor may block: never wait. */
static bool take(int fd)
{
	uint64_t n;
	struct iovec v = {&n, sizeof(n)};

	return is_ready(fd, POLLIN) && preadv2(fd, &v, 1, -1, RWF_NOWAIT) == sizeof(n);
}

/* A counter that is full holds more than enough news; adding one would wait for its reader. */
static void signal_fd(int fd)
{
	if (is_ready(fd, POLLOUT))
		eventfd_write(fd, 1);
}

/* --- pins and irqfds, lock held ------------------------------------------------------------- */

static void show_pin(struct softirq *s, int pin)
{
	s->ops->line(s->opaque, pin, (s->wires | s->held) >> pin & 1);
}

static void hold_pin(struct softirq *s, int pin, bool level)
{
	if (level)
		s->held |= 1u << pin;
	else
		s->held &= ~(1u << pin);
	show_pin(s, pin);
}

static void raise_gsi(struct softirq *s, const struct irqfd *q)
{
	if (!is_pin(q->gsi)) {
		if (is_routed(s, q->gsi))
			s->ops->msi(s->opaque, s->routes[q->gsi]);
	} else if (q->resamplefd >= 0) {
		hold_pin(s, q->gsi, true);
	} else {
		s->ops->line(s->opaque, q->gsi, true);
		show_pin(s, q->gsi);
	}
}

static bool hear(struct softirq *s, const struct irqfd *q)
{
	if (!take(q->fd))
		return false;
	raise_gsi(s, q);
	return true;
}

static bool resamples(const struct irqfd *q, int pin)
{
	return q->gsi == pin && q->resamplefd >= 0;
}

static bool pin_resamples(struct softirq *s, int pin)
{
	GHashTableIter it;
	void *q;

	g_hash_table_iter_init(&it, s->irqfds);
	while (g_hash_table_iter_next(&it, NULL, &q))
		if (resamples(q, pin))
			return true;
	return false;
}

/* The pin falls first: who hears his resamplefd may raise it at once. */
void softirq_eoi(struct softirq *s, int pin)
{
	GHashTableIter it;
	void *p;

	if (!is_pin(pin))
		return;
	pthread_mutex_lock(&s->lock);
	if (s->held >> pin & 1)
		hold_pin(s, pin, false);
	g_hash_table_iter_init(&it, s->irqfds);
	while (g_hash_table_iter_next(&it, NULL, &p)) {
		const struct irqfd *q = p;

		if (resamples(q, pin))
			signal_fd(q->resamplefd);
	}
	pthread_mutex_unlock(&s->lock);
}

/* --- the thread ----------------------------------------------------------------------------- */

/* Looked up again, for an irqfd may have been deleted since epoll_wait() returned. */
static void serve(struct softirq *s, const struct epoll_event *ev, int n)
{
	for (int i = 0; i < n; i++) {
		const struct irqfd *q;

		q = g_hash_table_lookup(s->irqfds, GINT_TO_POINTER(ev[i].data.fd));
		if (q)
			hear(s, q);
	}
}

bool softirq_settle(struct softirq *s)
{
	GHashTableIter i;
	gpointer q;
	bool any = false;

	pthread_mutex_lock(&s->lock);
	g_hash_table_iter_init(&i, s->irqfds);
	while (g_hash_table_iter_next(&i, NULL, &q))
		any |= hear(s, q);
	pthread_mutex_unlock(&s->lock);
	return any;
}

static void *softirq_main(void *opaque)
{
	struct softirq *s = opaque;
	struct epoll_event ev[BATCH];

	aspace_thread_enter();
	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		int n;

		pthread_mutex_unlock(&s->lock);
		n = epoll_wait(s->epoll, ev, BATCH, -1);
		pthread_mutex_lock(&s->lock);
		serve(s, ev, n);
	}
	pthread_mutex_unlock(&s->lock);
	aspace_thread_leave();
	return NULL;
}

/* --- struct irqchip ------------------------------------------------------------------------- */

/* Each change is seen by the next interrupt, so there is nothing to gather. */
static void chip_begin(void *opaque)
{
}

static int chip_commit(void *opaque)
{
	return 0;
}

static int chip_route_add(void *opaque, struct msi_msg msg)
{
	struct softirq *s = opaque;
	int gsi = GSI_PINS;

	pthread_mutex_lock(&s->lock);
	while (is_routed(s, gsi))
		gsi++;
	if (gsi < SOFTIRQ_GSIS) {
		s->used[gsi / 64] |= 1ull << (gsi % 64);
		s->routes[gsi] = msg;
	} else {
		gsi = -ENOSPC;
	}
	pthread_mutex_unlock(&s->lock);
	return gsi;
}

static void chip_route_set(void *opaque, int gsi, struct msi_msg msg)
{
	struct softirq *s = opaque;

	pthread_mutex_lock(&s->lock);
	if (is_routed(s, gsi))
		s->routes[gsi] = msg;
	pthread_mutex_unlock(&s->lock);
}

static void chip_route_del(void *opaque, int gsi)
{
	struct softirq *s = opaque;

	pthread_mutex_lock(&s->lock);
	if (is_routed(s, gsi))
		s->used[gsi / 64] &= ~(1ull << (gsi % 64));
	pthread_mutex_unlock(&s->lock);
}

static int check_irqfd(int gsi, int fd, int resamplefd)
{
	int ret = check_eventfd(fd);

	if (!ret && resamplefd >= 0)
		ret = is_pin(gsi) ? check_eventfd(resamplefd) : -EINVAL;
	if (!ret && (gsi < 0 || gsi >= SOFTIRQ_GSIS))
		ret = -EINVAL;
	return ret;
}

/* Lock held. */
static int irqfd_watch(struct softirq *s, struct irqfd irqfd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = irqfd.fd};
	struct irqfd *q;

	if (g_hash_table_contains(s->irqfds, GINT_TO_POINTER(irqfd.fd)))
		return -EBUSY;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, irqfd.fd, &ev) < 0)
		return -errno;
	q = g_new(struct irqfd, 1);
	*q = irqfd;
	g_hash_table_insert(s->irqfds, GINT_TO_POINTER(irqfd.fd), q);
	hear(s, q);
	return 0;
}

static int chip_irqfd_add(void *opaque, int gsi, int fd, int resamplefd)
{
	struct softirq *s = opaque;
	int ret = check_irqfd(gsi, fd, resamplefd);

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&s->lock);
	ret = irqfd_watch(s, (struct irqfd){gsi, fd, resamplefd});
	pthread_mutex_unlock(&s->lock);
	return ret;
}

/* The last one of a pin lowers it: no EOI would.  The others' may still be due. */
static int chip_irqfd_del(void *opaque, int gsi, int fd)
{
	struct softirq *s = opaque;
	const struct irqfd *q;
	int ret = -ENOENT;

	pthread_mutex_lock(&s->lock);
	q = g_hash_table_lookup(s->irqfds, GINT_TO_POINTER(fd));
	if (q && q->gsi == gsi) {
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
		g_hash_table_remove(s->irqfds, GINT_TO_POINTER(fd));
		if (is_pin(gsi) && (s->held >> gsi & 1) && !pin_resamples(s, gsi))
			hold_pin(s, gsi, false);
		ret = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static int chip_msi_send(void *opaque, struct msi_msg msg)
{
	struct softirq *s = opaque;

	s->ops->msi(s->opaque, msg);
	return 0;
}

static void chip_line_set(void *opaque, int gsi, bool level)
{
	struct softirq *s = opaque;

	if (!is_pin(gsi))
		return;
	pthread_mutex_lock(&s->lock);
	if (level)
		s->wires |= 1u << gsi;
	else
		s->wires &= ~(1u << gsi);
	show_pin(s, gsi);
	pthread_mutex_unlock(&s->lock);
}

static const struct irqchip_ops softirq_irqchip_ops = {
	.begin = chip_begin,
	.commit = chip_commit,
	.route_add = chip_route_add,
	.route_set = chip_route_set,
	.route_del = chip_route_del,
	.irqfd_add = chip_irqfd_add,
	.irqfd_del = chip_irqfd_del,
	.msi_send = chip_msi_send,
	.line_set = chip_line_set,
};

struct irqchip softirq_chip(struct softirq *s)
{
	return (struct irqchip){&softirq_irqchip_ops, s};
}

/* --- life ----------------------------------------------------------------------------------- */

static void destroy(struct softirq *s)
{
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->wake >= 0)
		close(s->wake);
	g_hash_table_unref(s->irqfds);
	pthread_mutex_destroy(&s->lock);
	g_free(s);
}

static int start(struct softirq *s)
{
	struct epoll_event ev = {.events = EPOLLIN};

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake < 0)
		return -errno;
	ev.data.fd = s->wake; /* written once, at the end, and never read */
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->wake, &ev) < 0)
		return -errno;
	return -pthread_create(&s->thread, NULL, softirq_main, s);
}

struct softirq *softirq_new(const struct softirq_ops *ops, void *opaque, struct err **errp)
{
	struct softirq *s = g_new0(struct softirq, 1);
	int ret;

	s->ops = ops;
	s->opaque = opaque;
	s->epoll = s->wake = -1;
	s->irqfds = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	pthread_mutex_init(&s->lock, NULL);
	ret = start(s);
	if (ret < 0) {
		err_set_errno(errp, ret, "softirq: start the thread that hears irqfds");
		destroy(s);
		return NULL;
	}
	pthread_setname_np(s->thread, "softirq");
	return s;
}

void softirq_free(struct softirq *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	eventfd_write(s->wake, 1);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	destroy(s);
}
