/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assigned devices as lines for people.
 *
 * Invariants: main loop's thread; nothing is changed.  Lines end with '\n'.
 */
#ifndef CTL_INFO_VFIO_H
#define CTL_INFO_VFIO_H

#include <glib.h>
#include <stdbool.h>

struct vfio_ctx;

/* "info vfio"; ctx may be NULL: no device. */
void info_vfio(struct vfio_ctx *ctx, GString *out);
/*
 * "x-vfio-config": the map of owners and the list of spans; which: an id or an address on the host.
 * color: by terminal sequences (ECMA-48), else by letters.  What goes wrong is said in out.
 */
void info_vfio_config(struct vfio_ctx *ctx, const char *which, bool color, GString *out);

#endif
