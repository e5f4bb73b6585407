// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the records of a device's ioctls but those about interrupts and regions' contents: what it
 * tells of itself, features, resets.  Called by dev.c for each record.
 */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "tests/diff/dev.h"
#include "tests/diff/physdev.h"

#define RESET_FDS 64

/* --- what the device tells of itself --- */

void dev_info(struct dev *d, const struct rec *rec)
{
	union {
		struct vfio_device_info info;
		uint8_t room[256];
	} b = {};
	g_autofree char *text = NULL;
	uint64_t argsz;
	long ret;

	if (rec->args != 2 || !trace_dec(rec->arg[1], &argsz)) {
		replay_malformed(d->r, rec);
		return;
	}
	b.info.argsz = (uint32_t)argsz;
	ret = dev_call(d, VFIO_DEVICE_GET_INFO, &b);
	text = g_strdup_printf("argsz=%u flags=%x regions=%u irqs=%u cap=%u", b.info.argsz,
			       b.info.flags, b.info.num_regions, b.info.num_irqs,
			       b.info.cap_offset);
	replay_got(d->r, rec, ret, ret ? NULL : text);
}

static void spell_cap(GString *s, const uint8_t *buf, size_t size, uint32_t at)
{
	const struct vfio_info_cap_header *h = (const void *)(buf + at);

	g_string_append_printf(s, " [id=%u ver=%u at=%u next=%u", h->id, h->version, at, h->next);
	if (h->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP) {
		const struct vfio_region_info_cap_sparse_mmap *m = (const void *)h;
		uint32_t fit = (uint32_t)((size - at - sizeof(*m)) / sizeof(m->areas[0]));

		for (uint32_t i = 0; i < MIN(m->nr_areas, fit); i++)
			g_string_append_printf(s, " area=%llx+%llx", m->areas[i].offset,
					       m->areas[i].size);
	} else if (h->id == VFIO_REGION_INFO_CAP_TYPE) {
		const struct vfio_region_info_cap_type *t = (const void *)h;

		g_string_append_printf(s, " type=%x sub=%x", t->type, t->subtype);
	} else if (h->id == VFIO_REGION_INFO_CAP_MSIX_MAPPABLE) {
		g_string_append(s, " msix-mappable");
	}
	g_string_append(s, "]");
}

void dev_region(struct dev *d, const struct rec *rec)
{
	union {
		struct vfio_region_info info;
		uint8_t room[512];
	} b = {};
	g_autoptr(GString) s = g_string_new(NULL);
	uint64_t index, argsz;
	long ret;

	if (rec->args != 3 || !trace_dec(rec->arg[1], &index) || !trace_dec(rec->arg[2], &argsz) ||
	    argsz > sizeof(b)) {
		replay_malformed(d->r, rec);
		return;
	}
	b.info.argsz = (uint32_t)argsz;
	b.info.index = (uint32_t)index;
	ret = dev_call(d, VFIO_DEVICE_GET_REGION_INFO, &b);
	g_string_printf(s, "argsz=%u flags=%x size=%llx offset=%llx cap=%u", b.info.argsz,
			b.info.flags, b.info.size, b.info.offset, b.info.cap_offset);
	if (b.info.flags & VFIO_REGION_INFO_FLAG_CAPS)
		for (uint32_t at = b.info.cap_offset, n = 0; at && at < sizeof(b) - 32 && n < 8;
		     n++) {
			spell_cap(s, b.room, sizeof(b), at);
			at = ((const struct vfio_info_cap_header *)(const void *)(b.room + at))
				     ->next;
		}
	replay_got(d->r, rec, ret, ret ? NULL : s->str);
}

