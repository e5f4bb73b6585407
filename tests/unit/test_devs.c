// SPDX-License-Identifier: GPL-2.0-or-later
/* -device: models, properties, places, and what each refuses, on a board without a hypervisor. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "hw/pci/slot.h"
#include "mem/layout.h"
#include "vm/backends.h"
#include "vm/board.h"
#include "vm/devs.h"

struct rig {
	struct board b;
	struct vm_config *config;
	struct accel accel;
	struct chardev *chr;
	bool taken;
	int exits, status;
	unsigned eventfds, panics, barks;
	uint64_t eventfd_addr;
};

static void line_set(void *opaque, int gsi, bool level)
{
}

static int msi_send(void *opaque, struct msi_msg msg)
{
	return 0;
}

static const struct irqchip_ops irq_ops = {.line_set = line_set, .msi_send = msi_send};

static int take_eventfd(struct accel *a, int fd, bool io, uint64_t addr, unsigned len,
			const uint64_t *match, bool add)
{
	struct rig *r = a->irq.opaque;

	r->eventfds += add ? 1u : -1u;
	r->eventfd_addr = addr;
	return 0;
}

static const struct accel_ops accel_ops = {.name = "fake", .ioeventfd = take_eventfd};

static void nothing(void *opaque)
{
}

static void exit_with(void *opaque, int status)
{
	struct rig *r = opaque;

	r->exits++;
	r->status = status;
}

static void fatal(void *opaque, const char *text)
{
	g_assert_not_reached();
}

static void panicked(void *opaque, bool crash_loaded)
{
	((struct rig *)opaque)->panics++;
}

static void bark(void *opaque)
{
	((struct rig *)opaque)->barks++;
}

static struct chardev *get_chardev(void *opaque, const char *id, struct err **errp)
{
	struct rig *r = opaque;

	if (strcmp(id, "c0") || r->taken) {
		err_set(errp, -ENOENT, "there is no chardev '%s'", id);
		return NULL;
	}
	r->taken = true;
	return r->chr;
}

static void rig_init(struct rig *r)
{
	struct chardev_conf *conf = chardev_conf_new("c0", "null");

	memset(r, 0, sizeof(*r));
	r->config = vm_config_new();
	r->config->ram_size = 16 * MIB;
	r->config->cpus = 1;
	r->chr = chardev_new(conf, NULL);
	chardev_conf_free(conf);
	r->accel =
		(struct accel){.ops = &accel_ops, .irq = {&irq_ops, r}, .cpus = 1, .phys_bits = 40};
	r->b.config = r->config;
	r->b.accel = &r->accel;
	r->b.clock = vclock_new();
	vclock_set_manual(r->b.clock);
	r->b.ops = (struct board_ops){.reset = nothing,
				      .power_off = nothing,
				      .exit_with = exit_with,
				      .fatal = fatal,
				      .panicked = panicked,
				      .watchdog = bark,
				      .chardev = get_chardev,
				      .opaque = r};
	g_assert_cmpint(board_memory(&r->b, NULL), ==, 0);
	g_assert_cmpint(board_devices(&r->b, NULL), ==, 0);
}

static void rig_fini(struct rig *r)
{
	board_free_devices(&r->b);
	g_assert_cmpuint(r->eventfds, ==, 0);
	board_free_memory(&r->b);
	chardev_free(r->chr);
	vclock_free(r->b.clock);
	vm_config_free(r->config);
}

/* "driver,id=x,key=value", as after the command line's parsing. */
static int add(struct rig *r, const char *text, struct err **errp)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);
	struct vm_device *d = vm_device_new(words[0] ? words[0] : "");
	struct pcidev *made;
	int ret;

	for (int i = 1; words[0] && words[i]; i++) {
		char *eq = strchr(words[i], '=');

		*eq = 0;
		if (!strcmp(words[i], "id"))
			d->id = g_strdup(eq + 1);
		else
			vm_device_set(d, words[i], eq + 1);
	}
	ret = devs_create(&r->b, d, &made, errp);
	vm_device_free(d);
	return ret;
}

static void good(struct rig *r, const char *text)
{
	struct err *e = NULL;

	add(r, text, &e);
	g_assert_cmpstr(err_text(e), ==, "");
}

