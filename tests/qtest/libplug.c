// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the plugs: the command line of each, and the run of one test over one.  Called by tests. */
#include "tests/qtest/libplug.h"

#define FIRST_SLOT 4u
#define WATCHED ",x-no-kvm-intx=on,x-no-kvm-msi=on,x-no-kvm-msix=on"

const struct qplug qplugs[] = {
	{.name = "direct"},
	{.name = "direct-port", .below = true},
	{.name = "vfio", .assigned = true},
	{.name = "vfio-port", .assigned = true, .below = true},
	{.name = "vfio-watched", .assigned = true, .watched = true},
};
const unsigned qplug_count = G_N_ELEMENTS(qplugs);

struct run {
	const struct qplug *plug;
	const char *device;
	void (*test)(struct qpci_dev *d);
};

bool qplug_usable(const struct qplug *p)
{
	return !p->assigned || qtest_has_option("host-device");
}

char *qplug_args(const struct qplug *p, unsigned nr, const char *device)
{
	g_autofree char *host = g_strdup_printf("0000:%02x:00.0", nr + 1);
	g_autofree char *front =
		p->assigned ? g_strdup_printf("-host-device %s,addr=%s,driver=vfio-pci "
					      "-device vfio-pci,host=%s%s",
					      device, host, host, p->watched ? WATCHED : "")
			    : g_strdup_printf("-device %s", device);
	unsigned slot = FIRST_SLOT + nr;

	if (p->below)
		return g_strdup_printf("-device pcie-root-port,id=rp%u,addr=%x,chassis=%u "
				       "%s,id=dev%u,bus=rp%u",
				       nr, slot, nr, front, nr, nr);
	return g_strdup_printf("%s,id=dev%u,addr=%x", front, nr, slot);
}

struct qpci_dev *qplug_find(const struct qplug *p, unsigned nr, struct qpci *pci)
{
	uint8_t devfn = QPCI_DEVFN(FIRST_SLOT + nr, 0);
	struct qpci_dev *d = qpci_at(pci, 0, devfn);

	if (p->below)
		d = qpci_at(pci, qpci_config_readb(d, PCI_SECONDARY_BUS), 0);
	qpci_device_enable(d);
	return d;
}

static void run_one(gconstpointer opaque)
{
	const struct run *r = opaque;
	g_autofree char *args = qplug_args(r->plug, 0, r->device);
	struct qtest *q;
	struct qpci *pci;

	if (!qplug_usable(r->plug)) {
		g_test_skip("the VMM has no emulated host");
		return;
	}
	q = qtest_init(args);
	pci = qpci_init(q);
	r->test(qplug_find(r->plug, 0, pci));
	qpci_free(pci);
	qtest_quit(q);
}

static void add(const struct qplug *p, const char *path, const char *device,
		void (*test)(struct qpci_dev *d))
{
	g_autofree char *name = g_strdup_printf("%s/%s", path, p->name);
	struct run *r = g_new0(struct run, 1);

	*r = (struct run){p, device, test};
	g_test_add_data_func_full(name, r, run_one, g_free);
}

void qplug_add(const char *path, const char *device, void (*test)(struct qpci_dev *d))
{
	for (unsigned i = 0; i < qplug_count; i++)
		add(&qplugs[i], path, device, test);
}

void qplug_add_below(const char *path, const char *device, void (*test)(struct qpci_dev *d))
{
	for (unsigned i = 0; i < qplug_count; i++)
		if (qplugs[i].below)
			add(&qplugs[i], path, device, test);
}

void qplug_add_raw(const char *path, void (*test)(gconstpointer plug))
{
	for (unsigned i = 0; i < qplug_count; i++) {
		g_autofree char *name = g_strdup_printf("%s/%s", path, qplugs[i].name);

		g_test_add_data_func(name, &qplugs[i], test);
	}
}
