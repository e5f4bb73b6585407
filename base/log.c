// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the way of a message from GLib's logging to a file or stderr; called by main; never filters
 * what users must see. */
#include "base/log.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/names.h"

struct log {
	FILE *out;
	bool close, info, debug;
};

static const char *const items_known[] = {"info", "debug", "all", "guest_errors", "unimp", NULL};

const char *const *log_items(void)
{
	return items_known;
}

static int want(struct log *log, const char *items, struct err **errp)
{
	g_auto(GStrv) words = g_strsplit(items ? items : "", ",", -1);

	for (int i = 0; words[i]; i++) {
		if (!*words[i])
			continue;
		if (!g_strv_contains(items_known, words[i])) {
			err_set(errp, -EINVAL, "-d: there is no log item '%s'", words[i]);
			err_hint_nearest(errp, words[i], items_known);
			return -EINVAL;
		}
		log->info = true;
		log->debug |= !strcmp(words[i], "debug") || !strcmp(words[i], "all");
	}
	return 0;
}

static void write_message(const char *domain, GLogLevelFlags level, const char *text,
			  gpointer opaque)
{
	struct log *log = opaque;

	if ((level & G_LOG_LEVEL_INFO && !log->info) || (level & G_LOG_LEVEL_DEBUG && !log->debug))
		return;
	fprintf(log->out, "sluice: %s%s%s\n", domain ? domain : "", domain ? ": " : "", text);
	fflush(log->out);
}

int log_start(struct log **out, const char *path, const char *items, struct err **errp)
{
	struct log *log = g_new0(struct log, 1);
	int ret = want(log, items, errp);

	if (ret < 0)
		goto out;
	log->out = path ? fopen(path, "we") : stderr;
	if (!log->out) {
		ret = err_set_errno(errp, -errno, "-D %s", path);
		goto out;
	}
	log->close = path;
	g_log_set_default_handler(write_message, log);
	*out = log;
	return 0;
out:
	g_free(log);
	return ret;
}

void log_stop(struct log *log)
{
	if (!log)
		return;
	g_log_set_default_handler(g_log_default_handler, NULL);
	if (log->close)
		fclose(log->out);
	g_free(log);
}
