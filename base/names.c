// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the search for the nearest spelling; called wherever an unknown name is refused. */
#include "base/names.h"

#include <glib.h>
#include <string.h>

#include "base/err.h"

#define LONGEST 64 /* no name of ours is longer */

/* Optimal string alignment distance; both at most LONGEST long. */
static unsigned distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned row[3][LONGEST + 1];
	unsigned *before = row[0], *prev = row[1], *cur = row[2];

	for (size_t j = 0; j <= lb; j++)
		prev[j] = j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *recycled = before;
		char x = g_ascii_tolower(a[i - 1]);

		cur[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			char y = g_ascii_tolower(b[j - 1]);

			cur[j] = MIN(MIN(prev[j], cur[j - 1]) + 1, prev[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) &&
			    y == g_ascii_tolower(a[i - 2]))
				cur[j] = MIN(cur[j], before[j - 2] + 1);
		}
		before = prev;
		prev = cur;
		cur = recycled;
	}
	return prev[lb];
}

const char *nearest_name(const char *given, const char *const *known)
{
	size_t len = given ? strlen(given) : 0;
	const char *best = NULL;
	unsigned best_distance = 0;

	if (!len || len > LONGEST)
		return NULL;
	for (; *known; known++) {
		size_t klen = strlen(*known);
		unsigned d;

		if (klen > LONGEST)
			continue;
		d = distance(given, len, *known, klen);
		if (d > MAX(MAX(len, klen) / 3, 1) || d >= MAX(len, klen))
			continue;
		if (!best || d < best_distance) {
			best = *known;
			best_distance = d;
		}
	}
	return best;
}

void err_hint_nearest(struct err **errp, const char *given, const char *const *known)
{
	const char *near = nearest_name(given, known);

	if (near)
		err_hint(errp, "Did you mean '%s'?", near);
}
