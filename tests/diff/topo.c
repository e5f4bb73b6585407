// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the making of a device trace's machine from its head: bridges, windows, module parameters
 * and the device itself.  Called once a trace by dev.c.
 */
#include "tests/diff/topo.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "tests/diff/physdev.h"
#include "vfio/pci/driver.h"

#define PORT_SLOT 3 /* of the root port: no recording says */
/* IORESOURCE_* of a `res` line. */
#define RES_IO 0x100
#define RES_SHADOW 0x2

struct window {
	uint64_t base, last; /* base > last: empty */
};

struct windows {
	struct window io, mem, pref;
	bool vga; /* the boot display is below */
};

static void widen(struct window *w, uint64_t start, uint64_t end, uint64_t grain)
{
	w->base = MIN(w->base, start & ~(grain - 1));
	w->last = MAX(w->last, end | (grain - 1));
}

static bool res_line(const struct rec *r, uint64_t *start, uint64_t *end, uint64_t *flags)
{
	return r->args == 5 && g_str_has_prefix(r->arg[2], "0x") &&
	       trace_hex(r->arg[2] + 2, start) && g_str_has_prefix(r->arg[3], "0x") &&
	       trace_hex(r->arg[3] + 2, end) && g_str_has_prefix(r->arg[4], "0x") &&
	       trace_hex(r->arg[4] + 2, flags);
}

/* Everything up to the first dump: the same lines come again later. */
static unsigned head_end(const struct trace *t)
{
	const struct rec *r = trace_find(t, 0, "physdump", NULL);

	return r ? (unsigned)(r - t->rec) : t->recs;
}

static struct windows find_windows(const struct trace *t)
{
	struct windows w = {{UINT64_MAX, 0}, {UINT64_MAX, 0}, {UINT64_MAX, 0}, false};
	uint64_t start, end, flags;

	for (unsigned i = 0; i < head_end(t); i++) {
		if (!trace_is(&t->rec[i], "res") || !res_line(&t->rec[i], &start, &end, &flags))
			continue;
		w.vga |= flags & RES_SHADOW && !strcmp(t->rec[i].arg[1], "6");
		if (flags & RES_IO)
			widen(&w.io, start, end, 0x1000);
		else if (start >> 32 || end >> 32)
			widen(&w.pref, start, end, 1 << 20);
		else if (start >= 1 << 20)
			widen(&w.mem, start, end, 1 << 20);
	}
	return w;
}

