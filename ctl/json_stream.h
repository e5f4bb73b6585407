/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON values cut out of a stream of bytes, as QMP wants it: each value is given out at its last
 * byte, whatever the line breaks, and after an error the next value is found again.
 *
 * Invariants: only framing and lexical rules (RFC 8259, and strings in single quotes) are decided
 * here; what comes out is plain JSON text for a parser.  Memory is bounded: a value that grows over
 * a limit is an error, its rest is skipped.  A lexical error is told at the byte that makes it;
 * bytes after it are skipped to the next structural or control character.
 */
#ifndef CTL_JSON_STREAM_H
#define CTL_JSON_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define JSON_STREAM_BYTES (64u << 20) /* of one value */
#define JSON_STREAM_TOKENS (2u << 20)
#define JSON_STREAM_DEPTH 1024 /* of objects and arrays in each other */

struct json_stream;

struct json_stream_ops {
	/* One whole value, or, where text is NULL, an error in words.  May not feed or free. */
	void (*value)(void *opaque, const char *text, size_t len, const char *error);
};

struct json_stream *json_stream_new(const struct json_stream_ops *ops, void *opaque);
void json_stream_free(struct json_stream *s);  /* NULL is accepted */
void json_stream_reset(struct json_stream *s); /* forgets what has begun: another peer is there */
void json_stream_feed(struct json_stream *s, const uint8_t *buf, size_t len);

#endif
