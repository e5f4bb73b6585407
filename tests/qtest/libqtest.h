/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of the qtest protocol: starts a VMM with -accel qtest and drives its ports, memory, clock
 * and interrupt lines.  docs/testing.md teaches it.
 *
 * Invariants: a request returns when its reply is there; interrupt reports that come before it are
 * kept as levels and counts.  Whatever is not as expected ends the test program with the request
 * and the reply in the message, and the VMM with it.  The VMM is $QTEST_QEMU_BINARY (a path, or a
 * command with arguments); with $QTEST_LOG set it logs each request and reply to stderr.
 */
#ifndef TESTS_QTEST_LIBQTEST_H
#define TESTS_QTEST_LIBQTEST_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qtest;

/* --- start and end (libproc.c) --- */

/*
 * Start a q35 machine without default devices, with args (as a shell splits them) added, and
 * connect to it.
 */
struct qtest *qtest_init(const char *args);
struct qtest *qtest_initf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Start the VMM with args and nothing else, do not connect; what it prints goes to `output`, -1 =
 * nowhere special. */
struct qtest *qtest_spawn(const char *args, int output);
/* Connect to a VMM that listens at path, or will. */
void qtest_connect(struct qtest *q, const char *path);
void qtest_disconnect(struct qtest *q);
/* SIGTERM; the exit status must be 0. */
void qtest_quit(struct qtest *q);
/* The VMM ends by itself, or because of a signal sent before; its exit status must be `status`. */
void qtest_wait_exit(struct qtest *q, int status);
void qtest_kill(struct qtest *q, int sig);
char *qtest_path(struct qtest *q, const char *name); /* in a directory that goes with q; g_free */
bool qtest_has_option(const char *option);           /* of the VMM, such as "host-device" */

/* --- ports and memory --- */

uint8_t qtest_inb(struct qtest *q, uint16_t port);
uint16_t qtest_inw(struct qtest *q, uint16_t port);
uint32_t qtest_inl(struct qtest *q, uint16_t port);
void qtest_outb(struct qtest *q, uint16_t port, uint8_t val);
void qtest_outw(struct qtest *q, uint16_t port, uint16_t val);
void qtest_outl(struct qtest *q, uint16_t port, uint32_t val);
uint8_t qtest_readb(struct qtest *q, uint64_t addr);
uint16_t qtest_readw(struct qtest *q, uint64_t addr);
uint32_t qtest_readl(struct qtest *q, uint64_t addr);
uint64_t qtest_readq(struct qtest *q, uint64_t addr);
void qtest_writeb(struct qtest *q, uint64_t addr, uint8_t val);
void qtest_writew(struct qtest *q, uint64_t addr, uint16_t val);
void qtest_writel(struct qtest *q, uint64_t addr, uint32_t val);
void qtest_writeq(struct qtest *q, uint64_t addr, uint64_t val);
void qtest_memread(struct qtest *q, uint64_t addr, void *buf, size_t len);
void qtest_memwrite(struct qtest *q, uint64_t addr, const void *buf, size_t len);
void qtest_bufread(struct qtest *q, uint64_t addr, void *buf, size_t len); /* in base64: faster */
void qtest_bufwrite(struct qtest *q, uint64_t addr, const void *buf, size_t len);
void qtest_memset(struct qtest *q, uint64_t addr, uint8_t byte, size_t len);
/* Guest memory that nobody else has: page-aligned, from 1 MiB up, zero.  It is never given back. */
uint64_t qtest_alloc(struct qtest *q, size_t len);

/* --- time, in ns of the guest's clock; each returns the new time --- */

int64_t qtest_clock_step(struct qtest *q, int64_t ns);
int64_t qtest_clock_step_next(struct qtest *q); /* to the next timer */
int64_t qtest_clock_set(struct qtest *q, int64_t ns);

/* --- interrupt lines --- */

#define QTEST_IRQS 256

void qtest_irq_intercept_in(struct qtest *q, const char *path);
void qtest_irq_intercept_out(struct qtest *q, const char *path);
void qtest_set_irq_in(struct qtest *q, const char *path, int num, int level);
bool qtest_get_irq(struct qtest *q, int num); /* as last reported; asks the VMM for nothing new */
unsigned qtest_irq_raises(struct qtest *q, int num); /* reports "raise" so far */

/* --- many at once, and by hand --- */

/*
 * Until _end the requests that give no value are gathered; they leave in one segment, with the
 * first one that does give a value if there is one.
 */
void qtest_batch_begin(struct qtest *q);
void qtest_batch_end(struct qtest *q);
/* Any request; its reply as it is, "FAIL ..." included; g_free. */
char *qtest_request(struct qtest *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void qtest_send(struct qtest *q, const char *bytes, size_t len);
char *qtest_recv(struct qtest *q);      /* next line that is no interrupt report; g_free */
char *qtest_recv_line(struct qtest *q); /* next line of any kind; NULL = the VMM closed; g_free */

/*
 * A device that works on its own may not be done when the request returns: steps the clock until
 * the condition holds, and fails if it never does.  With $QTEST_AT_ONCE set it fails where the
 * condition does not hold at the first look, which is what sluice promises.
 */
#define QTEST_WAIT(q, condition)                                  \
	do {                                                      \
		for (unsigned tries_ = 0; !(condition); tries_++) \
			qtest_wait_more(q, tries_, #condition);   \
	} while (0)
void qtest_wait_more(struct qtest *q, unsigned tries, const char *condition);

#endif
