// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns VFIO_DEVICE_FEATURE: the VF token and the low power state.  Called by core.c with the
 * device's lock held.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vfio/pci/vpci.h"
#include "vfio/virqfd.h"

/* Feature numbers of Linux 6.1 that Debian's headers may not have. */
#define LOW_POWER_ENTRY 3
#define LOW_POWER_ENTRY_WITH_WAKEUP 4
#define LOW_POWER_EXIT 5

#define OPS (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET)

struct request {
	uint32_t flags;
	const uint8_t *data;
	size_t len;
};

/* 1 = go on, 0 = it was only a question, or -errno. */
static int check(const struct request *r, uint32_t supported, size_t need)
{
	if (r->flags & OPS & ~supported)
		return -EINVAL;
	if (r->flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	if (!(r->flags & OPS) || r->len < need)
		return -EINVAL;
	return 1;
}

static int set_token(struct vfio_pci_device *v, const struct request *r)
{
	int ret;

	if (!v->has_token)
		return -ENOTTY;
	ret = check(r, VFIO_DEVICE_FEATURE_SET, sizeof(v->token));
	if (ret == 1)
		memcpy(v->token, r->data, sizeof(v->token));
	return MIN(ret, 0);
}

static int enter(struct vfio_pci_device *v, int wake)
{
	if (v->low_power) {
		if (wake >= 0)
			close(wake);
		return -EINVAL;
	}
	vpci_zap(v);
	v->low_power = true;
	v->wake_trigger = wake;
	return 0;
}

static int low_power_entry(struct vfio_pci_device *v, const struct request *r)
{
	int ret = check(r, VFIO_DEVICE_FEATURE_SET, 0);

	return ret == 1 ? enter(v, -1) : ret;
}

static int low_power_wakeup(struct vfio_pci_device *v, const struct request *r)
{
	int ret = check(r, VFIO_DEVICE_FEATURE_SET, 8), wake;
	int32_t fd;

	if (ret != 1)
		return ret;
	memcpy(&fd, r->data, sizeof(fd));
	if (fd < 0)
		return -EINVAL;
	ret = virqfd_dup(fd, &wake);
	return ret < 0 ? ret : enter(v, wake);
}

void vpci_low_power_exit(struct vfio_pci_device *v)
{
	if (!v->low_power)
		return;
	v->low_power = false;
	if (v->wake_trigger >= 0)
		close(v->wake_trigger);
	v->wake_trigger = -1;
}

static int low_power_exit(struct vfio_pci_device *v, const struct request *r)
{
	int ret = check(r, VFIO_DEVICE_FEATURE_SET, 0);

	if (ret == 1)
		vpci_low_power_exit(v);
	return MIN(ret, 0);
}

long vpci_feature(struct vfio_pci_device *v, void *arg)
{
	const size_t min = offsetof(struct vfio_device_feature, data);
	const uint32_t known = VFIO_DEVICE_FEATURE_MASK | OPS | VFIO_DEVICE_FEATURE_PROBE;
	struct vfio_device_feature f;
	struct request r;

	if (!arg)
		return -EFAULT;
	memcpy(&f, arg, min);
	if (f.argsz < min || f.flags & ~known)
		return -EINVAL;
	if (!(f.flags & VFIO_DEVICE_FEATURE_PROBE) && (f.flags & OPS) == OPS)
		return -EINVAL;
	r = (struct request){f.flags, (const uint8_t *)arg + min, f.argsz - min};
	switch (f.flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_PCI_VF_TOKEN:
		return set_token(v, &r);
	case LOW_POWER_ENTRY:
		return low_power_entry(v, &r);
	case LOW_POWER_ENTRY_WITH_WAKEUP:
		return low_power_wakeup(v, &r);
	case LOW_POWER_EXIT:
		return low_power_exit(v, &r);
	default:
		return -ENOTTY;
	}
}
