/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON trees as text in the way QMP peers are used to: a space after ':' and ',', or four columns a
 * level; everything outside of ASCII is escaped, so that a line is a line for every reader.
 */
#ifndef CTL_JSON_TEXT_H
#define CTL_JSON_TEXT_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

void json_text_append(GString *out, JsonNode *node, bool pretty);

#endif
