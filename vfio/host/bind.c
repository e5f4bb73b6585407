// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the driver core: which driver gets which function, dynamic ids, bind and unbind.  Called by
 * sysfs and by the scan.  Behaviour: Linux 6.1, drivers/base/{bus,dd}.c, drivers/pci/pci-driver.c.
 */
#include <errno.h>
#include <string.h>

#include "vfio/host/private.h"

/* --- matching --- */

static bool any_or(uint32_t id, uint32_t have)
{
	return id == HOST_ANY || id == have;
}

static bool match_one(const struct host_id *id, const struct hostdev *d)
{
	return any_or(id->vendor, d->vendor) && any_or(id->device, d->device) &&
	       any_or(id->subvendor, d->subvendor) && any_or(id->subdevice, d->subdevice) &&
	       !((id->class ^ d->class) & id->class_mask);
}

static bool id_ends(const struct host_id *id)
{
	return !id->vendor && !id->subvendor && !id->class_mask;
}

bool hostdev_matches(struct hostdev *d, struct hostdrv *drv)
{
	if (d->override && strcmp(d->override, drv->ops->name))
		return false;
	for (guint i = 0; i < drv->dynids->len; i++)
		if (match_one(&g_array_index(drv->dynids, struct host_id, i), d))
			return true;
	for (const struct host_id *id = drv->ops->ids; id && !id_ends(id); id++)
		if (match_one(id, d) && (!id->override_only || d->override))
			return true;
	return d->override != NULL;
}

/* --- dynamic ids: up to seven hexadecimal fields --- */

/* As the kernel's sscanf reads "%x": spaces, perhaps 0x, digits; false = no number there. */
static bool scan_hex(const char **s, uint64_t *val)
{
	const char *p = *s;

	while (g_ascii_isspace(*p))
		p++;
	if (p[0] == '0' && (p[1] | 32) == 'x' && g_ascii_isxdigit(p[2]))
		p += 2;
	if (!g_ascii_isxdigit(*p))
		return false;
	for (*val = 0; g_ascii_isxdigit(*p); p++)
		*val = *val << 4 | (uint64_t)g_ascii_xdigit_value(*p);
	*s = p;
	return true;
}

static int scan_id(const char *text, struct host_id *id)
{
	uint64_t f[7] = {0, 0, HOST_ANY, HOST_ANY, 0, 0, 0};
	int n = 0;

	while (n < 7 && scan_hex(&text, &f[n]))
		n++;
	*id = (struct host_id){(uint32_t)f[0], (uint32_t)f[1], (uint32_t)f[2], (uint32_t)f[3],
			       (uint32_t)f[4], (uint32_t)f[5], f[6],           false};
	return n;
}

/* Would a device of exactly these ids be served already? */
static bool known(struct hostdrv *drv, const struct host_id *id)
{
	struct hostdev d = {.vendor = (uint16_t)id->vendor,
			    .device = (uint16_t)id->device,
			    .subvendor = (uint16_t)id->subvendor,
			    .subdevice = (uint16_t)id->subdevice,
			    .class = id->class};

	return hostdev_matches(&d, drv);
}

static bool data_is_known(const struct hostdrv *drv, uint64_t data)
{
	if (!drv->ops->ids)
		return true;
	for (const struct host_id *id = drv->ops->ids; !id_ends(id); id++)
		if (id->data == data)
			return true;
	return false;
}

int hostdrv_new_id(struct host *h, struct hostdrv *drv, const char *text)
{
	g_autoptr(GPtrArray) free_devs = g_ptr_array_new();
	struct host_id id;
	int n = scan_id(text, &id), ret;

	if (n < 2)
		return -EINVAL;
	if (n != 7 && known(drv, &id))
		return -EEXIST;
	if (!data_is_known(drv, id.data))
		return -EINVAL;
	host_lock(h);
	ret = host_step(h);
	if (!ret)
		g_array_append_val(drv->dynids, id);
	for (guint i = 0; !ret && i < h->devs->len; i++) {
		struct hostdev *d = h->devs->pdata[i];

		if (!d->drv && hostdev_matches(d, drv))
			g_ptr_array_add(free_devs, d);
	}
	host_unlock(h);
	for (guint i = 0; i < free_devs->len; i++)
		hostdev_bind(free_devs->pdata[i], drv);
	return ret;
}

