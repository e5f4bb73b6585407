// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the human monitor: line editing, completion, the table of commands.  Called by
 * its chardev; acts only through struct monitor_ops and knows nothing of the machine.
 */
#include "ctl/monitor.h"

#include <stddef.h>
#include <string.h>

#include "base/chardev.h"
#include "base/names.h"

#define PROMPT "(sluice) "
#define LINE_MAX_LEN 4096
#define PENDING_MAX (16 << 20) /* output kept for a peer that does not read */

struct monitor {
	struct chardev *c;
	struct monitor_ops ops;
	void *opaque;
	GString *line;    /* typed so far */
	GString *pending; /* not taken by the chardev yet */
	enum { TEXT, ESC, CSI } key;
	bool greeted, after_cr, done;
};

struct command {
	const char *name, *alias; /* alias may be NULL */
	const char *arg;          /* NULL = takes none */
	void (*run)(struct monitor *m, const char *arg, GString *out);
	size_t op; /* offset in struct monitor_ops, where run is NULL */
	const char *help;
};

static void help(struct monitor *m, const char *arg, GString *out);
static void info(struct monitor *m, const char *arg, GString *out);
static void vfio_config(struct monitor *m, const char *arg, GString *out);

#define OP(f) NULL, offsetof(struct monitor_ops, f)

static const struct command commands[] = {
	{"help", "?", "[command]", help, 0, "show what there is"},
	{"info", NULL, "[topic]", info, 0, "show a part of the machine's state"},
	{"quit", "q", NULL, OP(quit), "end the machine and sluice"},
	{"stop", "s", NULL, OP(stop), "stop the CPUs"},
	{"cont", "c", NULL, OP(cont), "let the CPUs run"},
	{"system_reset", NULL, NULL, OP(system_reset), "reset the machine"},
	{"system_powerdown", NULL, NULL, OP(system_powerdown), "press the power button"},
	{"nmi", NULL, NULL, OP(nmi), "send an NMI to every CPU"},
	{"x", NULL, "/fmt addr", OP(x),
	 "show memory at an address of CPU 0; such as x /4xw 0x1000"},
	{"xp", NULL, "/fmt addr", OP(xp), "show physical memory"},
	{"device_add", NULL, "driver[,prop=value]", OP(device_add),
	 "add a device, as -device does"},
	{"device_del", NULL, "device", OP(device_del), "ask the guest to give a device back"},
	{"x-vfio-config", NULL, "device", vfio_config, 0,
	 "show who owns each byte of an assigned device's config space"},
};

static const char **command_names(void)
{
	const char **names = g_new0(const char *, G_N_ELEMENTS(commands) + 1);

	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		names[i] = commands[i].name;
	return names;
}

/* What may follow a command; ends with NULL, to be freed. */
static const char **words_of(struct monitor *m, const char *command)
{
	GPtrArray *words = g_ptr_array_new();
	const char *w, *about;

	for (size_t i = 0; m->ops.word && (w = m->ops.word(m->opaque, command, i, &about)); i++)
		g_ptr_array_add(words, (gpointer)w);
	g_ptr_array_add(words, NULL);
	return (const char **)g_ptr_array_free(words, FALSE);
}

static void unknown(GString *out, const char *what, const char *given, const char **names)
{
	const char *near = nearest_name(given, names);

	g_string_append_printf(out, "unknown %s: '%s'", what, given);
	if (near)
		g_string_append_printf(out, "; did you mean '%s'?", near);
	g_string_append_c(out, '\n');
	g_free(names);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (!strcmp(commands[i].name, name) || !g_strcmp0(commands[i].alias, name))
			return &commands[i];
	return NULL;
}

static void help_one(const struct command *c, GString *out)
{
	g_string_append_printf(out, "%s%s%s%s%s -- %s\n", c->name, c->alias ? "|" : "",
			       c->alias ?: "", c->arg ? " " : "", c->arg ?: "", c->help);
}

static void list_topics(struct monitor *m, GString *out)
{
	const char *w, *about;

	for (size_t i = 0; m->ops.word && (w = m->ops.word(m->opaque, "info", i, &about)); i++)
		g_string_append_printf(out, "info %s -- %s\n", w, about ?: "");
}

