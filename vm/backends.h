/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What devices name by id: memory (-object memory-backend-*) and disks (-drive, -blockdev).
 *
 * Invariants: all memory is there before the first device is made and goes after the last one is
 * freed; several devices may share one.  A disk is opened by the device that has it.
 */
#ifndef VM_BACKENDS_H
#define VM_BACKENDS_H

#include "mem/ram.h"
#include "vm/config.h"

struct memory_backend {
	char *id;
	struct ram ram;
	bool share; /* as asked for; the memory is no other one by it */
};

/* Array of struct memory_backend, to be freed by g_ptr_array_free(); NULL with a message. */
GPtrArray *backends_new(const struct vm_config *c, struct err **errp);
/* At run time: one more, one less that no device has; an id that is not there is fine. */
int backends_add(GPtrArray *backends, const struct vm_device *conf, struct err **errp);
void backends_del(GPtrArray *backends, const char *id);
/* NULL with a message that has the nearest id. */
struct ram *backends_memory(const GPtrArray *backends, const char *id, struct err **errp);

/* What hw/dev/drive.h wants to know. */
struct disk {
	const char *file; /* the configuration's */
	uint64_t size;    /* 0 = the file's own */
	bool readonly;
};

/*
 * The disk of this id.  -ENOENT where there is no such id, which is no error and sets none; others
 * with a message.
 */
int backends_disk(const struct vm_config *c, const char *id, struct disk *out, struct err **errp);
/* Ids, types and properties of all of them, for the configuration's validation. */
int backends_validate(const struct vm_config *c, struct err **errp);

#endif
