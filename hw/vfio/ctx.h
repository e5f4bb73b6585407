/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's passthrough context, as the files of hw/vfio share it.  All of it belongs to the
 * main thread.
 */
#ifndef HW_VFIO_CTX_H
#define HW_VFIO_CTX_H

#include <glib.h>

#include "hw/vfio/vfio.h"

struct vfio_ctx {
	struct vfio_env env;
	struct vfio_sys *inproc; /* env.host's; NULL without one */
	GPtrArray *containers;   /* of struct vfio_container (be_group.c) */
	unsigned next_container; /* their numbers are not used again */
	GPtrArray *groups;       /* of struct vfio_group (be_group.c) */
	GPtrArray *devices;      /* of struct vdev */
};

#endif
