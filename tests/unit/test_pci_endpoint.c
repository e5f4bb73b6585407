// SPDX-License-Identifier: GPL-2.0-or-later
/* The capabilities of PCI Express endpoints: kinds by place, function level reset, power states. */
#include "pci_util.h"

#define EXP 0x80
#define PM 0x40
#define FLR PCI_EXP_DEVCTL_BCR_FLR

struct ep {
	struct pciboard b;
	struct pcidev dev;
	unsigned resets, flrs;
};

static void ep_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	struct ep *s = d->priv;

	pcidev_cfg_write(d, off, val, len);
	s->flrs += pcie_endpoint_written(d, off, len);
}

static void ep_reset(struct pcidev *d)
{
	struct ep *s = d->priv;

	s->resets++;
	pcie_endpoint_reset(d);
}

static void ep_free(struct pcidev *d)
{
}

static const struct pcidev_ops ep_ops = {
	.model = "ep",
	.cfg_read = pcie_endpoint_cfg_read,
	.cfg_write = ep_write,
	.reset = ep_reset,
	.free = ep_free,
};

static struct pcibus *ep_init(struct ep *s)
{
	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	s->dev.priv = s;
	pcidev_init(&s->dev, &ep_ops, PCI_CFG_EXT, 0x1234, 1, 0x010802, 0);
	pcie_endpoint_add_caps(&s->dev, EXP, PM);
	return &s->b.host.root;
}

static void kinds(void)
{
	struct pcidev *port;
	struct ep s;

	g_assert_cmpint(pcidev_plug(&s.dev, ep_init(&s), 8, NULL), ==, 0);
	g_assert_cmphex(cfg_r(&s.b, 8, EXP + PCI_EXP_FLAGS, 2), ==, 0x0092);
	g_assert_cmphex(cfg_r(&s.b, 8, EXP + PCI_EXP_LNKCAP, 4), ==, 0);
	g_assert_cmphex(cfg_r(&s.b, 8, EXP + PCI_EXP_LNKSTA, 2), ==, 0);
	g_assert_cmphex(cfg_r(&s.b, 8, EXP + PCI_EXP_DEVCAP, 4), ==, 0x10008000);
	pcidev_unplug(&s.dev);
	port = port_plug(&s.b, "rp", &s.b.host.root, 0x10);
	g_assert_cmpint(pcidev_plug(&s.dev, port->child, 0, NULL), ==, 0);
	set_buses(&s.b, 0x10, 1, 1);
	g_assert_cmphex(cfg_r(&s.b, 0x100, EXP + PCI_EXP_FLAGS, 2), ==, 0x0002);
	g_assert_cmphex(cfg_r(&s.b, 0x100, EXP + PCI_EXP_LNKCAP, 4), ==, 0x11);
	g_assert_cmphex(cfg_r(&s.b, 0x100, EXP + PCI_EXP_LNKSTA, 2), ==, 0x11);
	g_assert_cmphex(cfg_r(&s.b, 0x100, EXP + PCI_EXP_LNKCAP2, 4), ==, 2);
	pb_fini(&s.b);
}

static void flr(void)
{
	struct ep s;

	g_assert_cmpint(pcidev_plug(&s.dev, ep_init(&s), 8, NULL), ==, 0);
	cfg_w(&s.b, 8, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	cfg_w(&s.b, 8, EXP + PCI_EXP_DEVCTL, 0x2810, 2);
	g_assert_cmphex(cfg_r(&s.b, 8, EXP + PCI_EXP_DEVCTL, 2), ==, 0x2800);
	cfg_w(&s.b, 8, PM + PCI_PM_CTRL, 3, 2);
	g_assert_cmphex(cfg_r(&s.b, 8, PM + PCI_PM_CTRL, 2), ==, 0x000b);
	g_assert_cmpuint(s.flrs, ==, 0);
	cfg_w(&s.b, 8, EXP + PCI_EXP_DEVCTL + 1, FLR >> 8, 1);
	g_assert_cmpuint(s.flrs, ==, 1);
	g_assert_cmpuint(s.resets, ==, 1);
	g_assert_cmphex(cfg_r(&s.b, 8, EXP + PCI_EXP_DEVCTL, 2), ==, 0);
	g_assert_cmphex(cfg_r(&s.b, 8, PM + PCI_PM_CTRL, 2), ==, 0x0008);
	g_assert_cmphex(cfg_r(&s.b, 8, PCI_COMMAND, 2), ==, 0);
	cfg_w(&s.b, 8, EXP + PCI_EXP_DEVCTL, FLR, 4);
	g_assert_cmpuint(s.flrs, ==, 2);
	cfg_w(&s.b, 8, EXP + PCI_EXP_DEVCTL + 2, FLR, 2);
	g_assert_cmpuint(s.flrs, ==, 2);
	pb_fini(&s.b);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/pci-endpoint/kinds", kinds);
	g_test_add_func("/pci-endpoint/flr", flr);
	return g_test_run();
}
