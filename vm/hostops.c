// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what is written to the emulated host's sysfs while the machine runs: a write may last until
 * the guest has given a device back, as it would in a shell on a real host, so each has a thread of
 * its own.  Called by QMP and by the board; never knows what a file means.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "mem/aspace.h"
#include "vfio/host/host.h"
#include "vm/board.h"

struct host_write {
	struct board *b;
	char *path, *text;
	GThread *thread;
	ssize_t ret;
	guint source; /* tells the board on the main loop; read when the thread is joined */
};

static void write_free(struct host_write *w)
{
	g_free(w->path);
	g_free(w->text);
	g_free(w);
}

/* Main loop: it is over. */
static gboolean written(gpointer opaque)
{
	struct host_write *w = opaque;
	struct board *b = w->b;

	g_thread_join(w->thread);
	g_ptr_array_remove(b->host_writes, w);
	b->ops.host_written(b->ops.opaque, w->path, (int)MIN(w->ret, 0));
	write_free(w);
	return G_SOURCE_REMOVE;
}

static gpointer do_write(gpointer opaque)
{
	struct host_write *w = opaque;

	aspace_thread_enter(); /* the device is reset, which may move its BARs */
	w->ret = host_sysfs_write(w->b->host, w->path, w->text, strlen(w->text));
	aspace_thread_leave();
	w->source = g_idle_add(written, w);
	return NULL;
}

int board_host_write(struct board *b, const char *path, const char *text, struct err **errp)
{
	struct host_write *w;

	if (!b->host)
		return err_set(errp, -ENODEV, "there is no emulated host; see -host-device");
	if (!b->host_writes)
		b->host_writes = g_ptr_array_new();
	w = g_new0(struct host_write, 1);
	w->b = b;
	w->path = g_strdup(path);
	w->text = g_strdup(text);
	g_ptr_array_add(b->host_writes, w);
	w->thread = g_thread_new("host-sysfs", do_write, w);
	return 0;
}

int board_host_read(struct board *b, const char *path, GString *out, struct err **errp)
{
	char buf[4096];
	ssize_t n;

	if (!b->host)
		return err_set(errp, -ENODEV, "there is no emulated host; see -host-device");
	n = host_sysfs_read(b->host, path, buf, sizeof(buf));
	if (n < 0)
		n = host_sysfs_readlink(b->host, path, buf, sizeof(buf)) < 0 ? n
									     : (ssize_t)strlen(buf);
	if (n < 0)
		return err_set_errno(errp, (int)n, "emulated host: %s", path);
	g_string_append_len(out, buf, n);
	return 0;
}

void board_host_writes_end(struct board *b)
{
	for (guint i = 0; b->host_writes && i < b->host_writes->len; i++) {
		struct host_write *w = b->host_writes->pdata[i];

		g_thread_join(w->thread);
		g_source_remove(w->source);
		write_free(w);
	}
	if (b->host_writes)
		g_ptr_array_free(b->host_writes, TRUE);
}
