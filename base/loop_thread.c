// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns a thread that iterates a context.  Called by ctl/; never touches the default context. */
#include "base/loop_thread.h"

#include <signal.h>

struct loop_thread {
	GMainContext *context;
	GMainLoop *loop;
	GThread *thread;
};

struct loop_thread *loop_thread_new(void)
{
	struct loop_thread *t = g_new0(struct loop_thread, 1);

	t->context = g_main_context_new();
	t->loop = g_main_loop_new(t->context, FALSE);
	return t;
}

GMainContext *loop_thread_context(struct loop_thread *t)
{
	return t->context;
}

static gpointer run(gpointer opaque)
{
	struct loop_thread *t = opaque;

	g_main_context_push_thread_default(t->context);
	g_main_loop_run(t->loop);
	g_main_context_pop_thread_default(t->context);
	return NULL;
}

/* Signals are the main loop's. */
void loop_thread_start(struct loop_thread *t, const char *name)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	t->thread = g_thread_new(name, run, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static gboolean quit(gpointer opaque)
{
	g_main_loop_quit(opaque);
	return G_SOURCE_REMOVE;
}

/* By a source, not a call: a loop that does not run yet would not notice. */
void loop_thread_stop(struct loop_thread *t)
{
	GSource *source;

	if (!t->thread)
		return;
	source = g_idle_source_new();
	g_source_set_priority(source, G_PRIORITY_HIGH);
	g_source_set_callback(source, quit, t->loop, NULL);
	g_source_attach(source, t->context);
	g_source_unref(source);
	g_thread_join(t->thread);
	t->thread = NULL;
}

void loop_thread_free(struct loop_thread *t)
{
	if (!t)
		return;
	loop_thread_stop(t);
	g_main_loop_unref(t->loop);
	g_main_context_unref(t->context);
	g_free(t);
}
