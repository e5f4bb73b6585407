// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the slot registers of a port that takes devices at run time: events, their interrupt, what
 * the guest's commands mean.  Called by port.c for config cycles and by the board when a device
 * comes or goes; never plugs or unplugs anything.
 */
#include "hw/pci/slot.h"

#include <errno.h>

#include "base/err.h"
#include "hw/pci/bridge.h"

#define EVENTS                                                                                 \
	(PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PFD | PCI_EXP_SLTSTA_MRLSC | PCI_EXP_SLTSTA_PDC | \
	 PCI_EXP_SLTSTA_CC | PCI_EXP_SLTSTA_DLLSC)
/* Those whose enable bit in slot control has the same place; DLLSC is the other one. */
#define SAME_PLACE (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_CC)
#define COMMANDS                                                                                 \
	(PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_CCIE | PCI_EXP_SLTCTL_HPIE | \
	 PCI_EXP_SLTCTL_AIC | PCI_EXP_SLTCTL_PIC | PCI_EXP_SLTCTL_PCC | PCI_EXP_SLTCTL_EIC |     \
	 PCI_EXP_SLTCTL_DLLSCE)

static uint16_t control(const struct pcislot *s)
{
	return pci_get16(s->port->cfg + s->exp + PCI_EXP_SLTCTL);
}

static uint16_t status(const struct pcislot *s)
{
	return pci_get16(s->port->cfg + s->exp + PCI_EXP_SLTSTA);
}

static void set_control(struct pcislot *s, uint16_t val)
{
	pci_set16(s->port->cfg + s->exp + PCI_EXP_SLTCTL, val);
}

static void set_status(struct pcislot *s, uint16_t val)
{
	pci_set16(s->port->cfg + s->exp + PCI_EXP_SLTSTA, val);
}

static bool off(uint16_t ctl)
{
	return ctl & PCI_EXP_SLTCTL_PCC && (ctl & PCI_EXP_SLTCTL_PIC) == PCI_EXP_SLTCTL_PWR_IND_OFF;
}

/* --- events (6.7.3) --- */

static bool due(const struct pcislot *s)
{
	uint16_t ctl = control(s), sta = status(s);

	if (!(ctl & PCI_EXP_SLTCTL_HPIE))
		return false;
	return ctl & sta & SAME_PLACE ||
	       (ctl & PCI_EXP_SLTCTL_DLLSCE && sta & PCI_EXP_SLTSTA_DLLSC);
}

/* A message when the first event becomes due, or the pin as long as there is one (6.7.3.4). */
static void notify(struct pcislot *s)
{
	bool was = s->asserted, by_msi = pcimsi_enabled(s->msi);

	s->asserted = due(s);
	if (by_msi && s->asserted && !was)
		pcimsi_raise(s->msi, 0);
	if (s->port->intx_level != (s->asserted && !by_msi))
		pcidev_intx(s->port, s->asserted && !by_msi);
}

static void event(struct pcislot *s, uint16_t what)
{
	set_status(s, status(s) | what);
	notify(s);
}

bool pcislot_refresh(struct pcidev *port, unsigned exp)
{
	uint8_t *sta = port->cfg + exp + PCI_EXP_SLTSTA, *lnk = port->cfg + exp + PCI_EXP_LNKSTA;
	uint16_t old = pci_get16(sta), new = old &(uint16_t)~PCI_EXP_SLTSTA_PDS;

	for (unsigned fn = 0; fn < 8; fn++)
		if (port->child->dev[fn])
			new |= PCI_EXP_SLTSTA_PDS;
	pci_set16(sta, new);
	pci_set16(lnk, new &PCI_EXP_SLTSTA_PDS ? BRIDGE_LINK_UP | PCI_EXP_LNKSTA_DLLLA : 0);
	return old != new;
}

/* --- what the guest writes --- */

/* Power is gone: the devices below forget everything, and may be taken out. */
static void power_off(struct pcislot *s)
{
	struct pcihost *h = s->port->bus ? s->port->bus->host : NULL;

	s->asked = false;
	pcibus_reset(s->port->child);
	if (h && h->ops->slot_off)
		h->ops->slot_off(h->opaque, s->port);
}

static bool blinks(uint16_t ctl)
{
	return (ctl & PCI_EXP_SLTCTL_PIC) == PCI_EXP_SLTCTL_PWR_IND_BLINK;
}

/* The indicator went from blinking to on: the request is refused (6.7.1.5). */
static void keep(struct pcislot *s)
{
	struct pcihost *h = s->port->bus ? s->port->bus->host : NULL;

	if (control(s) & PCI_EXP_SLTCTL_PCC) /* on its way to off */
		return;
	s->asked = false;
	if (h && h->ops->slot_kept)
		h->ops->slot_kept(h->opaque, s->port);
}

