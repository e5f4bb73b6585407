/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files chardev*.c share.  Nobody else includes it.
 *
 * A chardev is an object with four ops.  Back ends that sit on descriptors are a struct stream,
 * which does all reading, writing and queueing; they only open it and say what to do when the
 * peer is gone.
 */
#ifndef BASE_CHARDEV_INT_H
#define BASE_CHARDEV_INT_H

#include "base/chardev.h"
#include "base/err.h"

struct chardev_ops {
	size_t (*write)(struct chardev *c, const uint8_t *buf, size_t len);
	void (*attached)(struct chardev *c); /* c->fe has changed */
	void (*accept_input)(struct chardev *c);
	void (*describe)(struct chardev *c, GString *out);
	int (*take_fd)(struct chardev *c); /* may be NULL */
	void (*free)(struct chardev *c);   /* what init made, not c itself */
};

struct chardev {
	const struct chardev_ops *ops;
	char *id;
	GMainContext *context;
	struct chardev_fe fe; /* all zero: none */
	bool has_fe;
	int log_fd;
};

void chardev_init(struct chardev *c, const struct chardev_ops *ops, const char *id,
		  GMainContext *context);
void chardev_fini(struct chardev *c);
void chardev_event(struct chardev *c, int event);
size_t chardev_room(struct chardev *c); /* bytes the front end takes now; without read: any */
void chardev_input(struct chardev *c, const uint8_t *buf, size_t len);

/* A callback that any thread can ask for and that then runs once on the context's thread. */
GSource *chardev_bh_new(void (*fn)(void *opaque), void *opaque, GMainContext *context);
void chardev_bh_kick(GSource *bh);
void chardev_bh_free(GSource *bh);

struct stream;
struct stream_ops {
	void (*gone)(struct stream *s); /* its thread: the peer has left; may be NULL */
	void (*describe)(struct stream *s, GString *out);
	void (*fini)(struct stream *s); /* before the descriptors are closed; frees priv */
	bool half;     /* input and output end on their own and for good: nobody "leaves" */
	bool keep_fds; /* a peer that left comes back on the same descriptors */
};

/*
 * Invariants: lock guards everything but the constant parts; the front end is never called with it
 * held.  Descriptors are opened and closed only by the main thread.  in_src exists only while input
 * is watched, out_src only while the queue is not empty.
 */
struct stream {
	struct chardev base;
	const struct stream_ops *ops;
	void *priv;
	GMutex lock;
	int in_fd, out_fd; /* may be the same; -1 = none */
	bool connected;
	bool in_eof;    /* no more input on this in_fd */
	int broken;     /* errno: no more output on this out_fd */
	bool out_sock;  /* out_fd is a socket */
	bool was_short; /* a writer was sent away */
	GByteArray *queue;
	GArray *passed;       /* of int: descriptors from the peer */
	int64_t spin, served; /* ns: how long to look out now; when the last bytes came */
	GSource *in_src, *out_src;
	GSource *lost_bh; /* a writer saw the peer leave */
};

/* Takes over the descriptors; connected at once if one of them is not -1. */
struct chardev *stream_new(const struct chardev_conf *conf, const struct stream_ops *ops,
			   void *priv, int in_fd, int out_fd);
void stream_connect(struct stream *s, int in_fd, int out_fd); /* its thread; tells the front end */
void stream_disconnect(struct stream *s);                     /* same */

struct chardev *chardev_stdio_new(const struct chardev_conf *conf, struct err **errp);
struct chardev *chardev_pty_new(const struct chardev_conf *conf, struct err **errp);
struct chardev *chardev_file_new(const struct chardev_conf *conf, struct err **errp);
struct chardev *chardev_pipe_new(const struct chardev_conf *conf, struct err **errp);
struct chardev *chardev_socket_new(const struct chardev_conf *conf, struct err **errp);

#endif
