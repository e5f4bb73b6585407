/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording of Linux's vfio-pci as lines of words (the format: recorder/FORMAT.md).
 *
 * Invariants: a trace is read whole and never changes; every parser takes a whole word and says no
 * to what is not exactly of the form, so that a damaged line is a failure and never a guess.
 */
#ifndef TESTS_DIFF_TRACE_H
#define TESTS_DIFF_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rec {
	unsigned line;
	char *text; /* as it stands in the file */
	char **arg; /* words left of "->", arg[0] is the type; NULL terminated */
	unsigned args;
	const char *res; /* what stands right of "-> "; NULL = no arrow */
	char *note;      /* the comment line right before; NULL = none */
};

struct trace {
	char *path, *name, *folder;
	struct rec *rec; /* without comments and empty lines */
	unsigned recs;
};

/* NULL: cannot be read; *error is freed by g_free(). */
struct trace *trace_load(const char *path, char **error);
void trace_free(struct trace *t);

bool trace_is(const struct rec *r, const char *type);
/* First record of this type at or after `from`; NULL = none.  key: its second word; NULL = any. */
const struct rec *trace_find(const struct trace *t, unsigned from, const char *type,
			     const char *key);
/* The words behind "meta KEY", "" if there is none. */
const char *trace_meta(const struct trace *t, const char *key);

bool trace_hex(const char *word, uint64_t *v);
bool trace_dec(const char *word, uint64_t *v);
/* "-22/EINVAL rest": the number, and what follows the word ("" = nothing). */
bool trace_ret(const char *res, long *ret, const char **rest);
/* A value of `size` bytes in its one form (see FORMAT.md). */
bool trace_value(const char *word, size_t size, uint8_t *out);
/* "TYPE OFF b..", "TYPE OFF +LEN BB"; width: bytes of each number (1, 2 or 4). */
bool trace_row(const struct rec *r, unsigned width, uint8_t *buf, size_t size);
/* C-like text in double quotes: a new string, *len its length; NULL = malformed. */
char *trace_unquote(const char *quoted, size_t *len);

#endif
