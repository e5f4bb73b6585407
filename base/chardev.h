/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character devices: one byte stream to the outside, one device inside.
 *
 * Invariants: a chardev has at most one front end (struct chardev_fe).  Input callbacks run on the
 * main loop's thread.  chardev_write() may be called from any thread, never blocks on a slow peer:
 * what cannot be written now is queued up to CHARDEV_QUEUE bytes and drained by the main loop;
 * beyond that the write is short.  A peer that went away swallows output and is re-accepted where the
 * back end listens.  SIGPIPE is never raised.
 */
#ifndef BASE_CHARDEV_H
#define BASE_CHARDEV_H

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
};

enum { CHARDEV_EV_OPENED, CHARDEV_EV_CLOSED, CHARDEV_EV_BREAK };

/* Plain description, as the command line gives it; strings may be NULL where they have no meaning. */
struct chardev_conf {
	char *id;
	char *backend; /* stdio, file, pipe, socket, null, pty */
	char *path;    /* file, pipe (path.in/path.out, else path itself), socket */
	char *logfile;
	int fd; /* socket: a connected or listening descriptor; -1 = none */
	bool server, wait, append, mux, signal;
	int reconnect; /* seconds, 0 = never (socket client) */
};

struct chardev *chardev_new(const struct chardev_conf *conf, struct err **errp); /* NULL on error */
void chardev_free(struct chardev *c); /* drains what it can without blocking; restores the tty */

void chardev_attach(struct chardev *c, const struct chardev_fe *fe);  /* copied; NULL detaches */
size_t chardev_write(struct chardev *c, const void *buf, size_t len); /* bytes taken */
void chardev_accept_input(struct chardev *c); /* the front end has room again */
const char *chardev_id(const struct chardev *c);

/*
 * A mux lets two front ends share one chardev, with Ctrl-a as escape: c switches between them,
 * x asks for quit, b sends a break, h prints the help, Ctrl-a sends itself.  Front end 0 (serial)
 * has the input first.  Each side behaves as a chardev of its own.
 */
struct chardev_mux;
struct chardev_mux *chardev_mux_new(struct chardev *c, void (*quit)(void *opaque), void *opaque);
struct chardev *chardev_mux_side(struct chardev_mux *m, int side); /* 0 or 1, owned by the mux */
void chardev_mux_free(struct chardev_mux *m);

#endif
