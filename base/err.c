// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the error chain of control paths; called by everybody, never prints but in err_report_free.
 */
#include "base/err.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

struct err {
	int code;
	GString *text;
	GString *hints;
};

static int set_va(struct err **errp, int code, bool with_errno, const char *fmt, va_list ap)
{
	struct err *e;

	if (!errp || *errp)
		return code;
	e = g_new0(struct err, 1);
	e->code = code;
	e->text = g_string_new(NULL);
	e->hints = g_string_new(NULL);
	g_string_vprintf(e->text, fmt, ap);
	if (with_errno)
		g_string_append_printf(e->text, ": %s", g_strerror(-code));
	*errp = e;
	return code;
}

int err_set(struct err **errp, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_va(errp, code, false, fmt, ap);
	va_end(ap);
	return code;
}

int err_set_errno(struct err **errp, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_va(errp, code, true, fmt, ap);
	va_end(ap);
	return code;
}

void err_prefix(struct err **errp, const char *fmt, ...)
{
	va_list ap;
	g_autofree char *context = NULL;

	if (!errp || !*errp)
		return;
	va_start(ap, fmt);
	context = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	g_string_prepend((*errp)->text, ": ");
	g_string_prepend((*errp)->text, context);
}

void err_hint(struct err **errp, const char *fmt, ...)
{
	va_list ap;

	if (!errp || !*errp)
		return;
	va_start(ap, fmt);
	g_string_append_vprintf((*errp)->hints, fmt, ap);
	va_end(ap);
	g_string_append_c((*errp)->hints, '\n');
}

const char *err_text(const struct err *e)
{
	return e ? e->text->str : "";
}

const char *err_hints(const struct err *e)
{
	return e ? e->hints->str : "";
}

int err_code(const struct err *e)
{
	return e ? e->code : 0;
}

void err_move(struct err **errp, struct err *e)
{
	if (!errp || *errp)
		err_free(e);
	else
		*errp = e;
}

void err_report_free(struct err *e)
{
	if (!e)
		return;
	fprintf(stderr, "sluice: %s\n%s", e->text->str, e->hints->str);
	err_free(e);
}

void err_free(struct err *e)
{
	if (!e)
		return;
	g_string_free(e->text, TRUE);
	g_string_free(e->hints, TRUE);
	g_free(e);
}
