// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of hw/irq/softirq.c: routes, pins, irqfds, resampling. */
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "hw/irq/softirq.h"
#include "mem/aspace.h"

struct rig {
	struct softirq *s;
	struct irqchip chip;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t heard;
	unsigned msis, rises[GSI_PINS];
	bool level[GSI_PINS];
	struct msi_msg msg;
	int fds[8], nfds;
};

static void on_line(void *opaque, int gsi, bool level)
{
	struct rig *r = opaque;

	pthread_mutex_lock(&r->lock);
	r->rises[gsi] += level && !r->level[gsi];
	r->level[gsi] = level;
	pthread_cond_broadcast(&r->heard);
	pthread_mutex_unlock(&r->lock);
}

static void on_msi(void *opaque, struct msi_msg msg)
{
	struct rig *r = opaque;

	pthread_mutex_lock(&r->lock);
	r->msis++;
	r->msg = msg;
	pthread_cond_broadcast(&r->heard);
	pthread_mutex_unlock(&r->lock);
}

static void setup(struct rig *r)
{
	static const struct softirq_ops ops = {on_line, on_msi};
	struct err *err = NULL;

	*r = (struct rig){};
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->heard, NULL);
	r->s = softirq_new(&ops, r, &err);
	g_assert_nonnull(r->s);
	g_assert_null(err);
	r->chip = softirq_chip(r->s);
}

static void teardown(struct rig *r)
{
	softirq_free(r->s);
	for (int i = 0; i < r->nfds; i++)
		close(r->fds[i]);
	pthread_cond_destroy(&r->heard);
	pthread_mutex_destroy(&r->lock);
}

/* An eventfd that blocks: the thread must not. */
static int event(struct rig *r, unsigned count)
{
	int fd = eventfd(count, EFD_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	r->fds[r->nfds++] = fd;
	return fd;
}

static uint64_t counter(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};
	uint64_t n = 0;

	if (poll(&p, 1, 0) == 1)
		g_assert_cmpint(eventfd_read(fd, &n), ==, 0);
	return n;
}