static void help(struct monitor *m, const char *arg, GString *out)
{
	const struct command *c = *arg ? find(arg) : NULL;

	if (*arg && !c)
		unknown(out, "command", arg, command_names());
	else if (c)
		help_one(c, out);
	for (size_t i = 0; !*arg && i < G_N_ELEMENTS(commands); i++)
		help_one(&commands[i], out);
	if (c && c->run == info)
		list_topics(m, out);
}

static void info(struct monitor *m, const char *arg, GString *out)
{
	if (!*arg)
		list_topics(m, out);
	else if (!m->ops.info)
		g_string_append_printf(out, "info %s: not available in this machine\n", arg);
	else if (!m->ops.info(m->opaque, arg, out))
		unknown(out, "topic", arg, words_of(m, "info"));
}

/* Colours are for a terminal of one's own; what a program asks for has none. */
static void vfio_config(struct monitor *m, const char *arg, GString *out)
{
	if (m->ops.vfio_config)
		m->ops.vfio_config(m->opaque, arg, m->c != NULL, out);
	else
		g_string_append(out, "x-vfio-config: not available in this machine\n");
}

/* A command that is one op: of none or of one argument. */
static void simple(struct monitor *m, const struct command *c, const char *arg, GString *out)
{
	const char *at = (const char *)&m->ops + c->op;
	void (*plain)(void *opaque);
	void (*with_arg)(void *opaque, const char *arg, GString *out);

	memcpy(&plain, at, sizeof(plain));
	memcpy(&with_arg, at, sizeof(with_arg));
	m->done = plain && c->op == offsetof(struct monitor_ops, quit);
	if (!plain)
		g_string_append_printf(out, "%s: not available in this machine\n", c->name);
	else if (c->arg)
		with_arg(m->opaque, arg, out);
	else
		plain(m->opaque);
}

void monitor_command(struct monitor *m, const char *line, GString *out)
{
	g_autofree char *text = g_strstrip(g_strdup(line));
	size_t len = strcspn(text, " \t");
	char *arg = text + len;
	const struct command *c;

	if (!*text)
		return;
	if (*arg)
		*arg++ = 0;
	arg = g_strchug(arg);
	c = find(text);
	if (!c)
		unknown(out, "command", text, command_names());
	else if (*arg && !c->arg)
		g_string_append_printf(out, "%s: takes no argument, got '%s'\n", c->name, arg);
	else if (c->run)
		c->run(m, arg, out);
	else
		simple(m, c, arg, out);
}

/* ---- the terminal ---- */

static void send_pending(void *opaque)
{
	struct monitor *m = opaque;

	g_string_erase(m->pending, 0, chardev_write(m->c, m->pending->str, m->pending->len));
}

/* A terminal in raw mode and a socket both want CR LF. */
static void print(struct monitor *m, const char *text)
{
	if (m->pending->len > PENDING_MAX)
		return;
	for (; *text; text++) {
		if (*text == '\n')
			g_string_append_c(m->pending, '\r');
		g_string_append_c(m->pending, *text);
	}
	send_pending(m);
}

static void run_line(struct monitor *m)
{
	GString *out = g_string_new(NULL);

	print(m, "\n");
	monitor_command(m, m->line->str, out);
	g_string_truncate(m->line, 0);
	print(m, out->str);
	if (!m->done)
		print(m, PROMPT);
	g_string_free(out, TRUE);
}

static void rub_out(struct monitor *m, size_t n)
{
	for (n = MIN(n, m->line->len); n; n--) {
		g_string_truncate(m->line, m->line->len - 1);
		print(m, "\b \b");
	}
}

static size_t last_word(const GString *line)
{
	size_t n = line->len;

	while (n && line->str[n - 1] == ' ')
		n--;
	while (n && line->str[n - 1] != ' ')
		n--;
	return line->len - n;
}

static void insert(struct monitor *m, uint8_t byte)
{
	const char echo[] = {byte, 0};

	if (byte < ' ' || m->line->len >= LINE_MAX_LEN)
		return;
	g_string_append_c(m->line, byte);
	print(m, echo);
}

