// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the life of an assigned device: realize as a list of steps, reset, the host's error and
 * request events, release.  Called by the board and by the PCI host; never looks into an
 * interrupt mode or a BAR itself.
 */
#include "hw/vfio/vdev.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "hw/vfio/ctx.h"
#include "hw/vfio/sys.h"
#include "hw/vfio/sysfs.h"
#include "vfio/host/host.h"

void vdev_warn(struct vdev *v, const char *fmt, ...)
{
	gint64 now = g_get_monotonic_time();
	gint64 last = __atomic_load_n(&v->last_warning, __ATOMIC_RELAXED);
	g_autofree char *text = NULL;
	va_list ap;

	if (last && now - last < G_USEC_PER_SEC)
		return;
	__atomic_store_n(&v->last_warning, now, __ATOMIC_RELAXED);
	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	g_warning(VDEV_FMT ": %s", VDEV_ARG(v), text);
}

void vdev_interrupts_off(struct vdev *v)
{
	switch (v->mode) {
	case VDEV_INT_INTX:
		vdev_intx_disable(v);
		break;
	case VDEV_INT_MSI:
		vdev_msi_disable(v);
		break;
	case VDEV_INT_MSIX:
		vdev_msix_disable(v);
		break;
	case VDEV_INT_NONE:
		break;
	}
}

/* --- reset ---------------------------------------------------------------------------------- */

/* D0, so that the reset works and BARs answer (PCI PM 1.2, 3.2.4). */
static void to_d0(struct vdev *v)
{
	unsigned ctrl = v->pm_pos + PCI_PM_CTRL;
	uint32_t now;

	if (!v->pm_pos)
		return;
	now = vdev_dev_read(v, ctrl, 2);
	if (!(now & PCI_PM_CTRL_STATE_MASK))
		return;
	vdev_dev_write(v, ctrl, now & ~(uint32_t)PCI_PM_CTRL_STATE_MASK, 2);
	now = vdev_dev_read(v, ctrl, 2);
	if (now & PCI_PM_CTRL_STATE_MASK)
		vdev_warn(v, "stuck in D%u; the host may need disable_idle_d3=1 for vfio-pci",
			  now & PCI_PM_CTRL_STATE_MASK);
}

bool vdev_has_pm_reset(const struct vdev *v)
{
	return v->pm_pos &&
	       !(pci_get16(v->dev.cfg + v->pm_pos + PCI_PM_CTRL) & PCI_PM_CTRL_NO_SOFT_RESET);
}

/*
 * The narrowest reset that really resets: function level, then the bus if it is all ours, then
 * power management.
 */
static void reset_device(struct vdev *v)
{
	bool can = v->be->flags & VFIO_DEVICE_FLAGS_RESET;

	if (can && (v->flr || !vdev_has_pm_reset(v)) && v->be->ops->reset(v->be) >= 0)
		return;
	if (v->be->ops->hot_reset(v->be) >= 0)
		return;
	if (can && v->be->ops->reset(v->be) >= 0)
		return;
	g_info(VDEV_FMT ": no reset method works; the guest may see what was left in the device",
	       VDEV_ARG(v));
}