static void wait_msis(struct rig *r, unsigned n)
{
	pthread_mutex_lock(&r->lock);
	while (r->msis < n)
		pthread_cond_wait(&r->heard, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

static void wait_level(struct rig *r, int pin, bool level)
{
	pthread_mutex_lock(&r->lock);
	while (r->level[pin] != level)
		pthread_cond_wait(&r->heard, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

/*
 * What was written before has been heard when this returns: an irqfd of the same thread has, and
 * epoll reports in the order in which descriptors became ready.
 */
static void settle(struct rig *r)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	unsigned before = r->rises[0]; /* nobody else's pin */

	g_assert_cmpint(irqchip_irqfd_add(&r->chip, 0, fd, -1), ==, 0);
	eventfd_write(fd, 1);
	pthread_mutex_lock(&r->lock);
	while (r->rises[0] == before)
		pthread_cond_wait(&r->heard, &r->lock);
	pthread_mutex_unlock(&r->lock);
	g_assert_cmpint(irqchip_irqfd_del(&r->chip, 0, fd), ==, 0);
	close(fd);
}

static const struct msi_msg A = {0xfee01000, 0x41}, B = {0xfee02000, 0x42};

static void routes(void)
{
	struct rig r;
	int first, gsi;

	setup(&r);
	first = irqchip_route_add(&r.chip, A);
	g_assert_cmpint(first, ==, GSI_PINS);
	for (int i = GSI_PINS + 1; i < SOFTIRQ_GSIS; i++)
		g_assert_cmpint(irqchip_route_add(&r.chip, A), ==, i);
	g_assert_cmpint(irqchip_route_add(&r.chip, A), ==, -ENOSPC);
	irqchip_begin(&r.chip);
	irqchip_route_del(&r.chip, 100);
	gsi = irqchip_route_add(&r.chip, B);
	g_assert_cmpint(irqchip_commit(&r.chip), ==, 0);
	g_assert_cmpint(gsi, ==, 100);
	irqchip_route_del(&r.chip, 5); /* no routes */
	irqchip_route_del(&r.chip, SOFTIRQ_GSIS);
	irqchip_route_set(&r.chip, -1, B);
	g_assert_cmpint(irqchip_route_add(&r.chip, A), ==, -ENOSPC);
	teardown(&r);
}

static void msi_send(void)
{
	struct rig r;

	setup(&r);
	g_assert_cmpint(irqchip_msi_send(&r.chip, B), ==, 0);
	g_assert_cmpuint(r.msis, ==, 1);
	g_assert_cmphex(r.msg.addr, ==, B.addr);
	g_assert_cmphex(r.msg.data, ==, B.data);
	teardown(&r);
}

static void line_set(void)
{
	struct rig r;

	setup(&r);
	r.chip.ops->line_set(r.chip.opaque, 23, true);
	g_assert_true(r.level[23]);
	r.chip.ops->line_set(r.chip.opaque, 23, false);
	g_assert_false(r.level[23]);
	r.chip.ops->line_set(r.chip.opaque, 24, true);
	r.chip.ops->line_set(r.chip.opaque, -1, true);
	g_assert_cmpuint(r.rises[23], ==, 1);
	teardown(&r);
}

static void irqfd(void)
{
	struct rig r;
	int fd, gsi;

	setup(&r);
	fd = event(&r, 0);
	gsi = irqchip_route_add(&r.chip, A);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, fd, -1), ==, 0);
	for (unsigned i = 1; i < 100; i++) {
		eventfd_write(fd, 1);
		wait_msis(&r, i);
	}
	g_assert_cmphex(r.msg.data, ==, A.data);
	irqchip_route_set(&r.chip, gsi, B);
	eventfd_write(fd, 1);
	wait_msis(&r, 100);
	g_assert_cmphex(r.msg.data, ==, B.data);
	irqchip_route_del(&r.chip, gsi); /* now it leads nowhere */
	eventfd_write(fd, 1);
	settle(&r);
	g_assert_cmpuint(r.msis, ==, 100);
	g_assert_cmpint(irqchip_irqfd_del(&r.chip, gsi, fd), ==, 0);
	teardown(&r);
}

/* Delivered when softirq_settle() returns, by the thread or by the caller. */
static void settled(void)
{
	struct rig r;
	int fd, gsi;

	setup(&r);
	fd = event(&r, 0);
	gsi = irqchip_route_add(&r.chip, A);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, fd, -1), ==, 0);
	g_assert_false(softirq_settle(r.s));
	for (unsigned i = 1; i <= 1000; i++) {
		eventfd_write(fd, 1);
		softirq_settle(r.s);
		pthread_mutex_lock(&r.lock);
		g_assert_cmpuint(r.msis, ==, i);
		pthread_mutex_unlock(&r.lock);
	}
	g_assert_cmpint(irqchip_irqfd_del(&r.chip, gsi, fd), ==, 0);
	teardown(&r);
}

static void irqfd_errors(void)
{
	struct rig r;
	int fd, fd2, gsi, closed, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setup(&r);
	fd = event(&r, 0);
	fd2 = event(&r, 0);
	closed = dup(fd);
	close(closed);
	gsi = irqchip_route_add(&r.chip, A);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, -1, -1), ==, -EBADF);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, closed, -1), ==, -EBADF);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, null, -1), ==, -EINVAL);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, 16, fd, null), ==, -EINVAL);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, fd, fd2), ==, -EINVAL);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, -1, fd, -1), ==, -EINVAL);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, SOFTIRQ_GSIS, fd, -1), ==, -EINVAL);
	g_assert_cmpint(irqchip_irqfd_del(&r.chip, gsi, fd), ==, -ENOENT);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, fd, -1), ==, 0);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, fd, -1), ==, -EBUSY);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, 16, fd, fd2), ==, -EBUSY);
	g_assert_cmpint(irqchip_irqfd_del(&r.chip, 16, fd), ==, -ENOENT);
	g_assert_cmpint(irqchip_irqfd_del(&r.chip, gsi, fd), ==, 0);
	close(null);
	teardown(&r);
}

