// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's INTx lines: two functions of one slot share one; whoever has it masks in the device
 * where that can be, else at the controller, and then nobody shares.
 */
#include "host_util.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "hw/dev/edu.h"

#define FN0 "0000:01:00.0"
#define FN1 "0000:01:00.1"
#define TRIGGER (VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)
#define UNMASK (VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK)

struct pair {
	struct host *h;
	struct hu u;
	struct vfio_file *dev[2];
	int fd[2];
};

static void start(struct pair *p, bool nointxmask)
{
	const struct host_conf conf = {.nointxmask = nointxmask};
	struct pcibus *bus;

	memset(p, 0, sizeof(*p));
	p->h = vfio_host_new(&conf);
	bus = hu_port(p->h, 4);
	hu_plug(hu_edu(), bus, 0)->cfg[PCI_HEADER_TYPE] |= 0x80;
	hu_plug(hu_edu(), bus, 1)->cfg[PCI_HEADER_TYPE] |= 0x80;
	g_assert_cmpint(host_scan(p->h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(p->h, FN0), ==, 0);
	g_assert_cmpint(hu_bind(p->h, FN1), ==, 0);
	g_assert_cmpint(hu_open(&p->u, p->h, FN0), ==, 0);
	p->dev[0] = p->u.dev;
	g_assert_cmpint(hu_open_device(&p->u, FN1, &p->dev[1]), ==, 0);
	for (int i = 0; i < 2; i++) {
		p->fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		hu_cfg_write(p->dev[i], PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	}
}

static void end(struct pair *p)
{
	vfio_close(p->dev[1]);
	hu_close(&p->u);
	for (int i = 0; i < 2; i++)
		close(p->fd[i]);
	vfio_host_free(p->h);
}

static void reg_write(struct vfio_file *d, unsigned off, uint32_t v)
{
	g_assert_cmpint(vfio_pwrite(d, &v, 4, off), ==, 4);
}

static unsigned heard(int fd)
{
	eventfd_t n = 0;

	return eventfd_read(fd, &n) < 0 ? 0 : (unsigned)n;
}

static long arm(struct pair *p, int i)
{
	int32_t fd = p->fd[i];

	return hu_irqs(p->dev[i], TRIGGER, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &fd, sizeof(fd));
}

static void unmask(struct pair *p, int i)
{
	g_assert_cmpint(hu_irqs(p->dev[i], UNMASK, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL, 0), ==, 0);
}

static void test_shared(void)
{
	struct pair p;

	start(&p, false);
	g_assert_cmpint(arm(&p, 0), ==, 0);
	g_assert_cmpint(arm(&p, 1), ==, 0);
	reg_write(p.dev[1], EDU_IRQ_RAISE, 1);
	g_assert_cmpuint(heard(p.fd[0]), ==, 0);
	g_assert_cmpuint(heard(p.fd[1]), ==, 1);
	reg_write(p.dev[0], EDU_IRQ_RAISE, 1); /* while the other is masked and still asserts */
	g_assert_cmpuint(heard(p.fd[0]), ==, 1);
	g_assert_cmpuint(heard(p.fd[1]), ==, 0);
	unmask(&p, 1); /* pending: told again, stays masked */
	g_assert_cmpuint(heard(p.fd[1]), ==, 1);
	for (int i = 0; i < 2; i++) {
		reg_write(p.dev[i], EDU_IRQ_ACK, 1);
		unmask(&p, i);
		g_assert_cmpuint(heard(p.fd[i]), ==, 0);
		reg_write(p.dev[i], EDU_IRQ_RAISE, 2);
		g_assert_cmpuint(heard(p.fd[i]), ==, 1);
		g_assert_cmpuint(heard(p.fd[1 - i]), ==, 0);
	}
	end(&p);
}

static void test_exclusive(void)
{
	struct pair p;

	start(&p, true);
	g_assert_cmpint(arm(&p, 0), ==, 0);
	g_assert_cmpint(arm(&p, 1), ==, -EBUSY);
	reg_write(p.dev[0], EDU_IRQ_RAISE, 1);
	g_assert_cmpuint(heard(p.fd[0]), ==, 1);
	/* Nothing in the device is masked: COMMAND has no INTx disable. */
	g_assert_cmphex(hu_cfg_read(p.dev[0], PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE, ==, 0);
	unmask(&p, 0); /* still asserted: at once again */
	g_assert_cmpuint(heard(p.fd[0]), ==, 1);
	reg_write(p.dev[0], EDU_IRQ_ACK, 1);
	unmask(&p, 0);
	g_assert_cmpuint(heard(p.fd[0]), ==, 0);
	end(&p);
}

int main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/host-irq/shared", test_shared);
	g_test_add_func("/host-irq/exclusive", test_exclusive);
	ret = g_test_run();
	aspace_thread_leave();
	return ret;
}
