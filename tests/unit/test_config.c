// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of vm/config.c: defaults and validation. */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/err.h"
#include "vm/config.h"

static struct vm_config *completed(struct vm_config *c)
{
	vm_config_complete(c);
	return c;
}

/*
 * Completes, validates, frees; text NULL = must be accepted, else must be part of message or hints.
 */
static void verdict(struct vm_config *c, const char *text)
{
	struct err *e = NULL;
	int ret = vm_config_validate(completed(c), &e);
	g_autofree char *all = g_strconcat(err_text(e), "\n", err_hints(e), NULL);

	if (!text)
		g_assert_cmpstr(all, ==, "\n");
	else if (!strstr(all, text))
		g_error("'%s' not in '%s'", text, all);
	g_assert_cmpint(ret, ==, err_code(e));
	g_assert_cmpint(ret < 0, ==, text != NULL);
	err_free(e);
	vm_config_free(c);
}

static struct vm_config *with_chardev(struct vm_config *c, const char *id, const char *backend)
{
	g_ptr_array_add(c->chardevs, chardev_conf_new(id, backend));
	return c;
}

static struct vm_config *with_serial(struct vm_config *c, const char *id)
{
	g_ptr_array_add(c->serials, g_strdup(id));
	return c;
}

/* The chardev of monitor i; NULL past the end. */
static const char *monitor(const struct vm_config *c, guint i)
{
	return i < c->monitors->len ? ((struct vm_monitor *)c->monitors->pdata[i])->chardev : NULL;
}

static void defaults(void)
{
	struct vm_config *c = completed(vm_config_new());

	g_assert_cmpstr(c->machine, ==, "q35");
	g_assert_cmpuint(c->ram_size, ==, 128 << 20);
	g_assert_cmpuint(c->cpus, ==, 1);
	g_assert_cmpuint(c->maxcpus, ==, 1);
	g_assert_cmpuint(c->accels->len, ==, 2);
	g_assert_cmpstr(((struct vm_accel *)c->accels->pdata[0])->name, ==, "kvm");
	g_assert_cmpstr(((struct vm_accel *)c->accels->pdata[1])->name, ==, "soft");
	g_assert_cmpuint(c->serials->len, ==, 1);
	g_assert_cmpstr(vm_config_chardev(c, c->serials->pdata[0])->backend, ==, "null");
	g_assert_null(monitor(c, 0));
	g_assert_cmpint(c->on_reboot, ==, ACTION_RESET);
	g_assert_cmpint(c->on_shutdown, ==, ACTION_SHUTDOWN);
	g_assert_cmpint(vm_config_validate(c, NULL), ==, 0);
	vm_config_free(c);
	vm_config_free(NULL);
}

static void irqchip_goes_to_all_accels(void)
{
	struct vm_config *c = vm_config_new();
	struct vm_accel *own = vm_accel_new("kvm");

	own->irqchip = g_strdup("off");
	g_ptr_array_add(c->accels, own);
	g_ptr_array_add(c->accels, vm_accel_new("soft"));
	c->irqchip = g_strdup("split");
	completed(c);
	g_assert_cmpstr(own->irqchip, ==, "off");
	g_assert_cmpstr(((struct vm_accel *)c->accels->pdata[1])->irqchip, ==, "split");
	own->irqchip[0] = 'x';
	verdict(c, "unknown kernel-irqchip mode 'xff'");
}

