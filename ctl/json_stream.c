// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the lexer that finds the end of each JSON value in a stream.  Called by QMP sessions; knows
 * no message and builds no tree.
 */
#include "ctl/json_stream.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

enum state {
	START,    /* between tokens */
	STRING,   /* within quotes */
	ESCAPE,   /* after a backslash */
	KEYWORD,  /* true, false, null */
	MINUS,    /* a number's sign: a digit must follow */
	ZERO,     /* a number that begins with 0: no further digit */
	DIGITS,   /* the integer part */
	POINT,    /* a digit must follow */
	FRACTION, /* digits after the point */
	EXP,      /* a sign or digit must follow */
	EXP_SIGN, /* a digit must follow */
	EXPONENT, /* its digits */
	RECOVERY, /* after an error */
};

struct json_stream {
	const struct json_stream_ops *ops;
	void *opaque;
	enum state state;
	char quote;
	GString *text;   /* of the value, strings in double quotes */
	size_t token;    /* where the last token begins in text */
	unsigned tokens; /* of the value */
	int braces, brackets;
};

struct json_stream *json_stream_new(const struct json_stream_ops *ops, void *opaque)
{
	struct json_stream *s = g_new0(struct json_stream, 1);

	s->ops = ops;
	s->opaque = opaque;
	s->text = g_string_new(NULL);
	return s;
}

void json_stream_free(struct json_stream *s)
{
	if (!s)
		return;
	g_string_free(s->text, TRUE);
	g_free(s);
}

/* A buffer that a huge value left behind is not kept. */
static void clear(struct json_stream *s)
{
	if (s->text->allocated_len > 65536) {
		g_string_free(s->text, TRUE);
		s->text = g_string_new(NULL);
	}
	g_string_truncate(s->text, 0);
	s->token = s->tokens = 0;
	s->braces = s->brackets = 0;
}

void json_stream_reset(struct json_stream *s)
{
	clear(s);
	s->state = START;
}

static void fail(struct json_stream *s, const char *error)
{
	s->ops->value(s->opaque, NULL, 0, error);
	clear(s);
	s->state = RECOVERY;
}

/* The byte that does not fit belongs to the token that is told. */
static void stray(struct json_stream *s, uint8_t byte)
{
	g_autofree char *token = NULL, *valid = NULL, *error = NULL;

	g_string_append_c(s->text, (char)byte);
	token = g_strndup(s->text->str + s->token, MIN(s->text->len - s->token, 64));
	valid = g_utf8_make_valid(token, -1);
	error = g_strdup_printf("JSON parse error, stray '%s'", valid);
	fail(s, error);
}

/* A token is complete: maybe the value is, too. */
static void token_done(struct json_stream *s)
{
	s->state = START;
	s->tokens++;
	if (s->tokens > JSON_STREAM_TOKENS) {
		fail(s, "JSON token count limit exceeded");
	} else if (s->text->len > JSON_STREAM_BYTES) {
		fail(s, "JSON token size limit exceeded");
	} else if (s->braces + s->brackets > JSON_STREAM_DEPTH) {
		fail(s, "JSON nesting depth limit exceeded");
	} else if ((s->braces <= 0 && s->brackets <= 0) || s->braces < 0 || s->brackets < 0) {
		/* Whole, or so unbalanced that it never will be: the parser says. */
		s->ops->value(s->opaque, s->text->str, s->text->len, NULL);
		clear(s);
	}
}

static void begin(struct json_stream *s, enum state state, uint8_t byte)
{
	if (s->tokens)
		g_string_append_c(s->text, ' ');
	s->token = s->text->len;
	g_string_append_c(s->text, (char)byte);
	s->state = state;
}

static void structural(struct json_stream *s, uint8_t byte)
{
	begin(s, START, byte);
	s->braces += (byte == '{') - (byte == '}');
	s->brackets += (byte == '[') - (byte == ']');
	token_done(s);
}

