// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what the host's PCI core does to one function: finding its capabilities, enabling it,
 * saving and restoring its configuration, power states, and serialised access for users.  Called
 * by drivers (vfio/pci) and by the host's scan; never decides when.
 */
#include "vfio/host/hostdev.h"

#include <errno.h>
#include <string.h>

#include "vfio/host/private.h"

#define LOOPS 48

/* --- user accesses --- */

static bool must_wait(const struct hostdev *d)
{
	return d->blocked && !pthread_equal(d->blocker, pthread_self());
}

static void user_lock(struct hostdev *d)
{
	struct pcihost *h = d->pci->bus->host;

	pthread_mutex_lock(&h->lock);
	while (G_UNLIKELY(must_wait(d)))
		pthread_cond_wait(&d->host->unblocked, &h->lock);
}

uint32_t hd_user_read(struct hostdev *d, unsigned off, unsigned len)
{
	uint32_t v;

	user_lock(d);
	v = hd_read(d, off, len);
	pthread_mutex_unlock(&d->pci->bus->host->lock);
	return v;
}

void hd_user_write(struct hostdev *d, unsigned off, unsigned len, uint32_t val)
{
	user_lock(d);
	hd_write(d, off, len, val);
	pthread_mutex_unlock(&d->pci->bus->host->lock);
}

void hd_block(struct hostdev *d)
{
	user_lock(d);
	d->blocked = true;
	d->blocker = pthread_self();
	pthread_mutex_unlock(&d->pci->bus->host->lock);
}

void hd_unblock(struct hostdev *d)
{
	struct pcihost *h = d->pci->bus->host;

	pthread_mutex_lock(&h->lock);
	d->blocked = false;
	pthread_cond_broadcast(&d->host->unblocked);
	pthread_mutex_unlock(&h->lock);
}

/* --- capabilities --- */

