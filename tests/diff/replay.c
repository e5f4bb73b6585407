// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the replayer's command line, its counts and its report.  It feeds recordings of Linux's
 * vfio-pci to the emulated host and compares every answer; dev.c and sem.c know the records.
 */
#include "tests/diff/replay.h"

#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mem/aspace.h"

#define PRINTED 20 /* faults of a trace that are shown without -v */

static const char *const adopt_names[ADOPT_RULES] = {"msi", "driver"};

/* --- records --- */

const struct rec *replay_rec(const struct replay *r)
{
	return r->cur < r->trace->recs ? &r->trace->rec[r->cur] : NULL;
}

const struct rec *replay_peek(const struct replay *r)
{
	return r->cur + 1 < r->trace->recs ? &r->trace->rec[r->cur + 1] : NULL;
}

const struct rec *replay_next(struct replay *r)
{
	r->cur++;
	return replay_rec(r);
}

/* --- comparisons --- */

void replay_same(struct replay *r)
{
	r->compared++;
}

static void vdiffers(struct replay *r, const struct rec *rec, const char *what, va_list ap)
{
	g_autofree char *text = g_strdup_vprintf(what, ap);

	r->compared++;
	r->faults++;
	if (r->verbose || r->printed < PRINTED)
		printf("%s:%u: %s: %s\n", r->trace->name, rec ? rec->line : 0,
		       rec ? rec->text : "(end)", text);
	else if (r->printed == PRINTED)
		printf("%s: ... (-v shows all)\n", r->trace->name);
	r->printed++;
}

void replay_differs(struct replay *r, const struct rec *rec, const char *what, ...)
{
	va_list ap;

	va_start(ap, what);
	vdiffers(r, rec, what, ap);
	va_end(ap);
}

void replay_malformed(struct replay *r, const struct rec *rec)
{
	replay_differs(r, rec, "malformed");
}

void replay_text(struct replay *r, const struct rec *rec, const char *expected, const char *got)
{
	if (!strcmp(expected, got))
		replay_same(r);
	else
		replay_differs(r, rec, "expected %s, got %s", expected, got);
}

void replay_got(struct replay *r, const struct rec *rec, long ret, const char *rest)
{
	const char *want;
	long expected;

	if (!trace_ret(rec->res, &expected, &want)) {
		replay_malformed(r, rec);
		return;
	}
	rest = rest ?: "";
	if (expected == ret && !strcmp(want, rest)) {
		replay_same(r);
		return;
	}
	replay_differs(r, rec, "expected %s, got %ld%s%s%s%s", rec->res, ret, ret < 0 ? "/" : "",
		       ret < 0 ? strerrorname_np((int)-ret) ?: "?" : "", *rest ? " " : "", rest);
}

/* --- one trace --- */

static void report(const struct replay *r)
{
	unsigned long all = 0;

	for (int i = 0; i < ADOPT_RULES; i++)
		all += r->adopted[i];
	printf("%s: %s: %lu compared, %lu differ, %lu adopted", r->trace->name,
	       r->faults ? "FAILED" : "ok", r->compared, r->faults, all);
	for (int i = 0; i < ADOPT_RULES; i++)
		if (r->adopted[i])
			printf(" %s=%lu", adopt_names[i], r->adopted[i]);
	printf("\n");
	fflush(stdout);
}

static bool is_semantics(const struct trace *t)
{
	return trace_find(t, 0, "meta", "role");
}

static bool replay_file(const char *path, const char *syn, bool verbose)
{
	g_autofree char *error = NULL;
	struct trace *t = trace_load(path, &error);
	struct replay r = {.trace = t, .syn = syn, .verbose = verbose};

	if (!t) {
		printf("%s: FAILED: %s\n", path, error);
		return false;
	}
	if (!t->recs || strcmp(t->rec[0].text, "vfiorec 1"))
		replay_differs(&r, t->recs ? &t->rec[0] : NULL, "not a recording");
	else if (is_semantics(t))
		sem_replay(&r);
	else
		dev_replay(&r);
	report(&r);
	trace_free(t);
	return !r.faults;
}

/* --- what the command line names --- */

struct totals {
	bool verbose;
	unsigned passed, failed;
};

static void count(struct totals *n, bool passed)
{
	n->passed += passed;
	n->failed += !passed;
}

static void replay_single(struct totals *n, const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *syn = g_build_filename(folder, "..", "syn", NULL);

	count(n, replay_file(path, syn, n->verbose));
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *traces_in(const char *folder)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	GDir *dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir)))
		if (g_str_has_suffix(name, ".trace"))
			g_ptr_array_add(names, g_build_filename(folder, name, NULL));
	if (dir)
		g_dir_close(dir);
	g_ptr_array_sort(names, by_name);
	return names;
}

static void replay_folder(struct totals *n, const char *folder)
{
	g_autofree char *devices = g_build_filename(folder, "devices", NULL);
	g_autofree char *syn = g_build_filename(folder, "syn", NULL);
	g_autofree char *semantics = g_build_filename(folder, "semantics.trace", NULL);
	g_autoptr(GPtrArray) paths = traces_in(devices);
	bool also = g_file_test(semantics, G_FILE_TEST_EXISTS);

	if (!paths->len && !also) {
		printf("%s: FAILED: no traces in it\n", folder);
		count(n, false);
	}
	for (unsigned i = 0; i < paths->len; i++)
		count(n, replay_file(g_ptr_array_index(paths, i), syn, n->verbose));
	if (also)
		count(n, replay_file(semantics, syn, n->verbose));
}

/* What the stack logs is for people who look into a fault. */
static void drop_log(const gchar *domain, GLogLevelFlags level, const gchar *message,
		     gpointer opaque)
{
}

int main(int argc, char **argv)
{
	struct totals n = {};
	int i = 1;

	if (i < argc && !strcmp(argv[i], "-v")) {
		n.verbose = true;
		i++;
	}
	if (i == argc) {
		fprintf(stderr, "usage: replay [-v] DIR...|FILE.trace...\n");
		return 2;
	}
	if (!n.verbose)
		g_log_set_default_handler(drop_log, NULL);
	close(999); /* "bad" in the recordings */
	aspace_thread_enter();
	for (; i < argc; i++) {
		if (g_file_test(argv[i], G_FILE_TEST_IS_DIR))
			replay_folder(&n, argv[i]);
		else
			replay_single(&n, argv[i]);
	}
	aspace_thread_leave();
	printf("%u passed, %u failed\n", n.passed, n.failed);
	return n.failed ? 1 : 0;
}
