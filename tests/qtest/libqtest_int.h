/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client, as libqtest.c and libproc.c share it.  Private to them.
 *
 * Invariants: fd is -1 while there is no connection, pid 0 once the VMM has been waited for.
 */
#ifndef TESTS_QTEST_LIBQTEST_INT_H
#define TESTS_QTEST_LIBQTEST_INT_H

#include <sys/types.h>

#include "tests/qtest/libqtest.h"

struct qtest {
	pid_t pid;
	int pidfd, fd;
	char *dir;          /* of sockets and files; made at first use */
	GString *in;        /* received, not looked at */
	GString *out;       /* gathered, not sent */
	GPtrArray *waiting; /* requests whose replies are to come; one, unless gathered */
	unsigned gathering; /* batches begun, one inside the other */
	bool level[QTEST_IRQS];
	unsigned raises[QTEST_IRQS];
	uint64_t free_memory;
};

/* Ends the program. */
void qtest_fail(struct qtest *q, const char *fmt, ...) G_GNUC_NORETURN
	__attribute__((format(printf, 2, 3)));

#endif
