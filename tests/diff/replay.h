/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One trace being replayed: what the files of the replayer share.
 *
 * Invariants: every comparison goes through replay_got() or replay_differs(), which count; nothing
 * else decides whether a trace passes.  A record that cannot be understood is a fault like any
 * other.
 */
#ifndef TESTS_DIFF_REPLAY_H
#define TESTS_DIFF_REPLAY_H

#include "tests/diff/trace.h"

/*
 * Physical values that are taken over from the recording without a fault.  Everything else that
 * differs is a fault, and is taken over so that it is one fault only.
 */
enum adopt {
	/* The host's own MSI message, low address and data: they name a vector of that machine. */
	ADOPT_MSI,
	/* COMMAND and interrupt enables (of bridges: anything) as a native driver left them. */
	ADOPT_DRIVER,
	ADOPT_RULES
};

struct replay {
	const struct trace *trace;
	const char *syn; /* folder of the synthetic devices' definitions */
	bool verbose;
	unsigned cur; /* index of the record under way */
	unsigned long compared, faults, adopted[ADOPT_RULES];
	unsigned printed;
};

/* The record under way, and the next one without going there; NULL = the end. */
const struct rec *replay_rec(const struct replay *r);
const struct rec *replay_peek(const struct replay *r);
/* Go to the next record. */
const struct rec *replay_next(struct replay *r);

/* Count a comparison; a fault prints one line.  what: "expected .., got ..". */
void replay_same(struct replay *r);
void replay_differs(struct replay *r, const struct rec *rec, const char *what, ...)
	__attribute__((format(printf, 3, 4)));
void replay_malformed(struct replay *r, const struct rec *rec);
/* Compare the record's result with ours: the number, and the words behind it (NULL = none). */
void replay_got(struct replay *r, const struct rec *rec, long ret, const char *rest);
/* Text that follows "TYPE" or any other words: all of it. */
void replay_text(struct replay *r, const struct rec *rec, const char *expected, const char *got);

/* Replay all of it.  The callers have checked the first line. */
void dev_replay(struct replay *r);
void sem_replay(struct replay *r);

#endif