/* A masked vector: what comes after del waits in the counter, add delivers it. */
static void del_keeps_counter(void)
{
	struct rig r;
	int fd, gsi;

	setup(&r);
	fd = event(&r, 0);
	gsi = irqchip_route_add(&r.chip, A);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, fd, -1), ==, 0);
	eventfd_write(fd, 1);
	wait_msis(&r, 1);
	g_assert_cmpint(irqchip_irqfd_del(&r.chip, gsi, fd), ==, 0);
	eventfd_write(fd, 3);
	settle(&r);
	g_assert_cmpuint(r.msis, ==, 1);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, fd, -1), ==, 0);
	g_assert_cmpuint(r.msis, ==, 2); /* already: nothing to wait for */
	g_assert_cmpuint(counter(fd), ==, 0);
	g_assert_cmpint(irqchip_irqfd_del(&r.chip, gsi, fd), ==, 0);
	eventfd_write(fd, 3);
	settle(&r);
	g_assert_cmpuint(counter(fd), ==, 3);
	teardown(&r);
}

/* Each write is either delivered or still in the counter, however del and add fall. */
static gpointer writer(gpointer opaque)
{
	for (int i = 0; i < 20000; i++)
		eventfd_write(GPOINTER_TO_INT(opaque), 1);
	return NULL;
}

static void del_races(void)
{
	struct rig r;
	GThread *t;
	int fd, gsi;

	setup(&r);
	fd = event(&r, 0);
	gsi = irqchip_route_add(&r.chip, A);
	t = g_thread_new("writer", writer, GINT_TO_POINTER(fd));
	for (int i = 0; i < 2000; i++) {
		unsigned before, after;

		g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, fd, -1), ==, 0);
		g_assert_cmpint(irqchip_irqfd_del(&r.chip, gsi, fd), ==, 0);
		before = __atomic_load_n(&r.msis, __ATOMIC_SEQ_CST);
		g_thread_yield();
		after = __atomic_load_n(&r.msis, __ATOMIC_SEQ_CST);
		g_assert_cmpuint(before, ==, after);
	}
	g_thread_join(t);
	counter(fd);
	eventfd_write(fd, 1);
	gsi = irqchip_route_add(&r.chip, B);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, fd, -1), ==, 0);
	g_assert_cmphex(r.msg.data, ==, B.data);
	teardown(&r);
}

static void pin_edge(void)
{
	struct rig r;
	int fd;

	setup(&r);
	fd = event(&r, 1);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, 4, fd, -1), ==, 0);
	g_assert_cmpuint(r.rises[4], ==, 1);
	g_assert_false(r.level[4]);
	softirq_eoi(r.s, 4);
	g_assert_cmpuint(r.rises[4], ==, 1);
	teardown(&r);
}

static void resample(void)
{
	struct rig r;
	int fd, back;

	setup(&r);
	fd = event(&r, 0);
	back = event(&r, 0);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, 17, fd, back), ==, 0);
	for (unsigned i = 1; i < 20; i++) {
		eventfd_write(fd, 1);
		wait_level(&r, 17, true);
		g_assert_cmpuint(counter(back), ==, 0);
		softirq_eoi(r.s, 16); /* another pin's */
		g_assert_true(r.level[17]);
		softirq_eoi(r.s, 17);
		g_assert_false(r.level[17]);
		g_assert_cmpuint(counter(back), ==, 1);
		g_assert_cmpuint(r.rises[17], ==, i);
	}
	softirq_eoi(r.s, 17); /* nobody asked for it: a device that waits is told nevertheless */
	g_assert_cmpuint(counter(back), ==, 1);
	softirq_eoi(r.s, -1);
	softirq_eoi(r.s, GSI_PINS);
	teardown(&r);
}

static void resample_shared(void)
{
	struct rig r;
	int fd[2], back[2];

	setup(&r);
	for (int i = 0; i < 2; i++) {
		fd[i] = event(&r, 0);
		back[i] = event(&r, 0);
		g_assert_cmpint(irqchip_irqfd_add(&r.chip, 18, fd[i], back[i]), ==, 0);
	}
	eventfd_write(fd[1], 1);
	wait_level(&r, 18, true);
	softirq_eoi(r.s, 18);
	g_assert_cmpuint(counter(back[0]), ==, 1);
	g_assert_cmpuint(counter(back[1]), ==, 1);
	g_assert_false(r.level[18]);
	r.chip.ops->line_set(r.chip.opaque, 18, true); /* an emulated device on the same pin */
	eventfd_write(fd[0], 1);
	settle(&r);
	softirq_eoi(r.s, 18);
	g_assert_true(r.level[18]);
	r.chip.ops->line_set(r.chip.opaque, 18, false);
	g_assert_false(r.level[18]);
	eventfd_write(fd[0], 1);
	wait_level(&r, 18, true);
	r.chip.ops->line_set(r.chip.opaque, 18, false);
	g_assert_true(r.level[18]);
	teardown(&r);
}

