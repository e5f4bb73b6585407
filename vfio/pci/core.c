// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a physical function from probe to remove, and what a user may ask of it: open, release and
 * the ioctls.  Called by the driver core and by files; config space, regions and interrupts are
 * those of their own files.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vfio/pci/vpci.h"
#include "vfio/virqfd.h"

/* --- power --- */

/* A device that loses its configuration in D3hot has it kept here meanwhile. */
int vpci_set_power(struct vfio_pci_device *v, enum host_power state)
{
	struct hostdev *d = v->pci;
	bool save = v->pm_restore && d->power < HOST_D3HOT && state >= HOST_D3HOT;
	bool restore = v->pm_restore && d->power >= HOST_D3HOT && state == HOST_D0;
	int ret;

	if (d->numvfs && state > HOST_D0)
		return -EBUSY; /* its VFs would go with it */
	if (save)
		hd_save_state(d);
	ret = hd_set_power(d, state);
	if (ret < 0)
		return ret;
	if (save && d->power >= HOST_D3HOT) {
		v->pm_save = d->state;
		v->has_pm_save = true;
	} else if (restore && v->has_pm_save) {
		d->state = v->pm_save;
		d->state_saved = true;
		v->has_pm_save = false;
		hd_restore_state(d);
	}
	return 0;
}

void vpci_lock_and_set_power(struct vfio_pci_device *v, enum host_power state)
{
	if (state >= HOST_D3HOT)
		vpci_zap(v);
	vpci_set_power(v, state);
}

static void idle(struct vfio_pci_device *v)
{
	if (!v->pci->host->conf.no_idle_d3)
		hd_runtime_suspend(v->pci);
}

static void busy(struct vfio_pci_device *v)
{
	if (!v->pci->host->conf.no_idle_d3)
		hd_runtime_resume(v->pci);
}

/* --- open --- */

struct id_range {
	uint16_t vendor, first, last;
};

static bool listed(const struct hostdev *d, const struct id_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (d->vendor == r[i].vendor && d->device >= r[i].first && d->device <= r[i].last)
			return true;
	return false;
}

/* INTx is of no use at all on these (i40e, X550): it is hidden. */
static bool broken_intx(const struct hostdev *d)
{
	static const struct id_range ids[] = {
		{0x8086, 0x1572, 0x1572}, {0x8086, 0x1574, 0x1574}, {0x8086, 0x1580, 0x1581},
		{0x8086, 0x1583, 0x158b}, {0x8086, 0x37d0, 0x37d2}, {0x8086, 0x1563, 0x1563},
	};

	return listed(d, ids, G_N_ELEMENTS(ids));
}

/* The bit sticks on these, but masks nothing: the line is masked at the controller. */
static bool broken_masking(const struct hostdev *d)
{
	static const struct id_range ids[] = {
		{0x1425, 0x0030, 0x0030}, /* Chelsio T310 */
		{0x1814, 0x0601, 0x0601}, /* Ralink RT2800 */
		{0x1b7c, 0x0004, 0x0004}, /* Ceton InfiniTV4 */
		{0x10ec, 0x8169, 0x8169}, /* Realtek RTL8169 */
	};

	return listed(d, ids, G_N_ELEMENTS(ids));
}

static void find_msix(struct vfio_pci_device *v)
{
	struct hostdev *d = v->pci;
	uint32_t table;

	v->msix_bar = 0xff;
	if (!d->msix_cap)
		return;
	table = hd_read(d, d->msix_cap + PCI_MSIX_TABLE, 4);
	v->msix_bar = table & PCI_MSIX_TABLE_BIR;
	v->msix_offset = table & PCI_MSIX_TABLE_OFFSET;
	v->msix_size = vpci_irq_count(v, VFIO_PCI_MSIX_IRQ_INDEX) * 16ull;
}

static void probe_intx(struct vfio_pci_device *v)
{
	struct hostdev *d = v->pci;
	uint16_t cmd;

	v->nointx = v->pci_2_3 = false;
	if (!d->host->conf.nointxmask) {
		if (broken_intx(d)) {
			g_info("%s: masking broken INTx support", d->bdf);
			v->nointx = true;
			hd_intx(d, false);
		} else {
			v->pci_2_3 = !broken_masking(d) && hd_intx_mask_supported(d);
		}
	}
	cmd = (uint16_t)hd_read(d, PCI_COMMAND, 2);
	if (v->pci_2_3 && cmd & PCI_COMMAND_INTX_DISABLE)
		hd_write(d, PCI_COMMAND, 2, cmd & ~PCI_COMMAND_INTX_DISABLE);
}

static bool is_vga(const struct hostdev *d)
{
	return d->class >> 8 == 0x0300;
}

