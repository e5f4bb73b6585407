/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Eventfds that the host listens to: a write to one calls a function.  One worker thread for each
 * host serves them all.
 *
 * Invariants: after virqfd_disable has returned, the functions are not running and will not be
 * called again.  The functions must not take a lock that is held around enable or disable.
 */
#ifndef VFIO_VIRQFD_H
#define VFIO_VIRQFD_H

#include <stdbool.h>

struct host;
struct virqfd;

/* A reference to an eventfd of the caller's: -EBADF, -EINVAL where it is another kind of file. */
int virqfd_dup(int fd, int *out);

/* Add one to an eventfd, whatever the user made of it; never waits. */
void virqfd_signal(int fd);
bool virqfd_may_block(int fd); /* else eventfd_write() never waits, either */

/*
 * handler(opaque) is called when fd is written, and at once if it was already; where it returns
 * true, send(opaque) is called after it.  send may be NULL.  -EBUSY if *slot is in use.
 */
int virqfd_enable(struct host *h, struct virqfd **slot, bool (*handler)(void *opaque),
		  void (*send)(void *opaque), void *opaque, int fd);
void virqfd_disable(struct virqfd **slot); /* *slot may be NULL */

int virqfd_worker_start(struct host *h);
void virqfd_worker_stop(struct host *h);

#endif