/* The message has all of it; a hint line, too, where one is given. */
static void refused(struct rig *r, const char *text, const char *message, const char *hint)
{
	struct err *e = NULL;

	g_assert_cmpint(add(r, text, &e), <, 0);
	g_assert_cmpstr(err_text(e), ==, message);
	if (hint && !strstr(err_hints(e), hint))
		g_error("no '%s' in: %s", hint, err_hints(e));
	err_free(e);
}

static struct pcidev *at(struct rig *r, unsigned slot, unsigned fn)
{
	return r->b.pci.root.dev[PCI_DEVFN(slot, fn)];
}

static char *help_of(const char *model)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (model)
		g_assert_cmpint(devs_help_model(f, model, NULL), ==, 0);
	else
		devs_help(f);
	fclose(f);
	return text;
}

static void help(void)
{
	static const char *const models[] = {
		"vfio-pci", "pcie-root-port", "pci-testdev",    "nvme",
		"edu",      "pc-testdev",     "isa-debug-exit", "isa-debugcon",
		"pvpanic",  "pvpanic-pci",    "ib700"};
	g_autofree char *all = help_of(NULL), *vfio = help_of("vfio-pci"), *cpu = NULL;
	struct err *e = NULL;
	size_t len;
	FILE *f;

	for (unsigned i = 0; i < G_N_ELEMENTS(models); i++) {
		g_autofree char *row = g_strdup_printf("name \"%s\", bus ", models[i]);
		g_autofree char *one = help_of(models[i]);

		g_assert_nonnull(strstr(all, row));
		g_assert_true(g_str_has_prefix(one, models[i]));
	}
	g_assert_nonnull(strstr(vfio, "host=<str>"));
	g_assert_nonnull(strstr(vfio, "addr=<str>"));
	g_assert_nonnull(strstr(vfio, "x-no-mmap=<bool>"));
	g_assert_cmpint(devs_help_model(stderr, "vfio", &e), ==, -ENOENT);
	g_assert_cmpstr(err_text(e), ==, "there is no device model 'vfio'");
	err_free(e);
	f = open_memstream(&cpu, &len);
	cpu_help(f);
	fclose(f);
	g_assert_nonnull(strstr(cpu, "qemu64"));
}

static void unknown_names(void)
{
	struct rig r;

	rig_init(&r);
	refused(&r, "vfoi-pci,host=1", "-device vfoi-pci: there is no device model 'vfoi-pci'",
		"Did you mean 'vfio-pci'?");
	refused(&r, "e1000", "-device e1000: there is no device model 'e1000'", "-device help");
	refused(&r, "", "-device : there is no device model ''", "-device help");
	refused(&r, "vfio-pci,hots=0000:01:00.0", "-device vfio-pci: there is no property 'hots'",
		"Did you mean 'host'?");
	refused(&r, "pci-testdev,adr=5", "-device pci-testdev: there is no property 'adr'",
		"'-device pci-testdev,help' lists the properties.");
	refused(&r, "pc-testdev,addr=5", "-device pc-testdev: there is no property 'addr'", NULL);
	refused(&r, "pcie-root-port,port=x",
		"-device pcie-root-port: property 'port' takes a number up to 4294967295, not 'x'",
		NULL);
	refused(&r, "vfio-pci,x-no-mmap=maybe",
		"-device vfio-pci: property 'x-no-mmap' takes on or off, not 'maybe'", NULL);
	rig_fini(&r);
}