/* The pin falls with the last of its irqfds: the guest's EOI would find nobody. */
static void resample_del(void)
{
	struct rig r;
	int fd[2], back[2];

	setup(&r);
	for (int i = 0; i < 2; i++) {
		fd[i] = event(&r, i);
		back[i] = event(&r, 0);
		g_assert_cmpint(irqchip_irqfd_add(&r.chip, 18, fd[i], back[i]), ==, 0);
	}
	g_assert_true(r.level[18]);
	g_assert_cmpint(irqchip_irqfd_del(&r.chip, 18, fd[1]), ==, 0);
	g_assert_true(r.level[18]);
	g_assert_cmpint(irqchip_irqfd_del(&r.chip, 18, fd[0]), ==, 0);
	g_assert_false(r.level[18]);
	softirq_eoi(r.s, 18);
	g_assert_cmpuint(counter(back[0]) + counter(back[1]), ==, 0);
	teardown(&r);
}

/* A full resamplefd whose writes would wait for a reader. */
static void resample_full(void)
{
	struct rig r;
	int fd, back;

	setup(&r);
	fd = event(&r, 1);
	back = event(&r, 0);
	eventfd_write(back, UINT64_MAX - 1);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, 18, fd, back), ==, 0);
	softirq_eoi(r.s, 18);
	g_assert_false(r.level[18]);
	g_assert_cmpuint(counter(back), ==, UINT64_MAX - 1);
	teardown(&r);
}

/* Somebody else reads the irqfd, too: what he took is his, and nobody waits. */
static void stolen(void)
{
	struct rig r;
	int fd, gsi;
	uint64_t n, taken = 0;
	struct iovec v = {&n, sizeof(n)};

	setup(&r);
	fd = event(&r, 0);
	gsi = irqchip_route_add(&r.chip, A);
	g_assert_cmpint(irqchip_irqfd_add(&r.chip, gsi, fd, -1), ==, 0);
	for (int i = 0; i < 5000; i++) {
		eventfd_write(fd, 1);
		taken += preadv2(fd, &v, 1, -1, RWF_NOWAIT) == sizeof(n);
	}
	settle(&r);
	g_assert_cmpuint(r.msis + taken, ==, 5000);
	teardown(&r);
}

static void no_descriptors(void)
{
	static const struct softirq_ops ops = {on_line, on_msi};
	struct rlimit old, few;
	bool made = false;

	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
	for (rlim_t n = 0; n < 64 && !made; n++) {
		struct err *err = NULL;
		struct softirq *s;

		few = (struct rlimit){n, old.rlim_max};
		g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
		s = softirq_new(&ops, NULL, &err);
		setrlimit(RLIMIT_NOFILE, &old);
		made = s;
		g_assert_true(made == !err);
		if (err)
			g_assert_cmpint(err_code(err), ==, -EMFILE);
		err_free(err);
		softirq_free(s);
	}
	g_assert_true(made);
	softirq_free(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/softirq/routes", routes);
	g_test_add_func("/softirq/msi-send", msi_send);
	g_test_add_func("/softirq/line-set", line_set);
	g_test_add_func("/softirq/irqfd", irqfd);
	g_test_add_func("/softirq/settled", settled);
	g_test_add_func("/softirq/irqfd-errors", irqfd_errors);
	g_test_add_func("/softirq/del-keeps-counter", del_keeps_counter);
	g_test_add_func("/softirq/del-races", del_races);
	g_test_add_func("/softirq/pin-edge", pin_edge);
	g_test_add_func("/softirq/resample", resample);
	g_test_add_func("/softirq/resample-shared", resample_shared);
	g_test_add_func("/softirq/resample-del", resample_del);
	g_test_add_func("/softirq/resample-full", resample_full);
	g_test_add_func("/softirq/stolen", stolen);
	g_test_add_func("/softirq/no-descriptors", no_descriptors);
	return g_test_run();
}
