// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the replay of a device trace: the machine, the files, the steps of opening and closing, and
 * which function a record goes to.  Called once a trace by replay.c.
 */
#include "tests/diff/dev.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/diff/physdev.h"

/* --- calls --- */

long dev_call(struct dev *d, unsigned long cmd, void *arg)
{
	return d->device ? vfio_ioctl(d->device, cmd, arg) : -EBADF;
}

long dev_pread(struct dev *d, void *buf, size_t len, uint64_t off)
{
	return d->device ? vfio_pread(d->device, buf, len, off) : -EBADF;
}

long dev_pwrite(struct dev *d, const void *buf, size_t len, uint64_t off)
{
	return d->device ? vfio_pwrite(d->device, buf, len, off) : -EBADF;
}

char *dev_spell(const uint8_t *bytes, size_t n)
{
	bool number = n == 1 || n == 2 || n == 4;
	GString *s = g_string_sized_new(2 * n + 2);

	if (!number)
		g_string_append(s, "x:");
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(s, "%02x", bytes[number ? n - 1 - i : i]);
	return g_string_free(s, FALSE);
}

const char *dev_after(const char *word, const char *key)
{
	return word && g_str_has_prefix(word, key) ? word + strlen(key) : NULL;
}

static void close_device(struct dev *d)
{
	vfio_munmap(d->vma);
	vfio_close(d->device);
	d->vma = NULL;
	d->device = NULL;
}

/* --- sysfs --- */

static void driver_of(struct dev *d, const char *bdf, char *buf, size_t size)
{
	g_autofree char *path = g_strdup_printf("devices/%s/driver", bdf);

	if (host_sysfs_readlink(d->host, path, buf, size) < 0)
		g_strlcpy(buf, "none", size);
}

/* "drivers/NAME/unbind" of a native driver that the emulated host does not have. */
static bool foreign_driver(struct dev *d, const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	g_auto(GStrv) have = NULL;

	if (d->bind_seen || g_strv_length(parts) != 3 || strcmp(parts[2], "unbind"))
		return false;
	have = host_sysfs_list(d->host, "drivers");
	return !have || !g_strv_contains((const char *const *)have, parts[1]);
}

/* sysfs-write drivers/... VALUE, drivers_probe VALUE, BDF ATTRIBUTE VALUE */
static void step_sysfs_write(struct dev *d, const struct rec *rec)
{
	bool attr = rec->args == 4;
	g_autofree char *path = NULL;
	const char *value;
	long ret;

	if (rec->args != 3 && !attr) {
		replay_malformed(d->r, rec);
		return;
	}
	path = attr ? g_strdup_printf("devices/%s/%s", rec->arg[1], rec->arg[2])
		    : g_strdup(rec->arg[1]);
	value = rec->arg[rec->args - 1];
	if (!strcmp(value, "(empty)"))
		value = "\n";
	/* It would wait for the user, who is us. */
	if (d->device && g_str_has_suffix(path, "/unbind")) {
		replay_differs(d->r, rec, "the device is still open");
		close_device(d);
	}
	if (foreign_driver(d, path)) {
		d->r->adopted[ADOPT_DRIVER]++;
		ret = (long)strlen(value);
	} else {
		ret = host_sysfs_write(d->host, path, value, strlen(value));
	}
	replay_got(d->r, rec, ret, NULL);
}

static void meta_driver(struct dev *d, const struct rec *rec)
{
	char have[64];

	driver_of(d, d->bdf, have, sizeof(have));
	replay_text(d->r, rec, rec->arg[2], have);
}

/*
 * "meta sysfs ATTRIBUTE VALUE" or the error of reading it.  Left out: what names the machine's own
 * wiring, and what the emulated host does not keep.
 */
static void meta_sysfs(struct dev *d, const struct rec *rec, const char *attr)
{
	static const char *const left_out[] = {"irq",
					       "boot_vga",
					       "broken_parity_status",
					       "ari_enabled",
					       "d3cold_allowed",
					       "current_link_width",
					       "max_link_speed",
					       "power/runtime_status",
					       NULL};
	g_autofree char *path = g_strdup_printf("devices/%s/%s", d->bdf, attr);
	g_autofree char *value = g_strjoinv(" ", rec->arg + 3);
	char have[256] = "";
	ssize_t ret;

	if (g_strv_contains(left_out, attr))
		return;
	ret = host_sysfs_read(d->host, path, have, sizeof(have));
	if (ret < 0)
		g_snprintf(have, sizeof(have), "%zd/%s", ret, strerrorname_np((int)-ret));
	replay_text(d->r, rec, value, g_strchomp(have));
}