void dev_irq(struct dev *d, const struct rec *rec)
{
	struct vfio_irq_info b = {};
	g_autofree char *text = NULL;
	uint64_t index, argsz;
	long ret;

	if (rec->args != 3 || !trace_dec(rec->arg[1], &index) || !trace_dec(rec->arg[2], &argsz)) {
		replay_malformed(d->r, rec);
		return;
	}
	b.argsz = (uint32_t)argsz;
	b.index = (uint32_t)index;
	ret = dev_call(d, VFIO_DEVICE_GET_IRQ_INFO, &b);
	text = g_strdup_printf("argsz=%u flags=%x count=%u", b.argsz, b.flags, b.count);
	replay_got(d->r, rec, ret, ret ? NULL : text);
}

void dev_ioctl(struct dev *d, const struct rec *rec)
{
	static const struct {
		const char *name;
		unsigned long cmd;
	} cmds[] = {
		{"DEVICE_GET_INFO null", VFIO_DEVICE_GET_INFO},
		{"DEVICE_GET_REGION_INFO null", VFIO_DEVICE_GET_REGION_INFO},
		{"DEVICE_GET_IRQ_INFO null", VFIO_DEVICE_GET_IRQ_INFO},
		{"DEVICE_SET_IRQS null", VFIO_DEVICE_SET_IRQS},
		{"GET_API_VERSION on device", VFIO_GET_API_VERSION},
		{"0x3bff", 0x3bff},
	};
	g_autofree char *name = g_strjoinv(" ", rec->arg + 1);

	for (size_t i = 0; i < G_N_ELEMENTS(cmds); i++)
		if (!strcmp(name, cmds[i].name)) {
			replay_got(d->r, rec, dev_call(d, cmds[i].cmd, NULL), NULL);
			return;
		}
	replay_malformed(d->r, rec);
}

/* --- features --- */

/*
 * The format leaves out the data of a feature.  It is the recorder's: for low power with wakeup, in
 * this order in each section, no fd, an fd that is not open, an eventfd; else 1, 2, 3 ... 16.
 */
static void feature_data(struct dev *d, uint32_t flags, uint32_t argsz, uint8_t *data)
{
	const int fds[] = {-1, DEV_BAD_FD, d->efd[9]};
	struct vfio_device_low_power_entry_with_wakeup wakeup = {};

	for (unsigned i = 0; i < 16; i++)
		data[i] = (uint8_t)(i + 1);
	if (flags != (VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP) ||
	    argsz < sizeof(struct vfio_device_feature) + sizeof(wakeup))
		return;
	wakeup.wakeup_eventfd = fds[MIN(d->wakeups, 2)];
	d->wakeups++;
	memcpy(data, &wakeup, sizeof(wakeup));
}

void dev_feature(struct dev *d, const struct rec *rec)
{
	union {
		struct vfio_device_feature f;
		uint8_t room[512];
	} b = {};
	uint64_t argsz, flags;

	if (rec->args != 3 || !trace_dec(rec->arg[1], &argsz) || !trace_hex(rec->arg[2], &flags) ||
	    argsz > sizeof(b)) {
		replay_malformed(d->r, rec);
		return;
	}
	b.f.argsz = (uint32_t)argsz;
	b.f.flags = (uint32_t)flags;
	if (flags & VFIO_DEVICE_FEATURE_SET)
		feature_data(d, b.f.flags, b.f.argsz, b.f.data);
	replay_got(d->r, rec, dev_call(d, VFIO_DEVICE_FEATURE, &b), NULL);
}

/* --- resets --- */

void dev_reset(struct dev *d, const struct rec *rec)
{
	replay_got(d->r, rec, dev_call(d, VFIO_DEVICE_RESET, NULL), NULL);
}

struct reset_info {
	struct vfio_pci_hot_reset_info h;
	struct vfio_pci_dependent_device dev[RESET_FDS];
};