/* --- completion --- */

/* How far all that begin with prefix agree; *n: how many there are. */
static size_t common(const char **words, const char *prefix, unsigned *n, const char **first)
{
	size_t len = 0;

	*n = 0;
	for (; *words; words++) {
		if (!g_str_has_prefix(*words, prefix))
			continue;
		if (!(*n)++) {
			*first = *words;
			len = strlen(*words);
		}
		while (strncmp(*first, *words, len))
			len--;
	}
	return len;
}

static void show_choices(struct monitor *m, const char **words, const char *prefix)
{
	g_autoptr(GString) out = g_string_new("\n");

	for (; *words; words++)
		if (g_str_has_prefix(*words, prefix))
			g_string_append_printf(out, "%s\n", *words);
	g_string_append_printf(out, PROMPT "%s", m->line->str);
	print(m, out->str);
}

static void complete(struct monitor *m)
{
	const char *space = strrchr(m->line->str, ' '), *first = "";
	const char *prefix = space ? space + 1 : m->line->str;
	g_autofree char *command = g_strndup(m->line->str, strcspn(m->line->str, " "));
	g_autofree const char **words =
		!space || !strcmp(command, "help") ? command_names() : words_of(m, command);
	unsigned n;
	size_t len = common(words, prefix, &n, &first), have = strlen(prefix);

	if (n > 1 && len == have) {
		show_choices(m, words, prefix);
		return;
	}
	for (; n && have < len; have++)
		insert(m, (uint8_t)first[have]);
	if (n == 1)
		insert(m, ' ');
}

static void text_key(struct monitor *m, uint8_t byte)
{
	switch (byte) {
	case '\n':
		if (m->after_cr)
			break;
		/* fall through */
	case '\r':
		run_line(m);
		break;
	case '\b':
	case 0x7f:
		rub_out(m, 1);
		break;
	case 'U' - '@':
	case 'C' - '@':
		rub_out(m, SIZE_MAX);
		break;
	case 'W' - '@':
		rub_out(m, last_word(m->line));
		break;
	case '\t':
		complete(m);
		break;
	case 0x1b:
		m->key = ESC;
		break;
	default:
		insert(m, byte);
	}
	m->after_cr = byte == '\r';
}

/* Arrow keys and the like have no meaning here: ESC x, or ESC [ ... letter. */
static void one_byte(struct monitor *m, uint8_t byte)
{
	if (m->key == ESC)
		m->key = byte == '[' || byte == 'O' ? CSI : TEXT;
	else if (m->key == CSI)
		m->key = byte >= '@' && byte <= '~' ? TEXT : CSI;
	else
		text_key(m, byte);
}

static void on_read(void *opaque, const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		one_byte(opaque, buf[i]);
}

static size_t can_read(void *opaque)
{
	return LINE_MAX_LEN;
}

static void on_event(void *opaque, int event)
{
	struct monitor *m = opaque;

	if (event == CHARDEV_EV_CLOSED) {
		g_string_truncate(m->line, 0);
		g_string_truncate(m->pending, 0);
		m->key = TEXT;
	}
	if (event != CHARDEV_EV_OPENED)
		return;
	if (!m->greeted)
		print(m, "sluice " SLUICE_VERSION " monitor - type 'help' for more information");
	m->greeted = true;
	print(m, "\n" PROMPT);
}

struct monitor *monitor_new(struct chardev *c, const struct monitor_ops *ops, void *opaque)
{
	struct monitor *m = g_new0(struct monitor, 1);
	struct chardev_fe fe = {
		.can_read = can_read,
		.read = on_read,
		.event = on_event,
		.drained = send_pending,
		.opaque = m,
	};

	m->c = c;
	m->ops = *ops;
	m->opaque = opaque;
	m->line = g_string_new(NULL);
	m->pending = g_string_new(NULL);
	if (c)
		chardev_attach(c, &fe);
	return m;
}

void monitor_free(struct monitor *m)
{
	if (!m)
		return;
	if (m->c)
		chardev_attach(m->c, NULL);
	g_string_free(m->line, TRUE);
	g_string_free(m->pending, TRUE);
	g_free(m);
}
