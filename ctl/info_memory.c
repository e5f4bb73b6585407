// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the monitor's x and xp: guest memory as numbers.  Called by the monitor; changes nothing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/lookup.h"
#include "ctl/info.h"
#include "mem/access.h"
#include "vm/board.h"
#include "vm/vm.h"

enum { COUNT_MAX = 65536, LINE = 16 };

struct format {
	unsigned count, size;
	char kind;
};

/* "/10xw" and the like, every part of which may be missing; the rest of the text, NULL = wrong. */
static const char *parse_format(const char *text, struct format *f, GString *out)
{
	char *end = (char *)text;

	*f = (struct format){1, 4, 'x'};
	if (*text != '/')
		return text;
	if (g_ascii_isdigit(text[1]))
		f->count = (unsigned)MIN(strtoul(text + 1, &end, 10), COUNT_MAX);
	else
		end++;
	for (; *end && *end != ' '; end++) {
		const char *size = strchr("bhwg", *end);

		if (size) {
			f->size = 1u << (size - "bhwg");
		} else if (strchr("xduoc", *end)) {
			f->kind = *end;
		} else {
			g_string_append_printf(out,
					       "'%c' is no format: a count, one of x d u o c, one "
					       "of b h w g\n",
					       *end);
			return NULL;
		}
	}
	return end + strspn(end, " ");
}

static void one_value(uint64_t v, const struct format *f, GString *out)
{
	unsigned shift = 64 - 8 * f->size;

	switch (f->kind) {
	case 'd':
		g_string_append_printf(out, " %" PRId64, (int64_t)(v << shift) >> shift);
		break;
	case 'u':
		g_string_append_printf(out, " %" PRIu64, v);
		break;
	case 'o':
		g_string_append_printf(out, " 0%" PRIo64, v);
		break;
	case 'c':
		g_string_append_printf(out, " '%c'", g_ascii_isprint((char)v) ? (char)v : '.');
		break;
	default:
		g_string_append_printf(out, " 0x%0*" PRIx64, 2 * (int)f->size, v);
	}
}

/* Only what is memory: a register may change by being read. */
static bool read_value(struct vm *vm, const struct x86_regs *regs, uint64_t addr, unsigned size,
		       uint64_t *v)
{
	struct aspace *mem = vm_board(vm)->mem;
	uint64_t len = size;

	if (regs && !x86_lookup(mem, regs, addr, &addr))
		return false;
	if (!aspace_ptr(mem, addr, &len, false) || len < size)
		return false;
	*v = aspace_read(mem, addr, size);
	return true;
}

static void dump(struct vm *vm, const struct x86_regs *regs, uint64_t addr, const struct format *f,
		 GString *out)
{
	for (unsigned i = 0; i < f->count; i++, addr += f->size) {
		uint64_t v;

		if (i % (LINE / f->size) == 0)
			g_string_append_printf(out, "%s%016" PRIx64 ":", i ? "\n" : "", addr);
		if (!read_value(vm, regs, addr, f->size, &v)) {
			g_string_append(out, " Cannot access memory");
			break;
		}
		one_value(v, f, out);
	}
	g_string_append_c(out, '\n');
}

void info_memory(struct vm *vm, const char *args, bool physical, GString *out)
{
	struct format f;
	struct x86_regs regs;
	const char *addr = parse_format(args, &f, out);
	char *end;
	uint64_t at;

	if (!addr)
		return;
	at = strtoull(addr, &end, 0);
	if (end == addr || *end) {
		g_string_append_printf(out, "'%s' is no address; such as xp /4xw 0x100000\n", addr);
		return;
	}
	if (!physical && vm_cpu_regs(vm, 0, &regs) < 0) {
		g_string_append(out, "there is no CPU\n");
		return;
	}
	dump(vm, physical ? NULL : &regs, at, &f, out);
}
