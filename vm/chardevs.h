/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's character devices by id: opened before anything else, closed after everything else.
 *
 * Invariants: main loop's thread.  Each is used by one device, and, where it is a mux, by one
 * monitor as well.  The configuration's list is what there is now.
 */
#ifndef VM_CHARDEVS_H
#define VM_CHARDEVS_H

#include <glib.h>

#include "base/chardev.h"

struct chardevs;
struct err;
struct vm_config;

/* control: the context of QMP monitors' chardevs, NULL = the default one. */
struct chardevs *chardevs_new(const struct vm_config *config, GMainContext *control);
void chardevs_free(struct chardevs *s); /* closes them; NULL is accepted */
/* All of the configuration's; quit(opaque): somebody typed Ctrl-a x.  0 or -errno. */
int chardevs_open(struct chardevs *s, void (*quit)(void *opaque), void *opaque, struct err **errp);

/* For a device: it is marked as used.  NULL with -ENOENT or -EBUSY. */
struct chardev *chardevs_take(struct chardevs *s, const char *id, struct err **errp);
/* For a monitor: of a mux its second side.  NULL where there is none. */
struct chardev *chardevs_monitor(struct chardevs *s, const char *id);

/*
 * At run time.  conf becomes the configuration's where it succeeds.  remove: -ENOENT, or -EBUSY
 * where something uses it.
 */
int chardevs_add(struct chardevs *s, struct chardev_conf *conf, struct err **errp);
int chardevs_remove(struct chardevs *s, const char *id, struct err **errp);
void chardevs_describe(struct chardevs *s, const char *id, GString *out); /* "unix:/run/x" */

#endif
