// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the qtest protocol: lines in, the table of verbs, replies and interrupt reports out.  Called
 * by its chardev on the main loop's thread and, for reports, by whoever drives an interrupt line.
 * Knows the machine by its address spaces, its clock and the board's interrupt inputs.
 */
#include "ctl/qtest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chardev.h"
#include "base/err.h"
#include "mem/access.h"
#include "vm/board.h"
#include "vm/vm.h"

enum {
	SPIN_US = 50,         /* clients ask, wait, and ask again */
	WORDS = 6,            /* no verb looks at more */
	ROOM = 65536,         /* bytes taken from the client at once */
	OUT_MAX = 1 << 20,    /* beyond that a client that does not read is not read, either */
	ACCESS_MAX = 1 << 26, /* bytes of one access */
};

struct qtest_server {
	struct vm *vm;
	struct chardev *c;
	FILE *log;
	int64_t opened; /* µs, monotonic */
	GString *in;
	gsize eaten; /* bytes of in that are done */
	bool serving;
	guint later; /* source that goes on with what is in */
	/* Reports come from any thread. */
	GMutex lock; /* the rest */
	GString *out;
	guint flush; /* source that sends them where no reply does */
	const struct intercept *tapped;
	bool level[256];
};

/* --- output --- */

static void stamp(struct qtest_server *s, char kind)
{
	int64_t us = g_get_monotonic_time() - s->opened;

	fprintf(s->log, "[%c +%" PRId64 ".%06d] ", kind, us / 1000000, (int)(us % 1000000));
}

