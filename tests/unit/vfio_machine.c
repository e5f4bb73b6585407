// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the small machine that the tests of hw/vfio plug their fake device into, its controller
 * included; called by tests only.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vfio_util.h"

/* --- the controller ------------------------------------------------------------------------- */

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool chip_fault(struct fake_chip *c)
{
	return ++c->calls == c->fail_at;
}

static int chip_push(struct fake_chip *c)
{
	if (c->commit_err)
		return c->commit_err;
	if (!c->changes)
		return 0;
	c->changes = 0;
	c->commits++;
	memcpy(c->committed, c->route, sizeof(c->route));
	memcpy(c->committed_used, c->used, sizeof(c->used));
	return 0;
}

static void chip_begin(void *opaque)
{
	((struct fake_chip *)opaque)->depth++;
}

static int chip_commit(void *opaque)
{
	struct fake_chip *c = opaque;

	c->violations += !c->depth;
	if (--c->depth)
		return 0;
	return chip_fault(c) ? -EINVAL : chip_push(c);
}

static int chip_changed(struct fake_chip *c)
{
	c->changes++;
	return c->depth ? 0 : chip_push(c);
}

static int chip_route_add(void *opaque, struct msi_msg msg)
{
	struct fake_chip *c = opaque;

	if (chip_fault(c) || (c->route_limit && chip_routes(c) >= c->route_limit))
		return -ENOSPC;
	for (int gsi = GSI_PINS; gsi < 256; gsi++) {
		if (c->used[gsi])
			continue;
		c->used[gsi] = true;
		c->route[gsi] = msg;
		if (chip_changed(c) >= 0)
			return gsi;
		c->used[gsi] = false;
		return -EIO;
	}
	return -ENOSPC;
}

static bool chip_has(struct fake_chip *c, int gsi)
{
	bool ok = gsi >= GSI_PINS && gsi < 256 && c->used[gsi];

	c->violations += !ok;
	return ok;
}

static void chip_route_set(void *opaque, int gsi, struct msi_msg msg)
{
	struct fake_chip *c = opaque;

	if (!chip_has(c, gsi))
		return;
	c->route[gsi] = msg;
	chip_changed(c);
}

static void chip_route_del(void *opaque, int gsi)
{
	struct fake_chip *c = opaque;

	if (!chip_has(c, gsi))
		return;
	for (guint i = 0; i < c->irqfds->len; i++) /* an irqfd outlives its route */
		c->violations += g_array_index(c->irqfds, struct fake_irqfd, i).gsi == gsi;
	c->used[gsi] = false;
	chip_changed(c);
}

static int chip_irqfd_add(void *opaque, int gsi, int fd, int resamplefd)
{
	struct fake_chip *c = opaque;
	struct fake_irqfd i = {gsi, fd, -1, -1};

	c->irqfd_adds++;
	if (chip_fault(c) || c->refuse_irqfd || (resamplefd >= 0 && c->refuse_resample))
		return -ENOTSUP;
	if (gsi >= GSI_PINS)
		chip_has(c, gsi);
	i.copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (resamplefd >= 0)
		i.resample = fcntl(resamplefd, F_DUPFD_CLOEXEC, 0);
	c->violations += i.copy < 0 || gsi < 0;
	c->violations += chip_irqfd_of(c, fd) != NULL;
	g_array_append_val(c->irqfds, i);
	return 0;
}

static int chip_irqfd_del(void *opaque, int gsi, int fd)
{
	struct fake_chip *c = opaque;

	c->violations += fcntl(fd, F_GETFD) < 0;
	for (guint i = 0; i < c->irqfds->len; i++) {
		struct fake_irqfd *e = &g_array_index(c->irqfds, struct fake_irqfd, i);

		if (e->fd != fd || e->gsi != gsi)
			continue;
		if (e->resample >= 0)
			c->line[gsi] = false;
		drop(&e->copy);
		drop(&e->resample);
		g_array_remove_index(c->irqfds, i);
		return 0;
	}
	c->violations++;
	return -ENOENT;
}

static int chip_msi_send(void *opaque, struct msi_msg msg)
{
	struct fake_chip *c = opaque;

	g_array_append_val(c->sent, msg);
	return 0;
}

static void chip_line_set(void *opaque, int gsi, bool level)
{
	((struct fake_chip *)opaque)->line[gsi] = level;
}

static const struct irqchip_ops chip_ops = {
	chip_begin,     chip_commit,    chip_route_add, chip_route_set, chip_route_del,
	chip_irqfd_add, chip_irqfd_del, chip_msi_send,  chip_line_set,
};

void chip_init(struct fake_chip *c)
{
	memset(c, 0, sizeof(*c));
	c->chip = (struct irqchip){&chip_ops, c};
	c->irqfds = g_array_new(FALSE, FALSE, sizeof(struct fake_irqfd));
	c->sent = g_array_new(FALSE, FALSE, sizeof(struct msi_msg));
}

