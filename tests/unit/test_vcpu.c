// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vCPU threads on an accelerator that only the test moves: each CPU waits in "guest mode" until it
 * gets an exit record or is kicked. A test never waits for time: it waits for a counter, a state,
 * or the main loop.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "accel/vcpu.h"
#include "base/err.h"
#include "mem/access.h"
#include "mem/aspace.h"

#define CPUS 4
#define PORT 0x10

struct fcpu {
	bool kicked;
	bool spin; /* exits for ever: an OUT to PORT */
	bool one;  /* exit is to be taken once */
	struct vcpu_exit exit;
	int fail; /* vcpu_run's own error */
	uint8_t data[8];
	unsigned runs;
};

struct fake {
	struct accel accel;
	struct aspace *mem, *io;
	struct region port;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct fcpu cpu[CPUS];
	int inside;   /* CPUs in guest mode or in device code */
	bool started; /* between the accelerator's start and stop */
	unsigned starts, stops, opens, closes, resets, main_kicks, eois;
	int open_fails_at; /* CPU, -1 = none */
	const struct x86_regs *bsp;
	pthread_t main;
	/* of the owner */
	struct vcpus *set;
	GArray *events; /* of enum vcpu_event */
	unsigned last_cpu;
	void (*on_event)(struct fake *f, enum vcpu_event ev);
	void (*on_write)(struct fake *f, uint64_t val); /* in device code, on a vCPU thread */
	uint64_t written;
};

static struct fake *fake_of(struct accel *a)
{
	return (struct fake *)a;
}

static int f_open(struct vcpu *v, struct err **errp)
{
	struct fake *f = fake_of(v->accel);

	if ((int)v->id == f->open_fails_at)
		return err_set(errp, -ENOMEM, "no CPU %u", v->id);
	f->opens++;
	return 0;
}

static void f_close(struct vcpu *v)
{
	fake_of(v->accel)->closes++;
}

static int f_run(struct vcpu *v, struct vcpu_exit *x)
{
	struct fake *f = fake_of(v->accel);
	struct fcpu *c = &f->cpu[v->id];
	int ret = 0;

	pthread_mutex_lock(&f->lock);
	g_assert_true(f->started); /* guest code only between start and stop */
	f->inside++;
	c->runs++;
	pthread_cond_broadcast(&f->changed);
	while (!c->kicked && !c->spin && !c->one && !c->fail)
		pthread_cond_wait(&f->changed, &f->lock);
	*x = (struct vcpu_exit){.kind = VCPU_EXIT_NONE};
	if (c->one) {
		*x = c->exit;
		c->one = false;
	} else if (c->kicked) {
		c->kicked = false;
	} else if (c->fail) {
		ret = c->fail;
		x->kind = (enum vcpu_exit_kind)(VCPU_EXIT_KINDS + 100000); /* not to be used */
	} else {
		*x = (struct vcpu_exit){.kind = VCPU_EXIT_IO,
					.write = true,
					.len = 1,
					.count = 1,
					.addr = PORT,
					.data = c->data};
	}
	f->inside--;
	pthread_mutex_unlock(&f->lock);
	return ret;
}