static void machines(void)
{
	static const struct {
		const char *name, *becomes, *text;
		unsigned version;
	} cases[] = {
		{"q35", "q35", NULL},
		{"pc", "q35", NULL},
		{"pc-q35-7.2", "q35", NULL, 702},
		{"pc-q35-4.1", "q35", NULL, 401},
		{"pc-q35-rhel", "q35", NULL},
		{"none", "none", NULL},
		{"q53", "q53", "Did you mean 'q35'?"},
		{"microvm", "microvm", "unknown machine 'microvm' (known: q35, pc, none)"},
		{"pc-i440fx-7.2", "pc-i440fx-7.2", "there is no i440fx board"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct vm_config *c = vm_config_new();

		c->machine = g_strdup(cases[i].name);
		vm_config_complete(c);
		g_assert_cmpstr(c->machine, ==, cases[i].becomes);
		g_assert_cmpuint(c->version, ==, cases[i].version);
		verdict(c, cases[i].text);
	}
}

static void rtc_bases(void)
{
	const int64_t now = 1150000000ll * 1000000000 + 5;
	static const struct {
		const char *base;
		int64_t start; /* 0 = refused */
	} cases[] = {
		{"utc", 1150000000ll * 1000000000 + 5},
		{"localtime", 1150007200ll * 1000000000 + 5},
		{"2006-06-17", 1150502400ll * 1000000000},
		{"2006-06-17T16:01:21", 1150560081ll * 1000000000},
		{"1969-12-31T23:59:59", -1000000000},
		{"2006-06-31"},
		{"2006-06-17T25:00:00"},
		{"utcx"},
		{""},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct vm_config *c = vm_config_new();
		int64_t start = 0;
		int ret = vm_rtc_start(cases[i].base, now, &start, NULL);

		g_assert_cmpint(ret, ==, cases[i].start ? 0 : -EINVAL);
		if (!ret)
			g_assert_cmpint(start, ==, cases[i].start);
		c->rtc_base = g_strdup(cases[i].base);
		vm_config_complete(c);
		verdict(c, ret ? "not utc, localtime or a date" : NULL);
	}
}

static void accels(void)
{
	struct vm_config *c = vm_config_new();

	g_ptr_array_add(c->accels, vm_accel_new("kmv"));
	verdict(c, "unknown accelerator 'kmv' (known: kvm, soft, qtest)\nDid you mean 'kvm'?");
}

static void clocks(void)
{
	static const struct {
		const char *accel, *clock, *text;
	} cases[] = {
		{"soft", "insn", NULL},
		{"soft", "host", NULL},
		{"kvm", "host", NULL},
		{"kvm", "insn",
		 "-accel kvm: clock=insn counts instructions, which only the soft CPU can"},
		{"soft", "ins", "Did you mean 'insn'?"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct vm_config *c = vm_config_new();
		struct vm_accel *a = vm_accel_new(cases[i].accel);

		a->clock = g_strdup(cases[i].clock);
		g_ptr_array_add(c->accels, a);
		verdict(c, cases[i].text);
	}
}

/* cpus, maxcpus, sockets, dies, cores, threads: as given and as completed. */
static const struct {
	unsigned given[6], want[6];
	const char *text;
} topologies[] = {
	{{0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1}, NULL},
	{{4, 0, 0, 0, 0, 0}, {4, 4, 1, 1, 4, 1}, NULL},
	{{4, 8, 0, 0, 0, 0}, {4, 8, 1, 1, 8, 1}, NULL},
	{{0, 8, 0, 0, 0, 2}, {8, 8, 1, 1, 4, 2}, NULL},
	{{8, 0, 2, 0, 0, 2}, {8, 8, 2, 1, 2, 2}, NULL},
	{{8, 0, 0, 0, 2, 0}, {8, 8, 4, 1, 2, 1}, NULL},
	{{8, 0, 2, 0, 2, 0}, {8, 8, 2, 1, 2, 2}, NULL},
	{{8, 0, 0, 2, 0, 2}, {8, 8, 1, 2, 2, 2}, NULL},
	{{0, 0, 2, 0, 3, 2}, {12, 12, 2, 1, 3, 2}, NULL},
	{{0, 0, 2, 0, 0, 0}, {2, 2, 2, 1, 1, 1}, NULL},
	{{3, 0, 2, 0, 0, 0},
	 {3, 3, 2, 1, 1, 1},
	 "sockets (2) * dies (1) * cores (1) * threads (1)"},
	{{2, 0, 0, 0, 4, 0}, {2, 2, 0, 1, 4, 1}, "must be maxcpus (2)"},
	{{4, 2, 0, 0, 0, 0}, {4, 2, 1, 1, 2, 1}, "cpus (4) must not be more than maxcpus (2)"},
	{{256, 0, 0, 0, 0, 0}, {256, 256, 1, 1, 256, 1}, "256 CPUs asked for, the board takes 255"},
	{{1, 0, ~0u, ~0u, ~0u, ~0u}, {1, 1, ~0u, ~0u, ~0u, ~0u}, "must be maxcpus (1)"},
	{{0, 0, ~0u, ~0u, ~0u, ~0u}, {~0u, ~0u, ~0u, ~0u, ~0u, ~0u}, "CPUs asked for"},
};

static void topology(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(topologies); i++) {
		struct vm_config *c = vm_config_new();
		unsigned *f[] = {&c->cpus, &c->maxcpus, &c->sockets,
				 &c->dies, &c->cores,   &c->threads};

		for (size_t j = 0; j < 6; j++)
			*f[j] = topologies[i].given[j];
		vm_config_complete(c);
		for (size_t j = 0; j < 6; j++)
			g_assert_cmpuint(*f[j], ==, topologies[i].want[j]);
		verdict(c, topologies[i].text);
	}
}

static void memory(void)
{
	static const struct {
		uint64_t size, slots, maxmem;
		const char *text;
	} cases[] = {
		{1 << 20, 0, 0, NULL},
		{4ull << 40, 0, 0, NULL},
		{1 << 30, 2, 2ull << 30, NULL},
		{4096, 0, 0, "is too little, the least is 1 MiB"},
		{(4ull << 40) + 4096, 0, 0, "is too much, the most is 4 TiB"},
		{(1 << 20) + 1, 0, 0, "1048577 bytes are not a multiple of the page size"},
		{1 << 30, 0, 1 << 20, "maxmem (1048576) must not be less than size (1073741824)"},
		{1 << 30, 2, 0, "slots (2) need a maxmem above size"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct vm_config *c = vm_config_new();

		c->ram_size = cases[i].size;
		c->ram_slots = cases[i].slots;
		c->ram_maxmem = cases[i].maxmem;
		verdict(c, cases[i].text);
	}
}

static struct vm_config *boot(const char *kernel, const char *initrd)
{
	struct vm_config *c = vm_config_new();

	c->kernel = g_strdup(kernel);
	c->initrd = g_strdup(initrd);
	return c;
}

static void files(void)
{
	g_autofree char *dir = g_dir_make_tmp("sluice-XXXXXX", NULL);
	g_autofree char *k = g_build_filename(dir, "k", NULL);
	g_autofree char *list = g_strdup_printf("%s arg=1 b,%s", k, k);
	g_autofree char *bad = g_strdup_printf("%s arg=1,/none/m", k);
	struct vm_config *c;

	g_assert_true(g_file_set_contents(k, "x", 1, NULL));
	verdict(boot(k, NULL), NULL);
	verdict(boot(k, k), NULL);
	verdict(boot(k, list), NULL);
	verdict(boot(k, bad), "-initrd /none/m: No such file or directory");
	verdict(boot(k, "/none/i"), "-initrd /none/i: No such file or directory");
	verdict(boot("/none/k", NULL), "-kernel /none/k: No such file or directory");
	verdict(boot(dir, NULL), "Is a directory");
	verdict(boot(NULL, k), "-initrd needs -kernel");
	c = boot(NULL, NULL);
	c->append = g_strdup("quiet");
	verdict(c, "-append needs -kernel");
	c = boot(NULL, NULL);
	c->firmware = g_strdup("/none/b");
	verdict(c, "-bios /none/b: there is no firmware boot yet");
	g_unlink(k);
	g_rmdir(dir);
}

static struct vm_config *graphicless(void)
{
	struct vm_config *c = vm_config_new();

	c->nographic = true;
	return c;
}

static void consoles(void)
{
	struct vm_config *c = completed(graphicless());
	const struct chardev_conf *conf = vm_config_chardev(c, "serial0");

	g_assert_cmpstr(conf->backend, ==, "stdio");
	g_assert_true(conf->mux);
	g_assert_false(conf->signal);
	g_assert_cmpstr(monitor(c, 0), ==, "serial0");
	verdict(c, NULL);
	c = graphicless(); /* serial elsewhere: the monitor has stdio */
	completed(with_serial(with_chardev(c, "s", "null"), "s"));
	g_assert_cmpstr(monitor(c, 0), ==, "compat_monitor0");
	g_assert_cmpstr(vm_config_chardev(c, "compat_monitor0")->backend, ==, "stdio");
	verdict(c, NULL);
	c = graphicless(); /* no monitor: the serial port has stdio for itself */
	c->no_monitor = true;
	completed(c);
	g_assert_false(vm_config_chardev(c, "serial0")->mux);
	g_assert_null(monitor(c, 0));
	verdict(c, NULL);
	c = graphicless(); /* stdio is taken: nothing is put on it a second time */
	completed(with_serial(with_chardev(c, "s", "stdio"), "s"));
	g_assert_null(monitor(c, 0));
	verdict(c, NULL);
	c = graphicless();
	c->nodefaults = true;
	c->debugcon = g_strdup("none");
	completed(c);
	g_assert_cmpuint(c->serials->len, ==, 0);
	g_assert_null(monitor(c, 0));
	g_assert_null(c->debugcon);
	verdict(c, NULL);
}

static void chardevs(void)
{
	struct vm_config *c = vm_config_new();
	struct vm_device *d;

	verdict(with_serial(with_chardev(c, "con0", "null"), "con"),
		"-serial: there is no chardev with the id 'con'\nDid you mean 'con0'?");
	c = with_chardev(with_chardev(vm_config_new(), "a", "null"), "a", "null");
	verdict(c, "chardev id 'a' is used twice");
	c = with_chardev(with_chardev(vm_config_new(), "a", "stdio"), "b", "stdio");
	verdict(c, "stdio cannot be shared by chardevs 'a' and 'b'");
	c = with_serial(with_serial(with_chardev(vm_config_new(), "a", "null"), "a"), "a");
	verdict(c, "-serial: chardev 'a' is already taken by -serial; mux=on");
	c = with_serial(with_chardev(vm_config_new(), "a", "null"), "a");
	g_ptr_array_add(c->monitors, vm_monitor_new("a", false));
	verdict(c, "-monitor: chardev 'a' is already taken by -serial");
	c = with_serial(with_chardev(vm_config_new(), "a", "null"), "a");
	((struct chardev_conf *)c->chardevs->pdata[0])->mux = true;
	g_ptr_array_add(c->monitors, vm_monitor_new("a", false));
	verdict(c, NULL);
	c = with_serial(with_chardev(vm_config_new(), "a", "null"), "a");
	((struct chardev_conf *)c->chardevs->pdata[0])->mux = true;
	c->debugcon = g_strdup("a");
	verdict(c, "-debugcon: chardev 'a' is already taken by -serial");
	c = vm_config_new();
	for (int i = 0; i < 5; i++)
		with_serial(c, "none");
	verdict(c, "-serial: 5 ports asked for, the board has 4");
	c = vm_config_new();
	d = vm_device_new("isa-serial");
	vm_device_set(d, "chardev", "x");
	g_ptr_array_add(c->devices, d);
	verdict(c, "-device: there is no chardev with the id 'x'");
}

static void devices(void)
{
	struct vm_config *c = vm_config_new();
	struct vm_device *d = vm_device_new("edu");

	vm_device_set(d, "a", "1");
	vm_device_set(d, "b", "2");
	vm_device_set(d, "a", "3");
	g_assert_cmpuint(d->props->len, ==, 2);
	g_assert_cmpstr(g_array_index(d->props, struct kv, 0).key, ==, "a");
	g_assert_cmpstr(vm_device_get(d, "a"), ==, "3");
	g_assert_cmpstr(vm_device_get(d, "b"), ==, "2");
	g_assert_null(vm_device_get(d, "c"));
	d->id = g_strdup("x");
	g_ptr_array_add(c->devices, d);
	d = vm_device_new("nvme");
	d->id = g_strdup("x");
	g_ptr_array_add(c->devices, d);
	verdict(c, "-device nvme: the id 'x' is taken by -device edu");
	vm_device_free(NULL);
}

static void boot_order(void)
{
	static const struct {
		const char *order, *text;
	} rows[] = {
		{"cdn", NULL},
		{"", NULL},
		{"acdn", "-boot order=acdn: 4 drives, the most are 3"},
		{"cx", "-boot order=cx: 'x' is no drive: a or b (floppy), c (disk)"},
		{"cc", "-boot order=cc: 'c' is there twice"},
	};
	struct vm_config *c;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		c = vm_config_new();
		c->boot.order = g_strdup(rows[i].order);
		verdict(c, rows[i].text);
	}
	c = vm_config_new();
	c->boot.once = g_strdup("N");
	verdict(c, "-boot once=N: 'N' is no drive");
	c = vm_config_new();
	c->boot.splash = g_strdup("/none/such.jpg");
	verdict(c, "-boot splash /none/such.jpg: No such file");
}

static void boot_times(void)
{
	static const struct {
		int64_t ms;
		const char *reboot, *splash; /* what is wrong with it as one or the other */
	} rows[] = {
		{0, NULL, NULL},
		{65535, NULL, NULL},
		{-1, NULL, "-boot splash-time=-1: it may be 0 to 65535 milliseconds"},
		{-2, "-boot reboot-timeout=-2: it may be -1 (never) to 65535 milliseconds",
		 "splash-time=-2"},
		{65536, "reboot-timeout=65536", "splash-time=65536"},
		{INT64_MIN, "-9223372036854775808", "-9223372036854775808"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct vm_config *c = vm_config_new();

		c->boot.has_reboot_timeout = true;
		c->boot.reboot_timeout = rows[i].ms;
		verdict(c, rows[i].reboot);
		c = vm_config_new();
		c->boot.has_splash_time = true;
		c->boot.splash_time = rows[i].ms;
		verdict(c, rows[i].splash);
	}
}

static struct vm_config *with_fw_file(const char *name, const char *file, const char *string)
{
	struct vm_config *c = vm_config_new();
	struct vm_fw_file *f = g_new0(struct vm_fw_file, 1);

	*f = (struct vm_fw_file){g_strdup(name), g_strdup(file), g_strdup(string)};
	g_ptr_array_add(c->fw_files, f);
	return c;
}

static void fw_files(void)
{
	verdict(with_fw_file("opt/a", NULL, "x"), NULL);
	verdict(with_fw_file("opt/a", "", "x"), NULL);
	verdict(with_fw_file(NULL, NULL, "x"), "-fw_cfg : a name is needed, and one of");
	verdict(with_fw_file("", NULL, "x"), "a name is needed");
	verdict(with_fw_file("opt/a", NULL, NULL), "-fw_cfg opt/a: a name is needed, and one of");
	verdict(with_fw_file("opt/a", "", ""), "one of file= and string=");
	verdict(with_fw_file("opt/a", "/dev/null", "x"), "one of file= and string=");
	verdict(with_fw_file("opt/a", "/none/such", NULL), "-fw_cfg /none/such: No such file");
	vm_fw_file_free(NULL);
}

static void daemonize(void)
{
	struct vm_config *c = graphicless();

	c->daemonize = true;
	verdict(c, "-daemonize cannot be used with -nographic");
	c = vm_config_new();
	c->daemonize = true;
	verdict(c, NULL);
}

int main(int argc, char **argv)
{
	g_setenv("TZ", "UTC-2", TRUE);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config/defaults", defaults);
	g_test_add_func("/config/irqchip", irqchip_goes_to_all_accels);
	g_test_add_func("/config/machines", machines);
	g_test_add_func("/config/rtc-bases", rtc_bases);
	g_test_add_func("/config/accels", accels);
	g_test_add_func("/config/clocks", clocks);
	g_test_add_func("/config/topology", topology);
	g_test_add_func("/config/memory", memory);
	g_test_add_func("/config/files", files);
	g_test_add_func("/config/consoles", consoles);
	g_test_add_func("/config/chardevs", chardevs);
	g_test_add_func("/config/devices", devices);
	g_test_add_func("/config/boot-order", boot_order);
	g_test_add_func("/config/boot-times", boot_times);
	g_test_add_func("/config/fw-files", fw_files);
	g_test_add_func("/config/daemonize", daemonize);
	return g_test_run();
}
