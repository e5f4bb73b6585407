// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * accel/kvm*.c as devices' back ends use it: MSI routes, irqfds with and without resample,
 * ioeventfds, lines, memory slots that change while the guest runs.  A puppet guest says what
 * really arrived.  argv: the guest's image.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "puppet_host.h"

#define IOAPIC 0xfec00000u
#define SPOT PUPPET_SPARE
#define PAGE 0x1000u

static const char *image;

struct fix {
	struct puppet p;
	const struct irqchip *irq;
};

static void setup(struct fix *f, gconstpointer mode)
{
	puppet_start(&f->p, (enum irqchip_mode)GPOINTER_TO_INT(mode), image);
	f->irq = &f->p.accel->irq;
}

static void teardown(struct fix *f, gconstpointer mode)
{
	g_assert_cmpuint(f->p.seen, ==, f->p.got);
	puppet_end(&f->p);
}

static struct msi_msg msg(unsigned vector)
{
	return (struct msi_msg){PUPPET_MSI, vector};
}

static int make_fd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static void signal_fd(int fd)
{
	g_assert_cmpint(eventfd_write(fd, 1), ==, 0);
}

/* Is the eventfd's counter set?  Waits ms for it. */
static bool fired(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	eventfd_t n;

	return poll(&p, 1, ms) == 1 && eventfd_read(fd, &n) == 0;
}

#define assert_event(p, vector) g_assert_cmphex(puppet_event((p), NULL), ==, (vector))

/* --- MSI routes and irqfds -------------------------------------------------------------------- */

static void test_msi_send(struct fix *f, gconstpointer mode)
{
	g_assert_cmpint(irqchip_msi_send(f->irq, msg(0x41)), >=, 0);
	assert_event(&f->p, 0x41);
	g_assert_cmpint(irqchip_msi_send(f->irq, msg(0x42)), >=, 0);
	assert_event(&f->p, 0x42);
	g_assert_true(puppet_quiet(&f->p));
}

static void test_irqfd(struct fix *f, gconstpointer mode)
{
	int a = irqchip_route_add(f->irq, msg(0x51)), b = irqchip_route_add(f->irq, msg(0x52));
	int fda = make_fd(), fdb = make_fd();

	g_assert_cmpint(a, >=, GSI_PINS);
	g_assert_cmpint(b, >=, GSI_PINS);
	g_assert_cmpint(a, !=, b);
	g_assert_cmpint(irqchip_irqfd_add(f->irq, a, fda, -1), ==, 0);
	g_assert_cmpint(irqchip_irqfd_add(f->irq, b, fdb, -1), ==, 0);
	signal_fd(fda);
	assert_event(&f->p, 0x51);
	signal_fd(fdb);
	assert_event(&f->p, 0x52);
	signal_fd(fda);
	assert_event(&f->p, 0x51);
	irqchip_route_set(f->irq, a, msg(0x53));
	signal_fd(fda);
	assert_event(&f->p, 0x53);
	signal_fd(fdb);
	assert_event(&f->p, 0x52);
	g_assert_cmpint(irqchip_irqfd_del(f->irq, a, fda), ==, 0);
	signal_fd(fda);
	signal_fd(fdb);
	assert_event(&f->p, 0x52);
	g_assert_true(puppet_quiet(&f->p));
	g_assert_true(fired(fda, 0)); /* nobody took it */
	g_assert_cmpint(irqchip_irqfd_del(f->irq, b, fdb), ==, 0);
	irqchip_route_del(f->irq, a);
	irqchip_route_del(f->irq, b);
	close(fda);
	close(fdb);
}

static void test_route_reuse(struct fix *f, gconstpointer mode)
{
	int a = irqchip_route_add(f->irq, msg(0x61)), b = irqchip_route_add(f->irq, msg(0x62)), c;
	int fdb = make_fd(), fdc = make_fd();

	g_assert_cmpint(irqchip_irqfd_add(f->irq, b, fdb, -1), ==, 0);
	irqchip_route_del(f->irq, a);
	signal_fd(fdb); /* the table moved: b is b still */
	assert_event(&f->p, 0x62);
	c = irqchip_route_add(f->irq, msg(0x63));
	g_assert_cmpint(c, ==, a);
	g_assert_cmpint(irqchip_irqfd_add(f->irq, c, fdc, -1), ==, 0);
	signal_fd(fdc);
	assert_event(&f->p, 0x63);
	signal_fd(fdb);
	assert_event(&f->p, 0x62);
	irqchip_route_set(f->irq, 4000, msg(0x64)); /* no such route: nothing happens */
	irqchip_route_del(f->irq, 4000);
	irqchip_route_del(f->irq, 5); /* a pin is nobody's to delete */
	signal_fd(fdb);
	assert_event(&f->p, 0x62);
	close(fdb);
	close(fdc);
}