/* Group numbers are each machine's own: ours must be what our sysfs says. */
static void check_group(struct dev *d, const struct rec *rec, const char *bdf, uint32_t group)
{
	g_autofree char *path = g_strdup_printf("devices/%s/iommu_group", bdf);
	g_autofree char *want = g_strdup_printf("%u", group);
	char have[64] = "none";

	host_sysfs_readlink(d->host, path, have, sizeof(have));
	if (strcmp(want, have))
		replay_differs(d->r, rec, "%s is said to be in group %s, but is in %s", bdf, want,
			       have);
}

/* "count=N G:BDF ..." without the numbers of groups, of which only our device's is known. */
static char *without_groups(struct dev *d, const struct rec *rec, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	const char *group = trace_meta(d->r->trace, "iommu_group");

	for (unsigned i = 0; words[i]; i++) {
		char *colon = strchr(words[i], ':');

		if (!i || !colon)
			continue;
		*colon = '\0';
		if (!strcmp(colon + 1, d->bdf) && strcmp(words[i], group))
			replay_differs(d->r, rec, "%s is in group %s", d->bdf, group);
		memmove(words[i], colon + 1, strlen(colon + 1) + 1);
	}
	return g_strjoinv(" ", words);
}

void dev_hotreset_info(struct dev *d, const struct rec *rec)
{
	struct reset_info b = {};
	g_autoptr(GString) s = g_string_new(NULL);
	g_autofree char *want = NULL;
	const char *number = rec->args == 2 ? dev_after(rec->arg[1], "argsz=") : NULL, *rest;
	uint64_t argsz;
	long ret, expected;

	if (!trace_dec(number, &argsz) || argsz > sizeof(b) ||
	    !trace_ret(rec->res, &expected, &rest)) {
		replay_malformed(d->r, rec);
		return;
	}
	b.h.argsz = (uint32_t)argsz;
	ret = dev_call(d, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &b);
	g_string_printf(s, "count=%u", b.h.count);
	for (uint32_t i = 0; !ret && i < MIN(b.h.count, RESET_FDS); i++) {
		g_autofree char *bdf =
			g_strdup_printf("%04x:%02x:%02x.%x", b.dev[i].segment, b.dev[i].bus,
					PCI_SLOT(b.dev[i].devfn), PCI_FUNC(b.dev[i].devfn));

		g_string_append_printf(s, " %s", bdf);
		check_group(d, rec, bdf, b.dev[i].group_id);
	}
	want = without_groups(d, rec, rest);
	if (ret != expected || strcmp(want, s->str))
		replay_differs(d->r, rec, "expected %ld %s, got %ld %s", expected, want, ret,
			       s->str);
	else
		replay_same(d->r);
}

static int number_of(const struct vfio_file *f)
{
	return f ? vfio_fileno(f) : -1;
}

void dev_hotreset(struct dev *d, const struct rec *rec)
{
	struct {
		struct vfio_pci_hot_reset h;
		int32_t fd[RESET_FDS];
	} b = {.h = {.argsz = sizeof(b.h) + 4, .count = 1}, .fd = {number_of(d->group)}};
	const char *how = rec->args == 2 ? rec->arg[1] : "";

	if (!strcmp(how, "argsz-short"))
		b.h.argsz = 4;
	else if (!strcmp(how, "flags"))
		b.h.flags = 1;
	else if (!strcmp(how, "count0"))
		b.h.count = 0;
	else if (!strcmp(how, "fd-bad"))
		b.fd[0] = DEV_BAD_FD;
	else if (!strcmp(how, "fd-null"))
		b.fd[0] = d->null_fd;
	else if (!strcmp(how, "fd-container"))
		b.fd[0] = number_of(d->container);
	else if (!strcmp(how, "fd-device"))
		b.fd[0] = number_of(d->device);
	else if (!strcmp(how, "count-many"))
		b.h.argsz = sizeof(b), b.h.count = 60;
	else if (strcmp(how, "ok")) {
		replay_malformed(d->r, rec);
		return;
	}
	replay_got(d->r, rec, dev_call(d, VFIO_DEVICE_PCI_HOT_RESET, &b), NULL);
}
