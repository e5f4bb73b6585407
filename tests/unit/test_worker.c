// SPDX-License-Identifier: GPL-2.0-or-later
/* A model's thread: kicks, the gate of its DMA, resets in the middle of a run. */
#include "hw/dev/worker.h"
#include "pci_util.h"

#define RAM 0x10000u
#define RAM_SIZE 0x10000u
#define PORTAL 0x80000u /* a region whose write waits for the test */

struct wk {
	struct pciboard b;
	struct tpci *t;
	struct devworker w;
	struct region ram, portal;
	uint8_t *mem;
	unsigned runs, inside;       /* atomic */
	bool hold, through, refused; /* atomic: the run waits; how its DMA went */
	uint64_t dma;                /* where the run writes to; 0 = nothing */
};

static bool get(const bool *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void put(bool *p, bool v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static void run(void *opaque)
{
	struct wk *s = opaque;
	uint32_t v = 0x600df00d;

	__atomic_add_fetch(&s->inside, 1, __ATOMIC_RELEASE);
	while (get(&s->hold))
		g_thread_yield();
	if (s->dma)
		put(devworker_write(&s->w, s->dma, &v, 4) ? &s->through : &s->refused, true);
	__atomic_add_fetch(&s->runs, 1, __ATOMIC_RELEASE);
}

static void portal_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct wk *s = opaque;

	pcihost_cfg_write(&s->b.host, 8, PCI_INTERRUPT_LINE, 5, 1); /* takes the host's lock */
}

static const struct region_ops portal_ops = {NULL, portal_write, 1, 4, false};

static void wk_init(struct wk *s)
{
	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	s->t = tpci_plug(&s->b, 1, &s->b.host.root, 8);
	s->mem = g_malloc0(RAM_SIZE);
	region_init_ram(&s->ram, "ram", RAM_SIZE, s->mem, -1);
	aspace_map(s->b.mem, &s->ram, RAM, 0, RAM_SIZE, 0);
	region_init_io(&s->portal, "portal", 4096, &portal_ops, s);
	aspace_map(s->b.mem, &s->portal, PORTAL, 0, 4096, 0);
	cfg_w(&s->b, 8, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	g_assert_cmpint(devworker_start(&s->w, &s->t->dev, run, s, NULL), ==, 0);
}

static void wk_fini(struct wk *s)
{
	put(&s->hold, false);
	devworker_stop(&s->w);
	devworker_stop(&s->w);
	pb_fini(&s->b);
	g_free(s->mem);
}

static void kicks(void)
{
	struct wk s;

	wk_init(&s);
	g_assert_cmpuint(s.runs, ==, 0);
	devworker_kick(&s.w);
	pb_wait(&s.runs, 1);
	put(&s.hold, true);
	devworker_kick(&s.w);
	pb_wait(&s.inside, 2);
	for (int i = 0; i < 5; i++) /* during a run: one more follows */
		devworker_kick(&s.w);
	put(&s.hold, false);
	pb_wait(&s.runs, 3);
	wk_fini(&s);
	g_assert_cmpuint(s.runs, ==, 3);
}

/* All that was asked before is done: not a run begun, but one ended. */
static void settles(void)
{
	struct wk s;

	wk_init(&s);
	devworker_settle(&s.w); /* nothing to do */
	for (unsigned i = 1; i <= 200; i++) {
		devworker_kick(&s.w);
		devworker_settle(&s.w);
		g_assert_cmpuint(__atomic_load_n(&s.runs, __ATOMIC_ACQUIRE), ==, i);
	}
	wk_fini(&s);
	devworker_settle(&s.w); /* stopped */
}

static void dma(void)
{
	struct wk s;

	wk_init(&s);
	s.dma = RAM + 6;
	devworker_kick(&s.w);
	pb_wait(&s.runs, 1);
	g_assert_true(s.through);
	g_assert_cmphex(pci_get32(s.mem + 6), ==, 0x600df00d);
	s.dma = RAM + RAM_SIZE - 2; /* half of it is nowhere */
	devworker_kick(&s.w);
	pb_wait(&s.runs, 2);
	g_assert_true(s.refused);
	s.refused = false;
	s.dma = UINT64_MAX - 1; /* round the end */
	devworker_kick(&s.w);
	pb_wait(&s.runs, 3);
	g_assert_true(s.refused);
	s.refused = s.through = false;
	s.dma = RAM;
	cfg_w(&s.b, 8, PCI_COMMAND, 0, 2);
	devworker_kick(&s.w);
	pb_wait(&s.runs, 4);
	g_assert_true(s.refused);
	g_assert_false(s.through);
	g_assert_cmphex(pci_get32(s.mem), ==, 0);
	wk_fini(&s);
}

/* Whatever a run had in hand when the reset came stays undone; the next run is free again. */
static void reset_in_a_run(void)
{
	struct wk s;

	wk_init(&s);
	s.dma = RAM;
	put(&s.hold, true);
	devworker_kick(&s.w);
	pb_wait(&s.inside, 1);
	devworker_cut(&s.w);
	devworker_drain(&s.w);
	put(&s.hold, false);
	pb_wait(&s.runs, 2); /* the cut one, and one more */
	g_assert_true(s.refused);
	g_assert_true(s.through);
	wk_fini(&s);
}

static void unplugged(void)
{
	struct wk s;

	wk_init(&s);
	s.dma = RAM;
	pcidev_unplug(&s.t->dev);
	devworker_kick(&s.w);
	pb_wait(&s.runs, 1);
	g_assert_true(s.refused);
	tpci_free(&s.t->dev);
	wk_fini(&s);
}

/* A guest leads DMA to where it waits for the lock that the reset holds: both come through. */
static void dma_into_the_resetter(void)
{
	struct wk s;

	wk_init(&s);
	s.dma = PORTAL;
	pthread_mutex_lock(&s.b.host.lock);
	devworker_kick(&s.w);
	pb_wait(&s.inside, 1);
	while (!pthread_mutex_trylock(&s.w.dma)) { /* until the worker has it */
		pthread_mutex_unlock(&s.w.dma);
		g_thread_yield();
	}
	devworker_cut(&s.w);
	devworker_drain(&s.w);
	g_assert_cmpuint(s.runs, ==, 0);
	pthread_mutex_unlock(&s.b.host.lock);
	pb_wait(&s.runs, 2);
	wk_fini(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/worker/kicks", kicks);
	g_test_add_func("/worker/settles", settles);
	g_test_add_func("/worker/dma", dma);
	g_test_add_func("/worker/reset-in-a-run", reset_in_a_run);
	g_test_add_func("/worker/unplugged", unplugged);
	g_test_add_func("/worker/dma-into-the-resetter", dma_into_the_resetter);
	return g_test_run();
}