static void test_batch(struct fix *f, gconstpointer mode)
{
	enum { N = 32 };
	int gsi[N], fd[N];

	irqchip_begin(f->irq);
	irqchip_begin(f->irq);
	for (unsigned i = 0; i < N; i++) {
		gsi[i] = irqchip_route_add(f->irq, msg(0x80 + i));
		g_assert_cmpint(gsi[i], >=, GSI_PINS);
		fd[i] = make_fd();
	}
	g_assert_cmpint(irqchip_commit(f->irq), ==, 0);
	g_assert_cmpint(irqchip_commit(f->irq), ==, 0);
	for (unsigned i = 0; i < N; i++)
		g_assert_cmpint(irqchip_irqfd_add(f->irq, gsi[i], fd[i], -1), ==, 0);
	for (unsigned i = N; i-- > 0;) {
		signal_fd(fd[i]);
		assert_event(&f->p, 0x80 + i);
	}
	/* Within a batch the guest has the old routes; the outermost commit brings the new ones. */
	irqchip_begin(f->irq);
	irqchip_begin(f->irq);
	for (unsigned i = 0; i < N; i++)
		irqchip_route_set(f->irq, gsi[i], msg(0xa0 + i));
	signal_fd(fd[3]);
	assert_event(&f->p, 0x83);
	g_assert_cmpint(irqchip_commit(f->irq), ==, 0);
	signal_fd(fd[4]);
	assert_event(&f->p, 0x84);
	g_assert_cmpint(irqchip_commit(f->irq), ==, 0);
	for (unsigned i = 0; i < N; i++) {
		signal_fd(fd[i]);
		assert_event(&f->p, 0xa0 + i);
		g_assert_cmpint(irqchip_irqfd_del(f->irq, gsi[i], fd[i]), ==, 0);
		irqchip_route_del(f->irq, gsi[i]);
		close(fd[i]);
	}
}

static void test_full_table(struct fix *f, gconstpointer mode)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(int));
	int gsi, fd = make_fd();

	irqchip_begin(f->irq);
	while ((gsi = irqchip_route_add(f->irq, msg(0x41))) >= 0 && all->len < 100000)
		g_array_append_val(all, gsi);
	g_assert_cmpint(gsi, ==, -ENOSPC);
	g_assert_cmpuint(all->len, >, 1000);
	g_assert_cmpint(irqchip_commit(f->irq), ==, 0);
	gsi = g_array_index(all, int, all->len - 1);
	g_assert_cmpint(irqchip_irqfd_add(f->irq, gsi, fd, -1), ==, 0);
	signal_fd(fd);
	assert_event(&f->p, 0x41);
	irqchip_begin(f->irq);
	for (guint i = 0; i < all->len; i++)
		irqchip_route_del(f->irq, g_array_index(all, int, i));
	g_assert_cmpint(irqchip_commit(f->irq), ==, 0);
	signal_fd(fd); /* its route is gone */
	g_assert_true(puppet_quiet(&f->p));
	close(fd);
	g_array_free(all, TRUE);
}

/* What is signalled while the machine stands arrives when it goes on. */
static void test_while_stopped(struct fix *f, gconstpointer mode)
{
	int gsi = irqchip_route_add(f->irq, msg(0x71)), fd = make_fd();
	const uint64_t *exits = vcpus_get(f->p.vcpus, 0)->exits;
	uint64_t before;

	g_assert_cmpint(irqchip_irqfd_add(f->irq, gsi, fd, -1), ==, 0);
	for (unsigned i = 0; i < 20; i++) {
		vcpus_stop(f->p.vcpus);
		g_assert_false(vcpus_running(f->p.vcpus));
		before = exits[VCPU_EXIT_IO];
		signal_fd(fd);
		g_assert_cmpuint(f->p.seen, ==, f->p.got);
		g_assert_cmpuint(exits[VCPU_EXIT_IO], ==, before);
		g_assert_cmpint(vcpus_start(f->p.vcpus, NULL), ==, 0);
		assert_event(&f->p, 0x71);
	}
	close(fd);
}