/* As Linux walks: reserved low bits of pointers are ignored, an id of ff ends the list. */
static uint8_t find_cap(struct hostdev *d, uint8_t id)
{
	uint8_t pos;

	if (!(hd_read(d, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	pos = (uint8_t)hd_read(d,
			       d->hdr_type == PCI_HEADER_TYPE_CARDBUS ? PCI_CB_CAPABILITY_LIST
								      : PCI_CAPABILITY_LIST,
			       1);
	for (int ttl = LOOPS; ttl; ttl--) {
		uint16_t head;

		if (pos < 0x40)
			return 0;
		pos &= (uint8_t)~3u;
		head = (uint16_t)hd_read(d, pos, 2);
		if ((head & 0xff) == 0xff)
			return 0;
		if ((head & 0xff) == id)
			return pos;
		pos = (uint8_t)(head >> 8);
	}
	return 0;
}

unsigned hd_ext_cap(struct hostdev *d, uint16_t id)
{
	unsigned pos = PCI_CFG_CONV;

	if (d->cfg_size <= PCI_CFG_CONV)
		return 0;
	for (unsigned ttl = (PCI_CFG_EXT - PCI_CFG_CONV) / 8; ttl; ttl--) {
		uint32_t head = hd_read(d, pos, 4);

		if (!head)
			return 0;
		if (PCI_EXT_CAP_ID(head) == id && pos)
			return pos;
		pos = PCI_EXT_CAP_NEXT(head);
		if (pos < PCI_CFG_CONV)
			return 0;
	}
	return 0;
}

static void power_setup(struct hostdev *d)
{
	uint16_t pmc;

	d->power = HOST_D0;
	d->pm_cap = find_cap(d, PCI_CAP_ID_PM);
	if (!d->pm_cap)
		return;
	pmc = (uint16_t)hd_read(d, d->pm_cap + PCI_PM_PMC, 2);
	if ((pmc & PCI_PM_CAP_VER_MASK) > 3) {
		d->pm_cap = 0;
		return;
	}
	d->pme = (uint8_t)((pmc & PCI_PM_CAP_PME_MASK) >> PCI_PM_CAP_PME_SHIFT);
	d->d1 = pmc & PCI_PM_CAP_D1;
	d->d2 = pmc & PCI_PM_CAP_D2;
	d->power =
		(enum host_power)(hd_read(d, d->pm_cap + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK);
}

void hd_setup(struct hostdev *d)
{
	uint8_t type = (uint8_t)hd_read(d, PCI_HEADER_TYPE, 1);

	d->hdr_type = type & 0x7f;
	d->multifunction = type & 0x80 || PCI_FUNC(d->pci->devfn);
	d->class = hd_read(d, PCI_CLASS_REVISION, 4) >> 8;
	d->revision = (uint8_t)hd_read(d, PCI_REVISION_ID, 1);
	if (!d->physfn) {
		d->vendor = (uint16_t)hd_read(d, PCI_VENDOR_ID, 2);
		d->device = (uint16_t)hd_read(d, PCI_DEVICE_ID, 2);
		d->pin = (uint8_t)hd_read(d, PCI_INTERRUPT_PIN, 1);
	}
	d->cfg_size = d->pci->cfg_size;
	if (d->hdr_type == PCI_HEADER_TYPE_NORMAL) {
		d->subvendor = (uint16_t)hd_read(d, PCI_SUBSYSTEM_VENDOR_ID, 2);
		d->subdevice = (uint16_t)hd_read(d, PCI_SUBSYSTEM_ID, 2);
	}
	d->exp_cap = find_cap(d, PCI_CAP_ID_EXP);
	d->pcix_cap = find_cap(d, PCI_CAP_ID_PCIX);
	d->msi_cap = find_cap(d, PCI_CAP_ID_MSI);
	d->msix_cap = find_cap(d, PCI_CAP_ID_MSIX);
	d->af_cap = find_cap(d, PCI_CAP_ID_AF);
	d->vpd_cap = find_cap(d, PCI_CAP_ID_VPD);
	d->aer_cap = (uint16_t)hd_ext_cap(d, PCI_EXT_CAP_ID_ERR);
	d->acs_cap = (uint16_t)hd_ext_cap(d, PCI_EXT_CAP_ID_ACS);
	d->sriov_cap = (uint16_t)(d->exp_cap ? hd_ext_cap(d, PCI_EXT_CAP_ID_SRIOV) : 0);
	power_setup(d);
}

uint64_t hd_res_len(const struct hostdev *d, unsigned n)
{
	const struct hostres *r = &d->res[n];

	return !r->start && !r->end ? 0 : r->end - r->start + 1;
}

/* --- saved state --- */

static void save_reg(struct hostdev *d, struct hoststate *s, unsigned off, unsigned len)
{
	if (s->n == HOST_SAVED_REGS)
		return;
	s->reg[s->n].off = (uint16_t)off;
	s->reg[s->n].len = (uint8_t)len;
	s->reg[s->n++].val = hd_read(d, off, len);
}

static bool exp_has_link(unsigned type)
{
	return type != PCI_EXP_TYPE_RC_END && type != PCI_EXP_TYPE_RC_EC;
}

static void save_express(struct hostdev *d, struct hoststate *s)
{
	uint16_t flags = (uint16_t)hd_read(d, d->exp_cap + PCI_EXP_FLAGS, 2);
	unsigned type = (flags & PCI_EXP_FLAGS_TYPE) >> 4, version = flags & PCI_EXP_FLAGS_VERS;
	bool port = type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_DOWNSTREAM;

	save_reg(d, s, d->exp_cap + PCI_EXP_DEVCTL, 2);
	if (exp_has_link(type))
		save_reg(d, s, d->exp_cap + PCI_EXP_LNKCTL, 2);
	if (port && flags & PCI_EXP_FLAGS_SLOT)
		save_reg(d, s, d->exp_cap + PCI_EXP_SLTCTL, 2);
	if (version < 2)
		return;
	save_reg(d, s, d->exp_cap + PCI_EXP_DEVCTL2, 2);
	if (exp_has_link(type))
		save_reg(d, s, d->exp_cap + PCI_EXP_LNKCTL2, 2);
}

static const struct {
	uint16_t id;
	uint8_t off, len;
} saved_ext[] = {
	{PCI_EXT_CAP_ID_LTR, PCI_LTR_MAX_SNOOP_LAT, 4},
	{PCI_EXT_CAP_ID_DPC, PCI_EXP_DPC_CTL, 2},
	{PCI_EXT_CAP_ID_ERR, PCI_ERR_UNCOR_MASK, 4},
	{PCI_EXT_CAP_ID_ERR, PCI_ERR_UNCOR_SEVER, 4},
	{PCI_EXT_CAP_ID_ERR, PCI_ERR_COR_MASK, 4},
	{PCI_EXT_CAP_ID_ERR, PCI_ERR_CAP, 4},
	{PCI_EXT_CAP_ID_PTM, PCI_PTM_CTRL, 4},
};

void hd_save_state(struct hostdev *d)
{
	struct hoststate *s = &d->state;

	s->n = 0;
	for (unsigned i = 0; i < 16; i++)
		s->header[i] = hd_read(d, 4 * i, 4);
	if (d->exp_cap)
		save_express(d, s);
	if (d->pcix_cap)
		save_reg(d, s, d->pcix_cap + PCI_X_CMD, 2);
	for (unsigned i = 0; i < G_N_ELEMENTS(saved_ext); i++) {
		unsigned pos = hd_ext_cap(d, saved_ext[i].id);

		if (pos && d->exp_cap)
			save_reg(d, s, pos + saved_ext[i].off, saved_ext[i].len);
	}
	d->state_saved = true;
}

/* What a reset leaves in the error registers is nobody's news. */
static void clear_errors(struct hostdev *d)
{
	static const uint8_t status[] = {PCI_ERR_COR_STATUS, PCI_ERR_UNCOR_STATUS};

	for (unsigned i = 0; d->aer_cap && d->exp_cap && i < G_N_ELEMENTS(status); i++)
		hd_write(d, d->aer_cap + status[i], 4, hd_read(d, d->aer_cap + status[i], 4));
}

static void restore_header(struct hostdev *d, unsigned first, unsigned last)
{
	for (unsigned i = last + 1; i-- > first;)
		if (hd_read(d, 4 * i, 4) != d->state.header[i])
			hd_write(d, 4 * i, 4, d->state.header[i]);
}

/* Access control services: what Linux turns on where an IOMMU is used. */
static void enable_acs(struct hostdev *d)
{
	const uint16_t want = PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF;
	uint16_t cap, ctrl;

	if (!d->acs_cap)
		return;
	cap = (uint16_t)hd_read(d, d->acs_cap + PCI_ACS_CAP, 2);
	ctrl = (uint16_t)hd_read(d, d->acs_cap + PCI_ACS_CTRL, 2);
	hd_write(d, d->acs_cap + PCI_ACS_CTRL, 2, ctrl | (cap & want));
}

static void restore_regs(struct hostdev *d)
{
	for (unsigned i = 0; i < d->state.n; i++)
		hd_write(d, d->state.reg[i].off, d->state.reg[i].len, d->state.reg[i].val);
}

/* Resizable BARs go back to the size that the resource has (PCIe 7.22). */
static void restore_rebar(struct hostdev *d)
{
	unsigned pos = d->exp_cap ? hd_ext_cap(d, PCI_EXT_CAP_ID_REBAR) : 0;
	unsigned n = pos ? (hd_read(d, pos + PCI_REBAR_CTRL, 4) & PCI_REBAR_CTRL_NBAR_MASK) >>
				     PCI_REBAR_CTRL_NBAR_SHIFT
			 : 0;

	for (unsigned i = 0; i < n; i++, pos += 8) {
		uint32_t ctrl = hd_read(d, pos + PCI_REBAR_CTRL, 4);
		unsigned bar = ctrl & PCI_REBAR_CTRL_BAR_IDX;
		uint64_t mib = bar < PCI_BARS ? hd_res_len(d, bar) >> 20 : 0;
		unsigned size = mib ? (unsigned)(63 - __builtin_clzll(mib)) : 0;

		if (!mib)
			continue;
		ctrl &= ~(uint32_t)PCI_REBAR_CTRL_BAR_SIZE;
		hd_write(d, pos + PCI_REBAR_CTRL, 4, ctrl | size << PCI_REBAR_CTRL_BAR_SHIFT);
	}
}

void hd_restore_state(struct hostdev *d)
{
	if (!d->state_saved)
		return;
	clear_errors(d);
	restore_regs(d);
	restore_rebar(d);
	if (d->hdr_type == PCI_HEADER_TYPE_NORMAL) {
		restore_header(d, 10, 15);
		restore_header(d, 4, 9); /* BARs before COMMAND lets them decode */
		restore_header(d, 0, 3);
	} else {
		restore_header(d, 0, 15);
	}
	hd_restore_msi(d);
	enable_acs(d);
	host_sriov_restore(d);
	d->state_saved = false;
}

/* --- power --- */

static uint16_t pmcsr(struct hostdev *d)
{
	return (uint16_t)hd_read(d, d->pm_cap + PCI_PM_CTRL, 2);
}

/* After a soft reset the BARs are gone. */
static void restore_bars(struct hostdev *d)
{
	for (unsigned i = 0; i <= HOSTRES_ROM; i++) {
		const struct hostres *r = &d->res[i];
		unsigned off = i == HOSTRES_ROM ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * i;
		uint32_t low, keep;

		if (!r->flags || !hd_res_len(d, i) || d->physfn || i == HOSTRES_ROM)
			continue;
		keep = r->flags & HOSTRES_IO ? 3 : 15;
		low = ((uint32_t)r->start & ~keep) | (hd_read(d, off, 4) & keep);
		hd_write(d, off, 4, low);
		if (r->flags & HOSTRES_MEM64)
			hd_write(d, off + 4, 4, (uint32_t)(r->start >> 32));
	}
}

static int power_up(struct hostdev *d)
{
	uint16_t ctrl;
	unsigned state;
	bool lost;

	if (!d->pm_cap) {
		d->power = HOST_D0;
		return 0;
	}
	ctrl = pmcsr(d);
	if (ctrl == 0xffff) {
		d->power = HOST_D3COLD;
		return -EIO;
	}
	state = ctrl & PCI_PM_CTRL_STATE_MASK;
	lost = (state == HOST_D3HOT || d->power >= HOST_D3HOT) &&
	       !(ctrl & PCI_PM_CTRL_NO_SOFT_RESET);
	if (state != HOST_D0) {
		hd_write(d, d->pm_cap + PCI_PM_CTRL, 2, 0);
		d->power = (enum host_power)(pmcsr(d) & PCI_PM_CTRL_STATE_MASK);
	} else {
		d->power = HOST_D0;
	}
	if (lost && d->power == HOST_D0)
		restore_bars(d);
	return 0;
}

static int power_down(struct hostdev *d, enum host_power state)
{
	uint16_t ctrl;

	if (!d->pm_cap)
		return -EIO;
	if (d->power <= HOST_D3COLD && d->power > state)
		return -EINVAL; /* from there only to D0 or deeper */
	if ((state == HOST_D1 && !d->d1) || (state == HOST_D2 && !d->d2))
		return -EIO;
	ctrl = pmcsr(d);
	if (ctrl == 0xffff) {
		d->power = HOST_D3COLD;
		return -EIO;
	}
	ctrl = (uint16_t)((ctrl & ~PCI_PM_CTRL_STATE_MASK) | state);
	hd_write(d, d->pm_cap + PCI_PM_CTRL, 2, ctrl);
	d->power = (enum host_power)(pmcsr(d) & PCI_PM_CTRL_STATE_MASK);
	return 0;
}

int hd_set_power(struct hostdev *d, enum host_power state)
{
	if (state > HOST_D3HOT)
		state = HOST_D3HOT;
	if (d->power == state)
		return 0;
	return state == HOST_D0 ? power_up(d) : power_down(d, state);
}

static bool pme_from(const struct hostdev *d, enum host_power state)
{
	return d->pme >> state & 1;
}

static void pme_active(struct hostdev *d, bool on)
{
	uint16_t ctrl = (uint16_t)(pmcsr(d) & ~PCI_PM_CTRL_PME_ENABLE) | PCI_PM_CTRL_PME_STATUS;

	hd_write(d, d->pm_cap + PCI_PM_CTRL, 2, ctrl | (on ? PCI_PM_CTRL_PME_ENABLE : 0));
}

/* The deepest state that the device can wake up from, if it can at all. */
static enum host_power idle_state(const struct hostdev *d)
{
	unsigned state = HOST_D3HOT;

	if (!d->pme)
		return HOST_D3HOT;
	while (state && !pme_from(d, (enum host_power)state))
		state--;
	return state || pme_from(d, HOST_D0) ? (enum host_power)state : HOST_D3HOT;
}

void hd_runtime_suspend(struct hostdev *d)
{
	enum host_power state = idle_state(d);

	hd_save_state(d);
	d->suspended = true;
	if (!d->pm_cap)
		return;
	d->wake = pme_from(d, state);
	if (d->wake)
		pme_active(d, true);
	hd_set_power(d, state);
}

void hd_runtime_resume(struct hostdev *d)
{
	d->suspended = false;
	if (d->pm_cap)
		d->power = (enum host_power)(pmcsr(d) & PCI_PM_CTRL_STATE_MASK);
	if (d->power != HOST_D0)
		hd_set_power(d, HOST_D0);
	hd_restore_state(d);
	if (d->pme)
		pme_active(d, false);
	d->wake = false;
}

/* --- enabling --- */

static void enable_decode(struct hostdev *d)
{
	uint16_t old = (uint16_t)hd_read(d, PCI_COMMAND, 2), cmd = old;

	for (unsigned i = 0; i < HOSTRES_ROM; i++) {
		if (!hd_res_len(d, i))
			continue;
		cmd |= d->res[i].flags & HOSTRES_IO ? PCI_COMMAND_IO : 0;
		cmd |= d->res[i].flags & HOSTRES_MEM ? PCI_COMMAND_MEMORY : 0;
	}
	if (cmd != old)
		hd_write(d, PCI_COMMAND, 2, cmd);
}

void hd_enable(struct hostdev *d)
{
	uint16_t cmd;

	if (d->enabled++)
		return;
	hd_set_power(d, HOST_D0);
	enable_decode(d);
	if (d->msi_enabled || d->msix_enabled || !d->pin)
		return;
	cmd = (uint16_t)hd_read(d, PCI_COMMAND, 2);
	if (cmd & PCI_COMMAND_INTX_DISABLE)
		hd_write(d, PCI_COMMAND, 2, cmd & ~PCI_COMMAND_INTX_DISABLE);
}

void hd_clear_master(struct hostdev *d)
{
	uint16_t cmd = (uint16_t)hd_read(d, PCI_COMMAND, 2);

	if (cmd & PCI_COMMAND_MASTER)
		hd_write(d, PCI_COMMAND, 2, cmd & ~PCI_COMMAND_MASTER);
}

void hd_disable(struct hostdev *d)
{
	if (d->enabled && !--d->enabled)
		hd_clear_master(d);
}

/* --- registers --- */

void hd_intx(struct hostdev *d, bool on)
{
	uint16_t cmd = (uint16_t)hd_read(d, PCI_COMMAND, 2);
	uint16_t want =
		on ? cmd & (uint16_t)~PCI_COMMAND_INTX_DISABLE : cmd | PCI_COMMAND_INTX_DISABLE;

	if (want != cmd)
		hd_write(d, PCI_COMMAND, 2, want);
}

bool hd_intx_mask_supported(struct hostdev *d)
{
	uint16_t old = (uint16_t)hd_read(d, PCI_COMMAND, 2), now;

	hd_write(d, PCI_COMMAND, 2, old ^ PCI_COMMAND_INTX_DISABLE);
	now = (uint16_t)hd_read(d, PCI_COMMAND, 2);
	if ((now ^ old) & PCI_COMMAND_INTX_DISABLE) {
		hd_write(d, PCI_COMMAND, 2, old);
		return true;
	}
	return false;
}

void hd_set_exp_word(struct hostdev *d, unsigned reg, uint16_t clear, uint16_t set)
{
	uint16_t v = (uint16_t)hd_read(d, d->exp_cap + reg, 2);

	hd_write(d, d->exp_cap + reg, 2, (uint16_t)((v & ~clear) | set));
}
