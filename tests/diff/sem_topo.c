// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the machine of the semantics trace: the recording machine's command line stands in it as a
 * comment, and the devices are those of the device traces that lie beside it.  Called once by
 * sem.c.
 */
#include <glib.h>

#include "tests/diff/sem.h"

#include <string.h>

#include "base/err.h"
#include "tests/diff/physdev.h"

struct builder {
	struct sem *s;
	GHashTable *buses; /* id -> struct pcibus */
	char **error;
};

/* "TYPE,key=value,..": the value of a key; NULL = not there. */
static const char *option(char **words, const char *key)
{
	for (unsigned i = 1; words[i]; i++)
		if (g_str_has_prefix(words[i], key) && words[i][strlen(key)] == '=')
			return words[i] + strlen(key) + 1;
	return NULL;
}

static struct trace *load(struct builder *b, const char *name)
{
	g_autofree char *path =
		g_strdup_printf("%s/devices/%s.trace", b->s->r->trace->folder, name);
	struct trace *t = trace_load(path, b->error);

	if (t)
		g_ptr_array_add(b->s->traces, t);
	return t;
}

static struct pcidev *from_trace(struct builder *b, const char *name)
{
	g_autofree char *syn = g_build_filename(b->s->r->trace->folder, "syn", NULL);
	struct trace *t = load(b, name);
	struct pcidev *d = t ? physdev_new(t, syn, b->error) : NULL;

	if (d)
		physdev_power_on(d);
	return d;
}

static struct pcidev *make_vf(void *opaque, unsigned nr)
{
	g_autofree char *error = NULL;

	return physdev_new(opaque, "", &error);
}

/* The PF's VFs are those of the recorded one. */
static struct pcidev *new_nvme(struct builder *b)
{
	struct pcidev *d = from_trace(b, "nvme-pf");
	struct trace *vf = d ? load(b, "nvme-vf") : NULL;

	if (d && !vf) {
		d->ops->free(d);
		return NULL;
	}
	if (d)
		physdev_set_vfs(d, make_vf, vf);
	return d;
}

static struct pcidev *new_endpoint(struct builder *b, char **words)
{
	if (!strcmp(words[0], "nvme"))
		return new_nvme(b);
	if (g_str_has_prefix(words[0], "cfgtest")) {
		g_autofree char *name = g_path_get_basename(option(words, "cfg") ?: "");

		if (g_str_has_suffix(name, ".cfg"))
			name[strlen(name) - 4] = '\0';
		return from_trace(b, name);
	}
	return from_trace(b, words[0]);
}

static struct pcidev *new_device(struct builder *b, char **words)
{
	const char *id = option(words, "id"), *chassis = option(words, "chassis");
	const struct pcie_port_conf port = {
		.id = id,
		.chassis = chassis ? (unsigned)g_ascii_strtoull(chassis, NULL, 0) : 1,
		.slot = 1,
		.port = 1,
	};

	if (!strcmp(words[0], "pcie-root-port"))
		return pcie_root_port_new(&port);
	if (!strcmp(words[0], "pcie-pci-bridge"))
		return pcie_pci_bridge_new(id);
	if (!strcmp(words[0], "x3130-upstream"))
		return pcie_switch_up_new(&port);
	if (!strcmp(words[0], "xio3130-downstream"))
		return pcie_switch_down_new(&port);
	return new_endpoint(b, words);
}

/* addr=SLOT or addr=SLOT.FN, hexadecimal; none: the first free slot. */
static int address(const struct pcibus *bus, const char *addr)
{
	char *end;
	unsigned slot, fn = 0;

	if (!addr)
		return pcibus_free_slot(bus, 0);
	slot = (unsigned)g_ascii_strtoull(addr, &end, 16);
	if (*end == '.')
		fn = (unsigned)g_ascii_strtoull(end + 1, NULL, 16);
	return PCI_DEVFN(slot & 31, fn & 7);
}

static bool add_device(struct builder *b, char **words)
{
	const char *on = option(words, "bus"), *id = option(words, "id");
	struct pcibus *bus = on ? g_hash_table_lookup(b->buses, on) : NULL;
	struct pcidev *d;
	struct err *e = NULL;
	int devfn;

	if (!bus) /* no PCI function, as nvme-subsys */
		return true;
	d = new_device(b, words);
	if (!d)
		return false;
	if (option(words, "multifunction"))
		d->cfg[PCI_HEADER_TYPE] |= 0x80;
	devfn = address(bus, option(words, "addr"));
	if (devfn < 0 || pcidev_plug(d, bus, (uint8_t)devfn, &e) < 0) {
		*b->error = g_strdup_printf("%s: %s", words[0], e ? err_text(e) : "no slot");
		err_free(e);
		d->ops->free(d);
		return false;
	}
	if (d->child && id)
		g_hash_table_insert(b->buses, g_strdup(id), d->child);
	return true;
}

static bool build(struct builder *b, const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);

	for (unsigned i = 0; words[i]; i++) {
		g_auto(GStrv) device = NULL;

		if (strcmp(words[i], "-device") || !words[i + 1])
			continue;
		device = g_strsplit(words[++i], ",", -1);
		if (!add_device(b, device))
			return false;
	}
	return true;
}

static const char *command_line(const struct trace *t)
{
	for (unsigned i = 0; i < t->recs; i++)
		if (t->rec[i].note && g_str_has_prefix(t->rec[i].note, "# qemu: "))
			return t->rec[i].note + strlen("# qemu: ");
	return NULL;
}

bool sem_topo_init(struct sem *s, char **error)
{
	g_autoptr(GHashTable) buses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct builder b = {s, buses, error};
	const char *line = command_line(s->r->trace);
	struct err *e = NULL;

	if (!line) {
		*error = g_strdup("no command line in it");
		return false;
	}
	s->host = vfio_host_new(NULL);
	g_hash_table_insert(buses, g_strdup("pcie.0"), &host_pci(s->host)->root);
	if (!build(&b, line))
		return false;
	if (host_scan(s->host, &e) < 0) {
		*error = g_strdup(err_text(e));
		err_free(e);
		return false;
	}
	return true;
}