/* --- pins ------------------------------------------------------------------------------------- */

static void ioapic_route(struct puppet *p, unsigned pin, uint32_t low)
{
	puppet_write(p, IOAPIC, 0x11 + 2 * pin, 4);
	puppet_write(p, IOAPIC + 0x10, 0, 4);
	puppet_write(p, IOAPIC, 0x10 + 2 * pin, 4);
	puppet_write(p, IOAPIC + 0x10, low, 4);
}

static void test_line(struct fix *f, gconstpointer mode)
{
	struct wire w = accel_gsi(f->p.accel, 7), w0 = accel_gsi(f->p.accel, 0);

	ioapic_route(&f->p, 7, 0x47);
	ioapic_route(&f->p, 2, 0x42);
	wire_set(&w, true);
	assert_event(&f->p, 0x47);
	wire_set(&w, true); /* no edge */
	g_assert_true(puppet_quiet(&f->p));
	wire_set(&w, false);
	wire_set(&w, true);
	assert_event(&f->p, 0x47);
	wire_set(&w, false);
	wire_set(&w0, true); /* the timer's line is pin 2 */
	assert_event(&f->p, 0x42);
	wire_set(&w0, false);
}

/* One round: up by the eventfd, down by the guest's EOI, which the other eventfd tells. */
static void resample_round(struct fix *f, int fd, int resample)
{
	bool in_service;

	puppet_gate(&f->p, GATE_SHUT);
	signal_fd(fd);
	g_assert_cmphex(puppet_event(&f->p, &in_service), ==, 0x56);
	if (in_service) /* else the host ends interrupts at delivery */
		g_assert_false(fired(resample, 0));
	puppet_gate(&f->p, GATE_EOI);
	g_assert_true(fired(resample, PATIENCE_S * 1000));
	g_assert_true(puppet_quiet(&f->p)); /* the line is down */
	g_assert_false(fired(resample, 0));
}

static void test_resample(struct fix *f, gconstpointer mode)
{
	int fd = make_fd(), resample = make_fd();

	ioapic_route(&f->p, 16, 0x8056); /* level */
	g_assert_cmpint(irqchip_irqfd_add(f->irq, 16, fd, resample), ==, 0);
	for (unsigned i = 0; i < 5; i++)
		resample_round(f, fd, resample);
	g_assert_cmpint(irqchip_irqfd_del(f->irq, 16, fd), ==, 0);
	signal_fd(fd);
	g_assert_true(puppet_quiet(&f->p));
	g_assert_false(fired(resample, 0));
	close(fd);
	close(resample);
}

/* Two devices on one pin: each EOI tells both. */
static void test_resample_shared(struct fix *f, gconstpointer mode)
{
	int fd[2] = {make_fd(), make_fd()}, resample[2] = {make_fd(), make_fd()};

	ioapic_route(&f->p, 17, 0x8057);
	for (unsigned i = 0; i < 2; i++)
		g_assert_cmpint(irqchip_irqfd_add(f->irq, 17, fd[i], resample[i]), ==, 0);
	for (unsigned i = 0; i < 4; i++) {
		signal_fd(fd[i & 1]);
		assert_event(&f->p, 0x57);
		g_assert_true(fired(resample[0], PATIENCE_S * 1000));
		g_assert_true(fired(resample[1], PATIENCE_S * 1000));
		g_assert_true(puppet_quiet(&f->p));
	}
	for (unsigned i = 0; i < 2; i++) {
		g_assert_cmpint(irqchip_irqfd_del(f->irq, 17, fd[i]), ==, 0);
		close(fd[i]);
		close(resample[i]);
	}
}

static void test_no_resample_in_split(struct fix *f, gconstpointer mode)
{
	int fd = make_fd(), resample = make_fd();

	g_assert_cmpint(irqchip_irqfd_add(f->irq, 16, fd, resample), ==, -ENOTSUP);
	close(fd);
	close(resample);
}