static void addresses(void)
{
	static const char *const bad[] = {
		"",           "20", "5.8",  "5.",   ".1", "x",  "5.0.0", "-1",
		"+1",         " 5", "5. 0", "5.-0", "5 ", "-0", "0x",    "ffffffffffffffff5",
		"1.fffffffff"};
	struct rig r;

	rig_init(&r);
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *dev = g_strdup_printf("pci-testdev,id=t,addr=%s", bad[i]);
		g_autofree char *want = g_strdup_printf(
			"-device pci-testdev,id=t: addr=%s is no PCI slot and function", bad[i]);

		refused(&r, dev, want, "such as addr=05.0");
	}
	good(&r, "pci-testdev,id=a,addr=5");
	g_assert_cmpstr(at(&r, 5, 0)->name, ==, "a");
	good(&r, "pci-testdev,id=b,addr=0x1e.0x7");
	g_assert_cmpstr(at(&r, 30, 7)->name, ==, "b");
	good(&r, "pci-testdev,id=c,addr=05.1");
	g_assert_cmpstr(at(&r, 5, 1)->name, ==, "c");
	good(&r, "pci-testdev");
	g_assert_cmpstr(at(&r, 1, 0)->name, ==, "pci-testdev");
	refused(&r, "pci-testdev,id=d,addr=5", "d: address 05.0 is taken by a", NULL);
	refused(&r, "pci-testdev,id=d,addr=0", "d: address 00.0 is taken by mch", NULL);
	refused(&r, "pci-testdev,addr=1f", "pci-testdev: address 1f.0 is taken by ICH9-LPC", NULL);
	for (int i = 0; i < 27; i++)
		good(&r, "pci-testdev");
	refused(&r, "pci-testdev", "pci-testdev: the bus has no free slot", NULL);
	rig_fini(&r);
}

static void buses(void)
{
	struct rig r;
	struct pcidev *rp;

	rig_init(&r);
	refused(&r, "pci-testdev,bus=rp0", "-device pci-testdev: there is no PCI bus 'rp0'",
		"stands before it");
	good(&r, "pcie-root-port,id=rp0,port=3,chassis=1,slot=2,addr=4");
	rp = at(&r, 4, 0);
	g_assert_cmpstr(rp->name, ==, "rp0");
	g_assert_cmphex(rp->cfg[PCI_HEADER_TYPE], ==, 1);
	refused(&r, "pci-testdev,bus=pr0", "-device pci-testdev: there is no PCI bus 'pr0'",
		"Did you mean 'rp0'?");
	refused(&r, "pci-testdev,bus=pcie0", "-device pci-testdev: there is no PCI bus 'pcie0'",
		"Did you mean 'pcie.0'?");
	refused(&r, "pci-testdev,bus=rp0,addr=1",
		"pci-testdev: address 01.0 does not exist below a PCI Express port: only slot 0",
		NULL);
	good(&r, "pci-testdev,id=t,bus=rp0");
	g_assert_cmpstr(rp->child->dev[0]->name, ==, "t");
	g_assert_true(rp->child->dev[0]->bus == rp->child);
	refused(&r, "pci-testdev,bus=rp0", "pci-testdev: the bus has no free slot", NULL);
	refused(&r, "pcie-root-port,id=rp1,bus=rp0", "pcie-root-port 'rp1' can only sit on pcie.0",
		NULL);
	refused(&r, "pci-testdev,bus=t", "-device pci-testdev: there is no PCI bus 't'", NULL);
	good(&r, "pcie-root-port,bus=pcie.0");
	refused(&r, "pcie-root-port,id=x,addr=1.9",
		"-device pcie-root-port,id=x: addr=1.9 is no PCI slot and function", NULL);
	rig_fini(&r);
}

/* Numbers that their registers cannot hold. */
static void port_numbers(void)
{
	static const char *const bad[] = {"port=256", "chassis=256", "slot=8192",
					  "port=4294967295"};
	struct rig r;

	rig_init(&r);
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *dev = g_strdup_printf("pcie-root-port,id=p,%s", bad[i]);
		struct err *e = NULL;

		g_assert_cmpint(add(&r, dev, &e), ==, -EINVAL);
		g_assert_nonnull(strstr(err_text(e), bad[i]));
		g_assert_nonnull(strstr(err_text(e), "'p'"));
		err_free(e);
	}
	good(&r, "pcie-root-port,port=255,chassis=255,slot=8191,addr=3");
	g_assert_cmphex(pcihost_cfg_read(&r.b.pci, 0x18, 0x50 + PCI_EXP_LNKCAP, 4) >> 24, ==, 255);
	g_assert_cmphex(pcihost_cfg_read(&r.b.pci, 0x18, 0x50 + PCI_EXP_SLTCAP, 4) >> 19, ==, 8191);
	g_assert_true(pcislot_hotpluggable(at(&r, 3, 0)->child));
	good(&r, "ioh3420,bus=pcie.0,addr=1c.0,port=1,chassis=1,multifunction=on");
	g_assert_cmphex(pcihost_cfg_read(&r.b.pci, 0xe0, 0, 4), ==, 0x34208086);
	g_assert_cmphex(at(&r, 0x1c, 0)->cfg[PCI_HEADER_TYPE], ==, 0x81);
	refused(&r, "ioh3420,id=i,slot=8192",
		"ioh3420 'i': port=0, chassis=0, slot=8192: they end at 255, 255 and 8191", NULL);
	good(&r, "pcie-root-port,hotplug=off,addr=4");
	g_assert_false(pcislot_hotpluggable(at(&r, 4, 0)->child));
	rig_fini(&r);
}