void chip_fini(struct fake_chip *c)
{
	g_array_free(c->irqfds, TRUE);
	g_array_free(c->sent, TRUE);
}

void chip_pump(struct fake_chip *c)
{
	for (guint i = 0; i < c->irqfds->len; i++) {
		struct fake_irqfd *e = &g_array_index(c->irqfds, struct fake_irqfd, i);
		struct pollfd p = {.fd = e->copy, .events = POLLIN};
		eventfd_t n;

		if (poll(&p, 1, 0) != 1 || eventfd_read(e->copy, &n) < 0)
			continue;
		if (e->resample >= 0)
			c->line[e->gsi] = true;
		else if (c->committed_used[e->gsi])
			g_array_append_val(c->sent, c->committed[e->gsi]);
		else
			c->violations++; /* an interrupt that KVM would lose */
	}
}

void chip_eoi(struct fake_chip *c, int gsi)
{
	c->line[gsi] = false;
	for (guint i = 0; i < c->irqfds->len; i++) {
		struct fake_irqfd *e = &g_array_index(c->irqfds, struct fake_irqfd, i);

		if (e->gsi == gsi && e->resample >= 0)
			eventfd_write(e->resample, 1);
	}
}

unsigned chip_sent(const struct fake_chip *c, uint64_t addr, uint32_t data)
{
	unsigned n = 0;

	for (guint i = 0; i < c->sent->len; i++) {
		const struct msi_msg *m = &g_array_index(c->sent, struct msi_msg, i);

		n += m->addr == addr && m->data == data;
	}
	return n;
}

unsigned chip_routes(const struct fake_chip *c)
{
	unsigned n = 0;

	for (int gsi = GSI_PINS; gsi < 256; gsi++)
		n += c->used[gsi];
	return n;
}

const struct fake_irqfd *chip_irqfd_of(const struct fake_chip *c, int fd)
{
	for (guint i = 0; i < c->irqfds->len; i++)
		if (g_array_index(c->irqfds, struct fake_irqfd, i).fd == fd)
			return &g_array_index(c->irqfds, struct fake_irqfd, i);
	return NULL;
}

/* --- the machine --- */

static void machine_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	((struct vt *)opaque)->pin[pin - 1] = level;
}

static int machine_gsi(void *opaque, unsigned slot, unsigned pin)
{
	return ((struct vt *)opaque)->gsi;
}

static void machine_msi(void *opaque, struct pcidev *d, struct msi_msg msg)
{
	struct vt *t = opaque;

	irqchip_msi_send(&t->chip.chip, msg);
}

static const struct pcihost_ops machine_ops = {machine_intx, machine_gsi, machine_msi};

static int machine_open(void *opaque, struct vfio_dev **out, const char *bdf, struct err **errp)
{
	struct vt *t = opaque;

	t->opens++;
	if (t->open_err)
		return err_set_errno(errp, t->open_err, "open %s", bdf);
	g_assert_false(t->fake.open);
	t->fake.open = true;
	g_strlcpy(t->fake.dev.bdf, bdf, sizeof(t->fake.dev.bdf));
	*out = &t->fake.dev;
	return 0;
}

static void machine_fatal(void *opaque, const char *text)
{
	struct vt *t = opaque;

	t->fatals++;
	g_string_append(t->fatal, text);
}

void vt_init(struct vt *t)
{
	memset(t, 0, sizeof(*t));
	fake_standard(&t->fake);
	t->mem = aspace_new("memory", 0);
	t->io = aspace_new("io", 0x10000);
	t->clock = vclock_new();
	vclock_set_manual(t->clock);
	t->gsi = 16;
	t->on_root = true;
	t->fatal = g_string_new(NULL);
	chip_init(&t->chip);
	pcihost_init(&t->host, &machine_ops, t, t->mem, t->io, t->mem);
	t->env = (struct vfio_env){.mem = t->mem,
				   .irq = &t->chip.chip,
				   .clock = t->clock,
				   .open = machine_open,
				   .fatal = machine_fatal,
				   .opaque = t};
	t->conf = (struct vdev_conf){
		.host = g_strdup("17:00.0"),
		.rombar = UINT32_MAX,
		.intx_mmap_timeout_ms = 1100,
		.vendor_id = UINT32_MAX,
		.device_id = UINT32_MAX,
		.sub_vendor_id = UINT32_MAX,
		.sub_device_id = UINT32_MAX,
	};
	vt_messages_clear();
}

int vt_try(struct vt *t, struct err **errp)
{
	struct pcidev *d;
	int ret;

	if (!t->ctx) {
		t->fds = count_fds();
		t->maps = count_maps();
		t->ctx = vfio_ctx_new(&t->env);
	}
	t->d = NULL;
	t->v = NULL;
	ret = vdev_new(&d, t->ctx, &t->conf, true, t->on_root, errp);
	if (ret < 0)
		return ret;
	ret = pcidev_plug(d, t->port ? t->port->child : &t->host.root,
			  t->port ? 0 : PCI_DEVFN(3, 0), errp);
	g_assert_cmpint(ret, ==, 0);
	t->d = d;
	t->v = vdev_of(d);
	return 0;
}