/* Split irqchip: a pin of hw/irq's IO-APIC is a route of its own. */
static void test_split_pin(struct fix *f, gconstpointer mode)
{
	const struct accel_ops *ops = f->p.accel->ops;
	int fd = make_fd();

	ops->ioapic_pin(f->p.accel, 9, msg(0x49), false);
	g_assert_cmpint(irqchip_irqfd_add(f->irq, 9, fd, -1), ==, 0);
	signal_fd(fd);
	assert_event(&f->p, 0x49);
	ops->ioapic_pin(f->p.accel, 9, msg(0x4a), false);
	signal_fd(fd);
	assert_event(&f->p, 0x4a);
	ops->ioapic_pin(f->p.accel, 9, msg(0x4a), true);
	signal_fd(fd);
	g_assert_true(puppet_quiet(&f->p));
	close(fd);
}

/* --- ioeventfds and slots --------------------------------------------------------------------- */

struct watched {
	unsigned reads, writes;
	uint64_t last;
};

static uint64_t watched_read(void *opaque, uint64_t off, unsigned len)
{
	struct watched *w = opaque;

	w->reads++;
	return 0x5a5a5a5a;
}

static void watched_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct watched *w = opaque;

	w->writes++;
	w->last = val;
}

static const struct region_ops watched_ops = {watched_read, watched_write, 1, 8, true};

static void test_ioeventfd(struct fix *f, gconstpointer mode)
{
	struct accel *a = f->p.accel;
	const uint64_t match = 0xfa;
	struct watched w = {0};
	struct region port, mmio;
	struct mmapping *mp, *mm;
	int fd = make_fd();

	region_init_io(&port, "port", 0x10, &watched_ops, &w);
	region_init_io(&mmio, "mmio", PAGE, &watched_ops, &w);
	mp = aspace_map(f->p.io, &port, 0x6000, 0, 0x10, 0);
	mm = aspace_map(f->p.mem, &mmio, 0xd0000000, 0, PAGE, 0);

	g_assert_cmpint(a->ops->ioeventfd(a, fd, true, 0x6004, 1, NULL, true), ==, 0);
	puppet_out(&f->p, 0x6004, 1, 1);
	g_assert_true(fired(fd, 0));
	g_assert_cmpuint(w.writes, ==, 0);
	puppet_out(&f->p, 0x6004, 1, 2); /* another width */
	puppet_out(&f->p, 0x6005, 1, 1);
	g_assert_false(fired(fd, 0));
	g_assert_cmpuint(w.writes, ==, 2);
	g_assert_cmpint(a->ops->ioeventfd(a, fd, true, 0x6004, 1, NULL, false), ==, 0);
	puppet_out(&f->p, 0x6004, 1, 1);
	g_assert_false(fired(fd, 0));
	g_assert_cmpuint(w.writes, ==, 3);

	g_assert_cmpint(a->ops->ioeventfd(a, fd, false, 0xd0000008, 4, &match, true), ==, 0);
	puppet_write(&f->p, 0xd0000008, 0xfa, 4);
	g_assert_true(fired(fd, 0));
	g_assert_cmpuint(w.writes, ==, 3);
	puppet_write(&f->p, 0xd0000008, 0xfb, 4);
	g_assert_false(fired(fd, 0));
	g_assert_cmpuint(w.writes, ==, 4);
	g_assert_cmphex(w.last, ==, 0xfb);
	g_assert_cmphex(puppet_read(&f->p, 0xd0000008, 4), ==, 0x5a5a5a5a);
	g_assert_cmpint(a->ops->ioeventfd(a, fd, false, 0xd0000008, 4, &match, false), ==, 0);
	g_assert_cmpint(a->ops->ioeventfd(a, fd, false, 0xd0000008, 4, &match, false), <, 0);
	aspace_unmap(f->p.io, mp);
	aspace_unmap(f->p.mem, mm);
	aspace_sync();
	close(fd);
}