static void reply(struct qtest_server *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void reply(struct qtest_server *s, const char *fmt, ...)
{
	gsize from;
	va_list ap;

	g_mutex_lock(&s->lock);
	from = s->out->len;
	va_start(ap, fmt);
	g_string_append_vprintf(s->out, fmt, ap);
	va_end(ap);
	g_string_append_c(s->out, '\n');
	if (s->log) {
		stamp(s, 'S');
		fwrite(s->out->str + from, 1, s->out->len - from, s->log);
	}
	g_mutex_unlock(&s->lock);
}

static void send_out(struct qtest_server *s)
{
	g_mutex_lock(&s->lock);
	g_string_erase(s->out, 0, (gssize)chardev_write(s->c, s->out->str, s->out->len));
	g_mutex_unlock(&s->lock);
}

static gboolean flush(gpointer opaque)
{
	struct qtest_server *s = opaque;

	g_mutex_lock(&s->lock);
	s->flush = 0;
	g_mutex_unlock(&s->lock);
	send_out(s);
	return G_SOURCE_REMOVE;
}

/* --- words --- */

static bool number(const char *word, uint64_t *v)
{
	char *end;

	if (!word || !*word)
		return false;
	errno = 0;
	*v = strtoull(word, &end, 0);
	return !*end && !errno;
}

static bool signed_number(const char *word, int64_t *v)
{
	char *end;

	if (!word || !*word)
		return false;
	errno = 0;
	*v = strtoll(word, &end, 0);
	return !*end && !errno;
}

static void bad_number(struct qtest_server *s, const char *verb, const char *word)
{
	reply(s, "FAIL %s: '%s' is not a number", verb, word ?: "");
}

/* Words i and on as numbers; answers where one is none. */
static bool numbers(struct qtest_server *s, char **w, unsigned n, uint64_t *v)
{
	for (unsigned i = 0; i < n; i++)
		if (!number(w[1 + i], &v[i])) {
			bad_number(s, w[0], w[1 + i]);
			return false;
		}
	return true;
}

/* The width by the last letter of the verb: b, w, l, q. */
static unsigned width(const char *verb)
{
	switch (verb[strlen(verb) - 1]) {
	case 'b':
		return 1;
	case 'w':
		return 2;
	case 'l':
		return 4;
	}
	return 8;
}

/* --- memory and ports --- */

/* Where nothing is mapped a client reads zeros (a port: ones). */
static void mem_read(struct aspace *as, uint64_t addr, uint8_t *buf, uint64_t len)
{
	while (len) {
		bool backed;
		uint64_t n = aspace_span(as, addr, len, &backed);

		if (backed)
			aspace_read_buf(as, addr, buf, n);
		else
			memset(buf, 0, n);
		addr += n, buf += n, len -= n;
	}
}

static struct aspace *mem_of(struct qtest_server *s)
{
	return vm_board(s->vm)->mem;
}

static bool port_of(struct qtest_server *s, char **w, unsigned n, uint64_t *v)
{
	if (!numbers(s, w, n, v))
		return false;
	if (v[0] > 0xffff) {
		reply(s, "FAIL %s: port 0x%" PRIx64 ": the last one is 0xffff", w[0], v[0]);
		return false;
	}
	return true;
}

static void do_in(struct qtest_server *s, char **w)
{
	uint64_t v[1];

	if (!port_of(s, w, 1, v))
		return;
	v[0] = aspace_read(vm_board(s->vm)->io, v[0], width(w[0]));
	vm_settle(s->vm);
	reply(s, "OK 0x%04" PRIx64, v[0]);
}

static void do_out(struct qtest_server *s, char **w)
{
	unsigned n = width(w[0]);
	uint64_t v[2];

	if (!port_of(s, w, 2, v))
		return;
	aspace_write(vm_board(s->vm)->io, v[0], n == 8 ? v[1] : v[1] & ((1ull << 8 * n) - 1), n);
	vm_settle(s->vm);
	reply(s, "OK");
}

/* RAM has nobody who would do something because of it. */
static bool is_ram(struct aspace *as, uint64_t addr, uint64_t len, void **p)
{
	uint64_t got = len;

	*p = aspace_ptr(as, addr, &got, true);
	return *p && got >= len && !aspace_is_device(as, addr);
}

static void do_read_n(struct qtest_server *s, char **w)
{
	unsigned n = width(w[0]);
	uint64_t addr;
	uint8_t buf[8];
	void *p;

	if (!numbers(s, w, 1, &addr))
		return;
	if (is_ram(mem_of(s), addr, n, &p)) {
		reply(s, "OK 0x%016" PRIx64, le_load(p, n));
		return;
	}
	mem_read(mem_of(s), addr, buf, n);
	vm_settle(s->vm);
	reply(s, "OK 0x%016" PRIx64, le_load(buf, n));
}

static void do_write_n(struct qtest_server *s, char **w)
{
	unsigned n = width(w[0]);
	uint64_t v[2];
	uint8_t buf[8];

	if (!numbers(s, w, 2, v))
		return;
	le_store(buf, v[1], 8);
	aspace_write_buf(mem_of(s), v[0], buf, n);
	vm_settle(s->vm);
	reply(s, "OK");
}

static bool span_of(struct qtest_server *s, char **w, uint64_t *v)
{
	if (!numbers(s, w, 2, v))
		return false;
	if (v[1] > ACCESS_MAX) {
		reply(s, "FAIL %s: %" PRIu64 " bytes: %d are the most", w[0], v[1], ACCESS_MAX);
		return false;
	}
	return true;
}

static void do_read(struct qtest_server *s, char **w)
{
	static const char digits[] = "0123456789abcdef";
	g_autofree uint8_t *buf = NULL;
	g_autofree char *text = NULL;
	uint64_t v[2];

	if (!span_of(s, w, v))
		return;
	if (!v[1]) {
		reply(s, "FAIL read: 0 bytes");
		return;
	}
	buf = g_malloc(v[1]);
	text = g_malloc(2 * v[1] + 1);
	mem_read(mem_of(s), v[0], buf, v[1]);
	vm_settle(s->vm);
	for (uint64_t i = 0; i < v[1]; i++) {
		text[2 * i] = digits[buf[i] >> 4];
		text[2 * i + 1] = digits[buf[i] & 15];
	}
	text[2 * v[1]] = 0;
	reply(s, "OK 0x%s", text);
}

static bool data_word(struct qtest_server *s, char **w)
{
	if (w[3] && strlen(w[3]) >= 3)
		return true;
	reply(s, "ERR invalid argument size");
	return false;
}

static void do_write(struct qtest_server *s, char **w)
{
	g_autofree uint8_t *buf = NULL;
	uint64_t v[2], given;

	if (!span_of(s, w, v) || !data_word(s, w))
		return;
	buf = g_malloc0(v[1] + 1);
	given = (strlen(w[3]) - 2) / 2;
	for (uint64_t i = 0; i < MIN(given, v[1]); i++) {
		int hi = g_ascii_xdigit_value(w[3][2 + 2 * i]);
		int lo = g_ascii_xdigit_value(w[3][3 + 2 * i]);

		buf[i] = (uint8_t)(MAX(hi, 0) << 4 | MAX(lo, 0));
	}
	aspace_write_buf(mem_of(s), v[0], buf, v[1]);
	vm_settle(s->vm);
	reply(s, "OK");
}

static void do_b64read(struct qtest_server *s, char **w)
{
	g_autofree uint8_t *buf = NULL;
	g_autofree char *text = NULL;
	uint64_t v[2];

	if (!span_of(s, w, v))
		return;
	buf = g_malloc(v[1] + 1);
	mem_read(mem_of(s), v[0], buf, v[1]);
	vm_settle(s->vm);
	text = g_base64_encode(buf, v[1]);
	reply(s, "OK %s", text);
}

static void do_b64write(struct qtest_server *s, char **w)
{
	g_autofree uint8_t *data = NULL;
	uint64_t v[2];
	gsize got;

	if (!span_of(s, w, v) || !data_word(s, w))
		return;
	data = g_base64_decode(w[3], &got);
	if (got != v[1] && s->log)
		fprintf(s->log, "b64write: asked for %" PRIu64 " bytes, %zu are there\n", v[1],
			got);
	aspace_write_buf(mem_of(s), v[0], data, MIN(got, v[1]));
	vm_settle(s->vm);
	reply(s, "OK");
}

static void do_memset(struct qtest_server *s, char **w)
{
	uint8_t chunk[4096];
	uint64_t v[3];

	if (!numbers(s, w, 3, v))
		return;
	if (v[1] > ACCESS_MAX) {
		reply(s, "FAIL memset: %" PRIu64 " bytes: %d are the most", v[1], ACCESS_MAX);
		return;
	}
	memset(chunk, (int)v[2], sizeof(chunk));
	for (uint64_t n; v[1]; v[0] += n, v[1] -= n) {
		n = MIN(v[1], sizeof(chunk));
		aspace_write_buf(mem_of(s), v[0], chunk, n);
	}
	vm_settle(s->vm);
	reply(s, "OK");
}

static void do_endianness(struct qtest_server *s, char **w)
{
	reply(s, "OK little");
}

/* --- time --- */

static void go_to(struct qtest_server *s, int64_t ns)
{
	struct vclock *clock = vm_board(s->vm)->clock;

	vclock_step_to(clock, ns);
	vm_settle(s->vm);
	reply(s, "OK %" PRId64, vclock_now(clock));
}

static void do_clock_step(struct qtest_server *s, char **w)
{
	struct vclock *clock = vm_board(s->vm)->clock;
	int64_t now = vclock_now(clock), ns;

	if (!w[1])
		go_to(s, vclock_next_deadline(clock));
	else if (!signed_number(w[1], &ns))
		bad_number(s, w[0], w[1]);
	else
		go_to(s, ns < 0 ? now : ns > INT64_MAX - now ? INT64_MAX : now + ns);
}

static void do_clock_set(struct qtest_server *s, char **w)
{
	int64_t ns;

	if (!signed_number(w[1], &ns))
		bad_number(s, w[0], w[1]);
	else
		go_to(s, ns);
}

/* --- interrupts --- */

/* What of the board a client may watch: inputs of a chip, or the lines that a device drives. */
static const struct intercept {
	const char *name, *path;
	bool out;
	int first, count; /* pins of the IO-APIC; an input or output is numbered from 0 */
} intercepts[] = {
	{"ioapic", "/machine/q35/ioapic", false, 0, IOAPIC_PINS},
	{"pit", "/machine/unattached/pit", true, 2, 1},
	{"i8042", "/machine/unattached/i8042", true, 1, 1},
	{"rtc", "/machine/unattached/rtc", true, 8, 1},
};

static const struct intercept *find_intercept(const char *path)
{
	for (size_t i = 0; path && i < G_N_ELEMENTS(intercepts); i++)
		if (!strcmp(path, intercepts[i].name) || !strcmp(path, intercepts[i].path))
			return &intercepts[i];
	return NULL;
}

/* The board's tap, any thread. */
static void pin_changed(void *opaque, int pin, bool level)
{
	struct qtest_server *s = opaque;
	int n = pin - s->tapped->first;

	if (n < 0 || n >= s->tapped->count)
		return;
	g_mutex_lock(&s->lock);
	if (s->level[n] != level) {
		s->level[n] = level;
		g_string_append_printf(s->out, "IRQ %s %d\n", level ? "raise" : "lower", n);
		if (s->log) {
			stamp(s, 'S');
			fprintf(s->log, "IRQ %s %d\n", level ? "raise" : "lower", n);
		}
		if (!s->flush)
			s->flush = g_idle_add_full(G_PRIORITY_DEFAULT, flush, s, NULL);
	}
	g_mutex_unlock(&s->lock);
}

static void intercept(struct qtest_server *s, char **w, bool out)
{
	const struct intercept *i = find_intercept(w[1]);
	struct board *b = vm_board(s->vm);

	if (!i || i->out != out || !b->ioapic) {
		reply(s, "FAIL Unknown device");
		return;
	}
	if (s->tapped && s->tapped != i) {
		reply(s, "FAIL IRQ intercept already enabled");
		return;
	}
	if (!s->tapped) {
		s->tapped = i;
		b->tap_opaque = s;
		__atomic_store_n(&b->tap, pin_changed, __ATOMIC_RELEASE);
	}
	reply(s, "OK");
}

/* The outputs here have no names of their own: a named one is not there. */
static void do_intercept_out(struct qtest_server *s, char **w)
{
	if (w[1] && w[2])
		reply(s, "FAIL Unknown output '%s'", w[2]);
	else
		intercept(s, w, true);
}

static void do_intercept_in(struct qtest_server *s, char **w)
{
	if (w[1] && w[2])
		reply(s, "FAIL Unknown input '%s'", w[2]);
	else
		intercept(s, w, false);
}

static void do_set_irq_in(struct qtest_server *s, char **w)
{
	const struct intercept *i = find_intercept(w[1]);
	struct board *b = vm_board(s->vm);
	uint64_t num;
	int64_t level;

	if (!i || i->out || !b->ioapic)
		reply(s, "FAIL Unknown device");
	else if (!w[2] || strcmp(w[2], "unnamed-gpio-in"))
		reply(s, "FAIL Unknown input '%s'", w[2] ?: "");
	else if (!number(w[3], &num) || num >= (uint64_t)i->count)
		reply(s, "FAIL %s has no input '%s'", w[1], w[3] ?: "");
	else if (!signed_number(w[4], &level))
		bad_number(s, w[0], w[4]);
	else {
		board_set_pin(b, (int)num, level != 0);
		vm_settle(s->vm);
		reply(s, "OK");
	}
}

/* There are no modules. */
static void do_module_load(struct qtest_server *s, char **w)
{
	reply(s, "FAIL");
}

/* --- requests --- */

static const struct verb {
	const char *name;
	void (*run)(struct qtest_server *s, char **w);
	bool clock; /* needs a clock that belongs to the client */
	bool early; /* needs no machine */
} verbs[] = {
	{"inl", do_in},
	{"outl", do_out},
	{"readl", do_read_n},
	{"writel", do_write_n},
	{"read", do_read},
	{"write", do_write},
	{"inb", do_in},
	{"inw", do_in},
	{"outb", do_out},
	{"outw", do_out},
	{"readb", do_read_n},
	{"readw", do_read_n},
	{"readq", do_read_n},
	{"writeb", do_write_n},
	{"writew", do_write_n},
	{"writeq", do_write_n},
	{"b64read", do_b64read},
	{"b64write", do_b64write},
	{"memset", do_memset},
	{"clock_step", do_clock_step, true},
	{"clock_set", do_clock_set, true},
	{"irq_intercept_in", do_intercept_in},
	{"irq_intercept_out", do_intercept_out},
	{"set_irq_in", do_set_irq_in},
	{"endianness", do_endianness, .early = true},
	{"module_load", do_module_load, .early = true},
};

static bool owns_clock(struct qtest_server *s)
{
	const struct accel *a = vm_board(s->vm)->accel;

	return a && a->ops == &qtest_accel_ops;
}

static const struct verb *find_verb(struct qtest_server *s, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
		if (!strcmp(name, verbs[i].name) && (!verbs[i].clock || owns_clock(s)))
			return &verbs[i];
	return NULL;
}

/* Cut at every single space: two of them are an empty word. */
static void run_line(struct qtest_server *s, char *line)
{
	char *w[WORDS + 1] = {line};
	const struct verb *v;

	if (s->log) {
		stamp(s, 'R');
		fprintf(s->log, "%s\n", line);
	}
	for (unsigned n = 1; n < WORDS && (line = strchr(line, ' ')); n++) {
		*line++ = 0;
		w[n] = line;
	}
	if (w[WORDS - 1])
		w[WORDS - 1][strcspn(w[WORDS - 1], " ")] = 0;
	v = find_verb(s, w[0]);
	if (!v)
		reply(s, "FAIL Unknown command '%s'", w[0]);
	else if (!v->early && vm_state(s->vm) == VM_PRECONFIG)
		reply(s, "FAIL %s: the machine is not built yet", w[0]);
	else
		v->run(s, w);
}

static gboolean go_on(gpointer opaque);

/* The next whole line, cut off; NULL = there is none. */
static char *next_line(struct qtest_server *s)
{
	char *line = s->in->str + s->eaten;
	char *end = memchr(line, '\n', s->in->len - s->eaten);

	if (!end)
		return NULL;
	*end = 0;
	s->eaten = (gsize)(end + 1 - s->in->str);
	return line;
}

static bool too_much_out(struct qtest_server *s)
{
	bool much;

	g_mutex_lock(&s->lock);
	much = s->out->len > OUT_MAX;
	g_mutex_unlock(&s->lock);
	return much;
}

/*
 * Whole lines that are there; what the main loop has to do first is done between two of them.  A
 * client that does not read its replies is served when it has.
 */
static void serve(struct qtest_server *s)
{
	char *line = NULL;

	do {
		while (!s->later && !too_much_out(s) && (line = next_line(s))) {
			run_line(s, line);
			if (vm_busy(s->vm))
				s->later = g_idle_add(go_on, s);
		}
		send_out(s);
	} while (line && !s->later && !too_much_out(s));
	g_string_erase(s->in, 0, (gssize)s->eaten);
	s->eaten = 0;
}

static gboolean go_on(gpointer opaque)
{
	struct qtest_server *s = opaque;

	if (vm_busy(s->vm))
		return G_SOURCE_CONTINUE;
	s->later = 0;
	serve(s);
	if (!s->later)
		chardev_accept_input(s->c);
	return G_SOURCE_REMOVE;
}

/* --- the chardev --- */

static void on_read(void *opaque, const uint8_t *buf, size_t len)
{
	struct qtest_server *s = opaque;

	g_string_append_len(s->in, (const char *)buf, (gssize)len);
	if (memchr(buf, '\n', len))
		serve(s);
}

static size_t can_read(void *opaque)
{
	struct qtest_server *s = opaque;

	return s->later || too_much_out(s) ? 0 : ROOM;
}

static void on_drained(void *opaque)
{
	struct qtest_server *s = opaque;

	send_out(s);
	if (s->later)
		return;
	serve(s);
	chardev_accept_input(s->c);
}

static void on_event(void *opaque, int event)
{
	struct qtest_server *s = opaque;

	if (event == CHARDEV_EV_OPENED) {
		g_mutex_lock(&s->lock);
		memset(s->level, 0, sizeof(s->level));
		g_mutex_unlock(&s->lock);
		s->opened = g_get_monotonic_time();
		if (s->log)
			fprintf(s->log, "[I 0.000000] OPENED\n");
	} else if (event == CHARDEV_EV_CLOSED) {
		g_string_truncate(s->in, 0);
		g_mutex_lock(&s->lock);
		g_string_truncate(s->out, 0);
		g_mutex_unlock(&s->lock);
		if (s->log) {
			stamp(s, 'I');
			fprintf(s->log, "CLOSED\n");
		}
	}
}

static int open_log(struct qtest_server *s, const char *log, struct err **errp)
{
	if (log && !strcmp(log, "none"))
		return 0;
	s->log = log ? fopen(log, "we") : stderr;
	if (!s->log)
		return err_set_errno(errp, -errno, "-qtest-log %s", log);
	setvbuf(s->log, NULL, _IOLBF, 0);
	return 0;
}

struct qtest_server *qtest_server_new(struct vm *vm, struct chardev *c, const char *log,
				      struct err **errp)
{
	struct qtest_server *s = g_new0(struct qtest_server, 1);
	const struct chardev_fe fe = {
		.can_read = can_read,
		.read = on_read,
		.event = on_event,
		.drained = on_drained,
		.spin_us = SPIN_US,
		.opaque = s,
	};

	s->vm = vm;
	s->in = g_string_new(NULL);
	s->out = g_string_new(NULL);
	g_mutex_init(&s->lock);
	if (open_log(s, log, errp) < 0) {
		qtest_server_free(s);
		return NULL;
	}
	s->c = c;
	chardev_attach(c, &fe);
	return s;
}

void qtest_server_free(struct qtest_server *s)
{
	if (!s)
		return;
	if (s->tapped)
		board_untap(vm_board(s->vm));
	if (s->c)
		chardev_attach(s->c, NULL);
	if (s->later)
		g_source_remove(s->later);
	if (s->flush)
		g_source_remove(s->flush);
	if (s->log && s->log != stderr)
		fclose(s->log);
	g_string_free(s->in, TRUE);
	g_string_free(s->out, TRUE);
	g_mutex_clear(&s->lock);
	g_free(s);
}
