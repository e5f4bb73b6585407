// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns reading, writing and queueing on descriptors for all back ends that have some.  Called
 * through struct chardev_ops and by the back ends; never opens a descriptor and never blocks.
 */
#include "base/chardev_int.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 16384
#define PASSED_MAX 16 /* descriptors in one message */
#define SPIN_TURNS 64 /* of a dialogue before other sources of the loop get theirs */

static void drop_source(GSource **src)
{
	if (!*src)
		return;
	g_source_destroy(*src);
	g_source_unref(*src);
	*src = NULL;
}

static GSource *watch(int fd, GIOCondition cond, GUnixFDSourceFunc fn, struct stream *s)
{
	GSource *src = g_unix_fd_source_new(fd, cond);

	g_source_set_callback(src, G_SOURCE_FUNC(fn), s, NULL);
	g_source_attach(src, s->base.context);
	return src;
}

/* Main thread: one direction ended; for a back end with a peer that means the peer has left. */
static void lost(void *opaque)
{
	struct stream *s = opaque;

	if (s->ops->half && s->broken)
		fprintf(stderr, "sluice: chardev %s: output lost: %s\n", s->base.id,
			g_strerror(s->broken));
	if (s->ops->half || !s->connected || !(s->broken || s->in_eof))
		return;
	stream_disconnect(s);
	if (s->ops->gone)
		s->ops->gone(s);
}

static void close_passed(struct stream *s)
{
	for (guint i = 0; i < s->passed->len; i++)
		close(g_array_index(s->passed, int, i));
	g_array_set_size(s->passed, 0);
}

static void keep_passed(struct stream *s, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		g_mutex_lock(&s->lock);
		close_passed(s);
		g_array_append_vals(s->passed, CMSG_DATA(c),
				    (guint)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int)));
		g_mutex_unlock(&s->lock);
	}
}

/* From a socket, with the descriptors that come along. */
static ssize_t receive(struct stream *s, int fd, uint8_t *buf, size_t len)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(PASSED_MAX * sizeof(int))];
	} control;
	struct iovec iov = {buf, len};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n > 0 && msg.msg_controllen)
		keep_passed(s, &msg);
	if (n > 0 && msg.msg_flags & MSG_CTRUNC)
		g_warning("chardev %s: the peer passed more than %d descriptors at once, the rest "
			  "is lost",
			  s->base.id, PASSED_MAX);
	return n;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* The next bytes, if they come within s->spin. */
static ssize_t look_out(struct stream *s, int fd, uint8_t *buf, size_t size)
{
	int64_t end = now_ns() + s->spin;
	ssize_t n;

	do {
		size_t room = chardev_room(&s->base);

		if (!room)
			return 0;
		n = receive(s, fd, buf, MIN(room, size));
	} while (n < 0 && errno == EAGAIN && now_ns() < end);
	return n;
}

/*
 * A peer that asks again at once costs no sleep and no wake-up.  The time to look out grows while
 * that holds and shrinks to nothing where it does not; the main loop gets its turn all the same.
 */
static void spin(struct stream *s, int fd, uint8_t *buf, size_t size)
{
	const int64_t most = s->base.fe.spin_us * 1000ll;
	int64_t now = now_ns();

	if (!s->spin && now - s->served < most)
		s->spin = most / 4;
	for (int i = 0; s->spin && i < SPIN_TURNS; i++) {
		ssize_t n = look_out(s, fd, buf, size);

		if (n <= 0) {
			s->spin = s->spin > most / 16 ? s->spin / 2 : 0;
			break;
		}
		s->spin = MIN(2 * s->spin, most);
		chardev_input(&s->base, buf, (size_t)n);
	}
	s->served = now_ns();
}

static gboolean on_readable(gint fd, GIOCondition cond, gpointer opaque)
{
	struct stream *s = opaque;
	uint8_t buf[CHUNK];
	size_t room = chardev_room(&s->base);
	ssize_t n = 0;

	if (room) {
		n = s->out_sock ? receive(s, fd, buf, MIN(room, sizeof(buf)))
				: read(fd, buf, MIN(room, sizeof(buf)));
		if (n > 0)
			chardev_input(&s->base, buf, n);
		if (n > 0 && s->out_sock && s->base.fe.spin_us)
			spin(s, fd, buf, sizeof(buf));
		if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
			return G_SOURCE_CONTINUE;
	}
	g_mutex_lock(&s->lock);
	if (room)
		s->in_eof = true;
	drop_source(&s->in_src);
	g_mutex_unlock(&s->lock);
	if (room)
		lost(s);
	else if (chardev_room(&s->base)) /* it made room before the watch was dropped */
		chardev_accept_input(&s->base);
	return G_SOURCE_REMOVE;
}

/* Lock held. */
static void watch_input(struct stream *s)
{
	if (!s->in_src && s->base.has_fe && s->connected && s->in_fd >= 0 && !s->in_eof)
		s->in_src = watch(s->in_fd, G_IO_IN, on_readable, s);
}

static ssize_t write_some(struct stream *s, const uint8_t *buf, size_t len)
{
	return s->out_sock ? send(s->out_fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL)
			   : write(s->out_fd, buf, len);
}

/* Lock held: write what goes without blocking; a broken pipe takes everything. */
static size_t put(struct stream *s, const uint8_t *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write_some(s, buf + done, len - done);

		if (n > 0) {
			done += n;
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n == 0 || errno != EINTR) {
			s->broken = n ? errno : EIO;
			return len;
		}
	}
	return done;
}