static void command(struct pcislot *s, uint16_t old)
{
	uint16_t ctl = control(s);

	if (ctl & PCI_EXP_SLTCTL_EIC) { /* toggles the lock, reads 0 */
		set_status(s, status(s) ^ PCI_EXP_SLTSTA_EIS);
		ctl &= (uint16_t)~PCI_EXP_SLTCTL_EIC;
		set_control(s, ctl);
	}
	/* Power goes first and its indicator later, or both at once. */
	if (status(s) & PCI_EXP_SLTSTA_PDS && off(ctl) && !off(old))
		power_off(s);
	else if (s->asked && blinks(old) && !blinks(ctl) && !off(ctl))
		keep(s);
	event(s, PCI_EXP_SLTSTA_CC);
}

void pcislot_written(struct pcislot *s, uint16_t old, unsigned at, unsigned len)
{
	if (pci_hits(at, len, s->exp + PCI_EXP_SLTCTL, 2))
		command(s, old);
	else
		notify(s);
}

/* --- what happens to the slot --- */

static void lock_host(struct pcidev *port)
{
	pthread_mutex_lock(&port->bus->host->lock);
}

static void unlock_host(struct pcidev *port)
{
	pthread_mutex_unlock(&port->bus->host->lock);
}

bool pcislot_hotpluggable(const struct pcibus *b)
{
	return b->bridge && b->bridge->slot;
}

void pcislot_inserted(struct pcidev *port)
{
	if (!port->slot)
		return;
	lock_host(port);
	if (pcislot_refresh(port, port->slot->exp))
		event(port->slot, PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC | PCI_EXP_SLTSTA_ABP);
	unlock_host(port);
}

static int ask_eject(struct pcislot *s, struct err **errp)
{
	uint16_t ctl = control(s);

	if (!(status(s) & PCI_EXP_SLTSTA_PDS))
		return err_set(errp, -ENODEV, "%s: the slot is empty", s->port->name);
	if (blinks(ctl)) {
		err_set(errp, -EBUSY,
			"%s: the guest is busy with the slot (its power indicator blinks)",
			s->port->name);
		err_hint(errp, "Ask again in some seconds.");
		return -EBUSY;
	}
	if (off(ctl)) {
		power_off(s);
		return 0;
	}
	s->asked = true;
	event(s, PCI_EXP_SLTSTA_ABP);
	return 0;
}

int pcislot_ask_eject(struct pcidev *port, struct err **errp)
{
	int ret;

	if (!port->slot) {
		err_set(errp, -ENOTSUP, "%s: nothing leaves this slot at run time", port->name);
		err_hint(errp, "Give its port hotplug=on.");
		return -ENOTSUP;
	}
	lock_host(port);
	ret = ask_eject(port->slot, errp);
	unlock_host(port);
	return ret;
}

void pcislot_surprise_removed(struct pcidev *port)
{
	if (!port->slot)
		return;
	lock_host(port);
	if (pcislot_refresh(port, port->slot->exp))
		event(port->slot, PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	unlock_host(port);
}

/* --- set-up --- */

void pcislot_init(struct pcislot *s, struct pcidev *d, unsigned exp, struct pcimsi *msi)
{
	uint8_t *c = d->cfg + exp;

	*s = (struct pcislot){.port = d, .exp = exp, .msi = msi};
	d->slot = s;
	pci_set32(c + PCI_EXP_SLTCAP, pci_get32(c + PCI_EXP_SLTCAP) | PCI_EXP_SLTCAP_ABP |
					      PCI_EXP_SLTCAP_PCP | PCI_EXP_SLTCAP_AIP |
					      PCI_EXP_SLTCAP_PIP | PCI_EXP_SLTCAP_HPS |
					      PCI_EXP_SLTCAP_HPC | PCI_EXP_SLTCAP_EIP);
	pci_set16(d->wmask + exp + PCI_EXP_SLTCTL, COMMANDS);
	pci_set16(d->w1c + exp + PCI_EXP_SLTSTA, EVENTS);
}

void pcislot_reset(struct pcislot *s)
{
	s->asked = false;
	set_status(s, 0);
	pcislot_refresh(s->port, s->exp);
	set_control(s, PCI_EXP_SLTCTL_ATTN_IND_OFF |
			       (status(s) ? PCI_EXP_SLTCTL_PWR_IND_ON
					  : PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PCC));
	notify(s);
}