static void at_start(struct json_stream *s, uint8_t byte)
{
	if (strchr(" \t\r\n", byte) && byte)
		return;
	if (byte && strchr("{}[]:,", byte)) {
		structural(s, byte);
	} else if (byte == '"' || byte == '\'') {
		begin(s, STRING, '"');
		s->quote = (char)byte;
	} else if (g_ascii_islower(byte)) {
		begin(s, KEYWORD, byte);
	} else if (byte == '0') {
		begin(s, ZERO, byte);
	} else if (g_ascii_isdigit(byte)) {
		begin(s, DIGITS, byte);
	} else if (byte == '-') {
		begin(s, MINUS, byte);
	} else {
		s->token = s->text->len;
		stray(s, byte);
	}
}

static void in_string(struct json_stream *s, uint8_t byte)
{
	if (byte < 0x20 || byte >= 0xfe) {
		stray(s, byte);
	} else if (byte == (uint8_t)s->quote) {
		g_string_append_c(s->text, '"');
		token_done(s);
	} else if (byte == '\\') {
		s->state = ESCAPE;
	} else {
		if (byte == '"') /* within single quotes */
			g_string_append_c(s->text, '\\');
		g_string_append_c(s->text, (char)byte);
		if (s->text->len > JSON_STREAM_BYTES)
			fail(s, "JSON token size limit exceeded");
	}
}

static void in_escape(struct json_stream *s, uint8_t byte)
{
	if (byte < 0x20 || byte >= 0xfe) {
		stray(s, byte);
		return;
	}
	if (byte != '\'')
		g_string_append_c(s->text, '\\');
	g_string_append_c(s->text, (char)byte);
	s->state = STRING;
}

/* Where a number may go on from a state; START: it may not. */
static enum state number_next(enum state state, uint8_t byte)
{
	bool digit = g_ascii_isdigit(byte);

	switch (state) {
	case MINUS:
		return byte == '0' ? ZERO : digit ? DIGITS : START;
	case DIGITS:
		if (digit)
			return DIGITS;
		/* fall through */
	case ZERO:
		return byte == '.' ? POINT : byte == 'e' || byte == 'E' ? EXP : START;
	case POINT:
		return digit ? FRACTION : START;
	case FRACTION:
		return digit ? FRACTION : byte == 'e' || byte == 'E' ? EXP : START;
	case EXP:
		return byte == '+' || byte == '-' ? EXP_SIGN : digit ? EXPONENT : START;
	default:
		return digit ? EXPONENT : START;
	}
}

static bool number_may_end(const struct json_stream *s, uint8_t byte)
{
	if (s->state == ZERO && g_ascii_isdigit(byte))
		return false;
	return s->state == ZERO || s->state == DIGITS || s->state == FRACTION ||
	       s->state == EXPONENT;
}

static void one_byte(struct json_stream *s, uint8_t byte);

static void in_number(struct json_stream *s, uint8_t byte)
{
	enum state next = number_next(s->state, byte);

	if (next != START) {
		g_string_append_c(s->text, (char)byte);
		s->state = next;
		if (s->text->len > JSON_STREAM_BYTES)
			fail(s, "JSON token size limit exceeded");
	} else if (number_may_end(s, byte)) {
		token_done(s);
		one_byte(s, byte);
	} else {
		stray(s, byte);
	}
}

static void in_keyword(struct json_stream *s, uint8_t byte)
{
	if (!g_ascii_islower(byte)) {
		token_done(s);
		one_byte(s, byte);
		return;
	}
	g_string_append_c(s->text, (char)byte);
	if (s->text->len > JSON_STREAM_BYTES)
		fail(s, "JSON token size limit exceeded");
}

static void in_recovery(struct json_stream *s, uint8_t byte)
{
	if (byte >= 0x20 && byte < 0xfe && !strchr("{}[]:,", byte))
		return;
	s->state = START;
	if (byte >= 0xfe) /* it would be the next error at once */
		s->state = RECOVERY;
	else if (byte >= 0x20)
		one_byte(s, byte);
}

static void one_byte(struct json_stream *s, uint8_t byte)
{
	switch (s->state) {
	case START:
		at_start(s, byte);
		break;
	case STRING:
		in_string(s, byte);
		break;
	case ESCAPE:
		in_escape(s, byte);
		break;
	case KEYWORD:
		in_keyword(s, byte);
		break;
	case RECOVERY:
		in_recovery(s, byte);
		break;
	default:
		in_number(s, byte);
	}
}

void json_stream_feed(struct json_stream *s, const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		one_byte(s, buf[i]);
}
