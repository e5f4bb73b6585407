/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assigned devices as lines for people.
 *
 * Invariants: main loop's thread; nothing is changed.  Lines end with '\n'.
 */
#ifndef CTL_INFO_VFIO_H
#define CTL_INFO_VFIO_H

#include <glib.h>

struct vfio_ctx;

/* "info vfio"; ctx may be NULL: no device. */
void info_vfio(struct vfio_ctx *ctx, GString *out);

#endif