static void test_readonly_slot(struct fix *f, gconstpointer mode)
{
	struct watched w = {0};
	struct region rom;
	struct mmapping *m;
	uint8_t *host = aligned_alloc(PAGE, 4 * PAGE);

	memset(host, 0x77, 4 * PAGE);
	region_init_ram(&rom, "rom", 4 * PAGE, host, -1);
	rom.kind = REGION_ROM;
	rom.ops = &watched_ops;
	rom.opaque = &w;
	m = aspace_map(f->p.mem, &rom, 0xd0000000, 0, 4 * PAGE, 0);
	g_assert_cmphex(puppet_read(&f->p, 0xd0001000, 4), ==, 0x77777777);
	g_assert_cmpuint(vcpus_get(f->p.vcpus, 0)->exits[VCPU_EXIT_MMIO], ==, 0);
	puppet_write(&f->p, 0xd0001000, 0x12345678, 4);
	g_assert_cmpuint(w.writes, ==, 1);
	g_assert_cmphex(w.last, ==, 0x12345678);
	g_assert_cmphex(puppet_read(&f->p, 0xd0001000, 4), ==, 0x77777777);
	g_assert_cmphex(puppet_read(&f->p, 0xd0004000, 4), ==, 0xffffffff);
	aspace_unmap(f->p.mem, m); /* the slot goes before its memory */
	aspace_sync();
	free(host);
}

/*
 * A device appears in the middle of RAM and goes again: the slot is cut and healed, the RAM's
 * bytes stay.  The guest, which polls the door without end, runs from that very slot.
 */
static void test_split_slot(struct fix *f, gconstpointer mode)
{
	const uint64_t *mmio = &vcpus_get(f->p.vcpus, 0)->exits[VCPU_EXIT_MMIO];
	struct watched w = {0};
	struct region dev;
	struct mmapping *m;
	uint64_t before;

	region_init_io(&dev, "device", 0x10000, &watched_ops, &w);
	for (uint32_t i = 0; i < 4; i++)
		puppet_write(&f->p, SPOT + i * PAGE, 0x1000 + i, 4);
	before = *mmio;
	m = aspace_map(f->p.mem, &dev, SPOT + PAGE, 0, PAGE, 1);
	g_assert_cmphex(puppet_read(&f->p, SPOT + PAGE, 4), ==, 0x5a5a5a5a);
	g_assert_cmpuint(w.reads, ==, 1);
	g_assert_cmphex(puppet_read(&f->p, SPOT, 4), ==, 0x1000);
	g_assert_cmphex(puppet_read(&f->p, SPOT + 2 * PAGE, 4), ==, 0x1002);
	g_assert_cmpuint(*mmio, ==, before + 1);
	aspace_unmap(f->p.mem, m);
	g_assert_cmphex(puppet_read(&f->p, SPOT + PAGE, 4), ==, 0x1001);
	g_assert_cmpuint(*mmio, ==, before + 1);

	/* Less than a page: the rest of it is served by exits, with the right bytes. */
	m = aspace_map(f->p.mem, &dev, SPOT + PAGE + 0x100, 0, 0x80, 1);
	g_assert_cmphex(puppet_read(&f->p, SPOT + PAGE + 0x100, 4), ==, 0x5a5a5a5a);
	g_assert_cmphex(puppet_read(&f->p, SPOT + PAGE, 4), ==, 0x1001);
	puppet_write(&f->p, SPOT + PAGE + 0x200, 0xabcd, 2);
	g_assert_cmphex(puppet_read(&f->p, SPOT + PAGE + 0x200, 2), ==, 0xabcd);
	g_assert_cmphex(puppet_read(&f->p, SPOT + 3 * PAGE, 4), ==, 0x1003);
	aspace_unmap(f->p.mem, m);
	before = *mmio;
	g_assert_cmphex(puppet_read(&f->p, SPOT + PAGE + 0x200, 2), ==, 0xabcd);
	g_assert_cmpuint(*mmio, ==, before);
	aspace_sync();
}

/* Many devices at once, all gone at once: slots are found again and none is left over. */
static void test_many_slots(struct fix *f, gconstpointer mode)
{
	enum { N = 24, ROUNDS = 20 };
	struct watched w = {0};
	struct region dev;
	struct mmapping *m[N];

	region_init_io(&dev, "device", PAGE, &watched_ops, &w);
	for (uint32_t i = 0; i < 2 * N; i++)
		puppet_write(&f->p, SPOT + i * PAGE, 0x2000 + i, 4);
	for (unsigned round = 0; round < ROUNDS; round++) {
		aspace_begin(f->p.mem);
		for (uint32_t i = 0; i < N; i++)
			m[i] = aspace_map(f->p.mem, &dev, SPOT + 2 * i * PAGE, 0, PAGE, 1);
		aspace_commit(f->p.mem);
		for (uint32_t i = 0; i < 2 * N; i++)
			g_assert_cmphex(puppet_read(&f->p, SPOT + i * PAGE, 4), ==,
					i & 1 ? 0x2000 + i : 0x5a5a5a5a);
		for (uint32_t i = 0; i < N; i++)
			aspace_unmap(f->p.mem, m[i]);
		for (uint32_t i = 0; i < 2 * N; i++)
			g_assert_cmphex(puppet_read(&f->p, SPOT + i * PAGE, 4), ==, 0x2000 + i);
	}
	aspace_sync();
}