/* vfio_pci_enable */
static int enable(struct vfio_pci_device *v)
{
	struct hostdev *d = v->pci;
	int ret = host_step(d->host);

	if (ret < 0)
		return ret;
	busy(v);
	hd_clear_master(d);
	hd_enable(d);
	ret = hd_try_reset(d);
	if (ret == -EAGAIN)
		goto out;
	v->reset_works = !ret;
	hd_save_state(d);
	v->saved = d->state;
	v->has_saved = true;
	probe_intx(v);
	ret = vpci_config_init(v);
	if (ret < 0)
		goto out;
	find_msix(v);
	v->has_vga = is_vga(d) && !d->host->conf.disable_vga;
	vpci_probe_mmaps(v);
	return 0;
out:
	v->has_saved = false;
	hd_disable(d);
	idle(v);
	return ret;
}

static int vpci_open(struct vfio_device *dev)
{
	struct vfio_pci_device *v = vpci_of(dev);
	int ret;

	pthread_mutex_lock(&v->lock);
	ret = enable(v);
	if (!ret && v->pf)
		v->pf->token_users++;
	pthread_mutex_unlock(&v->lock);
	return ret;
}

/* --- release --- */

static void reset_at_release(struct vfio_pci_device *v)
{
	struct hostdev *d = v->pci;

	v->needs_reset = true;
	if (!v->has_saved) {
		if (!v->reset_works)
			return;
		hd_save_state(d);
	} else {
		d->state = v->saved;
		d->state_saved = true;
		v->has_saved = false;
	}
	/* Until the next user, nothing of it decodes or interrupts. */
	hd_write(d, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	if (v->reset_works && !pthread_mutex_trylock(&d->lock)) {
		hd_block(d);
		if (!hd_reset_function_locked(d))
			v->needs_reset = false;
		hd_unblock(d);
		pthread_mutex_unlock(&d->lock);
	}
	hd_restore_state(d);
}

/* vfio_pci_disable */
static void disable(struct vfio_pci_device *v)
{
	struct hostdev *d = v->pci;

	vpci_low_power_exit(v);
	vpci_set_power(v, HOST_D0);
	hd_clear_master(d);
	if (v->irq_type != VPCI_NO_IRQ)
		vpci_set_irqs(v, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, v->irq_type,
			      0, 0, NULL);
	vpci_ioeventfds_free(v);
	v->virq_disabled = false;
	v->msi_qmax = 0;
	vpci_config_free(v);
	reset_at_release(v);
	hd_disable(d);
	vpci_try_bus_reset(v);
	idle(v);
}

static void drop_trigger(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void vpci_close(struct vfio_device *dev)
{
	struct vfio_pci_device *v = vpci_of(dev);

	pthread_mutex_lock(&v->lock);
	if (v->pf)
		v->pf->token_users--;
	disable(v);
	drop_trigger(&v->err_trigger);
	drop_trigger(&v->req_trigger);
	pthread_mutex_unlock(&v->lock);
}

/* --- information --- */

static long get_info(struct vfio_pci_device *v, void *arg)
{
	const size_t min = offsetof(struct vfio_device_info, cap_offset);
	const size_t with_cap = min + sizeof(uint32_t);
	struct vfio_device_info info = {0};
	size_t size = min;

	if (!arg)
		return -EFAULT;
	memcpy(&info, arg, min);
	if (info.argsz < min)
		return -EINVAL;
	if (info.argsz >= with_cap)
		size = with_cap;
	info.cap_offset = 0;
	info.flags = VFIO_DEVICE_FLAGS_PCI | (v->reset_works ? VFIO_DEVICE_FLAGS_RESET : 0);
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	memcpy(arg, &info, size);
	return 0;
}

#define RW (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE)

static void rom_info(struct vfio_pci_device *v, struct vfio_region_info *r)
{
	uint16_t cmd;

	r->size = hd_res_len(v->pci, HOSTRES_ROM);
	if (!r->size)
		return;
	cmd = hd_memory_on(v->pci);
	if (hd_rom_size(v->pci))
		r->flags = VFIO_REGION_INFO_FLAG_READ;
	else
		r->size = 0;
	hd_memory_restore(v->pci, cmd);
}

/* Fills r; true: the MSI-X table is in it, and may be mapped all the same. */
static bool bar_info(struct vfio_pci_device *v, struct vfio_region_info *r)
{
	r->size = v->pci->res[r->index].start ? hd_res_len(v->pci, r->index) : 0;
	if (!r->size)
		return false;
	r->flags = RW;
	if (!v->bar_mmap[r->index])
		return false;
	r->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return r->index == v->msix_bar;
}

static void add_mappable(struct vfio_region_info *r, void *arg)
{
	const struct vfio_info_cap_header cap = {VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, 1, 0};

	r->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	if (r->argsz < sizeof(*r) + sizeof(cap)) {
		r->argsz = sizeof(*r) + sizeof(cap);
		return;
	}
	memcpy((uint8_t *)arg + sizeof(*r), &cap, sizeof(cap));
	r->cap_offset = sizeof(*r);
}

static long region_info(struct vfio_pci_device *v, void *arg)
{
	struct vfio_region_info r;

	if (!arg)
		return -EFAULT;
	memcpy(&r, arg, sizeof(r));
	if (r.argsz < sizeof(r) || r.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	if (r.index == VFIO_PCI_VGA_REGION_INDEX && !v->has_vga)
		return -EINVAL;
	r.offset = (uint64_t)r.index << VPCI_OFFSET_SHIFT;
	r.flags = r.cap_offset = 0;
	r.size = 0;
	switch (r.index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		r.size = v->pci->cfg_size;
		r.flags = RW;
		break;
	case VFIO_PCI_ROM_REGION_INDEX:
		rom_info(v, &r);
		break;
	case VFIO_PCI_VGA_REGION_INDEX:
		r.size = 0xc0000;
		r.flags = RW;
		break;
	default:
		if (bar_info(v, &r))
			add_mappable(&r, arg);
	}
	memcpy(arg, &r, sizeof(r));
	return 0;
}

static long irq_info(struct vfio_pci_device *v, void *arg)
{
	struct vfio_irq_info i;

	if (!arg)
		return -EFAULT;
	memcpy(&i, arg, sizeof(i));
	if (i.argsz < sizeof(i) || i.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	if (i.index == VFIO_PCI_ERR_IRQ_INDEX && !v->pci->exp_cap)
		return -EINVAL;
	i.count = vpci_irq_count(v, i.index);
	i.flags = VFIO_IRQ_INFO_EVENTFD;
	i.flags |= i.index == VFIO_PCI_INTX_IRQ_INDEX
			   ? VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED
			   : VFIO_IRQ_INFO_NORESIZE;
	memcpy(arg, &i, sizeof(i));
	return 0;
}

static long set_irqs(struct vfio_pci_device *v, void *arg)
{
	const uint32_t known = VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK;
	const size_t min = offsetof(struct vfio_irq_set, data);
	struct vfio_irq_set s;
	unsigned max;
	size_t size;

	if (!arg)
		return -EFAULT;
	memcpy(&s, arg, min);
	max = vpci_irq_count(v, s.index);
	if (s.argsz < min || s.index >= VFIO_PCI_NUM_IRQS || s.count >= UINT32_MAX - s.start ||
	    s.flags & ~known)
		return -EINVAL;
	if (s.start >= max || s.start + s.count > max)
		return -EINVAL;
	switch (s.flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		size = 0;
		break;
	case VFIO_IRQ_SET_DATA_BOOL:
		size = sizeof(uint8_t);
		break;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		size = sizeof(int32_t);
		break;
	default:
		return -EINVAL;
	}
	/* Data of no entries is none: there is nothing to point at. */
	if (size && (s.argsz - min < s.count * size))
		return -EINVAL;
	return vpci_set_irqs(v, s.flags, s.index, s.start, s.count, (uint8_t *)arg + min);
}

static long reset(struct vfio_pci_device *v)
{
	if (!v->reset_works)
		return -EINVAL;
	vpci_zap(v);
	vpci_set_power(v, HOST_D0);
	return hd_try_reset(v->pci);
}

static long do_ioctl(struct vfio_pci_device *v, unsigned long cmd, void *arg)
{
	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return get_info(v, arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(v, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return irq_info(v, arg);
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(v, arg);
	case VFIO_DEVICE_RESET:
		return reset(v);
	case VFIO_DEVICE_IOEVENTFD:
		return vpci_ioeventfd(v, arg);
	case VFIO_DEVICE_FEATURE:
		return vpci_feature(v, arg);
	default:
		return -ENOTTY;
	}
}

static long vpci_ioctl(struct vfio_device *dev, unsigned long cmd, void *arg)
{
	struct vfio_pci_device *v = vpci_of(dev);
	long ret;

	/* These two are about other devices as well: the host's lock is outermost. */
	if (cmd == VFIO_DEVICE_GET_PCI_HOT_RESET_INFO || cmd == VFIO_DEVICE_PCI_HOT_RESET) {
		host_lock(dev->host);
		ret = cmd == VFIO_DEVICE_PCI_HOT_RESET ? vpci_hot_reset(v, arg)
						       : vpci_hot_reset_info(v, arg);
		host_unlock(dev->host);
		return ret;
	}
	pthread_mutex_lock(&v->lock);
	ret = do_ioctl(v, cmd, arg);
	pthread_mutex_unlock(&v->lock);
	return ret;
}

/* --- regions --- */

static ssize_t do_rw(struct vfio_pci_device *v, void *buf, size_t len, uint64_t off, bool write)
{
	uint64_t index = off >> VPCI_OFFSET_SHIFT, pos = off & VPCI_OFFSET_MASK;

	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return vpci_config_rw(v, buf, len, pos, write);
	case VFIO_PCI_ROM_REGION_INDEX:
		return write ? -EINVAL : vpci_bar_rw(v, HOSTRES_ROM, buf, len, pos, false);
	case VFIO_PCI_VGA_REGION_INDEX:
		return vpci_vga_rw(v, buf, len, pos, write);
	default:
		return index > VFIO_PCI_BAR5_REGION_INDEX
			       ? -EINVAL
			       : vpci_bar_rw(v, (unsigned)index, buf, len, pos, write);
	}
}

static ssize_t vpci_rw(struct vfio_device *dev, void *buf, size_t len, uint64_t off, bool write)
{
	struct vfio_pci_device *v = vpci_of(dev);
	ssize_t ret;

	if (!len)
		return 0;
	pthread_mutex_lock(&v->lock);
	ret = do_rw(v, buf, len, off, write);
	pthread_mutex_unlock(&v->lock);
	return ret;
}

static int vpci_do_mmap(struct vfio_device *dev, uint64_t off, size_t len, int prot, int flags,
			struct vfio_vma **out)
{
	struct vfio_pci_device *v = vpci_of(dev);
	int ret;

	host_lock(dev->host);
	pthread_mutex_lock(&v->lock);
	ret = vpci_mmap(v, off, len, prot, flags, out);
	pthread_mutex_unlock(&v->lock);
	host_unlock(dev->host);
	return ret;
}

static void vpci_request(struct vfio_device *dev, unsigned count)
{
	struct vfio_pci_device *v = vpci_of(dev);

	pthread_mutex_lock(&v->lock);
	if (v->req_trigger >= 0) {
		if (!(count % 10))
			g_message("%s: relaying device request to user (#%u)", v->pci->bdf, count);
		virqfd_signal(v->req_trigger);
	} else if (!count) {
		g_warning(
			"%s: no device request channel registered, blocked until released by user",
			v->pci->bdf);
	}
	pthread_mutex_unlock(&v->lock);
}

const struct vfio_device_ops vpci_ops = {
	.name = "vfio-pci",
	.match = vpci_match,
	.open = vpci_open,
	.close = vpci_close,
	.ioctl = vpci_ioctl,
	.rw = vpci_rw,
	.mmap = vpci_do_mmap,
	.request = vpci_request,
};

/* --- probe and remove --- */

/* QuickAssist functions that must not be given to users (Linux: vfio_pci_dev_in_denylist). */
static bool denylisted(const struct hostdev *d)
{
	static const uint16_t qat[] = {0x0435, 0x0443, 0x19e2, 0x19e3, 0x37c8, 0x37c9};

	for (unsigned i = 0; d->vendor == 0x8086 && i < G_N_ELEMENTS(qat); i++)
		if (d->device == qat[i])
			return true;
	return false;
}

static struct vfio_pci_device *vpci_new(struct hostdev *d)
{
	struct vfio_pci_device *v = g_new0(struct vfio_pci_device, 1);
	pthread_mutexattr_t attr;

	v->pci = d;
	v->perms = d->host->vfio->perms;
	v->irq_type = VPCI_NO_IRQ;
	v->err_trigger = v->req_trigger = v->wake_trigger = -1;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&v->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	vpci_token_init(v);
	return v;
}

static void vpci_free(struct vfio_pci_device *v)
{
	pthread_mutex_destroy(&v->lock);
	g_free(v);
}

int vpci_probe(struct hostdev *d)
{
	struct vfio_pci_device *v;
	int ret;

	if (denylisted(d) || d->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return -EINVAL;
	if (!d->group)
		return -EINVAL;
	if (d->numvfs)
		return -EBUSY;
	ret = host_step(d->host);
	if (ret < 0)
		return ret;
	v = vpci_new(d);
	v->pm_restore =
		d->pm_cap && !(hd_read(d, d->pm_cap + PCI_PM_CTRL, 2) & PCI_PM_CTRL_NO_SOFT_RESET);
	vpci_set_power(v, HOST_D0);
	ret = vfio_register_device(&v->dev, d, &vpci_ops);
	if (ret < 0) {
		vpci_free(v);
		return ret;
	}
	d->vfio = v;
	idle(v);
	return 0;
}

void vpci_remove(struct hostdev *d)
{
	struct vfio_pci_device *v = d->vfio;

	if (d->numvfs)
		host_sriov_disable(d);
	vfio_unregister_device(&v->dev);
	d->vfio = NULL;
	busy(v);
	vpci_free(v);
}
