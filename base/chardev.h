/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character devices: one byte stream to the outside, one device inside.
 *
 * Invariants: a chardev has at most one front end (struct chardev_fe).  All callbacks run on the
 * thread that iterates its context (chardev_conf.context; usually the main loop's), without a lock
 * held.  chardev_write() and chardev_accept_input() may be called from any thread, the rest only
 * from that one, or while nobody iterates the context.  chardev_write() never blocks on a slow
 * peer: what cannot be written now is queued up to CHARDEV_QUEUE bytes and drained by the context;
 * beyond that the write is short.  A peer that went away swallows output and is re-accepted
 * where the back end listens.  SIGPIPE is never raised: chardev_new() sets it to be ignored.
 */
#ifndef BASE_CHARDEV_H
#define BASE_CHARDEV_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHARDEV_QUEUE 65536

struct chardev;
struct err;

/* What the device on the inside gives: all callbacks may be NULL. */
struct chardev_fe {
	size_t (*can_read)(void *opaque);                           /* bytes it takes now */
	void (*read)(void *opaque, const uint8_t *buf, size_t len); /* len <= can_read() */
	void (*event)(void *opaque, int event);                     /* CHARDEV_EV_* */
	void *opaque;
	void (*drained)(void *opaque); /* after a short write: the queue is empty again */
	/*
	 * µs to look out for the peer's next bytes before sleeping, for a dialogue of short turns;
	 * less where they do not come.  0 = sleep at once.
	 */
	unsigned spin_us;
};

enum { CHARDEV_EV_OPENED, CHARDEV_EV_CLOSED, CHARDEV_EV_BREAK };

/*
 * Plain description, as the command line gives it; strings may be NULL where they have no meaning.
 */
struct chardev_conf {
	char *id;
	char *backend;     /* stdio, file, pipe, socket, null, pty */
	char *path;        /* file, pipe (path.in/path.out, else path itself), socket (UNIX) */
	char *host, *port; /* socket (TCP), instead of path */
	char *logfile;     /* gets a copy of all output */
	int fd; /* socket: a connected or listening descriptor, closed with the chardev; -1 = none
		 */
	bool server, wait, append, logappend, mux, signal;
	int reconnect;         /* seconds, 0 = never (socket client) */
	GMainContext *context; /* not owned; NULL = the default one */
};

/* Both strings are copied; fd = -1, wait and signal on, the rest off. */
struct chardev_conf *chardev_conf_new(const char *id, const char *backend);
void chardev_conf_free(struct chardev_conf *conf); /* does not close fd; accepts NULL */

/* Names of the back ends, NULL at the end. */
const char *const *chardev_backends(void);

/*
 * Open it.  With server and wait it blocks until the first peer has come.  A client with reconnect
 * set succeeds even where nobody listens yet.  mux is not acted on: that is chardev_mux_new().
 * NULL on error (unknown back end, open(2), bind(2), connect(2), ...).
 */
struct chardev *chardev_new(const struct chardev_conf *conf, struct err **errp);
void chardev_free(struct chardev *c); /* drains what it can without blocking; restores the tty */

/* Copied; NULL detaches.  CHARDEV_EV_OPENED comes from within where a peer is already there. */
void chardev_attach(struct chardev *c, const struct chardev_fe *fe);
size_t chardev_write(struct chardev *c, const void *buf, size_t len); /* bytes taken */
void chardev_accept_input(struct chardev *c); /* the front end has room again */
/*
 * Descriptors that the peer of a UNIX socket passed: the oldest that was not taken, the caller's
 * from now on; -1 = none.  What nobody takes is closed when the next ones come.
 */
int chardev_take_fd(struct chardev *c);
const char *chardev_id(const struct chardev *c);
void chardev_describe(struct chardev *c, GString *out); /* "unix:/run/x,server=on" and the like */

/*
 * A mux lets two front ends share one chardev, with Ctrl-a as escape: c switches between them,
 * x asks for quit, b sends a break, h prints the help, Ctrl-a sends itself.  Front end 0 (serial)
 * has the input first and is open whenever the chardev is; front end 1 (monitor) is open only while
 * it has the input, too.  Each side behaves as a chardev of its own; both may write at any time.
 * The escapes work even while the front end takes no input (until 4 KiB of it wait).
 */
struct chardev_mux;
struct chardev_mux *chardev_mux_new(struct chardev *c, void (*quit)(void *opaque), void *opaque);
struct chardev *chardev_mux_side(struct chardev_mux *m, int side); /* 0 or 1, owned by the mux */
void chardev_mux_free(struct chardev_mux *m);                      /* c stays */

#endif