/* --- errors ----------------------------------------------------------------------------------- */

static void test_errors(void)
{
	struct cpu_spec cpu;
	struct aspace *mem = aspace_new("memory", 0), *io = aspace_new("I/O", 0x10000);
	struct accel_conf conf = {.cpus = 1000000, .cpu = &cpu, .mem = mem, .io = io};
	struct accel *a = NULL;
	struct err *e = NULL;

	g_assert_cmpint(cpu_spec_parse(&cpu, NULL, NULL), ==, 0);
	g_assert_cmpint(accel_open(&a, "warp", &conf, &e), ==, -ENODEV);
	g_assert_nonnull(strstr(err_text(e), "warp"));
	err_free(e);
	e = NULL;
	g_assert_cmpint(accel_open(&a, "kvm", &conf, &e), ==, -EINVAL);
	g_assert_nonnull(strstr(err_text(e), "-smp 1000000"));
	err_free(e);
	conf.cpus = 1;
	g_assert_cmpint(accel_open(&a, "kvm", &conf, NULL), ==, 0);
	g_assert_cmpint(a->ops->vfio_group(a, -1, true), <, 0);
	accel_close(a);
	accel_close(NULL);
	aspace_free(io);
	aspace_free(mem);
}

static char *why_not(void)
{
	struct cpu_spec cpu;
	struct aspace *mem = aspace_new("memory", 0), *io = aspace_new("I/O", 0x10000);
	struct accel_conf conf = {.cpus = 1, .cpu = &cpu, .mem = mem, .io = io};
	struct accel *a = NULL;
	struct err *e = NULL;
	char *why = NULL;

	g_assert_cmpint(cpu_spec_parse(&cpu, NULL, NULL), ==, 0);
	if (accel_open(&a, "kvm", &conf, &e) < 0)
		why = g_strdelimit(g_strdup(err_text(e)), "\n", ' ');
	err_free(e);
	accel_close(a);
	aspace_free(io);
	aspace_free(mem);
	return why;
}

static void add(const char *name, enum irqchip_mode mode,
		void (*test)(struct fix *f, gconstpointer mode))
{
	g_autofree char *path =
		g_strdup_printf("/kvm/%s/%s", mode == IRQCHIP_FULL ? "full" : "split", name);

	g_test_add(path, struct fix, GINT_TO_POINTER(mode), setup, test, teardown);
}

int main(int argc, char **argv)
{
	g_autofree char *why = NULL;

	aspace_thread_enter();
	g_test_init(&argc, &argv, NULL);
	why = why_not();
	if (why) {
		g_print("1..0 # SKIP %s\n", why);
		return 0;
	}
	image = argc > 1 ? argv[1] : "";
	for (int mode = IRQCHIP_FULL; mode <= IRQCHIP_SPLIT; mode++) {
		add("msi-send", mode, test_msi_send);
		add("irqfd", mode, test_irqfd);
		add("route-reuse", mode, test_route_reuse);
		add("batch", mode, test_batch);
		add("full-table", mode, test_full_table);
		add("while-stopped", mode, test_while_stopped);
	}
	add("line", IRQCHIP_FULL, test_line);
	add("resample", IRQCHIP_FULL, test_resample);
	add("resample-shared", IRQCHIP_FULL, test_resample_shared);
	add("no-resample", IRQCHIP_SPLIT, test_no_resample_in_split);
	add("pin", IRQCHIP_SPLIT, test_split_pin);
	add("ioeventfd", IRQCHIP_FULL, test_ioeventfd);
	add("readonly-slot", IRQCHIP_FULL, test_readonly_slot);
	add("split-slot", IRQCHIP_FULL, test_split_slot);
	add("many-slots", IRQCHIP_FULL, test_many_slots);
	g_test_add_func("/kvm/errors", test_errors);
	return g_test_run();
}
