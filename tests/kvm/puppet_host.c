// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the machine around the puppet guest.  Called by the tests of the accelerator; see
 * puppet_host.h.
 */
#include "puppet_host.h"

#include <string.h>

#include "base/err.h"
#include "mem/layout.h"

/* --- the door; vCPU's thread ------------------------------------------------------------------ */

static uint64_t door_read(void *opaque, uint64_t off, unsigned len)
{
	struct puppet *p = opaque;
	uint32_t v = 0;

	g_mutex_lock(&p->lock);
	switch (off) {
	case PUPPET_ORDER:
		v = p->order;
		p->order = PUPPET_NONE;
		break;
	case PUPPET_ADDR:
		v = p->addr;
		break;
	case PUPPET_VALUE:
		v = p->value;
		break;
	case PUPPET_WIDTH:
		v = p->width;
		break;
	case PUPPET_GATE:
		v = p->gate;
		break;
	}
	g_mutex_unlock(&p->lock);
	return v;
}

static void door_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct puppet *p = opaque;

	g_mutex_lock(&p->lock);
	if (off == PUPPET_RESULT) {
		p->result = (uint32_t)val;
		p->done = true;
	} else if (off == PUPPET_EVENT && p->got < EVENTS) {
		p->events[p->got++] = (uint32_t)val;
	}
	g_cond_broadcast(&p->changed);
	g_mutex_unlock(&p->lock);
}

static const struct region_ops door_ops = {door_read, door_write, 4, 4, false};

static void on_event(void *opaque, enum vcpu_event ev, unsigned cpu)
{
	((struct puppet *)opaque)->failed = true;
}

/* --- waiting; test's thread ------------------------------------------------------------------- */

typedef bool condition(const struct puppet *p);

static bool is_done(const struct puppet *p)
{
	return p->done;
}

static bool has_event(const struct puppet *p)
{
	return p->seen < p->got;
}

static void wait_for(struct puppet *p, condition *c, const char *what)
{
	gint64 end = g_get_monotonic_time() + PATIENCE_S * G_TIME_SPAN_SECOND;

	g_mutex_lock(&p->lock);
	while (!c(p)) {
		gint64 now = g_get_monotonic_time();

		if (now > end || p->failed)
			g_error("%s: %s", what,
				p->failed ? "the vCPU stopped" : "the guest did not answer");
		g_cond_wait_until(&p->changed, &p->lock, now + G_TIME_SPAN_SECOND / 4);
		g_mutex_unlock(&p->lock);
		g_main_context_iteration(NULL, FALSE); /* the vCPU's failures come this way */
		g_mutex_lock(&p->lock);
	}
	g_mutex_unlock(&p->lock);
}

static uint32_t give(struct puppet *p, enum puppet_order order, uint32_t addr, uint32_t v,
		     unsigned width)
{
	g_mutex_lock(&p->lock);
	p->addr = addr;
	p->value = v;
	p->width = width;
	p->done = false;
	p->order = order;
	g_mutex_unlock(&p->lock);
	wait_for(p, is_done, "an order");
	return p->result;
}

uint32_t puppet_read(struct puppet *p, uint32_t addr, unsigned width)
{
	return give(p, PUPPET_READ, addr, 0, width);
}

void puppet_write(struct puppet *p, uint32_t addr, uint32_t v, unsigned width)
{
	give(p, PUPPET_WRITE, addr, v, width);
}

uint32_t puppet_in(struct puppet *p, uint16_t port, unsigned width)
{
	return give(p, PUPPET_IN, port, 0, width);
}

void puppet_out(struct puppet *p, uint16_t port, uint32_t v, unsigned width)
{
	give(p, PUPPET_OUT, port, v, width);
}

unsigned puppet_event(struct puppet *p, bool *in_service)
{
	uint32_t v;

	wait_for(p, has_event, "an interrupt");
	g_mutex_lock(&p->lock);
	v = p->events[p->seen++];
	g_mutex_unlock(&p->lock);
	if (in_service)
		*in_service = v & IN_SERVICE;
	return v & 0xff;
}

bool puppet_quiet(struct puppet *p)
{
	bool quiet;

	/* What was pending is delivered before the second of two accesses that leave the guest. */
	puppet_in(p, PUPPET_PORT + PUPPET_GATE, 4);
	puppet_in(p, PUPPET_PORT + PUPPET_GATE, 4);
	g_mutex_lock(&p->lock);
	quiet = p->seen == p->got;
	g_mutex_unlock(&p->lock);
	return quiet;
}

void puppet_gate(struct puppet *p, enum puppet_gate gate)
{
	g_mutex_lock(&p->lock);
	p->gate = gate;
	g_mutex_unlock(&p->lock);
}

/* --- machine ---------------------------------------------------------------------------------- */

static void fail(struct err *e, const char *what)
{
	g_error("%s: %s", what, e ? err_text(e) : "no reason given");
}

static void load(struct puppet *p, const char *path)
{
	const struct e820_entry map[] = {{0, LAYOUT_EBDA, E820_RAM},
					 {MIB, PUPPET_RAM - MIB, E820_RAM}};
	const struct boot_env env = {p->mem, map, G_N_ELEMENTS(map), PUPPET_RAM, 0};
	struct x86_regs regs;
	struct err *e = NULL;

	p->boot = boot_open(path, NULL, NULL, &env, &e);
	x86_regs_reset(&regs);
	if (!p->boot || boot_load(p->boot, &env, &regs, &e) < 0)
		fail(e, "load the guest");
	if (vcpus_reset(p->vcpus, &regs, &e) < 0 || vcpus_start(p->vcpus, &e) < 0)
		fail(e, "start the guest");
}

void puppet_start(struct puppet *p, enum irqchip_mode mode, const char *path)
{
	struct cpu_spec cpu;
	struct accel_conf conf = {.irqchip = mode, .cpus = 1, .cpu = &cpu};
	const struct vcpus_ops ops = {.event = on_event, .opaque = p};
	struct err *e = NULL;

	memset(p, 0, sizeof(*p));
	g_mutex_init(&p->lock);
	g_cond_init(&p->changed);
	p->gate = GATE_EOI;
	p->mem = aspace_new("memory", 0);
	p->io = aspace_new("I/O", 0x10000);
	region_init_io(&p->door, "door", PUPPET_SIZE, &door_ops, p);
	aspace_map(p->io, &p->door, PUPPET_PORT, 0, PUPPET_SIZE, 0);
	if (ram_init(&p->ram, "ram", PUPPET_RAM, &e) < 0)
		fail(e, "RAM");
	aspace_map(p->mem, &p->ram.region, 0, 0, PUPPET_RAM, 0);
	conf.mem = p->mem;
	conf.io = p->io;
	if (cpu_spec_parse(&cpu, NULL, &e) < 0 || accel_open(&p->accel, "kvm", &conf, &e) < 0)
		fail(e, "accelerator");
	p->vcpus = vcpus_new(p->accel, &ops, &e);
	if (!p->vcpus)
		fail(e, "vCPU");
	load(p, path);
	wait_for(p, is_done, "the guest's start");
	g_assert_cmphex(p->result, ==, PUPPET_READY);
}

void puppet_end(struct puppet *p)
{
	vcpus_free(p->vcpus);
	accel_close(p->accel);
	boot_free(p->boot);
	aspace_free(p->io);
	aspace_free(p->mem);
	ram_fini(&p->ram);
	g_cond_clear(&p->changed);
	g_mutex_clear(&p->lock);
}
