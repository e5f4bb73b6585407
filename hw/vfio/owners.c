// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the answer to "who owns this byte": the masks of the overlay, the policy of vfio-pci
 * (vfio/pci/policy.h) over what the device shows, and the chains as the host, a VFIO user and the
 * guest see them.  Called by the monitors; writes to no device.
 */
#include "hw/vfio/owners.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "hw/vfio/cfg_names.h"
#include "hw/vfio/ctx.h"
#include "hw/vfio/sysfs.h"
#include "hw/vfio/vdev.h"
#include "vfio/pci/policy.h"

const char *const cfg_owner_names[CFG_OWNERS] = {
	[CFG_DEVICE] = "device",
	[CFG_VIRTUAL] = "virtual",
	[CFG_OVERLAY] = "overlay",
	[CFG_HIDDEN] = "hidden",
};

struct cap {
	unsigned pos, id;
};

struct chain {
	unsigned n;
	struct cap cap[PCI_CFG_EXT / 4];
};

struct work {
	const struct vdev *v;
	struct cfg_owners *o;
	uint8_t user[PCI_CFG_EXT], host[PCI_CFG_EXT]; /* as VFIO and the host's software read it */
	struct vpci_byte byte[PCI_CFG_EXT];
	uint16_t hidden[PCI_CFG_EXT]; /* where the hidden capability of a byte begins; 0 = none */
	uint16_t hidden_id[PCI_CFG_EXT];
	struct chain guest, all;
};

/* --- chains: all of them come from devices -------------------------------------------------- */

static bool has(const struct chain *c, unsigned pos, unsigned id)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->cap[i].pos == pos && c->cap[i].id == id)
			return true;
	return false;
}

static void note(struct chain *c, unsigned pos, unsigned id)
{
	if (c->n < G_N_ELEMENTS(c->cap) && !has(c, pos, id))
		c->cap[c->n++] = (struct cap){pos, id};
}

