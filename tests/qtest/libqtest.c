// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the client's half of the protocol: requests out, replies and interrupt reports in.  Called
 * by tests; knows nothing of the VMM's process but that it may end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/qtest/libqtest_int.h"

#define TRIES 20000
#define WAIT_NS 1000000
#define MEMORY_END 0x8000000 /* 128 MiB, the least that a machine is given */

/* --- lines --- */

void qtest_send(struct qtest *q, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(q->fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			qtest_fail(q, "the VMM takes no requests: %s", g_strerror(errno));
		bytes += MAX(n, 0);
		len -= (size_t)MAX(n, 0);
	}
}

char *qtest_recv_line(struct qtest *q)
{
	char *end, *line, buf[65536];

	while (!(end = memchr(q->in->str, '\n', q->in->len))) {
		ssize_t n = read(q->fd, buf, sizeof(buf));

		if (n == 0 || (n < 0 && errno != EINTR))
			return NULL;
		g_string_append_len(q->in, buf, MAX(n, 0));
	}
	line = g_strndup(q->in->str, (gsize)(end - q->in->str));
	g_string_erase(q->in, 0, end + 1 - q->in->str);
	return line;
}

static bool note_irq(struct qtest *q, const char *line)
{
	char what[8];
	int n;

	if (sscanf(line, "IRQ %7s %d", what, &n) != 2 || n < 0 || n >= QTEST_IRQS)
		return false;
	q->level[n] = !strcmp(what, "raise");
	q->raises[n] += q->level[n];
	return true;
}

char *qtest_recv(struct qtest *q)
{
	char *line;

	while ((line = qtest_recv_line(q)) && note_irq(q, line))
		g_free(line);
	if (!line)
		qtest_fail(q, "the VMM closed the connection%s%s",
			   q->waiting->len ? "; request: " : "",
			   q->waiting->len ? (char *)q->waiting->pdata[0] : "");
	return line;
}

/* --- requests --- */

static void post(struct qtest *q, const char *fmt, va_list ap)
{
	char *line = g_strdup_vprintf(fmt, ap);

	g_ptr_array_add(q->waiting, line);
	g_string_append(q->out, line);
	g_string_append_c(q->out, '\n');
}

static void flush(struct qtest *q)
{
	qtest_send(q, q->out->str, q->out->len);
	g_string_truncate(q->out, 0);
}

/* The reply to the request that waits longest. */
static char *reply_to_first(struct qtest *q)
{
	char *reply = qtest_recv(q);

	if (strcmp(reply, "OK") && !g_str_has_prefix(reply, "OK "))
		qtest_fail(q, "request: %.200s; reply: %s", (char *)q->waiting->pdata[0], reply);
	g_ptr_array_remove_index(q->waiting, 0);
	return reply;
}

void qtest_batch_begin(struct qtest *q)
{
	q->gathering++;
}

static void drain(struct qtest *q)
{
	flush(q);
	while (q->waiting->len)
		g_free(reply_to_first(q));
}

void qtest_batch_end(struct qtest *q)
{
	if (!--q->gathering)
		drain(q);
}

