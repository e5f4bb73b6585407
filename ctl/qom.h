/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine as QEMU's object model shows it: types with parents, and a tree of objects with
 * properties.  A view: nothing is stored here, each look makes it anew.
 *
 * Invariants: paths are QEMU's where it has the thing (/machine/peripheral/ID, /machine/unattached,
 * /objects/ID, /chardevs/ID); every type but object and interface has a parent that is in the list.
 */
#ifndef CTL_QOM_H
#define CTL_QOM_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

struct err;
struct vm;

struct qom_type {
	const char *name, *parent; /* parent NULL: a root */
	bool abstract;
};

const struct qom_type *qom_type_find(const char *name); /* NULL = none; valid for ever */
bool qom_is_a(const struct qom_type *t, const char *ancestor);
/* Device models of -device included, in one order each time. */
void qom_types(void (*fn)(void *opaque, const struct qom_type *t), void *opaque);

struct qom_object {
	char *path, *type; /* type: "container" for what only holds others */
	/* Properties beside "type" and the children, in pairs; text, as -device would take it. */
	GPtrArray *names, *values;
};

/* Every object, parents first.  Free with g_ptr_array_free(TRUE). */
GPtrArray *qom_tree(struct vm *vm);
/*
 * By absolute path, or by the end of one where that is unique.  NULL with *errp where there is
 * none or more than one; owned by the tree.
 */
struct qom_object *qom_find(GPtrArray *tree, const char *path, struct err **errp);

#endif