static void walk_std(const uint8_t *cfg, struct chain *c)
{
	unsigned pos = cfg[PCI_CAPABILITY_LIST] & ~3u;

	if (!(pci_get16(cfg + PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return;
	for (int ttl = 48; ttl && pos >= PCI_STD_HEADER_SIZEOF; ttl--) {
		if (cfg[pos] == 0xff)
			return;
		note(c, pos, cfg[pos]);
		pos = cfg[pos + 1] & ~3u;
	}
}

static void walk_ext(const uint8_t *cfg, unsigned size, struct chain *c)
{
	unsigned pos = PCI_CFG_CONV;

	for (int ttl = 960; ttl && pos >= PCI_CFG_CONV && pos + 4 <= size; ttl--) {
		uint32_t head = pci_get32(cfg + pos);

		if (head == UINT32_MAX)
			return;
		if (PCI_EXT_CAP_ID(head))
			note(c, pos, PCI_EXT_CAP_ID(head));
		pos = PCI_EXT_CAP_NEXT(head) & ~3u;
	}
}

static void walk(const uint8_t *cfg, unsigned size, struct chain *c)
{
	walk_std(cfg, c);
	walk_ext(cfg, size, c);
}

/* --- who ------------------------------------------------------------------------------------ */

static unsigned id_at(const struct work *w, unsigned pos)
{
	return pos < PCI_CFG_CONV ? w->user[pos] : PCI_EXT_CAP_ID(pci_get32(w->user + pos));
}

/* Bytes of a hidden capability: as vfio-pci counts them, else as many as it must have. */
static unsigned hidden_length(const struct work *w, const struct cap *cap)
{
	unsigned len, end = cap->pos < PCI_CFG_CONV ? PCI_CFG_CONV : w->o->size;

	if (w->byte[cap->pos].cap == cap->pos && id_at(w, cap->pos) == cap->id) {
		for (len = 1; cap->pos + len < end; len++)
			if (w->byte[cap->pos + len].cap != cap->pos)
				break;
		return len;
	}
	cfg_cap_name(cap->id, cap->pos >= PCI_CFG_CONV, &len);
	for (unsigned i = 0; i < w->all.n; i++)
		if (w->all.cap[i].pos > cap->pos)
			end = MIN(end, w->all.cap[i].pos);
	return MIN(len, end - cap->pos);
}

static void hide(struct work *w, const struct cap *cap)
{
	unsigned len = hidden_length(w, cap);

	for (unsigned i = cap->pos; i < cap->pos + len; i++) {
		w->hidden[i] = (uint16_t)cap->pos;
		w->hidden_id[i] = (uint16_t)cap->id;
	}
}

/* Without PCI Express there is no extended space: the overlay's zeroes, whatever was there. */
static bool no_ext(const struct work *w, unsigned i)
{
	return i >= PCI_CFG_CONV && !w->v->exp_pos;
}

static void find_hidden(struct work *w)
{
	for (unsigned i = 0; i < w->all.n; i++) {
		const struct cap *cap = &w->all.cap[i];

		if (!no_ext(w, cap->pos) && !has(&w->guest, cap->pos, cap->id))
			hide(w, cap);
	}
}

static enum cfg_owner owner_of(const struct work *w, unsigned i, uint8_t *mask)
{
	*mask = 0xff;
	if (w->hidden[i])
		return CFG_HIDDEN;
	if (w->v->emu[i]) {
		*mask = w->v->emu[i];
		return CFG_OVERLAY;
	}
	if (w->byte[i].virt) {
		*mask = w->byte[i].virt;
		return CFG_VIRTUAL;
	}
	return CFG_DEVICE;
}

/* --- what ----------------------------------------------------------------------------------- */

static void name_cap(char *out, size_t size, const char *prefix, unsigned id, bool ext)
{
	const char *name = cfg_cap_name(id, ext, NULL);

	if (name)
		g_snprintf(out, size, "%s%s", prefix, name);
	else
		g_snprintf(out, size, "%s%scapability 0x%02x", prefix, ext ? "extended " : "", id);
}

static void name_of(const struct work *w, unsigned i, char *out, size_t size)
{
	unsigned cap = w->byte[i].cap;

	if (w->hidden[i])
		name_cap(out, size, "hidden: ", w->hidden_id[i], i >= PCI_CFG_CONV);
	else if (i < PCI_STD_HEADER_SIZEOF)
		g_strlcpy(out, cfg_field_at(i)->name, size);
	else if (no_ext(w, i))
		g_strlcpy(out, "extended space, empty without PCI Express", size);
	else if (cap == VPCI_NOBODY)
		g_strlcpy(out, "unassigned", size);
	else if (cap >= PCI_CFG_CONV && !id_at(w, cap))
		g_strlcpy(out, "empty head of the extended chain", size);
	else
		name_cap(out, size, "", id_at(w, cap), cap >= PCI_CFG_CONV);
}

/* Bytes of one thing: neighbours with different ones of these are spans of their own. */
static unsigned unit_of(const struct work *w, unsigned i)
{
	if (w->hidden[i])
		return w->hidden[i];
	return i < PCI_STD_HEADER_SIZEOF ? cfg_field_at(i)->off
	       : no_ext(w, i)            ? PCI_CFG_CONV
					 : w->byte[i].cap;
}

static void add_spans(struct work *w)
{
	struct cfg_owners *o = w->o;
	struct cfg_span *last = NULL;
	unsigned unit = 0;

	for (unsigned i = 0; i < o->size; i++) {
		struct cfg_span s = {.off = i, .len = 1};

		s.owner = owner_of(w, i, &s.mask);
		o->owner[i] = (uint8_t)s.owner;
		if (last && last->owner == s.owner && last->mask == s.mask &&
		    unit == unit_of(w, i)) {
			last->len++;
			continue;
		}
		unit = unit_of(w, i);
		name_of(w, i, s.name, sizeof(s.name));
		g_array_append_val(o->spans, s);
		last = &g_array_index(o->spans, struct cfg_span, o->spans->len - 1);
	}
}

/* --- gathering ------------------------------------------------------------------------------ */

static int read_user(struct work *w, struct err **errp)
{
	const struct vdev *v = w->v;
	ssize_t n = v->gone ? -ENODEV
			    : v->be->ops->read(v->be, VFIO_PCI_CONFIG_REGION_INDEX, 0, w->user,
					       w->o->size);

	if (n == (ssize_t)w->o->size)
		return 0;
	return err_set_errno(errp, n < 0 ? (int)n : -EIO, "read the config space of %s",
			     VDEV_ARG(v));
}

static void find_owners(struct work *w)
{
	const struct vdev *v = w->v;
	struct cfg_owners *o = w->o;
	ssize_t n = v->be->ops->host_config ? v->be->ops->host_config(v->be, w->host, o->size) : 0;

	for (unsigned i = 0; i < o->size; i++)
		o->value[i] = (uint8_t)((v->dev.cfg[i] & v->emu[i]) | (w->user[i] & ~v->emu[i]));
	if (vpci_policy(w->user, o->size, w->byte) < 0)
		for (unsigned i = PCI_STD_HEADER_SIZEOF; i < o->size; i++)
			w->byte[i].cap = VPCI_NOBODY;
	/* Who is not root reads the header only: what the provider hides is then not seen. */
	if (n >= PCI_CFG_CONV)
		walk(w->host, (unsigned)n, &w->all);
	walk(w->user, o->size, &w->all);
	walk(o->value, o->size, &w->guest);
	find_hidden(w);
	add_spans(w);
}

static struct vdev *find(struct vfio_ctx *ctx, const char *which)
{
	g_autofree char *bdf = bdf_parse(which, NULL);

	for (guint i = 0; i < ctx->devices->len; i++) {
		struct vdev *v = ctx->devices->pdata[i];

		if (!strcmp(v->dev.name, which) || !g_strcmp0(v->be->bdf, bdf))
			return v;
	}
	return NULL;
}

struct cfg_owners *cfg_owners_new(struct vfio_ctx *ctx, const char *which, struct err **errp)
{
	struct vdev *v = ctx ? find(ctx, which) : NULL;
	g_autofree struct work *w = NULL;
	int ret;

	if (!v) {
		err_set(errp, -ENODEV, "no assigned device has the id or host address '%s'", which);
		return NULL;
	}
	w = g_new0(struct work, 1);
	w->v = v;
	w->o = g_new0(struct cfg_owners, 1);
	w->o->size = v->dev.cfg_size;
	w->o->spans = g_array_new(FALSE, FALSE, sizeof(struct cfg_span));
	g_strlcpy(w->o->id, v->dev.name, sizeof(w->o->id));
	g_strlcpy(w->o->host, v->be->bdf, sizeof(w->o->host));
	pthread_mutex_lock(&v->lock);
	ret = read_user(w, errp);
	if (ret >= 0)
		find_owners(w);
	pthread_mutex_unlock(&v->lock);
	if (ret >= 0)
		return w->o;
	cfg_owners_free(w->o);
	return NULL;
}

void cfg_owners_free(struct cfg_owners *o)
{
	if (!o)
		return;
	g_array_free(o->spans, TRUE);
	g_free(o);
}
