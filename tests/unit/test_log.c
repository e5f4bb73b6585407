// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages: which levels show, where they go, what each line looks like. */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static char *temp_path(void)
{
	char *path = NULL;
	int fd = g_file_open_tmp("sluice-log-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	close(fd);
	return path;
}

/* What all five levels leave in the file for one -d list. */
static char *logged(const char *items)
{
	g_autofree char *path = temp_path();
	struct log *log = NULL;
	char *text = NULL;

	g_assert_cmpint(log_start(&log, path, items, NULL), ==, 0);
	g_debug("d");
	g_info("i");
	g_message("m");
	g_warning("w");
	g_critical("c %d%%", 5);
	log_stop(log);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_unlink(path);
	return text;
}

static void levels(void)
{
	const char *const info[] = {"info", "unimp", "guest_errors", "info,,unimp"};
	const char *const debug[] = {"debug", "all", "info,debug"};
	g_autofree char *plain = logged(NULL), *empty = logged("");

	g_assert_cmpstr(plain, ==, "sluice: m\nsluice: w\nsluice: c 5%\n");
	g_assert_cmpstr(empty, ==, plain);
	for (unsigned i = 0; i < G_N_ELEMENTS(info); i++) {
		g_autofree char *text = logged(info[i]);

		g_assert_cmpstr(text, ==, "sluice: i\nsluice: m\nsluice: w\nsluice: c 5%\n");
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(debug); i++) {
		g_autofree char *text = logged(debug[i]);

		g_assert_cmpstr(text, ==,
				"sluice: d\nsluice: i\nsluice: m\nsluice: w\nsluice: c 5%\n");
	}
}

static void domain_is_shown(void)
{
	g_autofree char *path = temp_path(), *text = NULL;
	struct log *log = NULL;

	g_assert_cmpint(log_start(&log, path, NULL, NULL), ==, 0);
	g_log("GLib-GIO", G_LOG_LEVEL_WARNING, "hm");
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL)); /* written at once */
	g_assert_cmpstr(text, ==, "sluice: GLib-GIO: hm\n");
	log_stop(log);
	log_stop(NULL);
	g_unlink(path);
}

static void refused(void)
{
	struct log *log = NULL;
	struct err *e = NULL;

	g_assert_cmpint(log_start(&log, NULL, "info,debgu", &e), ==, -EINVAL);
	g_assert_cmpstr(err_text(e), ==, "-d: there is no log item 'debgu'");
	g_assert_cmpstr(err_hints(e), ==, "Did you mean 'debug'?\n");
	g_assert_null(log);
	err_free(e);
	e = NULL;
	g_assert_cmpint(log_start(&log, "/nonexistent/x", NULL, &e), ==, -ENOENT);
	g_assert_cmpstr(err_text(e), ==, "-D /nonexistent/x: No such file or directory");
	g_assert_null(log);
	err_free(e);
}

static void items_are_all_taken(void)
{
	const char *const *items = log_items();

	g_assert_nonnull(items[0]);
	for (; *items; items++) {
		struct log *log = NULL;

		g_assert_cmpint(log_start(&log, NULL, *items, NULL), ==, 0);
		log_stop(log);
	}
}

static void *chatter(void *opaque)
{
	for (unsigned i = 0; i < 500; i++)
		g_message("%s", (const char *)opaque);
	return NULL;
}

/* Lines of several threads do not mix. */
static void threads(void)
{
	g_autofree char *path = temp_path(), *text = NULL;
	g_auto(GStrv) lines = NULL;
	struct log *log = NULL;
	pthread_t t;

	g_assert_cmpint(log_start(&log, path, NULL, NULL), ==, 0);
	pthread_create(&t, NULL, chatter, (void *)"aaaaaaaaaaaaaaaa");
	chatter((void *)"bbbb");
	pthread_join(t, NULL);
	log_stop(log);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 1001);
	for (unsigned i = 0; i < 1000; i++)
		g_assert_true(!strcmp(lines[i], "sluice: aaaaaaaaaaaaaaaa") ||
			      !strcmp(lines[i], "sluice: bbbb"));
	g_unlink(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_log_set_always_fatal(G_LOG_FATAL_MASK); /* warnings are what is tested */
	g_test_add_func("/log/levels", levels);
	g_test_add_func("/log/domain", domain_is_shown);
	g_test_add_func("/log/refused", refused);
	g_test_add_func("/log/items", items_are_all_taken);
	g_test_add_func("/log/threads", threads);
	return g_test_run();
}