/* What firmware leaves in a bridge: numbers, windows, and forwarding on. */
static void set_bridge(struct pcidev *d, unsigned primary, unsigned secondary, unsigned last,
		       const struct windows *w)
{
	uint8_t *c = d->cfg;

	c[PCI_PRIMARY_BUS] = (uint8_t)primary;
	c[PCI_SECONDARY_BUS] = (uint8_t)secondary;
	c[PCI_SUBORDINATE_BUS] = (uint8_t)last;
	if (w->io.base < w->io.last) {
		c[PCI_IO_BASE] = (uint8_t)((w->io.base >> 8 & 0xf0) | (c[PCI_IO_BASE] & 0xf));
		c[PCI_IO_LIMIT] = (uint8_t)((w->io.last >> 8 & 0xf0) | (c[PCI_IO_LIMIT] & 0xf));
	}
	if (w->mem.base < w->mem.last) {
		pci_set16(c + PCI_MEMORY_BASE, (uint16_t)(w->mem.base >> 16));
		pci_set16(c + PCI_MEMORY_LIMIT, (uint16_t)(w->mem.last >> 16 & 0xfff0));
	}
	if (w->pref.base < w->pref.last) {
		pci_set16(c + PCI_PREF_MEMORY_BASE, (uint16_t)(w->pref.base >> 16 | 1));
		pci_set16(c + PCI_PREF_MEMORY_LIMIT, (uint16_t)((w->pref.last >> 16 & 0xfff0) | 1));
		pci_set32(c + PCI_PREF_BASE_UPPER32, (uint32_t)(w->pref.base >> 32));
		pci_set32(c + PCI_PREF_LIMIT_UPPER32, (uint32_t)(w->pref.last >> 32));
	}
	if (w->vga)
		c[PCI_BRIDGE_CONTROL] |= PCI_BRIDGE_CTL_VGA;
	pci_set16(c + PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static int plug(struct pcidev *d, struct pcibus *bus, uint8_t devfn, char **error)
{
	struct err *e = NULL;
	int ret = pcidev_plug(d, bus, devfn, &e);

	if (ret < 0) {
		*error = g_strdup(err_text(e));
		err_free(e);
		d->ops->free(d);
	}
	return ret;
}

/* --- topology "fast": the recorded machine's port at its default speed --- */

static struct topo_fast_port *fast_port(const struct pcidev *d)
{
	return (struct topo_fast_port *)(uintptr_t)d->ops;
}

static uint32_t fast_cfg_read(struct pcidev *d, unsigned off, unsigned len)
{
	unsigned at = pci_cap_find(d->cfg, PCI_CAP_ID_EXP) + PCI_EXP_LNKSTA + 1;
	uint32_t v = fast_port(d)->base->cfg_read(d, off, len);

	if (fast_port(d)->lost && pci_hits(off, len, at, 1) && off <= at)
		v &= ~((uint32_t)(PCI_EXP_LNKSTA_DLLLA >> 8) << (8 * (at - off)));
	return v;
}

static void fast_cfg_write(struct pcidev *d, unsigned off, uint32_t val, unsigned len)
{
	fast_port(d)->base->cfg_write(d, off, val, len);
	if (pci_get16(d->cfg + PCI_BRIDGE_CONTROL) & PCI_BRIDGE_CTL_BUS_RESET)
		fast_port(d)->lost = true;
}

static void make_fast(struct topo_fast_port *f, struct pcidev *d)
{
	uint8_t *exp = d->cfg + pci_cap_find(d->cfg, PCI_CAP_ID_EXP);

	*f = (struct topo_fast_port){.ops = *d->ops, .base = d->ops};
	f->ops.cfg_read = fast_cfg_read;
	f->ops.cfg_write = fast_cfg_write;
	d->ops = &f->ops;
	exp[PCI_EXP_LNKCAP] = (uint8_t)((exp[PCI_EXP_LNKCAP] & 0xf0) | PCI_EXP_LNKCAP_SLS_16_0GB);
	pci_set32(exp + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB | PCI_EXP_LNKCAP2_SLS_5_0GB |
						 PCI_EXP_LNKCAP2_SLS_8_0GB |
						 PCI_EXP_LNKCAP2_SLS_16_0GB);
}

/* The bus that the device is on, with what is above it; NULL = failed. */
static struct pcibus *build_bridges(struct topo *topo, unsigned bus, char **error)
{
	const struct trace *t = topo->trace;
	struct pcihost *h = host_pci(topo->host);
	const char *topology = trace_meta(t, "topology");
	bool conv = !strcmp(topology, "conv");
	struct pcie_port_conf conf = {.id = "rp1", .chassis = 1, .slot = 1, .port = 1};
	struct windows w = find_windows(t);
	unsigned first = conv ? bus - 1 : bus;
	struct pcidev *port, *bridge;

	if (!strcmp(topology, "root"))
		return &h->root;
	if (!conv && strcmp(topology, "pcie") && strcmp(topology, "fast")) {
		*error = g_strdup_printf("topology '%s' is not known", topology);
		return NULL;
	}
	port = pcie_root_port_new(&conf);
	if (plug(port, &h->root, PCI_DEVFN(PORT_SLOT, 0), error) < 0)
		return NULL;
	if (!strcmp(topology, "fast"))
		make_fast(&topo->fast, port);
	set_bridge(port, 0, first, bus, &w);
	if (!conv)
		return port->child;
	bridge = pcie_pci_bridge_new("pb1");
	if (plug(bridge, port->child, PCI_DEVFN(0, 0), error) < 0)
		return NULL;
	set_bridge(bridge, first, bus, bus, &w);
	return bridge->child;
}

/* Firmware copied the boot display's ROM to where the PC expects it. */
static void add_shadow_rom(const struct trace *t, struct pcihost *h, struct pcidev *d)
{
	const struct rec *r = trace_find(t, 0, "res", "6");
	uint64_t start, end, flags;

	if (!d->bar[PCI_ROM_BAR].region || !r || !res_line(r, &start, &end, &flags) ||
	    !(flags & RES_SHADOW))
		return;
	aspace_map(h->mem, d->bar[PCI_ROM_BAR].region, start, 0,
		   MIN(d->bar[PCI_ROM_BAR].size, end - start + 1), 0);
}

static struct host_conf parameters(const struct trace *t)
{
	const char *setup = trace_meta(t, "setup");

	return (struct host_conf){
		.nointxmask = strstr(setup, "nointxmask=1"),
		.no_idle_d3 = strstr(setup, "disable_idle_d3=1"),
		.enable_sriov = strstr(setup, "enable_sriov=1"),
		.disable_vga = strstr(setup, "disable_vga=1"),
	};
}

/* --- the device --- */

struct bdf {
	unsigned bus;
	uint8_t devfn;
};

static bool parse_bdf(const char *text, struct bdf *b)
{
	unsigned segment, slot, fn;

	if (sscanf(text, "%x:%x:%x.%x", &segment, &b->bus, &slot, &fn) != 4 || b->bus > 255 ||
	    slot > 31 || fn > 7)
		return false;
	b->devfn = PCI_DEVFN(slot, fn);
	return true;
}

/* The PF enables its VFs: the first one is the recorded one. */
static struct pcidev *make_vf(void *opaque, unsigned nr)
{
	struct topo *topo = opaque;
	g_autofree char *error = NULL;
	struct pcidev *d = physdev_new(topo->trace, topo->syn, &error);

	if (!nr)
		topo->dut = d;
	return d;
}

static bool plug_pf(struct topo *topo, struct pcibus *bus, struct bdf vf, char **error)
{
	struct pcidev *pf;
	struct bdf at;

	if (!parse_bdf(trace_meta(topo->trace, "physfn"), &at) || at.devfn >= vf.devfn) {
		*error = g_strdup("no physfn");
		return false;
	}
	pf = physdev_new_pf(topo->trace, at.devfn, vf.devfn);
	physdev_set_vfs(pf, make_vf, topo);
	return plug(pf, bus, at.devfn, error) == 0;
}

static bool build(struct topo *topo, char **error)
{
	const struct trace *t = topo->trace;
	struct bdf at;
	struct pcibus *b;

	if (!parse_bdf(trace_meta(t, "bdf"), &at)) {
		*error = g_strdup("no bdf");
		return false;
	}
	b = build_bridges(topo, at.bus, error);
	if (!b)
		return false;
	if (physdev_trace_is_vf(t))
		return plug_pf(topo, b, at, error);
	topo->dut = physdev_new(t, topo->syn, error);
	if (!topo->dut || plug(topo->dut, b, at.devfn, error) < 0)
		return false;
	pcidev_update_bars(topo->dut);
	add_shadow_rom(t, host_pci(topo->host), topo->dut);
	return true;
}

/* --- what was done before the recording --- */

/* "echo N > /sys/bus/pci/devices/BDF/sriov_numvfs"; parameters were dealt with. */
static bool run_setup(struct topo *topo, char **error)
{
	g_auto(GStrv) words = g_strsplit(trace_meta(topo->trace, "setup"), " ", -1);
	static const char sys[] = "/sys/bus/pci/";

	for (unsigned i = 0; words[i]; i++) {
		const char *path = i >= 3 ? words[i] : "";

		g_strdelimit(words[i], ";", '\0');
		if (!g_str_has_suffix(path, "sriov_numvfs") || !g_str_has_prefix(path, sys))
			continue;
		if (host_sysfs_write(topo->host, path + strlen(sys), words[i - 2],
				     strlen(words[i - 2])) < 0) {
			*error = g_strdup("VFs cannot be enabled");
			return false;
		}
	}
	if (!topo->dut)
		*error = g_strdup("the device does not appear");
	return topo->dut;
}

bool topo_init(struct topo *topo, const struct trace *t, const char *syn, char **error)
{
	struct host_conf conf = parameters(t);
	struct err *e = NULL;

	*topo = (struct topo){.trace = t, .syn = syn, .host = vfio_host_new(&conf)};
	if (!build(topo, error))
		return false;
	if (host_scan(topo->host, &e) < 0) {
		*error = g_strdup(err_text(e));
		err_free(e);
		return false;
	}
	return run_setup(topo, error);
}

void topo_free(struct topo *topo)
{
	if (topo->host)
		vfio_host_free(topo->host);
}