static void globals(void)
{
	struct rig r;

	rig_init(&r);
	g_ptr_array_add(r.config->globals, vm_global_new("pcie-root-port", "hotplug", "off"));
	g_ptr_array_add(r.config->globals, vm_global_new("edu", "mask", "1"));
	g_ptr_array_add(r.config->globals, vm_global_new("mch", "extended-tseg-mbytes", "1"));
	good(&r, "pcie-root-port,addr=3");
	g_assert_false(pcislot_hotpluggable(at(&r, 3, 0)->child));
	good(&r, "pcie-root-port,addr=4,hotplug=on");
	g_assert_true(pcislot_hotpluggable(at(&r, 4, 0)->child));
	refused(&r, "edu", "-device edu: -global edu.mask=1: there is no property 'mask'", NULL);
	devs_check_globals(r.config);
	g_ptr_array_add(r.config->globals, vm_global_new("ide-hd", "ver", "2"));
	g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*ide-hd.ver=2*no device model*");
	devs_check_globals(r.config);
	g_test_assert_expected_messages();
	rig_fini(&r);
}

static void multifunction(void)
{
	struct rig r;

	rig_init(&r);
	good(&r, "pcie-root-port,addr=3,multifunction=on");
	good(&r, "pci-testdev,addr=4.0,multifunction=on");
	good(&r, "pci-testdev,addr=4.1");
	g_assert_cmphex(at(&r, 3, 0)->cfg[PCI_HEADER_TYPE], ==, 0x81);
	g_assert_cmphex(at(&r, 4, 0)->cfg[PCI_HEADER_TYPE], ==, 0x80);
	g_assert_cmphex(at(&r, 4, 1)->cfg[PCI_HEADER_TYPE], ==, 0);
	rig_fini(&r);
}

/* Drives: what the user wrote reaches the model, and what is wrong comes back with a next step. */
static void drives(void)
{
	g_autofree char *path = NULL, *good_one = NULL, *again = NULL, *busy = NULL;
	int fd = g_file_open_tmp("sluice-devs-XXXXXX", &path, NULL);
	struct rig r;

	g_assert_cmpint(ftruncate(fd, 65536), ==, 0);
	close(fd);
	rig_init(&r);
	refused(&r, "nvme,id=d0", "d0: it has nothing to keep blocks in",
		"drive=FILE, or size=64M");
	refused(&r, "nvme,drive=/none/such",
		"nvme: open the image /none/such: No such file or directory",
		"truncate -s 1G '/none/such'");
	refused(&r, "nvme,size=64Q",
		"-device nvme: property 'size' takes a number such as 4096, 0x1000, 64M or 1G, not '64Q'",
		NULL);
	refused(&r, "nvme,id=d0,size=1M,max_ioqpairs=256", "d0: max_ioqpairs=256", "from 1 to 255");
	refused(&r, "nvme,size=1M,addr=x", "-device nvme: addr=x is no PCI slot and function",
		NULL);
	good_one = g_strdup_printf("nvme,drive=%s,serial=S1,addr=4,multifunction=on", path);
	good(&r, good_one);
	g_assert_cmphex(pci_get32(at(&r, 4, 0)->cfg), ==, 0x00101b36);
	g_assert_cmphex(at(&r, 4, 0)->cfg[PCI_HEADER_TYPE], ==, 0x80);
	again = g_strdup_printf("nvme,file=%s,id=d1", path);
	busy = g_strdup_printf("d1: the image %s is in use", path);
	refused(&r, again, busy, "readonly=on");
	good(&r, "nvme,id=d2,size=1M,max_ioqpairs=1,readonly=on,addr=4.1");
	g_assert_cmpstr(at(&r, 4, 1)->name, ==, "d2");
	g_assert_cmphex(pci_cap_find(at(&r, 4, 1)->cfg, PCI_CAP_ID_MSIX), !=, 0);
	good(&r, "nvme,id=d3,size=1M,msix=off,addr=5");
	g_assert_cmphex(pci_cap_find(at(&r, 5, 0)->cfg, PCI_CAP_ID_MSIX), ==, 0);
	good(&r, "edu,id=e,addr=6,dma_mask=0xffffffffffffffff");
	g_assert_cmphex(pci_get32(at(&r, 6, 0)->cfg), ==, 0x11e81234);
	rig_fini(&r);
	g_unlink(path);
}