static void step_meta(struct dev *d, const struct rec *rec)
{
	if (!d->bind_seen || rec->args < 3)
		return;
	if (!strcmp(rec->arg[1], "driver"))
		meta_driver(d, rec);
	else if (!strcmp(rec->arg[1], "sysfs") && rec->args > 3)
		meta_sysfs(d, rec, rec->arg[2]);
}

/* --- files --- */

static void close_group(struct dev *d)
{
	vfio_close(d->group);
	vfio_close(d->container);
	d->group = d->container = NULL;
}

static void step_section(struct dev *d, const struct rec *rec)
{
	if (rec->args != 2) {
		replay_malformed(d->r, rec);
		return;
	}
	close_device(d);
	d->section = rec->arg[1];
	d->wakeups = 0;
	d->bind_seen |= !strcmp(d->section, "bind");
}

static void step_close(struct dev *d, const struct rec *rec)
{
	if (!d->device)
		replay_differs(d->r, rec, "the device is not open");
	close_device(d);
}

/* The number of a new descriptor, or -errno. */
static long get_device_fd(struct dev *d)
{
	return d->group ? vfio_ioctl(d->group, VFIO_GROUP_GET_DEVICE_FD, (void *)(uintptr_t)d->bdf)
			: -EBADF;
}

static void step_open(struct dev *d, const struct rec *rec)
{
	long ret;

	if (d->device) {
		replay_differs(d->r, rec, "it is open already");
		close_device(d);
	}
	ret = get_device_fd(d);
	if (ret >= 0)
		d->device = vfio_fget(d->host, (int)ret);
	d->pos = 0;
	replay_got(d->r, rec, MIN(ret, 0), NULL);
}

/* device-fd-without-container, device-fd-without-iommu */
static void step_early_device(struct dev *d, const struct rec *rec)
{
	long ret = get_device_fd(d);

	if (ret >= 0)
		vfio_close(vfio_fget(d->host, (int)ret));
	replay_got(d->r, rec, MIN(ret, 0), NULL);
}

static void step_container_open(struct dev *d, const struct rec *rec)
{
	if (d->container || d->group) {
		replay_differs(d->r, rec, "they are open already");
		close_group(d);
	}
	replay_got(d->r, rec, vfio_open(d->host, "/dev/vfio/vfio", &d->container), NULL);
}

static void step_group_open(struct dev *d, const struct rec *rec)
{
	g_autofree char *link = g_strdup_printf("devices/%s/iommu_group", d->bdf), *path = NULL;
	char group[32] = "none";

	if (d->group) {
		replay_differs(d->r, rec, "it is open already");
		vfio_close(d->group);
		d->group = NULL;
	}
	host_sysfs_readlink(d->host, link, group, sizeof(group));
	path = g_strdup_printf("/dev/vfio/%s", group);
	replay_got(d->r, rec, vfio_open(d->host, path, &d->group), NULL);
}

static void step_group_status(struct dev *d, const struct rec *rec)
{
	struct vfio_group_status st = {.argsz = sizeof(st)};
	long ret = d->group ? vfio_ioctl(d->group, VFIO_GROUP_GET_STATUS, &st) : -EBADF;
	g_autofree char *flags = g_strdup_printf("flags=%x", st.flags);

	replay_got(d->r, rec, ret, flags);
}

static void step_set_container(struct dev *d, const struct rec *rec)
{
	int fd = d->container ? vfio_fileno(d->container) : -1;
	long ret = d->group ? vfio_ioctl(d->group, VFIO_GROUP_SET_CONTAINER, &fd) : -EBADF;

	replay_got(d->r, rec, ret, NULL);
}