/* Called by the PCI host, its lock held, the generic registers cleared already. */
static void vdev_reset(struct pcidev *d)
{
	struct vdev *v = vdev_of(d);
	uint32_t cmd;

	pthread_mutex_lock(&v->lock);
	if (v->gone)
		goto out;
	vdev_interrupts_off(v);
	to_d0(v);
	vdev_power_changed(v);
	cmd = vdev_dev_read(v, PCI_COMMAND, 2);
	vdev_dev_write(v, PCI_COMMAND,
		       cmd & ~(uint32_t)(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
					 PCI_COMMAND_INTX_DISABLE),
		       2);
	reset_device(v);
	for (unsigned i = 0; i < PCI_BARS; i++)
		vdev_dev_write(v, PCI_BASE_ADDRESS_0 + 4 * i, 0, 4);
	if (v->msi.pos)
		pci_set16(d->cfg + v->msi.pos + PCI_MSI_FLAGS,
			  (uint16_t)(pci_get16(d->cfg + v->msi.pos + PCI_MSI_FLAGS) &
				     ~(PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE)));
	if (v->msix.pos) {
		pci_set16(d->cfg + v->msix.pos + PCI_MSIX_FLAGS,
			  pci_get16(d->cfg + v->msix.pos + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE);
		pcimsix_reset(v->msix.state);
	}
	vdev_intx_enable(v);
out:
	pthread_mutex_unlock(&v->lock);
}

/* --- the host's events ---------------------------------------------------------------------- */

static gboolean error_fired(gint fd, GIOCondition cond, gpointer opaque)
{
	struct vdev *v = opaque;
	eventfd_t n;
	g_autofree char *text = NULL;

	if (eventfd_read(fd, &n) < 0)
		return G_SOURCE_CONTINUE;
	text = g_strdup_printf(
		VDEV_FMT
		": the host reports an uncorrectable error of the device (AER); the machine is "
		"stopped to keep the damage small.  dmesg on the host says more.",
		VDEV_ARG(v));
	if (v->ctx->env.error)
		v->ctx->env.error(v->ctx->env.opaque, &v->dev, v->be->bdf);
	v->ctx->env.fatal(v->ctx->env.opaque, text);
	return G_SOURCE_CONTINUE;
}

/* Before it leaves its bus: a vCPU in one of its BARs would still look for its pin. */
static void vdev_leave(struct pcidev *d)
{
	struct vdev *v = vdev_of(d);

	pthread_mutex_lock(&v->lock);
	vdev_interrupts_off(v);
	v->gone = true;
	pthread_mutex_unlock(&v->lock);
}

/* The host wants the device back: the board asks the guest, or takes it. */
static gboolean request_fired(gint fd, GIOCondition cond, gpointer opaque)
{
	struct vdev *v = opaque;
	eventfd_t n;

	if (eventfd_read(fd, &n) < 0)
		return G_SOURCE_CONTINUE;
	if (v->ctx->env.request) {
		v->ctx->env.request(v->ctx->env.opaque, &v->dev, v->be->bdf);
		return G_SOURCE_CONTINUE;
	}
	g_message(VDEV_FMT
		  ": the host wants the device back; it is shut down and taken from the guest",
		  VDEV_ARG(v));
	pcidev_unplug(&v->dev);
	v->dev.ops->free(&v->dev);
	return G_SOURCE_CONTINUE;
}

static void disarm_event(struct vdev *v, unsigned index, int *fd, guint *watch)
{
	int off = -1;

	if (*watch)
		g_source_remove(*watch);
	*watch = 0;
	if (*fd < 0)
		return;
	vfio_irq_eventfds(v->be, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, &off);
	close(*fd);
	*fd = -1;
}

/* A device without these events can be used all the same: a failure is only told. */
static void arm_event(struct vdev *v, unsigned index, const char *what, int *fd, guint *watch,
		      GUnixFDSourceFunc fn)
{
	struct vfio_irq irq;
	int ret;

	if (v->be->ops->irq_info(v->be, index, &irq) < 0 || !irq.count)
		return;
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = *fd < 0 ? -errno
		      : vfio_irq_eventfds(v->be, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, fd);
	if (ret >= 0) {
		*watch = g_unix_fd_add(*fd, G_IO_IN, fn, v);
		return;
	}
	g_message(VDEV_FMT ": the host's %s event cannot be had: %s", VDEV_ARG(v), what,
		  g_strerror(-ret));
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int init_events(struct vdev *v)
{
	if (!v->conf.no_err)
		arm_event(v, VFIO_PCI_ERR_IRQ_INDEX, "error", &v->err_fd, &v->err_watch,
			  error_fired);
	if (!v->conf.no_req)
		arm_event(v, VFIO_PCI_REQ_IRQ_INDEX, "request", &v->req_fd, &v->req_watch,
			  request_fired);
	return 0;
}

static void release_events(struct vdev *v)
{
	disarm_event(v, VFIO_PCI_ERR_IRQ_INDEX, &v->err_fd, &v->err_watch);
	disarm_event(v, VFIO_PCI_REQ_IRQ_INDEX, &v->req_fd, &v->req_watch);
}

/* --- realize -------------------------------------------------------------------------------- */

struct place {
	bool on_express, on_root;
};

static bool has_host(struct vfio_ctx *ctx, const char *bdf)
{
	for (guint i = 0; i < ctx->devices->len; i++) {
		struct vdev *v = ctx->devices->pdata[i];

		if (v->be && !strcmp(v->be->bdf, bdf))
			return true;
	}
	return false;
}

static char *host_bdf(const struct vdev_conf *conf, struct err **errp)
{
	if (conf->host && conf->sysfsdev) {
		err_set(errp, -EINVAL,
			"host= and sysfsdev= name the device twice: give one of them");
		return NULL;
	}
	if (conf->host)
		return bdf_parse(conf->host, errp);
	if (conf->sysfsdev) {
		g_autofree char *base = g_path_get_basename(conf->sysfsdev);

		return bdf_parse(base, errp);
	}
	err_set(errp, -EINVAL, "which device?");
	err_hint(errp, "Write -device vfio-pci,host=0000:01:00.0; 'lspci -D' lists the addresses.");
	return NULL;
}

static int step_open(struct vdev *v, const struct place *place, struct err **errp)
{
	g_autofree char *bdf = host_bdf(&v->conf, errp);

	if (!bdf)
		return -EINVAL;
	if (has_host(v->ctx, bdf))
		return err_set(errp, -EBUSY, "%s is assigned to this machine already", bdf);
	if (v->ctx->env.open)
		return v->ctx->env.open(v->ctx->env.opaque, &v->be, bdf, errp);
	if (v->ctx->inproc && host_find(v->ctx->env.host, bdf))
		return vfio_sys_open_dev(&v->be, v->ctx, v->ctx->inproc, bdf, errp);
	return vfio_sys_open_dev(&v->be, v->ctx, &vfio_sys_linux, bdf, errp);
}

static void undo_open(struct vdev *v)
{
	v->be->ops->close(v->be);
	v->be = NULL;
}

static int step_regions(struct vdev *v, const struct place *place, struct err **errp)
{
	struct vfio_region cfg;
	int ret = v->be->ops->region_info(v->be, VFIO_PCI_CONFIG_REGION_INDEX, &cfg);

	if (ret < 0 || cfg.size < PCI_CFG_CONV)
		return err_set_errno(errp, ret < 0 ? ret : -EINVAL,
				     "find the device's config space");
	v->dev.cfg_size = cfg.size >= PCI_CFG_EXT ? PCI_CFG_EXT : PCI_CFG_CONV;
	for (unsigned i = 0; i < PCI_BARS; i++) {
		v->bar[i].v = v;
		v->bar[i].nr = i;
		ret = v->be->ops->region_info(v->be, i, &v->bar[i].info);
		if (ret < 0)
			return err_set_errno(errp, ret, "ask for BAR %u", i);
	}
	return 0;
}

static int step_config(struct vdev *v, const struct place *place, struct err **errp)
{
	int ret = vdev_config_init(v, place->on_express, place->on_root, errp);

	if (ret >= 0)
		ret = vdev_msix_probe(v, errp);
	return ret;
}

static int step_bars(struct vdev *v, const struct place *place, struct err **errp)
{
	return vdev_bars_init(v, errp);
}

static int step_rom(struct vdev *v, const struct place *place, struct err **errp)
{
	return vdev_rom_init(v, errp);
}

static int step_msi(struct vdev *v, const struct place *place, struct err **errp)
{
	vdev_msi_init(v);
	return 0;
}

static int step_msix(struct vdev *v, const struct place *place, struct err **errp)
{
	return vdev_msix_init(v, errp);
}

static int step_intx(struct vdev *v, const struct place *place, struct err **errp)
{
	return vdev_intx_init(v, errp);
}

static void undo_interrupts(struct vdev *v)
{
	pthread_mutex_lock(&v->lock);
	vdev_interrupts_off(v);
	pthread_mutex_unlock(&v->lock);
}

static int step_events(struct vdev *v, const struct place *place, struct err **errp)
{
	return init_events(v);
}

static const struct step {
	const char *what;
	int (*run)(struct vdev *v, const struct place *place, struct err **errp);
	void (*undo)(struct vdev *v);
} steps[] = {
	{"open", step_open, undo_open},          {"regions", step_regions, NULL},
	{"config space", step_config, NULL},     {"BARs", step_bars, vdev_bars_fini},
	{"ROM", step_rom, vdev_rom_fini},        {"MSI", step_msi, NULL},
	{"MSI-X", step_msix, vdev_msix_fini},    {"INTx", step_intx, undo_interrupts},
	{"events", step_events, release_events},
};

static void conf_clear(struct vdev_conf *c)
{
	g_free(c->id);
	g_free(c->host);
	g_free(c->sysfsdev);
	g_free(c->romfile);
}

static void unwind(struct vdev *v, size_t done)
{
	while (done--)
		if (steps[done].undo)
			steps[done].undo(v);
	g_ptr_array_remove(v->ctx->devices, v);
	conf_clear(&v->conf);
	pthread_mutex_destroy(&v->lock);
	g_free(v);
}

/* Unplugged already; no vCPU can be in a region of ours once aspace_sync has returned. */
static void vdev_free(struct pcidev *d)
{
	vdev_bars_shrink(vdev_of(d));
	aspace_sync();
	unwind(vdev_of(d), G_N_ELEMENTS(steps));
}

/* What the host has signalled is the guest's when this returns, whoever hears the eventfds. */
static void vdev_settle(struct pcidev *d)
{
	struct vdev *v = vdev_of(d);

	pthread_mutex_lock(&v->lock);
	if (v->mode == VDEV_INT_INTX)
		vdev_intx_hear(v);
	for (unsigned i = 0; v->mode == VDEV_INT_MSI && i < v->msi.n; i++)
		vector_hear(&v->msi.vec[i]);
	for (unsigned i = 0; v->mode == VDEV_INT_MSIX && i < v->msix.host_n; i++)
		vector_hear(&v->msix.vec[i]);
	pthread_mutex_unlock(&v->lock);
}

static const struct pcidev_ops vdev_ops = {
	.model = "vfio-pci",
	.cfg_read = vdev_cfg_read,
	.cfg_write = vdev_cfg_write,
	.reset = vdev_reset,
	.intx_routed = vdev_intx_routed,
	.bars_moved = vdev_bars_moved,
	.leave = vdev_leave,
	.settle = vdev_settle,
	.free = vdev_free,
};

static void conf_copy(struct vdev_conf *to, const struct vdev_conf *from)
{
	*to = *from;
	to->id = g_strdup(from->id);
	to->host = g_strdup(from->host);
	to->sysfsdev = g_strdup(from->sysfsdev);
	to->romfile = g_strdup(from->romfile);
}

int vdev_new(struct pcidev **out, struct vfio_ctx *ctx, const struct vdev_conf *conf,
	     bool on_express, bool on_root, struct err **errp)
{
	const struct place place = {on_express, on_root};
	struct vdev *v = g_new0(struct vdev, 1);
	const char *which = conf->host ? conf->host : conf->sysfsdev ? conf->sysfsdev : "";

	v->ctx = ctx;
	v->err_fd = v->req_fd = -1;
	conf_copy(&v->conf, conf);
	pthread_mutex_init(&v->lock, NULL);
	g_ptr_array_add(ctx->devices, v);
	g_strlcpy(v->dev.name, conf->id ? conf->id : which, sizeof(v->dev.name));
	pcidev_init(&v->dev, &vdev_ops, PCI_CFG_CONV, 0, 0, 0, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		int ret = steps[i].run(v, &place, errp);

		if (ret < 0) {
			err_prefix(errp, "-device vfio-pci,host=%s", which);
			unwind(v, i);
			return ret;
		}
	}
	*out = &v->dev;
	return 0;
}

/* --- the context ---------------------------------------------------------------------------- */

struct vfio_ctx *vfio_ctx_new(const struct vfio_env *env)
{
	struct vfio_ctx *ctx = g_new0(struct vfio_ctx, 1);

	ctx->env = *env;
	ctx->containers = g_ptr_array_new();
	ctx->groups = g_ptr_array_new();
	ctx->devices = g_ptr_array_new();
	if (env->host)
		ctx->inproc = vfio_sys_inproc_new(env->host);
	return ctx;
}

void vfio_ctx_free(struct vfio_ctx *ctx)
{
	if (!ctx)
		return;
	g_ptr_array_free(ctx->containers, TRUE);
	g_ptr_array_free(ctx->groups, TRUE);
	g_ptr_array_free(ctx->devices, TRUE);
	vfio_sys_inproc_free(ctx->inproc);
	g_free(ctx);
}
