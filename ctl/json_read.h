/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON text, as json_stream.h gives it out, to a tree.
 *
 * Invariants: what a client said is in the tree or is an error: no member wins over another of its
 * name, no string is cut at a zero, no number wraps.  Integers that do not fit into 64 bits with a
 * sign become floating point, which no integer argument takes.  Words of errors are QEMU's.
 */
#ifndef CTL_JSON_READ_H
#define CTL_JSON_READ_H

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * text: tokens of one value with spaces between them, strings in double quotes; len > 0.
 * NULL with *error to be freed.
 */
JsonNode *json_read(const char *text, size_t len, char **error);

#endif