int hostdrv_remove_id(struct host *h, struct hostdrv *drv, const char *text)
{
	struct host_id want;
	int ret = -ENODEV;

	if (scan_id(text, &want) < 2)
		return -EINVAL;
	host_lock(h);
	for (guint i = 0; i < drv->dynids->len; i++) {
		const struct host_id *id = &g_array_index(drv->dynids, struct host_id, i);

		if (id->vendor != want.vendor || id->device != want.device ||
		    !(want.subvendor == HOST_ANY || id->subvendor == want.subvendor) ||
		    !(want.subdevice == HOST_ANY || id->subdevice == want.subdevice) ||
		    (id->class ^ want.class) & want.class_mask)
			continue;
		g_array_remove_index(drv->dynids, i);
		ret = 0;
		break;
	}
	host_unlock(h);
	return ret;
}

/* --- binding --- */

/*
 * really_probe: negative where the device may not be used by a driver of this kind at all, positive
 * errno where the driver itself refused it.
 */
static int probe(struct hostdev *d, struct hostdrv *drv)
{
	int ret = drv->ops->dma_owner ? 0 : iommu_use_default(d);

	if (ret < 0)
		return ret;
	d->drv = drv;
	ret = drv->ops->probe(d);
	if (ret < 0) {
		d->drv = NULL;
		if (!drv->ops->dma_owner)
			iommu_unuse_default(d);
		return -ret;
	}
	host_wake(d->host);
	return 0;
}

int hostdev_bind(struct hostdev *d, struct hostdrv *drv)
{
	int ret;

	host_lock(d->host);
	ret = d->drv ? -EBUSY : probe(d, drv);
	host_unlock(d->host);
	return ret > 0 ? -ret : ret;
}

int hostdev_attach(struct hostdev *d)
{
	struct host *h = d->host;
	int ret = 0;

	host_lock(h);
	for (guint i = 0; !d->drv && ret >= 0 && i < h->drivers->len; i++)
		if (hostdev_matches(d, h->drivers->pdata[i]))
			ret = probe(d, h->drivers->pdata[i]);
	ret = ret < 0 ? ret : d->drv != NULL;
	host_unlock(h);
	return ret;
}

/* The driver may wait for its users: nothing is locked meanwhile, and the link is gone at once. */
int hostdev_unbind(struct hostdev *d)
{
	struct hostdrv *drv;

	host_lock(d->host);
	drv = d->drv;
	d->drv = NULL;
	host_unlock(d->host);
	if (!drv)
		return -ENODEV;
	if (drv->ops->remove)
		drv->ops->remove(d);
	host_lock(d->host);
	if (!drv->ops->dma_owner)
		iommu_unuse_default(d);
	host_wake(d->host);
	host_unlock(d->host);
	return 0;
}

/* --- drivers of the host itself --- */

