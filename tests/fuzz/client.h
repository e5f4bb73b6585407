/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of a machine in the same process, for fuzz targets: a thread that sends a text, reads
 * all that comes and ends the machine when the last request is answered.
 *
 * Invariants: what it sends is cut into segments; replies are looked at as they come, because
 * events and interrupt reports may follow the last one.
 */
#ifndef TESTS_FUZZ_CLIENT_H
#define TESTS_FUZZ_CLIENT_H

#include <glib.h>
#include <stdbool.h>

#include "vm/vm.h"

struct client {
	struct vm *vm;
	int fd;
	const char *last_reply; /* what the reply to the last request has in it */
	GString *text, *tail;   /* tail: the end of what was received */
	size_t sent, segment;
	bool answered; /* the last request */
};

gpointer client_main(gpointer client); /* a GThreadFunc */

#endif