static void tell(struct qtest *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A request whose reply says nothing. */
static void tell(struct qtest *q, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	post(q, fmt, ap);
	va_end(ap);
	if (!q->gathering)
		drain(q);
}

static char *ask(struct qtest *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A request with a reply that says something: what stands after "OK ". */
static char *ask(struct qtest *q, const char *fmt, ...)
{
	char *reply;
	va_list ap;

	va_start(ap, fmt);
	post(q, fmt, ap);
	va_end(ap);
	flush(q);
	while (q->waiting->len > 1)
		g_free(reply_to_first(q));
	reply = reply_to_first(q);
	memmove(reply, reply + MIN(3, strlen(reply)), strlen(reply + MIN(3, strlen(reply))) + 1);
	return reply;
}

char *qtest_request(struct qtest *q, const char *fmt, ...)
{
	char *reply;
	va_list ap;

	va_start(ap, fmt);
	post(q, fmt, ap);
	va_end(ap);
	flush(q);
	while (q->waiting->len > 1)
		g_free(reply_to_first(q));
	reply = qtest_recv(q);
	g_ptr_array_remove_index(q->waiting, 0);
	return reply;
}

static uint64_t number(char *text)
{
	uint64_t v = g_ascii_strtoull(text, NULL, 0);

	g_free(text);
	return v;
}

/* --- ports and memory --- */

uint8_t qtest_inb(struct qtest *q, uint16_t port)
{
	return (uint8_t)number(ask(q, "inb 0x%x", port));
}

uint16_t qtest_inw(struct qtest *q, uint16_t port)
{
	return (uint16_t)number(ask(q, "inw 0x%x", port));
}

uint32_t qtest_inl(struct qtest *q, uint16_t port)
{
	return (uint32_t)number(ask(q, "inl 0x%x", port));
}

void qtest_outb(struct qtest *q, uint16_t port, uint8_t val)
{
	tell(q, "outb 0x%x 0x%x", port, val);
}

void qtest_outw(struct qtest *q, uint16_t port, uint16_t val)
{
	tell(q, "outw 0x%x 0x%x", port, val);
}

void qtest_outl(struct qtest *q, uint16_t port, uint32_t val)
{
	tell(q, "outl 0x%x 0x%x", port, val);
}

uint8_t qtest_readb(struct qtest *q, uint64_t addr)
{
	return (uint8_t)number(ask(q, "readb 0x%" PRIx64, addr));
}

uint16_t qtest_readw(struct qtest *q, uint64_t addr)
{
	return (uint16_t)number(ask(q, "readw 0x%" PRIx64, addr));
}

uint32_t qtest_readl(struct qtest *q, uint64_t addr)
{
	return (uint32_t)number(ask(q, "readl 0x%" PRIx64, addr));
}

uint64_t qtest_readq(struct qtest *q, uint64_t addr)
{
	return number(ask(q, "readq 0x%" PRIx64, addr));
}

void qtest_writeb(struct qtest *q, uint64_t addr, uint8_t val)
{
	tell(q, "writeb 0x%" PRIx64 " 0x%x", addr, val);
}

void qtest_writew(struct qtest *q, uint64_t addr, uint16_t val)
{
	tell(q, "writew 0x%" PRIx64 " 0x%x", addr, val);
}

void qtest_writel(struct qtest *q, uint64_t addr, uint32_t val)
{
	tell(q, "writel 0x%" PRIx64 " 0x%x", addr, val);
}

void qtest_writeq(struct qtest *q, uint64_t addr, uint64_t val)
{
	tell(q, "writeq 0x%" PRIx64 " 0x%" PRIx64, addr, val);
}

void qtest_memread(struct qtest *q, uint64_t addr, void *buf, size_t len)
{
	g_autofree char *text = len ? ask(q, "read 0x%" PRIx64 " %zu", addr, len) : NULL;
	uint8_t *p = buf;

	if (len && strlen(text) != 2 + 2 * len)
		qtest_fail(q, "read of %zu bytes gives %zu digits", len, strlen(text));
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(g_ascii_xdigit_value(text[2 + 2 * i]) << 4 |
				 g_ascii_xdigit_value(text[3 + 2 * i]));
}

void qtest_memwrite(struct qtest *q, uint64_t addr, const void *buf, size_t len)
{
	g_autoptr(GString) text = g_string_sized_new(2 * len);
	const uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		g_string_append_printf(text, "%02x", p[i]);
	if (len)
		tell(q, "write 0x%" PRIx64 " %zu 0x%s", addr, len, text->str);
}

void qtest_bufread(struct qtest *q, uint64_t addr, void *buf, size_t len)
{
	g_autofree char *text = ask(q, "b64read 0x%" PRIx64 " %zu", addr, len);
	g_autofree uint8_t *data = NULL;
	gsize got = 0;

	data = g_base64_decode(text, &got);
	if (got != len)
		qtest_fail(q, "b64read of %zu bytes gives %zu", len, got);
	memcpy(buf, data, len);
}

void qtest_bufwrite(struct qtest *q, uint64_t addr, const void *buf, size_t len)
{
	g_autofree char *text = g_base64_encode(buf, len);

	tell(q, "b64write 0x%" PRIx64 " %zu %s", addr, len, text);
}

void qtest_memset(struct qtest *q, uint64_t addr, uint8_t byte, size_t len)
{
	tell(q, "memset 0x%" PRIx64 " %zu 0x%x", addr, len, byte);
}

uint64_t qtest_alloc(struct qtest *q, size_t len)
{
	uint64_t at = q->free_memory;

	q->free_memory += (len + 4095) & ~(size_t)4095;
	if (q->free_memory > MEMORY_END)
		qtest_fail(q, "no memory for %zu bytes", len);
	return at;
}

/* --- time --- */

int64_t qtest_clock_step(struct qtest *q, int64_t ns)
{
	return (int64_t)number(ask(q, "clock_step %" PRId64, ns));
}

int64_t qtest_clock_step_next(struct qtest *q)
{
	return (int64_t)number(ask(q, "clock_step"));
}

int64_t qtest_clock_set(struct qtest *q, int64_t ns)
{
	return (int64_t)number(ask(q, "clock_set %" PRId64, ns));
}

void qtest_wait_more(struct qtest *q, unsigned tries, const char *condition)
{
	if (tries == (g_getenv("QTEST_AT_ONCE") ? 0 : TRIES))
		qtest_fail(q, "%s: %s", tries ? "it never became true" : "it is not true at once",
			   condition);
	qtest_clock_step(q, WAIT_NS);
}

/* --- interrupt lines --- */

void qtest_irq_intercept_in(struct qtest *q, const char *path)
{
	tell(q, "irq_intercept_in %s", path);
}

void qtest_irq_intercept_out(struct qtest *q, const char *path)
{
	tell(q, "irq_intercept_out %s", path);
}

void qtest_set_irq_in(struct qtest *q, const char *path, int num, int level)
{
	tell(q, "set_irq_in %s unnamed-gpio-in %d %d", path, num, level);
}

bool qtest_get_irq(struct qtest *q, int num)
{
	return q->level[num];
}

unsigned qtest_irq_raises(struct qtest *q, int num)
{
	return q->raises[num];
}