static gboolean on_writable(gint fd, GIOCondition cond, gpointer opaque)
{
	struct stream *s = opaque;
	bool empty, tell;
	int broken;

	g_mutex_lock(&s->lock);
	g_byte_array_remove_range(s->queue, 0, put(s, s->queue->data, s->queue->len));
	empty = !s->queue->len;
	broken = s->broken;
	tell = empty && s->was_short;
	if (empty) {
		s->was_short = false;
		drop_source(&s->out_src);
	}
	g_mutex_unlock(&s->lock);
	if (broken)
		lost(s);
	if (tell && s->base.fe.drained)
		s->base.fe.drained(s->base.fe.opaque);
	return empty ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static size_t stream_write(struct chardev *c, const uint8_t *buf, size_t len)
{
	struct stream *s = (struct stream *)c;
	size_t done = len, n;

	g_mutex_lock(&s->lock);
	if (s->connected && s->out_fd >= 0 && !s->broken) {
		done = s->queue->len ? 0 : put(s, buf, len);
		n = MIN(len - done, CHARDEV_QUEUE - s->queue->len);
		g_byte_array_append(s->queue, buf + done, n);
		done += n;
		s->was_short |= done < len;
		if (s->queue->len && !s->out_src)
			s->out_src = watch(s->out_fd, G_IO_OUT, on_writable, s);
		if (s->broken)
			chardev_bh_kick(s->lost_bh);
	}
	g_mutex_unlock(&s->lock);
	return done;
}

static void stream_accept_input(struct chardev *c)
{
	struct stream *s = (struct stream *)c;

	g_mutex_lock(&s->lock);
	watch_input(s);
	g_mutex_unlock(&s->lock);
}

static void stream_attached(struct chardev *c)
{
	struct stream *s = (struct stream *)c;

	g_mutex_lock(&s->lock);
	drop_source(&s->in_src);
	watch_input(s);
	g_mutex_unlock(&s->lock);
	if (s->connected)
		chardev_event(c, CHARDEV_EV_OPENED);
}

static int stream_take_fd(struct chardev *c)
{
	struct stream *s = (struct stream *)c;
	int fd = -1;

	g_mutex_lock(&s->lock);
	if (s->passed->len) {
		fd = g_array_index(s->passed, int, 0);
		g_array_remove_index(s->passed, 0);
	}
	g_mutex_unlock(&s->lock);
	return fd;
}

static void stream_describe(struct chardev *c, GString *out)
{
	struct stream *s = (struct stream *)c;

	s->ops->describe(s, out);
}

static void close_fds(struct stream *s)
{
	if (s->in_fd >= 0)
		close(s->in_fd);
	if (s->out_fd >= 0 && s->out_fd != s->in_fd)
		close(s->out_fd);
	s->in_fd = s->out_fd = -1;
}

static void stream_free(struct chardev *c)
{
	struct stream *s = (struct stream *)c;

	drop_source(&s->in_src);
	drop_source(&s->out_src);
	chardev_bh_free(s->lost_bh);
	if (s->queue->len && s->out_fd >= 0)
		put(s, s->queue->data, s->queue->len);
	if (s->ops->fini)
		s->ops->fini(s);
	close_fds(s);
	g_byte_array_free(s->queue, TRUE);
	close_passed(s);
	g_array_free(s->passed, TRUE);
	g_mutex_clear(&s->lock);
}

static const struct chardev_ops stream_chardev_ops = {
	.write = stream_write,
	.attached = stream_attached,
	.accept_input = stream_accept_input,
	.describe = stream_describe,
	.take_fd = stream_take_fd,
	.free = stream_free,
};

static void set_fds(struct stream *s, int in_fd, int out_fd)
{
	struct stat st;

	s->in_fd = in_fd;
	s->out_fd = out_fd;
	s->out_sock = out_fd >= 0 && fstat(out_fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

struct chardev *stream_new(const struct chardev_conf *conf, const struct stream_ops *ops,
			   void *priv, int in_fd, int out_fd)
{
	struct stream *s = g_new0(struct stream, 1);

	chardev_init(&s->base, &stream_chardev_ops, conf->id, conf->context);
	s->ops = ops;
	s->priv = priv;
	g_mutex_init(&s->lock);
	set_fds(s, in_fd, out_fd);
	s->connected = in_fd >= 0 || out_fd >= 0;
	s->queue = g_byte_array_new();
	s->passed = g_array_new(FALSE, FALSE, sizeof(int));
	s->lost_bh = chardev_bh_new(lost, s, conf->context);
	return &s->base;
}

void stream_connect(struct stream *s, int in_fd, int out_fd)
{
	g_mutex_lock(&s->lock);
	set_fds(s, in_fd, out_fd);
	s->connected = true;
	watch_input(s);
	g_mutex_unlock(&s->lock);
	chardev_event(&s->base, CHARDEV_EV_OPENED);
}

void stream_disconnect(struct stream *s)
{
	bool tell;

	g_mutex_lock(&s->lock);
	drop_source(&s->in_src);
	drop_source(&s->out_src);
	g_byte_array_set_size(s->queue, 0);
	close_passed(s);
	if (!s->ops->keep_fds)
		close_fds(s);
	s->connected = s->in_eof = false;
	s->broken = 0;
	tell = s->was_short;
	s->was_short = false;
	g_mutex_unlock(&s->lock);
	chardev_event(&s->base, CHARDEV_EV_CLOSED);
	if (tell && s->base.fe.drained)
		s->base.fe.drained(s->base.fe.opaque);
}
