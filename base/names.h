/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Did you mean": the known name nearest to what somebody typed.  Pure functions. */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

struct err;

/*
 * The entry of known (ends with NULL) that takes the fewest edits from given: insert, delete,
 * replace, swap neighbours; case does not count.  NULL where even the nearest is too far to be
 * meant (more than a third of the longer name) or given is NULL or empty.  The first wins among
 * equals.
 */
const char *nearest_name(const char *given, const char *const *known);

/* Adds the next step "did you mean 'x'?" to the error where there is a near name. */
void err_hint_nearest(struct err **errp, const char *given, const char *const *known);

#endif
