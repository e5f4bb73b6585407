// SPDX-License-Identifier: GPL-2.0-or-later
/* One eventfd between host and irqchip: routes, irqfds, what waits while masked, and threads. */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "vfio_util.h"

static const struct msi_msg one = {0xfee01000, 0x41}, two = {0xfee02000, 0x42};

static void by_irqfd(struct vt *t)
{
	struct vdev_vector vec;
	unsigned routes = chip_routes(&t->chip);

	vector_init(&vec, t->v);
	g_assert_cmpint(vec.fd, ==, -1);
	g_assert_false(vector_pending(&vec));
	g_assert_cmpint(vector_open(&vec, one), ==, 0);
	g_assert_cmpuint(chip_routes(&t->chip), ==, routes + 1);
	g_assert_cmpint(vector_bind(&vec, true), ==, 0);
	g_assert_true(vec.bound);
	g_assert_cmpuint(vec.watch, ==, 0);
	eventfd_write(vec.fd, 1);
	vt_pump(t);
	g_assert_cmpuint(chip_sent(&t->chip, one.addr, one.data), ==, 1);
	/* The route follows the message; the same one again is no change. */
	vector_set_msg(&vec, two);
	routes = t->chip.commits;
	g_assert_cmpint(vector_open(&vec, two), ==, 0);
	g_assert_cmpuint(t->chip.commits, ==, routes);
	eventfd_write(vec.fd, 1);
	vt_pump(t);
	g_assert_cmpuint(chip_sent(&t->chip, two.addr, two.data), ==, 1);
	/* Nobody takes it: it waits, and is delivered once when somebody does. */
	vector_unbind(&vec);
	eventfd_write(vec.fd, 1);
	eventfd_write(vec.fd, 1);
	vt_pump(t);
	g_assert_true(vector_pending(&vec));
	g_assert_cmpuint(t->chip.sent->len, ==, 2);
	vector_bind(&vec, true);
	vector_bind(&vec, true); /* twice is once */
	vt_pump(t);
	g_assert_false(vector_pending(&vec));
	g_assert_cmpuint(chip_sent(&t->chip, two.addr, two.data), ==, 2);
	vector_close(&vec);
	vector_close(&vec);
	g_assert_cmpint(vec.fd, ==, -1);
}

static void by_watch(struct vt *t)
{
	struct vdev_vector vec;
	unsigned adds = t->chip.irqfd_adds;

	vector_init(&vec, t->v);
	vector_open(&vec, one);
	vector_bind(&vec, false);
	g_assert_cmpuint(t->chip.irqfd_adds, ==, adds);
	g_assert_false(vec.bound);
	eventfd_write(vec.fd, 3);
	vt_pump(t);
	g_assert_cmpuint(t->chip.sent->len, ==, 1);
	vector_unbind(&vec);
	eventfd_write(vec.fd, 1);
	vt_pump(t);
	g_assert_cmpuint(t->chip.sent->len, ==, 1);
	g_assert_true(vector_pending(&vec));
	vector_set_msg(&vec, two);
	vector_bind(&vec, false);
	vt_pump(t);
	g_assert_cmpuint(chip_sent(&t->chip, two.addr, two.data), ==, 1);
	vector_close(&vec);
}

/*
 * The controller refuses, or has no route left: the vector is watched, with the message of the
 * moment.
 */
static void refused(struct vt *t)
{
	struct vdev_vector vec;

	t->chip.refuse_irqfd = true;
	vector_init(&vec, t->v);
	vector_open(&vec, one);
	vector_bind(&vec, true);
	g_assert_false(vec.bound);
	eventfd_write(vec.fd, 1);
	vt_pump(t);
	g_assert_cmpuint(chip_sent(&t->chip, one.addr, one.data), ==, 1);
	vector_close(&vec);
	t->chip.refuse_irqfd = false;
	t->chip.fail_at = t->chip.calls + 1; /* route_add */
	g_assert_cmpint(vector_open(&vec, one), ==, 0);
	vector_bind(&vec, true);
	g_assert_false(vec.bound);
	vector_set_msg(&vec, two);
	eventfd_write(vec.fd, 1);
	vt_pump(t);
	g_assert_cmpuint(chip_sent(&t->chip, two.addr, two.data), ==, 1);
	vector_close(&vec);
}

static void no_descriptor(struct vt *t)
{
	struct rlimit old, none;
	struct vdev_vector vec;

	vector_init(&vec, t->v);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	g_assert_cmpint(vector_open(&vec, one), ==, -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	vector_close(&vec);
	g_assert_cmpint(vector_open(&vec, one), ==, 0);
	vector_close(&vec);
}

/* A vCPU masks, unmasks, closes and reopens while the main loop serves the same vector. */
struct race {
	struct vt *t;
	struct vdev_vector vec;
	gint stop;
};

static gpointer vcpu(gpointer opaque)
{
	struct race *r = opaque;
	struct vdev *v = r->t->v;

	for (int i = 0; i < 3000; i++) {
		pthread_mutex_lock(&v->lock);
		vector_open(&r->vec, i & 1 ? one : two);
		vector_bind(&r->vec, false);
		eventfd_write(r->vec.fd, 1);
		pthread_mutex_unlock(&v->lock);
		pthread_mutex_lock(&v->lock);
		if (i % 3)
			vector_unbind(&r->vec);
		else
			vector_close(&r->vec);
		pthread_mutex_unlock(&v->lock);
	}
	g_atomic_int_set(&r->stop, 1);
	g_main_context_wakeup(NULL);
	return NULL;
}

static void race(struct vt *t)
{
	struct race r = {.t = t};
	GThread *thread;
	unsigned before;

	vector_init(&r.vec, t->v);
	thread = g_thread_new("vcpu", vcpu, &r);
	while (!g_atomic_int_get(&r.stop))
		g_main_context_iteration(NULL, TRUE);
	g_thread_join(thread);
	vt_pump(t);
	before = t->chip.sent->len;
	vector_close(&r.vec);
	vector_open(&r.vec, one);
	vector_bind(&r.vec, false);
	eventfd_write(r.vec.fd, 1);
	vt_pump(t);
	g_assert_cmpuint(t->chip.sent->len, ==, before + 1);
	vector_close(&r.vec);
}

static void irqfd(void)
{
	vt_run_guest(NULL, by_irqfd);
}

static void watch(void)
{
	vt_run_guest(NULL, by_watch);
}

static void fallback(void)
{
	vt_run_guest(NULL, refused);
	vt_run_guest(NULL, no_descriptor);
}

static void threads(void)
{
	vt_run_guest(NULL, race);
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-vector/irqfd", irqfd);
	g_test_add_func("/vfio-vector/watch", watch);
	g_test_add_func("/vfio-vector/fallback", fallback);
	g_test_add_func("/vfio-vector/threads", threads);
	return g_test_run();
}