static struct vm_device *named(const char *driver, const char *id, const char *key,
			       const char *value)
{
	struct vm_device *d = vm_device_new(driver);

	d->id = g_strdup(id);
	vm_device_set(d, key, value);
	return d;
}

/* What -drive and -object made is found by its id; a drive without one is a path. */
static void backends(void)
{
	struct rig r;

	rig_init(&r);
	g_ptr_array_add(r.config->drives, named("drive", "drv0", "file", "null-co://"));
	vm_device_set(r.config->drives->pdata[0], "if", "none");
	g_ptr_array_add(r.config->objects, named("memory-backend-ram", "pmr0", "size", "8"));
	g_ptr_array_free(r.b.backends, TRUE);
	r.b.backends = backends_new(r.config, NULL);
	good(&r, "nvme,addr=04.0,drive=drv0,serial=foo,cmb_size_mb=2,pmrdev=pmr0");
	g_assert_cmpuint(at(&r, 4, 0)->bar[2].size, ==, 2 * MIB);
	g_assert_cmpuint(at(&r, 4, 0)->bar[4].size, ==, 4096);
	refused(&r, "nvme,drive=drv0,serial=foo,pmrdev=pmr1", "there is no memory 'pmr1'",
		"Did you mean 'pmr0'?");
	refused(&r, "nvme,drive=drv1,serial=foo",
		"nvme: open the image drv1: No such file or directory", NULL);
	rig_fini(&r);
}

/* A whole start: the board's reset numbers and places what -device has made. */
static void on_the_board(void)
{
	struct x86_regs regs;
	struct rig r;
	uint64_t ecam = LAYOUT_ECAM + (1 << 20), bar;

	rig_init(&r);
	good(&r, "pcie-root-port,id=rp0,addr=2");
	good(&r, "pci-testdev,id=t,bus=rp0");
	g_assert_cmpint(board_reset(&r.b, &regs, NULL), ==, 0);
	g_assert_cmphex(aspace_read(r.b.mem, ecam, 4), ==, 0x00051b36);
	bar = aspace_read(r.b.mem, ecam + PCI_BASE_ADDRESS_0, 4);
	g_assert_cmphex(bar, >=, LAYOUT_PCI32);
	aspace_write(r.b.mem, ecam + PCI_COMMAND, 3, 2);
	aspace_write(r.b.mem, bar, 1, 1);
	g_assert_cmpuint(r.eventfds, ==, 1); /* through the accelerator */
	g_assert_cmphex(r.eventfd_addr, ==, bar + 0x804);
	g_assert_cmpint(board_reset(&r.b, &regs, NULL), ==, 0);
	g_assert_cmpuint(r.eventfds, ==, 0);
	g_assert_cmphex(aspace_read(r.b.mem, LAYOUT_BIOS, 8), ==, 0x2052545020445352); /* RSD PTR */
	rig_fini(&r);
}

