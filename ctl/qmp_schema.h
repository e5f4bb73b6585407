/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types of QMP: one notation drives the checking of arguments and query-qmp-schema.
 *
 * A type is named: str, int (with int8 .. uint64, size as ranges), number, bool, null, any, a name
 * of qmp_types[], or [TYPE], a list.  A definition is one of
 *   "=one|two"                   an enumeration
 *   "|str|StrOrNull.."           an alternate: a value of one of the types
 *   "a:str,*b:int"               an object; * marks what may be absent
 *   "a:str,kind:E?kind/x:T/y:U"  the same, with more members by the value of one of them
 *
 * Invariants: tables are const; every type that one of them names exists (a unit test sees to it).
 */
#ifndef CTL_QMP_SCHEMA_H
#define CTL_QMP_SCHEMA_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

struct err;

struct qmp_type {
	const char *name, *def;
};

struct qmp_event_type {
	const char *name;
	const char *data; /* a definition of an object; NULL = none */
};

/* Both end with a NULL name.  qmp_types.c */
extern const struct qmp_type qmp_types[];
extern const struct qmp_event_type qmp_events[];

const struct qmp_type *qmp_type_find(const char *name); /* NULL where there is none */

/*
 * Are these arguments what the object's definition asks for?  args may be NULL: none.  open: more
 * members than those are fine.  0, or -EINVAL with QEMU's words.
 */
int qmp_check_args(const char *def, JsonObject *args, bool open, struct err **errp);

/* Every type that a definition or a type's name mentions, once each, by name. */
void qmp_types_of(const char *def, void (*fn)(void *opaque, const char *type), void *opaque);

/* Builder of query-qmp-schema: SchemaInfo for commands, events and all types that they use. */
struct qmp_schema;
struct qmp_schema *qmp_schema_new(void);
void qmp_schema_command(struct qmp_schema *s, const char *name, const char *args, const char *ret,
			bool oob);
void qmp_schema_event(struct qmp_schema *s, const char *name, const char *data);
JsonNode *qmp_schema_end(struct qmp_schema *s); /* frees s */

#endif