static void step_set_iommu(struct dev *d, const struct rec *rec)
{
	void *type = (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU;

	if (rec->args != 2 || strcmp(rec->arg[1], "type1v2")) {
		replay_malformed(d->r, rec);
		return;
	}
	replay_got(d->r, rec,
		   d->container ? vfio_ioctl(d->container, VFIO_SET_IOMMU, type) : -EBADF, NULL);
}

/* In the last section the group is given up after the first dump, which is not recorded. */
static void step_physdump(struct dev *d, const struct rec *rec)
{
	dev_cfg_physdump(d, rec);
	if (d->section && !strcmp(d->section, "teardown"))
		close_group(d);
}

static void step_end(struct dev *d, const struct rec *rec)
{
	d->ended = true;
}

/* --- dispatch --- */

static const struct {
	const char *type;
	dev_fn fn;
} handlers[] = {
	{"r", dev_cfg_r},
	{"w", dev_cfg_w},
	{"p", dev_cfg_phys_read},
	{"irqset", dev_irqset},
	{"efd", dev_efd},
	{"feature", dev_feature},
	{"br", dev_br},
	{"bw", dev_bw},
	{"hw", dev_cfg_hw},
	{"P", dev_cfg_phys_write},
	{"mmap", dev_mmap},
	{"mread", dev_mread},
	{"region", dev_region},
	{"irq", dev_irq},
	{"info", dev_info},
	{"ioctl", dev_ioctl},
	{"ioeventfd", dev_ioeventfd},
	{"vdump", dev_cfg_vdump},
	{"physdump", step_physdump},
	{"section", step_section},
	{"open", step_open},
	{"close", step_close},
	{"reset", dev_reset},
	{"hotresetinfo", dev_hotreset_info},
	{"hotreset", dev_hotreset},
	{"sysfs-write", step_sysfs_write},
	{"meta", step_meta},
	{"rbad", dev_cfg_bad},
	{"wbad", dev_cfg_bad},
	{"lseek", dev_lseek},
	{"read", dev_read},
	{"write", dev_write},
	{"efdkick", dev_efdkick},
	{"container-open", step_container_open},
	{"group-open", step_group_open},
	{"group-status", step_group_status},
	{"device-fd-without-container", step_early_device},
	{"device-fd-without-iommu", step_early_device},
	{"set-container", step_set_container},
	{"set-iommu", step_set_iommu},
	{"refused", step_end},
	{"end", step_end},
};

/* Known types; all others are skipped, as the format says. */
static void replay_one(struct dev *d, const struct rec *rec)
{
	static const char *const stray[] = {"phys", "v1", "v2", "v4", "vend", NULL};

	for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++)
		if (trace_is(rec, handlers[i].type)) {
			handlers[i].fn(d, rec);
			return;
		}
	if (g_strv_contains(stray, rec->arg[0]))
		replay_malformed(d->r, rec);
}

/* The emulated host has drivers that the recorded machine had not. */
static void take_from_others(struct dev *d)
{
	const char *recorded = trace_meta(d->r->trace, "driver");
	g_autofree char *path = NULL;
	char have[64];

	driver_of(d, d->bdf, have, sizeof(have));
	if (!strcmp(have, "none") || !strcmp(have, recorded))
		return;
	path = g_strdup_printf("drivers/%s/unbind", have);
	host_sysfs_write(d->host, path, d->bdf, strlen(d->bdf));
	d->r->adopted[ADOPT_DRIVER]++;
}

static bool set_up(struct dev *d)
{
	g_autofree char *error = NULL;

	if (!topo_init(&d->topo, d->r->trace, d->r->syn, &error)) {
		replay_differs(d->r, NULL, "no machine for it: %s", error);
		return false;
	}
	d->host = d->topo.host;
	d->pci = d->topo.dut;
	d->hd = host_find(d->host, d->bdf);
	if (!d->hd)
		replay_differs(d->r, NULL, "the scan does not find %s", d->bdf);
	else
		take_from_others(d);
	return d->hd;
}

static void open_fds(struct dev *d)
{
	for (unsigned i = 0; i < DEV_EFDS; i++)
		d->efd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	d->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
}

static void tear_down(struct dev *d)
{
	close_device(d);
	close_group(d);
	topo_free(&d->topo);
	for (unsigned i = 0; i < DEV_EFDS; i++)
		close(d->efd[i]);
	close(d->null_fd);
}

void dev_replay(struct replay *r)
{
	struct dev d = {.r = r, .bdf = trace_meta(r->trace, "bdf")};

	open_fds(&d);
	if (set_up(&d)) {
		for (r->cur = 0; replay_rec(r); r->cur++)
			replay_one(&d, replay_rec(r));
		if (!d.ended)
			replay_differs(r, NULL, "truncated: neither end nor refused");
	}
	tear_down(&d);
}
