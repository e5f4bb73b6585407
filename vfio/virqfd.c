// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the thread that hears unmask and doorbell eventfds; see virqfd.h. */
#include "vfio/virqfd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vfio/file.h"
#include "vfio/host/private.h"

struct virqfd {
	struct virqfd_worker *w;
	int fd;
	bool (*handler)(void *opaque);
	void (*send)(void *opaque);
	void *opaque;
};

struct virqfd_worker {
	pthread_t thread;
	pthread_mutex_t lock; /* held while functions run */
	pthread_cond_t idle;
	GHashTable *live; /* fd -> struct virqfd */
	int epoll, wake;
	uint64_t asked, answered; /* syncs */
	bool stop;
};

int virqfd_dup(int fd, int *out)
{
	char path[40], target[40];
	ssize_t n;
	int dup;

	dup = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (dup < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dup);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = 0;
	if (strcmp(target, "anon_inode:[eventfd]")) {
		close(dup);
		return -EINVAL;
	}
	*out = dup;
	return 0;
}

/* The user may have read it in between, and his descriptor may block: never wait for it. */
static bool take(int fd)
{
	uint64_t n;
	struct iovec v = {&n, sizeof(n)};

	return preadv2(fd, &v, 1, -1, RWF_NOWAIT) == sizeof(n);
}

static void run(struct virqfd *q)
{
	if (!take(q->fd))
		return;
	if (q->handler(q->opaque) && q->send)
		q->send(q->opaque);
}

static bool is_ready(int fd, short what)
{
	struct pollfd p = {fd, what, 0};

	return poll(&p, 1, 0) == 1 && p.revents & what;
}

bool virqfd_may_block(int fd)
{
	return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

void virqfd_signal(int fd)
{
	if (virqfd_may_block(fd) && !is_ready(fd, POLLOUT))
		return; /* full: the user has not read 2^64 - 2 of them, one more is no news */
	eventfd_write(fd, 1);
}

static void serve(struct virqfd_worker *w, const struct epoll_event *ev, int n)
{
	uint64_t drop;

	for (int i = 0; i < n; i++) {
		struct virqfd *q;

		if (ev[i].data.fd == w->wake) {
			if (read(w->wake, &drop, sizeof(drop)) < 0)
				continue;
			continue;
		}
		q = g_hash_table_lookup(w->live, GINT_TO_POINTER(ev[i].data.fd));
		if (q)
			run(q);
	}
}

static void *worker_main(void *opaque)
{
	struct virqfd_worker *w = opaque;
	struct epoll_event ev[64];

	aspace_thread_enter();
	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		uint64_t asked;
		int n;

		pthread_mutex_unlock(&w->lock);
		n = epoll_wait(w->epoll, ev, G_N_ELEMENTS(ev), -1);
		pthread_mutex_lock(&w->lock);
		asked = w->asked;
		serve(w, ev, n);
		/* What was written before the question was ready before its answer. */
		while ((n = epoll_wait(w->epoll, ev, G_N_ELEMENTS(ev), 0)) > 0)
			serve(w, ev, n);
		w->answered = asked;
		pthread_cond_broadcast(&w->idle);
	}
	pthread_mutex_unlock(&w->lock);
	aspace_thread_leave();
	return NULL;
}

void vfio_virqfd_sync(struct host *h)
{
	struct virqfd_worker *w = h->virqfd;
	uint64_t me;

	pthread_mutex_lock(&w->lock);
	me = ++w->asked;
	eventfd_write(w->wake, 1);
	while (w->answered < me && !w->stop)
		pthread_cond_wait(&w->idle, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

int virqfd_enable(struct host *h, struct virqfd **slot, bool (*handler)(void *opaque),
		  void (*send)(void *opaque), void *opaque, int fd)
{
	struct virqfd_worker *w = h->virqfd;
	struct epoll_event ev = {.events = EPOLLIN};
	struct virqfd *q;
	int own, ret = virqfd_dup(fd, &own);

	if (ret < 0)
		return ret;
	if (*slot) {
		close(own);
		return -EBUSY;
	}
	q = g_new(struct virqfd, 1);
	*q = (struct virqfd){w, own, handler, send, opaque};
	pthread_mutex_lock(&w->lock);
	ev.data.fd = own;
	g_hash_table_insert(w->live, GINT_TO_POINTER(own), q);
	*slot = q;
	/* Written before: heard now, as the kernel does, and not taken out. */
	if (is_ready(own, POLLIN) && handler(opaque) && send)
		send(opaque);
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, own, &ev) < 0)
		ret = -errno;
	pthread_mutex_unlock(&w->lock);
	if (ret < 0)
		virqfd_disable(slot);
	return ret;
}

void virqfd_disable(struct virqfd **slot)
{
	struct virqfd *q = *slot;

	if (!q)
		return;
	pthread_mutex_lock(&q->w->lock);
	epoll_ctl(q->w->epoll, EPOLL_CTL_DEL, q->fd, NULL);
	g_hash_table_remove(q->w->live, GINT_TO_POINTER(q->fd));
	close(q->fd);
	*slot = NULL;
	pthread_mutex_unlock(&q->w->lock);
	g_free(q);
}

static void worker_free(struct virqfd_worker *w)
{
	if (w->epoll >= 0)
		close(w->epoll);
	if (w->wake >= 0)
		close(w->wake);
	g_hash_table_unref(w->live);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->idle);
	g_free(w);
}

int virqfd_worker_start(struct host *h)
{
	struct virqfd_worker *w = g_new0(struct virqfd_worker, 1);
	struct epoll_event ev = {.events = EPOLLIN};
	int ret = host_step(h);

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->idle, NULL);
	w->live = g_hash_table_new(NULL, NULL);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ev.data.fd = w->wake;
	if (!ret &&
	    (w->epoll < 0 || w->wake < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->wake, &ev) < 0))
		ret = -errno;
	if (!ret)
		ret = -pthread_create(&w->thread, NULL, worker_main, w);
	if (ret < 0) {
		worker_free(w);
		return ret;
	}
	pthread_setname_np(w->thread, "virqfd");
	h->virqfd = w;
	return 0;
}

void virqfd_worker_stop(struct host *h)
{
	struct virqfd_worker *w = h->virqfd;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	eventfd_write(w->wake, 1);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	worker_free(w);
	h->virqfd = NULL;
}
