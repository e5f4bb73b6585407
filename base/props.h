/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties: key=value pairs become the fields of a plain struct, by a const table.
 *
 * Invariants: a table ends with a NULL name; each entry says where its field is and of what type.
 * Strings are owned by the struct (props_clear frees them).  Unknown keys and bad values are named,
 * with the nearest spelling.
 */
#ifndef BASE_PROPS_H
#define BASE_PROPS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

enum prop_type {
	PROP_STR,  /* char * */
	PROP_BOOL, /* bool: on/off, yes/no, true/false */
	PROP_U32,  /* uint32_t: decimal, 0x hexadecimal */
	PROP_U64,  /* uint64_t: the same; a K, M, G or T at the end multiplies by powers of 1024 */
};

struct prop {
	const char *name;
	enum prop_type type;
	size_t off;
	const char *def; /* default as text; NULL = NULL, off, 0 */
	const char *help;
};

void props_defaults(void *conf, const struct prop *table);
int props_set(void *conf, const struct prop *table, const char *key, const char *value,
	      struct err **errp);
void props_clear(void *conf, const struct prop *table);
void props_help(FILE *f, const struct prop *table);

#endif
