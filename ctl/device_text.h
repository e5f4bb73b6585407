/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a device is written: on the command line, in a monitor, in QMP.  cli_dev.c, cli_kv.c. */
#ifndef CTL_DEVICE_TEXT_H
#define CTL_DEVICE_TEXT_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

struct err;
struct vm_device;

/*
 * What -device and its like may say, key=value or JSON, whose members' members become "a.b": driver
 * and id go to their fields, all else to the properties.  first: see kv_parse().
 */
int cli_fill(struct vm_device *d, const char *arg, const char *first, struct err **errp);
/* The same from an object; nested: members' members are taken, too, as "a.b". */
int device_from_json(struct vm_device *d, JsonObject *object, bool nested, struct err **errp);

/* An id as QEMU wants it: a letter, then letters, digits, '-', '.', '_'. */
int check_id(const char *id, struct err **errp);

#endif
