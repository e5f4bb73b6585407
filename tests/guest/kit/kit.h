/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every flat guest has: ports, memory-mapped registers, a console, checks, an end.
 *
 * Invariants: one CPU writes to the console at a time.  A guest prints "ok NAME" or "not ok NAME
 * got X want Y" for each check and "done N" last; its exit value is 0 where all went well.
 * Nothing here needs a library.
 */
#ifndef GUEST_KIT_H
#define GUEST_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEBUGCON 0xe9
#define DEBUG_EXIT 0xf4 /* isa-debug-exit,iobase=0xf4,iosize=4 */
#define PMBASE 0x600
#define PM_TIMER (PMBASE + 8)
#define PM_HZ 3579545u
#define MULTIBOOT_MAGIC 0x2badb002u
#define PVH_MAGIC 0x336ec578u

/* Each guest's own: the boot protocol's magic number and information. */
void guest(uint32_t magic, uintptr_t info);

void guest_main(uint32_t magic, uintptr_t info);
void guest_exit(void) __attribute__((noreturn));
void exit_with(uint32_t value) __attribute__((noreturn)); /* status value << 1 | 1 */

/* --- ports and registers ---------------------------------------------------------------------- */

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

/* One instruction of exactly this width, whatever the compiler thinks of the address. */
static inline void write8(uintptr_t at, uint8_t v)
{
	__asm__ volatile("movb %0, (%1)" : : "q"(v), "r"(at) : "memory");
}

static inline void write16(uintptr_t at, uint16_t v)
{
	__asm__ volatile("movw %0, (%1)" : : "r"(v), "r"(at) : "memory");
}

static inline void write32(uintptr_t at, uint32_t v)
{
	__asm__ volatile("movl %0, (%1)" : : "r"(v), "r"(at) : "memory");
}

static inline uint8_t read8(uintptr_t at)
{
	uint8_t v;

	__asm__ volatile("movb (%1), %0" : "=q"(v) : "r"(at) : "memory");
	return v;
}

static inline uint16_t read16(uintptr_t at)
{
	uint16_t v;

	__asm__ volatile("movw (%1), %0" : "=r"(v) : "r"(at) : "memory");
	return v;
}

static inline uint32_t read32(uintptr_t at)
{
	uint32_t v;

	__asm__ volatile("movl (%1), %0" : "=r"(v) : "r"(at) : "memory");
	return v;
}

#ifdef __x86_64__
static inline void write64(uintptr_t at, uint64_t v)
{
	__asm__ volatile("movq %0, (%1)" : : "r"(v), "r"(at) : "memory");
}

static inline uint64_t read64(uintptr_t at)
{
	uint64_t v;

	__asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(at) : "memory");
	return v;
}
#endif

struct cpuid {
	uint32_t a, b, c, d;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(sub));
	return r;
}

static inline uint64_t rdmsr(uint32_t nr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(nr) : "memory");
	return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t nr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(nr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

static inline void sti(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void cli(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline void relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* --- console and checks ----------------------------------------------------------------------- */

void put(const char *text);
void put_hex(uint64_t v);
void put_dec(uint32_t v);
void say(const char *text, uint64_t v); /* "text 0xv" */

void check(const char *name, uint64_t got, uint64_t want);
void check_true(const char *name, bool cond);
void skip(const char *name, const char *why);

/*
 * The kernel's command line (without the file's name for multiboot), and KEY=VALUE in it; NULL =
 * none.
 */
extern const char *cmdline;
const char *arg(const char *key);
uint32_t arg_num(const char *key, uint32_t otherwise); /* decimal */
bool arg_is(const char *key, const char *value);

bool same_text(const char *a, const char *b);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *at, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* --- time ------------------------------------------------------------------------------------- */

/* Spin until *what is at least n, at most WAIT_SECONDS by the PM timer; did it get there? */
#define WAIT_SECONDS 10
bool wait_for(volatile uint32_t *what, uint32_t n);
void pass_ticks(uint32_t ticks); /* of the PM timer */

#endif