static void f_kick(struct vcpu *v)
{
	struct fake *f = fake_of(v->accel);

	pthread_mutex_lock(&f->lock);
	f->cpu[v->id].kicked = true;
	f->main_kicks += pthread_equal(pthread_self(), f->main) != 0;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static int f_reset(struct vcpu *v, const struct x86_regs *regs, struct err **errp)
{
	struct fake *f = fake_of(v->accel);

	if (v->id == 0)
		f->bsp = regs;
	else
		g_assert_null(regs); /* the others wait for INIT and SIPI */
	f->resets++;
	return f->resets == 99 ? err_set(errp, -EIO, "reset of CPU %u", v->id) : 0;
}

static void f_start(struct accel *a)
{
	struct fake *f = fake_of(a);

	pthread_mutex_lock(&f->lock);
	g_assert_false(f->started);
	g_assert_cmpint(f->inside, ==, 0);
	f->started = true;
	f->starts++;
	pthread_mutex_unlock(&f->lock);
}

static void f_stop(struct accel *a)
{
	struct fake *f = fake_of(a);

	pthread_mutex_lock(&f->lock);
	g_assert_true(f->started);
	g_assert_cmpint(f->inside, ==, 0);
	f->started = false;
	f->stops++;
	pthread_mutex_unlock(&f->lock);
}

static const struct accel_ops f_ops = {
	.name = "fake",
	.start = f_start,
	.stop = f_stop,
	.vcpu_open = f_open,
	.vcpu_close = f_close,
	.vcpu_run = f_run,
	.vcpu_kick = f_kick,
	.vcpu_reset = f_reset,
};

/* --- devices and owner --- */

static uint64_t port_read(void *opaque, uint64_t off, unsigned len)
{
	return 0xa0 + off;
}

static void port_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct fake *f = opaque;

	pthread_mutex_lock(&f->lock);
	g_assert_true(f->started);
	f->inside++;
	f->written = val;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	if (f->on_write)
		f->on_write(f, val);
	pthread_mutex_lock(&f->lock);
	f->inside--;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static const struct region_ops port_ops = {port_read, port_write, 1, 4, true};

static void owner_event(void *opaque, enum vcpu_event ev, unsigned cpu)
{
	struct fake *f = opaque;

	g_assert_true(pthread_equal(pthread_self(), f->main));
	g_assert_false(vcpus_running(f->set)); /* everybody is parked */
	g_assert_cmpint(f->inside, ==, 0);
	g_assert_cmpint(ev, !=, VCPU_EV_NONE);
	g_array_append_val(f->events, ev);
	f->last_cpu = cpu;
	if (f->on_event)
		f->on_event(f, ev);
}

static void eoi(void *opaque, uint8_t vector)
{
	struct fake *f = opaque;

	g_atomic_int_set(&f->eois, vector);
}

static void fake_init(struct fake *f, unsigned cpus)
{
	const struct vcpus_ops ops = {eoi, f, owner_event, f};

	memset(f, 0, sizeof(*f));
	f->open_fails_at = -1;
	f->main = pthread_self();
	f->events = g_array_new(FALSE, FALSE, sizeof(enum vcpu_event));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->mem = aspace_new("mem", 0);
	f->io = aspace_new("io", 0x10000);
	region_init_io(&f->port, "port", 8, &port_ops, f);
	aspace_map(f->io, &f->port, PORT, 0, 8, 0);
	aspace_map(f->mem, &f->port, 0x1000, 0, 8, 0);
	f->accel = (struct accel){.ops = &f_ops, .cpus = cpus, .mem = f->mem, .io = f->io};
	f->set = vcpus_new(&f->accel, &ops, NULL);
	g_assert_nonnull(f->set);
}

static void fake_fini(struct fake *f)
{
	vcpus_free(f->set);
	g_assert_cmpuint(f->opens, ==, f->closes);
	g_assert_cmpuint(f->starts, ==, f->stops);
	g_assert_cmpint(f->inside, ==, 0);
	while (g_main_context_iteration(NULL, FALSE)) /* no source is left that knows the set */
		;
	aspace_free(f->mem);
	aspace_free(f->io);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
	g_array_free(f->events, TRUE);
}

/* Let one CPU leave the guest with this record. */
static void give(struct fake *f, unsigned cpu, struct vcpu_exit x)
{
	pthread_mutex_lock(&f->lock);
	f->cpu[cpu].exit = x;
	f->cpu[cpu].one = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

/* Until a CPU has entered the guest for the first time. */
static void wait_first(struct fake *f, unsigned cpu)
{
	pthread_mutex_lock(&f->lock);
	while (!f->cpu[cpu].runs)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

/* Until a CPU that never rests has entered the guest n more times. */
static void wait_runs(struct fake *f, unsigned cpu, unsigned n)
{
	pthread_mutex_lock(&f->lock);
	for (n += f->cpu[cpu].runs; f->cpu[cpu].runs < n;)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

static unsigned runs(struct fake *f, unsigned cpu)
{
	unsigned n;

	pthread_mutex_lock(&f->lock);
	n = f->cpu[cpu].runs;
	pthread_mutex_unlock(&f->lock);
	return n;
}

static void give_and_wait(struct fake *f, unsigned cpu, struct vcpu_exit x)
{
	unsigned before;

	wait_first(f, cpu);
	before = runs(f, cpu);
	give(f, cpu, x);
	pthread_mutex_lock(&f->lock);
	while (f->cpu[cpu].runs == before)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

static void wait_events(struct fake *f, guint n)
{
	while (f->events->len < n)
		g_main_context_iteration(NULL, TRUE);
}

static void drain(void)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static enum vcpu_event event(struct fake *f, guint i)
{
	g_assert_cmpuint(i, <, f->events->len);
	return g_array_index(f->events, enum vcpu_event, i);
}

/* --- life --- */

static void life(void)
{
	struct fake f;

	fake_init(&f, CPUS);
	g_assert_false(vcpus_running(f.set));
	g_assert_nonnull(vcpus_get(f.set, CPUS - 1));
	g_assert_null(vcpus_get(f.set, CPUS));
	vcpus_stop(f.set); /* before any thread: nothing to wait for */
	g_assert_cmpuint(f.stops, ==, 0);
	for (unsigned i = 1; i <= 3; i++) {
		g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
		g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0); /* runs already */
		g_assert_true(vcpus_running(f.set));
		for (unsigned k = 0; k < CPUS; k++)
			if (!runs(&f, k) || i > 1)
				give_and_wait(&f, k, (struct vcpu_exit){.kind = VCPU_EXIT_NONE});
		vcpus_stop(f.set);
		vcpus_stop(f.set);
		g_assert_false(vcpus_running(f.set));
		g_assert_cmpint(f.inside, ==, 0);
		g_assert_cmpuint(f.starts, ==, i);
		g_assert_cmpuint(f.stops, ==, i);
	}
	fake_fini(&f);
}

static void never_started(void)
{
	struct fake f;

	fake_init(&f, 2);
	fake_fini(&f);
	vcpus_free(NULL);
}

static void open_fails(void)
{
	const struct vcpus_ops ops = {0};
	struct err *e = NULL;
	struct fake f;

	fake_init(&f, CPUS);
	for (f.open_fails_at = 0; f.open_fails_at < CPUS; f.open_fails_at++) {
		g_assert_null(vcpus_new(&f.accel, &ops, &e));
		g_assert_nonnull(strstr(err_text(e), "no CPU"));
		g_assert_cmpuint(f.opens - f.closes, ==, CPUS); /* those of the good set */
		err_free(e);
		e = NULL;
	}
	fake_fini(&f);
}

static void reset(void)
{
	struct x86_regs regs;
	struct err *e = NULL;
	struct fake f;

	fake_init(&f, 3);
	g_assert_cmpint(vcpus_reset(f.set, &regs, NULL), ==, 0);
	g_assert_true(f.bsp == &regs);
	g_assert_cmpuint(f.resets, ==, 3);
	f.resets = 97;
	g_assert_cmpint(vcpus_reset(f.set, &regs, &e), ==, -EIO);
	g_assert_cmpstr(err_text(e), ==, "reset of CPU 1");
	g_assert_cmpuint(f.resets, ==, 99); /* the third is not tried */
	err_free(e);
	fake_fini(&f);
}

/* --- exits --- */

static void exits(void)
{
	uint8_t buf[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct vcpu_exit io = {
		.kind = VCPU_EXIT_IO, .len = 2, .count = 3, .addr = PORT, .data = buf};
	struct fake f;
	struct vcpu *v;

	fake_init(&f, 1);
	v = vcpus_get(f.set, 0);
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	give_and_wait(&f, 0, io); /* INSW, three of them; no byte more */
	g_assert_cmphex(le_load(buf, 8), ==, 0x080700a000a000a0);
	io.write = true;
	io.len = 4;
	io.count = 2;
	le_store(buf + 4, 0xcafebabe, 4);
	give_and_wait(&f, 0, io);
	g_assert_cmphex(f.written, ==, 0xcafebabe);
	io = (struct vcpu_exit){.kind = VCPU_EXIT_MMIO, .len = 3, .addr = 0x1001, .data = buf};
	memset(buf, 0xee, sizeof(buf));
	give_and_wait(&f, 0, io);
	g_assert_cmphex(buf[0], ==, 0xa1);
	g_assert_cmphex(buf[3], ==, 0xee);
	io.write = true;
	io.len = 1;
	io.addr = 0x1000;
	buf[0] = 0x77;
	give_and_wait(&f, 0, io);
	g_assert_cmphex(f.written, ==, 0x77);
	give_and_wait(&f, 0, (struct vcpu_exit){.kind = VCPU_EXIT_EOI, .vector = 0x31});
	g_assert_cmphex((unsigned)g_atomic_int_get(&f.eois), ==, 0x31);
	vcpus_stop(f.set);
	g_assert_cmpuint(v->exits[VCPU_EXIT_IO], ==, 2);
	g_assert_cmpuint(v->exits[VCPU_EXIT_MMIO], ==, 2);
	g_assert_cmpuint(v->exits[VCPU_EXIT_EOI], ==, 1);
	fake_fini(&f);
}

static void exit_events(void)
{
	static const struct {
		enum vcpu_exit_kind kind;
		enum vcpu_event ev;
	} map[] = {{VCPU_EXIT_SHUTDOWN, VCPU_EV_TRIPLE},
		   {VCPU_EXIT_RESET, VCPU_EV_RESET},
		   {VCPU_EXIT_HALT, VCPU_EV_SHUTDOWN},
		   {VCPU_EXIT_FAIL, VCPU_EV_FAIL}};
	struct fake f;

	fake_init(&f, 2);
	for (guint i = 0; i < G_N_ELEMENTS(map); i++) {
		g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
		give(&f, 1, (struct vcpu_exit){.kind = map[i].kind});
		wait_events(&f, i + 1);
		g_assert_cmpint(event(&f, i), ==, map[i].ev);
		g_assert_cmpuint(f.last_cpu, ==, 1);
	}
	fake_fini(&f);
}

/* vcpu_run itself fails: one event, and the thread waits instead of trying for ever. */
static void run_fails(void)
{
	struct fake f;
	unsigned n;

	fake_init(&f, 1);
	f.cpu[0].fail = -EFAULT;
	g_test_expect_message(NULL, G_LOG_LEVEL_CRITICAL, "CPU 0 cannot run: Bad address");
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	wait_events(&f, 1);
	g_test_assert_expected_messages();
	g_assert_cmpint(event(&f, 0), ==, VCPU_EV_FAIL);
	n = f.cpu[0].runs;
	drain();
	g_assert_cmpuint(f.cpu[0].runs, ==, n);
	g_assert_cmpuint(n, ==, 1);
	fake_fini(&f);
}

/* --- events --- */

static void start_again(struct fake *f, enum vcpu_event ev)
{
	g_assert_cmpint(vcpus_start(f->set, NULL), ==, 0);
}

static void raise_from_main(void)
{
	struct fake f;

	fake_init(&f, CPUS);
	vcpus_raise(f.set, VCPU_EV_FAIL, 3); /* before anything runs */
	wait_events(&f, 1);
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	vcpus_raise(f.set, VCPU_EV_SHUTDOWN, 2);
	g_assert_false(vcpus_running(f.set)); /* stopped at once, the owner hears later */
	g_assert_cmpuint(f.events->len, ==, 1);
	wait_events(&f, 2);
	g_assert_cmpint(event(&f, 1), ==, VCPU_EV_SHUTDOWN);
	g_assert_cmpuint(f.last_cpu, ==, 2);
	drain();
	g_assert_cmpuint(f.events->len, ==, 2);
	fake_fini(&f);
}

/* The first event counts; an end of the machine outweighs its reset, in either order. */
static void precedence(void)
{
	struct fake f;

	fake_init(&f, 1);
	vcpus_raise(f.set, VCPU_EV_RESET, 0);
	vcpus_raise(f.set, VCPU_EV_TRIPLE, 0);
	wait_events(&f, 1);
	g_assert_cmpint(event(&f, 0), ==, VCPU_EV_RESET);
	vcpus_raise(f.set, VCPU_EV_TRIPLE, 0);
	vcpus_raise(f.set, VCPU_EV_FAIL, 0);
	vcpus_raise(f.set, VCPU_EV_SHUTDOWN, 0);
	wait_events(&f, 2);
	g_assert_cmpint(event(&f, 1), ==, VCPU_EV_FAIL);
	vcpus_raise(f.set, VCPU_EV_SHUTDOWN, 0);
	vcpus_raise(f.set, VCPU_EV_RESET, 0);
	wait_events(&f, 3);
	g_assert_cmpint(event(&f, 2), ==, VCPU_EV_SHUTDOWN);
	vcpus_raise(f.set, VCPU_EV_TOLD, 0); /* a mere word yields to all others */
	vcpus_raise(f.set, VCPU_EV_TOLD, 0);
	vcpus_raise(f.set, VCPU_EV_RESET, 0);
	vcpus_raise(f.set, VCPU_EV_TOLD, 0);
	wait_events(&f, 4);
	g_assert_cmpint(event(&f, 3), ==, VCPU_EV_RESET);
	vcpus_raise(f.set, VCPU_EV_TOLD, 0);
	vcpus_reset(f.set, NULL, NULL); /* is not lost with a reset that was asked for */
	wait_events(&f, 5);
	g_assert_cmpint(event(&f, 4), ==, VCPU_EV_TOLD);
	drain();
	g_assert_cmpuint(f.events->len, ==, 5);
	fake_fini(&f);
}

/* A device that raises from a vCPU's thread: that CPU parks after the exit, the others at once. */
static void raise_on_write(struct fake *f, uint64_t val)
{
	vcpus_raise(f->set, (enum vcpu_event)val, 1);
	g_assert_false(vcpus_running(f->set));
}

static void raise_from_vcpu(void)
{
	struct fake f;

	fake_init(&f, CPUS);
	f.on_write = raise_on_write;
	f.cpu[1].data[0] = VCPU_EV_RESET;
	f.cpu[1].spin = true;
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	wait_events(&f, 1);
	g_assert_cmpuint(f.cpu[1].runs, ==, 1); /* exactly the one exit */
	f.on_event = start_again;
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	wait_events(&f, 20); /* runs, raises, is started again, ... */
	vcpus_stop(f.set);
	g_assert_cmpuint(vcpus_get(f.set, 1)->exits[VCPU_EXIT_IO], <=,
			 21); /* one exit, one event */
	f.on_event = NULL;
	fake_fini(&f);
}

/*
 * Two CPUs ask for one reset.  The second does while the first's event is delivered already: it is
 * part of that event, not a second reset after the restart.
 */
static void raise_late(struct fake *f, uint64_t val)
{
	if (val == 2) { /* the second one: wait until the main thread waits for us */
		pthread_mutex_lock(&f->lock);
		while (!f->main_kicks)
			pthread_cond_wait(&f->changed, &f->lock);
		pthread_mutex_unlock(&f->lock);
	}
	vcpus_raise(f->set, VCPU_EV_RESET, (unsigned)val);
}

static void both_reset(void)
{
	uint8_t one = 1, two = 2;
	struct vcpu_exit x = {
		.kind = VCPU_EXIT_IO, .write = true, .len = 1, .count = 1, .addr = PORT};
	struct fake f;

	fake_init(&f, 2);
	f.on_write = raise_late;
	f.on_event = start_again;
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	x.data = &two;
	wait_first(&f, 1);
	give(&f, 1, x);
	pthread_mutex_lock(&f.lock);
	while (f.written != 2) /* it is in the device */
		pthread_cond_wait(&f.changed, &f.lock);
	pthread_mutex_unlock(&f.lock);
	x.data = &one;
	give(&f, 0, x);
	wait_events(&f, 1);
	drain();
	g_assert_cmpuint(f.events->len, ==, 1);
	vcpus_stop(f.set);
	drain();
	g_assert_cmpuint(f.events->len, ==, 1);
	fake_fini(&f);
}

/* The user resets while the guest's own wish for it waits in the loop: one reset is enough. */
static void reset_drops_reset(void)
{
	struct x86_regs regs;
	struct fake f;

	fake_init(&f, 2);
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	vcpus_raise(f.set, VCPU_EV_TRIPLE, 0);
	vcpus_stop(f.set);
	g_assert_cmpint(vcpus_reset(f.set, &regs, NULL), ==, 0);
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	g_assert_true(vcpus_running(f.set));
	drain();
	g_assert_cmpuint(f.events->len, ==, 0);
	vcpus_raise(f.set, VCPU_EV_SHUTDOWN, 0); /* this one is not lost */
	vcpus_stop(f.set);
	g_assert_cmpint(vcpus_reset(f.set, &regs, NULL), ==, 0);
	wait_events(&f, 1);
	g_assert_cmpint(event(&f, 0), ==, VCPU_EV_SHUTDOWN);
	fake_fini(&f);
}

/* Stop and start (the monitor's) before the owner has heard: the guest does not run on. */
static void start_with_pending_event(void)
{
	struct fake f;
	unsigned n;

	fake_init(&f, 1);
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	wait_first(&f, 0);
	vcpus_raise(f.set, VCPU_EV_FAIL, 0);
	vcpus_stop(f.set);
	n = runs(&f, 0);
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	g_assert_false(vcpus_running(f.set));
	wait_events(&f, 1);
	g_assert_cmpuint(runs(&f, 0), ==, n);
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
	g_assert_true(vcpus_running(f.set));
	fake_fini(&f);
}

static void quit_with_pending_event(void)
{
	struct fake f;

	for (unsigned i = 0; i < 50; i++) {
		fake_init(&f, CPUS);
		f.on_write = raise_on_write;
		f.cpu[i % CPUS].data[0] = VCPU_EV_SHUTDOWN;
		f.cpu[i % CPUS].spin = true;
		g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
		while (i & 1 &&
		       vcpus_running(f.set)) /* half of them with the event there for sure */
			;
		fake_fini(&f); /* its loop would call a freed set */
		g_assert_cmpint(f.closes, ==, CPUS);
	}
}

/* --- races --- */

static void start_stop_loop(void)
{
	struct fake f;
	uint64_t total = 0;

	fake_init(&f, CPUS);
	for (unsigned i = 0; i < CPUS; i++)
		f.cpu[i].spin = true;
	for (unsigned i = 0; i < 600; i++) {
		g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
		if (i % 3 == 0)
			wait_runs(&f, i % CPUS, 1);
		vcpus_stop(f.set);
		pthread_mutex_lock(&f.lock);
		g_assert_cmpint(f.inside, ==, 0);
		pthread_mutex_unlock(&f.lock);
	}
	for (unsigned i = 0; i < CPUS; i++)
		total += vcpus_get(f.set, i)->exits[VCPU_EXIT_IO];
	g_assert_cmpuint(total, >, 200);
	fake_fini(&f);
}

struct raiser {
	struct fake *f;
	gint stop;
	unsigned raised;
};

static void *raise_loop(void *opaque)
{
	struct raiser *r = opaque;

	while (!g_atomic_int_get(&r->stop)) {
		vcpus_raise(r->f->set, r->raised++ & 1 ? VCPU_EV_RESET : VCPU_EV_SHUTDOWN, 0);
		sched_yield();
	}
	return NULL;
}

/*
 * A third thread raises while the main one starts, stops and serves events; no hang, no lost state.
 */
static void raise_loop_race(void)
{
	struct raiser r = {0};
	struct fake f;
	pthread_t t;

	fake_init(&f, CPUS);
	f.on_event = start_again;
	for (unsigned i = 0; i < CPUS; i++)
		f.cpu[i].spin = true;
	r.f = &f;
	pthread_create(&t, NULL, raise_loop, &r);
	for (unsigned i = 0; i < 2000 || f.events->len < 500; i++) {
		g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0);
		if (i & 1)
			vcpus_stop(f.set);
		g_main_context_iteration(NULL, FALSE);
	}
	g_atomic_int_set(&r.stop, 1);
	pthread_join(t, NULL);
	drain();
	g_assert_cmpint(vcpus_start(f.set, NULL), ==, 0); /* it still runs */
	wait_runs(&f, 0, 1);
	fake_fini(&f);
}

int main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/vcpu/life", life);
	g_test_add_func("/vcpu/never-started", never_started);
	g_test_add_func("/vcpu/open-fails", open_fails);
	g_test_add_func("/vcpu/reset", reset);
	g_test_add_func("/vcpu/exits", exits);
	g_test_add_func("/vcpu/exit-events", exit_events);
	g_test_add_func("/vcpu/run-fails", run_fails);
	g_test_add_func("/vcpu/raise-from-main", raise_from_main);
	g_test_add_func("/vcpu/precedence", precedence);
	g_test_add_func("/vcpu/raise-from-vcpu", raise_from_vcpu);
	g_test_add_func("/vcpu/both-reset", both_reset);
	g_test_add_func("/vcpu/reset-drops-reset", reset_drops_reset);
	g_test_add_func("/vcpu/start-with-pending-event", start_with_pending_event);
	g_test_add_func("/vcpu/quit-with-pending-event", quit_with_pending_event);
	g_test_add_func("/vcpu/start-stop-loop", start_stop_loop);
	g_test_add_func("/vcpu/raise-loop", raise_loop_race);
	ret = g_test_run();
	aspace_thread_leave();
	return ret;
}