void vt_start(struct vt *t)
{
	struct err *e = NULL;

	if (vt_try(t, &e) < 0)
		g_error("%s\n%s", err_text(e), err_hints(e));
	pcihost_reset(&t->host);
}

uint32_t vt_cfg(struct vt *t, unsigned off, unsigned len)
{
	return pcihost_cfg_read(&t->host, pcidev_bdf(t->d), off, len);
}

void vt_set_cfg(struct vt *t, unsigned off, uint32_t val, unsigned len)
{
	pcihost_cfg_write(&t->host, pcidev_bdf(t->d), off, val, len);
}

void vt_place(struct vt *t)
{
	const uint64_t at[PCI_BARS] = {AT_BAR0, 0, AT_BAR2, AT_BAR2 >> 32, AT_BAR4, 0};

	for (unsigned i = 0; i < PCI_BARS; i++)
		vt_set_cfg(t, PCI_BASE_ADDRESS_0 + 4 * i, (uint32_t)at[i], 4);
	vt_set_cfg(t, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

void vt_pump(struct vt *t)
{
	for (int i = 0; i < 8; i++) {
		struct pollfd p = {.fd = t->fake.unmask_fd, .events = POLLIN};
		eventfd_t n;

		while (g_main_context_iteration(NULL, FALSE))
			;
		chip_pump(&t->chip);
		if (p.fd >= 0 && poll(&p, 1, 0) == 1 && eventfd_read(p.fd, &n) == 0) {
			t->fake.masked = false;
			fake_line(&t->fake, t->fake.line);
		}
	}
}

struct look {
	uint64_t addr;
	struct mrange found;
};

static void look_at(void *opaque, const struct mrange *r)
{
	struct look *l = opaque;

	if (r->start <= l->addr && l->addr <= r->last)
		l->found = *r;
}

const char *vt_region_at(struct vt *t, uint64_t addr, uint64_t *start, uint64_t *last)
{
	struct look l = {.addr = addr};

	aspace_foreach(t->mem, look_at, &l);
	if (!l.found.region)
		return "";
	if (start)
		*start = l.found.start;
	if (last)
		*last = l.found.last;
	return l.found.region->name;
}

void vt_irq(struct vt *t, unsigned index, unsigned nr)
{
	g_assert_cmpuint(nr, <, t->fake.n[index]);
	if (t->fake.fd[index][nr] >= 0)
		eventfd_write(t->fake.fd[index][nr], 1);
}

static void count_range(void *opaque, const struct mrange *r)
{
	++*(unsigned *)opaque;
}

void vt_assert_clean(struct vt *t)
{
	unsigned ranges = 0;

	g_assert_false(t->fake.open);
	g_assert_cmpuint(t->chip.irqfds->len, ==, 0);
	g_assert_cmpuint(chip_routes(&t->chip), ==, 0);
	g_assert_cmpuint(t->chip.depth, ==, 0);
	g_assert_cmpuint(count_fds(), ==, t->fds);
	g_assert_cmpuint(count_maps(), ==, t->maps);
	g_assert_cmpint(vclock_next_deadline(t->clock), ==, -1);
	aspace_foreach(t->mem, count_range, &ranges);
	aspace_foreach(t->io, count_range, &ranges);
	g_assert_cmpuint(ranges, ==, 0);
	for (unsigned i = 0; i < 4; i++)
		g_assert_false(t->pin[i]);
	g_assert_cmpuint(t->ctx->devices->len, ==, 0);
}

void vt_free_dev(struct vt *t)
{
	pcidev_unplug(t->d);
	t->d->ops->free(t->d);
	t->d = NULL;
	t->v = NULL;
}

void vt_fini(struct vt *t)
{
	if (t->d)
		vt_free_dev(t);
	if (t->ctx)
		vt_assert_clean(t);
	g_assert_cmpuint(t->fake.violations, ==, 0);
	g_assert_cmpuint(t->chip.violations, ==, 0);
	vt_pump(t);
	pcihost_fini(&t->host);
	vfio_ctx_free(t->ctx);
	aspace_free(t->mem);
	aspace_free(t->io);
	vclock_free(t->clock);
	chip_fini(&t->chip);
	fake_fini(&t->fake);
	g_string_free(t->fatal, TRUE);
	g_free(t->conf.id);
	g_free(t->conf.host);
	g_free(t->conf.sysfsdev);
	g_free(t->conf.romfile);
}

void vt_run_guest(void (*setup)(struct vt *t), void (*guest)(struct vt *t))
{
	struct vt t;

	vt_init(&t);
	if (setup)
		setup(&t);
	vt_start(&t);
	vt_place(&t);
	guest(&t);
	vt_fini(&t);
}
