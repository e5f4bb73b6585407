/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread with a main context of its own, for what must be heard while the main loop is busy.
 *
 * Invariants: the context exists from new to free and is iterated only between start and stop; so
 * sources may be attached, and chardevs opened, before the start without a race.
 */
#ifndef BASE_LOOP_THREAD_H
#define BASE_LOOP_THREAD_H

#include <glib.h>

struct loop_thread;

struct loop_thread *loop_thread_new(void);
GMainContext *loop_thread_context(struct loop_thread *t); /* owned by t */
void loop_thread_start(struct loop_thread *t, const char *name);
void loop_thread_stop(struct loop_thread *t); /* returns when the thread has ended; twice is fine */
void loop_thread_free(struct loop_thread *t); /* stops; NULL is accepted */

#endif