static int native_probe(struct hostdev *d)
{
	uint16_t cmd;

	if (d->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return -ENODEV;
	hd_enable(d);
	cmd = (uint16_t)hd_read(d, PCI_COMMAND, 2);
	hd_write(d, PCI_COMMAND, 2, cmd | PCI_COMMAND_MASTER);
	return 0;
}

static void native_remove(struct hostdev *d)
{
	hd_disable(d);
}

/* Ports only: root, upstream, downstream. */
static int port_probe(struct hostdev *d)
{
	unsigned type =
		d->exp_cap ? (hd_read(d, d->exp_cap + PCI_EXP_FLAGS, 2) & PCI_EXP_FLAGS_TYPE) >> 4
			   : PCI_EXP_TYPE_PCI_BRIDGE;

	return type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_UPSTREAM ||
			       type == PCI_EXP_TYPE_DOWNSTREAM
		       ? 0
		       : -ENODEV;
}

static int stub_probe(struct hostdev *d)
{
	return 0;
}

static int native_sriov(struct hostdev *d, unsigned n)
{
	if (!n) {
		host_sriov_disable(d);
		return 0;
	}
	return host_sriov_enable(d, n);
}

#define IDS(...)                 \
	(const struct host_id[]) \
	{                        \
		__VA_ARGS__,     \
		{                \
			0        \
		}                \
	}
#define BY_CLASS(c, m)                                       \
	{                                                    \
		HOST_ANY, HOST_ANY, HOST_ANY, HOST_ANY, c, m \
	}
#define BY_ID(v, d)                      \
	{                                \
		v, d, HOST_ANY, HOST_ANY \
	}

static const struct hostdrv_ops natives[] = {
	{.name = "pcieport",
	 .ids = IDS(BY_CLASS(0x060400, 0xffffff)),
	 .probe = port_probe,
	 .dma_owner = true},
	{.name = "pci-stub", .probe = stub_probe, .dma_owner = true},
	{.name = "nvme",
	 .ids = IDS(BY_CLASS(0x010802, 0xffffff)),
	 .probe = native_probe,
	 .remove = native_remove,
	 .sriov = native_sriov},
	{.name = "e1000e",
	 .ids = IDS(BY_ID(0x8086, 0x10d3)),
	 .probe = native_probe,
	 .remove = native_remove},
	{.name = "ahci",
	 .ids = IDS(BY_CLASS(0x010601, 0xffffff)),
	 .probe = native_probe,
	 .remove = native_remove},
	{.name = "virtio-pci",
	 .ids = IDS({0x1af4, HOST_ANY, HOST_ANY, HOST_ANY}),
	 .probe = native_probe,
	 .remove = native_remove},
	{.name = "serial",
	 .ids = IDS(BY_CLASS(0x070002, 0xffffff)),
	 .probe = native_probe,
	 .remove = native_remove},
	{.name = "xhci_hcd",
	 .ids = IDS(BY_CLASS(0x0c0330, 0xffffff)),
	 .probe = native_probe,
	 .remove = native_remove},
};

int host_driver_add(struct host *h, const struct hostdrv_ops *ops)
{
	struct hostdrv *drv;
	int ret = host_step(h);

	if (ret < 0)
		return ret;
	drv = g_new0(struct hostdrv, 1);
	drv->ops = ops;
	drv->dynids = g_array_new(FALSE, FALSE, sizeof(struct host_id));
	g_ptr_array_insert(h->drivers, 0, drv);
	return 0;
}

struct hostdrv *host_driver(struct host *h, const char *name)
{
	for (guint i = 0; i < h->drivers->len; i++) {
		struct hostdrv *drv = h->drivers->pdata[i];

		if (!strcmp(drv->ops->name, name))
			return drv;
	}
	return NULL;
}

static void driver_free(struct hostdrv *drv)
{
	g_array_unref(drv->dynids);
	g_free(drv);
}

void host_driver_del(struct host *h, const struct hostdrv_ops *ops)
{
	struct hostdrv *drv = host_driver(h, ops->name);

	if (!drv)
		return;
	g_ptr_array_remove(h->drivers, drv);
	driver_free(drv);
}

int host_drivers_init(struct host *h)
{
	int ret = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(natives) && !ret; i++)
		ret = host_driver_add(h, &natives[i]);
	return ret;
}

void host_drivers_fini(struct host *h)
{
	for (guint i = 0; i < h->drivers->len; i++)
		driver_free(h->drivers->pdata[i]);
	g_ptr_array_set_size(h->drivers, 0);
}
