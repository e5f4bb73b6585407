// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the ways to reset a function and who is hit by each.  Called by vfio/pci and by sysfs; never
 * touches what a driver keeps about its device.
 */
#include <errno.h>
#include <string.h>

#include "vfio/host/private.h"

/* --- which --- */

static bool has_flr(struct hostdev *d)
{
	return d->exp_cap && hd_read(d, d->exp_cap + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR;
}

static bool has_af(struct hostdev *d)
{
	const uint8_t want = PCI_AF_CAP_TP | PCI_AF_CAP_FLR;

	return d->af_cap && (hd_read(d, d->af_cap + PCI_AF_CAP, 1) & want) == want;
}

static bool has_pm(struct hostdev *d)
{
	return d->pm_cap && !(hd_read(d, d->pm_cap + PCI_PM_CTRL, 2) & PCI_PM_CTRL_NO_SOFT_RESET);
}

/* Asked of the bus itself: a reset does not hold the lock of the host's lists. */
static bool alone_on_bus(struct hostdev *d)
{
	struct pcihost *h = &d->host->pci;
	unsigned n = 0;

	if (!d->parent || d->pci->child)
		return false;
	pthread_mutex_lock(&h->lock);
	for (unsigned i = 0; i < 256; i++)
		n += d->pci->bus->dev[i] != NULL;
	pthread_mutex_unlock(&h->lock);
	return n == 1;
}

static bool possible(struct hostdev *d, enum host_reset r)
{
	switch (r) {
	case HOST_RESET_FLR:
		return has_flr(d);
	case HOST_RESET_AF:
		return has_af(d);
	case HOST_RESET_PM:
		return has_pm(d);
	case HOST_RESET_BUS:
		return alone_on_bus(d);
	default:
		return false;
	}
}

void hd_reset_probe(struct hostdev *d)
{
	d->resets = 0;
	for (enum host_reset r = HOST_RESET_FLR; r <= HOST_RESET_BUS; r++)
		if (possible(d, r))
			d->reset_order[d->resets++] = r;
}

const char *hd_reset_name(enum host_reset r)
{
	static const char *const name[] = {"none", "flr", "af_flr", "pm", "bus"};

	return name[r];
}

/* --- how --- */

static bool any_with_pm(struct hostdev *port)
{
	struct pcihost *h = &port->host->pci;
	bool any = false;

	pthread_mutex_lock(&h->lock);
	for (unsigned i = 0; i < 256; i++) {
		const struct pcidev *p = port->pci->child->dev[i];

		any |= p && pci_cap_find(p->cfg, PCI_CAP_ID_PM);
	}
	pthread_mutex_unlock(&h->lock);
	return any;
}

/* A port above 5 GT/s reports when its link is back (PCIe 6.6.1); without that the device is
 * lost. Linux asks only where something below may need time, which it knows from its PM. */
static bool link_is_back(struct hostdev *port)
{
	unsigned speed;

	if (!port->exp_cap)
		return true;
	speed = hd_read(port, port->exp_cap + PCI_EXP_LNKCAP2, 4) & 0xfe;
	if (!speed)
		speed = (1u << (hd_read(port, port->exp_cap + PCI_EXP_LNKCAP, 4) & 15)) & 0xfe;
	if (speed <= 6 || !any_with_pm(port))
		return true;
	return hd_read(port, port->exp_cap + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_DLLLA;
}

static int secondary_bus_reset(struct hostdev *bridge)
{
	uint16_t ctrl = (uint16_t)hd_read(bridge, PCI_BRIDGE_CONTROL, 2);

	hd_write(bridge, PCI_BRIDGE_CONTROL, 2, ctrl | PCI_BRIDGE_CTL_BUS_RESET);
	hd_write(bridge, PCI_BRIDGE_CONTROL, 2, ctrl & ~PCI_BRIDGE_CTL_BUS_RESET);
	return link_is_back(bridge) ? 0 : -ENOTTY;
}

static int reset_pm(struct hostdev *d)
{
	uint16_t ctrl = (uint16_t)hd_read(d, d->pm_cap + PCI_PM_CTRL, 2);

	if (d->power != HOST_D0)
		return -EINVAL;
	ctrl &= (uint16_t)~PCI_PM_CTRL_STATE_MASK;
	hd_write(d, d->pm_cap + PCI_PM_CTRL, 2, ctrl | HOST_D3HOT);
	hd_write(d, d->pm_cap + PCI_PM_CTRL, 2, ctrl);
	return 0;
}

static int reset_by(struct hostdev *d, enum host_reset r)
{
	if (!possible(d, r))
		return -ENOTTY;
	switch (r) {
	case HOST_RESET_FLR:
		hd_set_exp_word(d, PCI_EXP_DEVCTL, 0, PCI_EXP_DEVCTL_BCR_FLR);
		return 0;
	case HOST_RESET_AF:
		hd_write(d, d->af_cap + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
		return 0;
	case HOST_RESET_PM:
		return reset_pm(d);
	case HOST_RESET_BUS:
		return secondary_bus_reset(d->parent);
	default:
		return -ENOTTY;
	}
}

int hd_reset_function_locked(struct hostdev *d)
{
	for (unsigned i = 0; i < d->resets; i++) {
		int ret = reset_by(d, d->reset_order[i]);

		if (ret != -ENOTTY)
			return ret;
	}
	return -ENOTTY;
}

static void prepare(struct hostdev *d)
{
	if (d->drv && d->drv->ops->reset_prepare)
		d->drv->ops->reset_prepare(d);
	hd_set_power(d, HOST_D0);
	hd_save_state(d);
	hd_write(d, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
}

static void restore(struct hostdev *d)
{
	hd_restore_state(d);
	if (d->drv && d->drv->ops->reset_done)
		d->drv->ops->reset_done(d);
}

int hd_try_reset(struct hostdev *d)
{
	int ret;

	if (!d->resets)
		return -ENOTTY;
	if (pthread_mutex_trylock(&d->lock))
		return -EAGAIN;
	hd_block(d);
	prepare(d);
	ret = hd_reset_function_locked(d);
	restore(d);
	hd_unblock(d);
	pthread_mutex_unlock(&d->lock);
	return ret;
}

/* --- a whole bus --- */

int hd_probe_bus_reset(struct hostdev *d)
{
	return d->parent ? 0 : -ENOTTY;
}

static bool below(const struct pcidev *p, const struct pcibus *bus)
{
	for (const struct pcibus *b = p->bus; b; b = b->bridge ? b->bridge->bus : NULL)
		if (b == bus)
			return true;
	return false;
}

void hd_foreach_bus(struct hostdev *d, void (*fn)(struct hostdev *d, void *opaque), void *opaque)
{
	struct host *h = d->host;

	for (guint i = 0; i < h->devs->len; i++) {
		struct hostdev *o = h->devs->pdata[i];

		if (below(o->pci, d->pci->bus))
			fn(o, opaque);
	}
}

static void lock_one(struct hostdev *d, void *opaque)
{
	pthread_mutex_lock(&d->lock);
	hd_block(d);
}

static void unlock_one(struct hostdev *d, void *opaque)
{
	hd_unblock(d);
	pthread_mutex_unlock(&d->lock);
}

static void prepare_one(struct hostdev *d, void *opaque)
{
	prepare(d);
}

static void restore_one(struct hostdev *d, void *opaque)
{
	restore(d);
}

int hd_reset_bus(struct hostdev *d)
{
	struct hostdev *bridge = d->parent;
	int ret;

	if (!bridge)
		return -ENOTTY;
	hd_foreach_bus(d, lock_one, NULL);
	hd_foreach_bus(d, prepare_one, NULL);
	ret = secondary_bus_reset(bridge);
	hd_foreach_bus(d, restore_one, NULL);
	hd_foreach_bus(d, unlock_one, NULL);
	return ret;
}