static void isa_devices(void)
{
	struct rig r;
	struct err *e = NULL;

	rig_init(&r);
	refused(&r, "isa-debug-exit,iosize=9",
		"isa-debug-exit: 9 ports at 0x501: 1 to 8 below 0x10000 it must be", NULL);
	refused(&r, "isa-debug-exit,iosize=0",
		"isa-debug-exit: 0 ports at 0x501: 1 to 8 below 0x10000 it must be", NULL);
	refused(&r, "isa-debug-exit,iobase=0xffff",
		"isa-debug-exit: 2 ports at 0xffff: 1 to 8 below 0x10000 it must be", NULL);
	refused(&r, "isa-debug-exit,iobase=0xfffffff8,iosize=8",
		"isa-debug-exit: 8 ports at 0xfffffff8: 1 to 8 below 0x10000 it must be", NULL);
	good(&r, "isa-debug-exit,iobase=0xf4,iosize=4");
	refused(&r, "isa-debug-exit", "the machine has one isa-debug-exit already", NULL);
	aspace_write(r.b.io, 0xf4, 0x10, 4);
	g_assert_cmpint(r.exits, ==, 1);
	g_assert_cmpint(r.status, ==, 0x21);

	refused(&r, "isa-debugcon", "isa-debugcon needs chardev=ID of a -chardev", NULL);
	refused(&r, "isa-debugcon,chardev=c9", "there is no chardev 'c9'", NULL);
	g_assert_cmpint(add(&r, "isa-debugcon,chardev=c0,iobase=0x10000", &e), ==, -EINVAL);
	err_free(e);
	e = NULL;
	g_assert_cmpint(add(&r, "isa-debugcon,chardev=c0,readback=256", &e), ==, -EINVAL);
	err_free(e);
	g_assert_false(r.taken); /* nothing was taken on the way */
	good(&r, "isa-debugcon,chardev=c0,iobase=0x402,readback=0xa5");
	g_assert_cmphex(aspace_read(r.b.io, 0x402, 1), ==, 0xa5);
	refused(&r, "isa-debugcon,chardev=c0", "the machine has one debug console already", NULL);

	good(&r, "pc-testdev");
	refused(&r, "pc-testdev", "the machine has one pc-testdev already", NULL);
	rig_fini(&r);
}

/* What they tell the machine; the byte's and the timer's own ways are test_pvpanic's and so on. */
static void panics_and_watchdogs(void)
{
	struct rig r;

	rig_init(&r);
	refused(&r, "pvpanic,ioport=0x10000", "pvpanic: port 0x10000 is beyond 0xffff", NULL);
	refused(&r, "pvpanic,events=256", "pvpanic: events=0x100: it is a byte", NULL);
	refused(&r, "pvpanic-pci,events=256", "pvpanic-pci: events=0x100: it is a byte", NULL);
	good(&r, "pvpanic");
	refused(&r, "pvpanic,ioport=0x506", "the machine has one pvpanic already", NULL);
	g_assert_cmphex(aspace_read(r.b.io, 0x505, 1), ==, 3);
	aspace_write(r.b.io, 0x505, 1, 1);
	g_assert_cmpuint(r.panics, ==, 1);
	good(&r, "pvpanic-pci,addr=04.0,id=p,events=1");
	g_assert_cmpstr(at(&r, 4, 0)->name, ==, "p");
	pcihost_cfg_write(&r.b.pci, 0x20, PCI_BASE_ADDRESS_0, 0xe0000000, 4);
	pcihost_cfg_write(&r.b.pci, 0x20, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	g_assert_cmphex(aspace_read(r.b.mem, 0xe0000000, 1), ==, 1);
	aspace_write(r.b.mem, 0xe0000000, 1, 1);
	g_assert_cmpuint(r.panics, ==, 2);
	good(&r, "ib700");
	refused(&r, "ib700", "the machine has one ib700 already", NULL);
	aspace_write(r.b.io, 0x443, 14, 1);
	vclock_step_to(r.b.clock, 2000000000);
	g_assert_cmpuint(r.barks, ==, 1);
	rig_fini(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/devs/help", help);
	g_test_add_func("/devs/unknown-names", unknown_names);
	g_test_add_func("/devs/addresses", addresses);
	g_test_add_func("/devs/buses", buses);
	g_test_add_func("/devs/port-numbers", port_numbers);
	g_test_add_func("/devs/globals", globals);
	g_test_add_func("/devs/multifunction", multifunction);
	g_test_add_func("/devs/drives", drives);
	g_test_add_func("/devs/backends", backends);
	g_test_add_func("/devs/on-the-board", on_the_board);
	g_test_add_func("/devs/isa", isa_devices);
	g_test_add_func("/devs/panics-and-watchdogs", panics_and_watchdogs);
	return g_test_run();
}
