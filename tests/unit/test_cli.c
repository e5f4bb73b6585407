// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of ctl/cli*.c: every option, right and wrong. */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "ctl/cli.h"
#include "vm/config.h"
#include "vm/devs.h"

/* Stand-ins, so that this test does not depend on which device models there are. */
__attribute__((weak)) void devs_help(FILE *f)
{
	fprintf(f, "edu, vfio-pci\n");
}

__attribute__((weak)) int devs_help_model(FILE *f, const char *driver, struct err **errp)
{
	if (strcmp(driver, "vfio-pci"))
		return err_set(errp, -ENOENT, "'%s' is no device model", driver);
	fprintf(f, "vfio-pci: host=\n");
	return 0;
}

__attribute__((weak)) void cpu_help(FILE *f)
{
	fprintf(f, "host, qemu64\n");
}

static int parse_words(char **words, struct vm_config *c, struct cli_result *res, struct err **errp)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();

	g_ptr_array_add(argv, (gpointer) "sluice");
	for (; *words; words++)
		g_ptr_array_add(argv, *words);
	g_ptr_array_add(argv, NULL);
	return cli_parse(argv->len - 1, (char **)argv->pdata, c, res, errp);
}

/* A line as typed into a shell. */
static struct vm_config *good(const char *line)
{
	struct vm_config *c = vm_config_new();
	struct cli_result res = {};
	struct err *e = NULL;
	g_auto(GStrv) words = NULL;

	if (!g_shell_parse_argv(line, NULL, &words, NULL))
		words = g_new0(char *, 1);
	if (parse_words(words, c, &res, &e) < 0)
		g_error("%s: %s", line, err_text(e));
	g_assert_false(res.exit_now);
	return c;
}

static void bad(const char *line, const char *text)
{
	struct vm_config *c = vm_config_new();
	struct cli_result res = {};
	struct err *e = NULL;
	g_auto(GStrv) words = NULL;
	g_autofree char *all = NULL;
	int ret;

	g_assert_true(g_shell_parse_argv(line, NULL, &words, NULL));
	ret = parse_words(words, c, &res, &e);
	all = g_strconcat(err_text(e), "\n", err_hints(e), NULL);
	if (!strstr(all, text))
		g_error("%s: '%s' not in '%s'", line, text, all);
	g_assert_cmpint(ret, <, 0);
	g_assert_cmpint(err_code(e), ==, ret);
	g_assert_false(res.exit_now);
	err_free(e);
	vm_config_free(c);
}

static void prints(const char *line, const char *text)
{
	struct vm_config *c = vm_config_new();
	struct err *e = NULL;
	g_auto(GStrv) words = NULL;
	char *buf = NULL;
	size_t len;
	struct cli_result res = {.out = open_memstream(&buf, &len), .status = 7};

	g_assert_true(g_shell_parse_argv(line, NULL, &words, NULL));
	g_assert_cmpint(parse_words(words, c, &res, &e), ==, 0);
	g_assert_null(e);
	g_assert_true(res.exit_now);
	g_assert_cmpint(res.status, ==, 0);
	fclose(res.out);
	if (!strstr(buf, text))
		g_error("%s: '%s' not in '%s'", line, text, buf);
	free(buf);
	vm_config_free(c);
}

static const struct vm_accel *accel(const struct vm_config *c, guint i)
{
	g_assert_cmpuint(i, <, c->accels->len);
	return c->accels->pdata[i];
}

static const struct vm_device *device(const struct vm_config *c, guint i)
{
	g_assert_cmpuint(i, <, c->devices->len);
	return c->devices->pdata[i];
}

static const struct chardev_conf *chardev(const struct vm_config *c, const char *id)
{
	const struct chardev_conf *conf = vm_config_chardev(c, id);

	g_assert_nonnull(conf);
	return conf;
}

static void empty(void)
{
	struct vm_config *c = good("");

	g_assert_null(c->machine);
	g_assert_cmpuint(c->devices->len, ==, 0);
	vm_config_free(c);
}

static void help_texts(void)
{
	prints("-h", "usage: sluice");
	prints("-help", "-append TEXT");
	prints("--help", "-device DRIVER[,PROP=V...]");
	prints("-?", "Ctrl-a x");
	prints("-version", "sluice version " SLUICE_VERSION "\n");
	prints("--version -nonsense", "sluice version");
	prints("-machine help", "q35");
	prints("-M ?", "q35");
	prints("-M q35,help", "q35");
	prints("-accel help", "kvm\n");
	prints("-cpu help", "");
	prints("-device help", "vfio-pci");
	prints("-device ?", "vfio-pci");
	prints("-device vfio-pci,help", "host");
	prints("-chardev help", "  socket\n");
	bad("-device nosuch,help", "nosuch");
}

static void unknown_options(void)
{
	bad("-kernl x", "-kernl: unknown option\nDid you mean '-kernel'?\n'sluice -h' lists");
	bad("--machin q35", "Did you mean '-machine'?");
	bad("-frobnicate", "-frobnicate: unknown option\n'sluice -h'");
	bad("-", "-: not an option");
	bad("--", "--: unknown option");
	bad("disk.img", "disk.img: not an option; options begin with '-'");
	bad("-S extra", "extra: not an option");
	bad("''", ": not an option");
}

static void missing_arguments(void)
{
	static const char *const with[] = {
		"machine",  "M",      "accel",   "cpu",    "smp",      "m",       "name",
		"uuid",     "kernel", "initrd",  "append", "bios",     "device",  "chardev",
		"global",   "serial", "monitor", "mon",    "debugcon", "display", "vga",
		"parallel", "net",    "nic",     "action", "pidfile",  "D",       "d"};

	for (size_t i = 0; i < G_N_ELEMENTS(with); i++) {
		g_autofree char *line = g_strdup_printf("-S -%s", with[i]);
		g_autofree char *null = g_strdup_printf("-%s ''", with[i]);
		g_autofree char *want = g_strdup_printf("-%s: argument missing: ", with[i]);

		bad(line, want);
		if (strcmp(with[i], "append"))
			bad(null, "the argument is empty");
	}
}

static void strings(void)
{
	struct vm_config *c = good("-kernel k -initrd i --append 'a=1,b \"c\"' -bios b -pidfile p "
				   "-D l -d irq,vfio -kernel k2 -cpu host,+avx,-sse");

	g_assert_cmpstr(c->kernel, ==, "k2"); /* the last wins */
	g_assert_cmpstr(c->initrd, ==, "i");
	g_assert_cmpstr(c->append, ==, "a=1,b \"c\"");
	g_assert_cmpstr(c->firmware, ==, "b");
	g_assert_cmpstr(c->pidfile, ==, "p");
	g_assert_cmpstr(c->logfile, ==, "l");
	g_assert_cmpstr(c->debug, ==, "irq,vfio");
	g_assert_cmpstr(c->cpu, ==, "host,+avx,-sse");
	vm_config_free(c);
	c = good("-append ''");
	g_assert_cmpstr(c->append, ==, "");
	vm_config_free(c);
	bad("-cpu ,+avx", "-cpu ,+avx: no CPU model named");
}

static void flags(void)
{
	struct vm_config *c = good("-nographic -nodefaults -S -no-user-config -no-hpet -daemonize "
				   "-display none -vga none -parallel none -net none -nic none");

	g_assert_true(c->nographic && c->nodefaults && c->stopped && c->daemonize);
	vm_config_free(c);
	bad("-no-acpi", "-no-acpi: not supported: the board always has ACPI tables");
	bad("-display gtk", "-display gtk: only 'none' is supported");
	bad("-vga std", "-vga std: only 'none'");
	bad("-net user", "-net user: only 'none'");
}

static void actions(void)
{
	struct vm_config *c = good("-no-reboot -no-shutdown");

	g_assert_cmpint(c->on_reboot, ==, ACTION_SHUTDOWN);
	g_assert_cmpint(c->on_shutdown, ==, ACTION_PAUSE);
	vm_config_free(c);
	c = good("-no-reboot -action reboot=reset,shutdown=poweroff -action panic=exit-failure,"
		 "watchdog=none");
	g_assert_cmpint(c->on_reboot, ==, ACTION_RESET);
	g_assert_cmpint(c->on_shutdown, ==, ACTION_SHUTDOWN);
	g_assert_cmpint(c->on_panic, ==, ACTION_EXIT_FAILURE);
	g_assert_cmpint(c->on_watchdog, ==, ACTION_NONE);
	vm_config_free(c);
	bad("-action reboot=rest", "-action reboot=rest: reboot: unknown value 'rest' (known: "
				   "reset, shutdown)\nDid you mean 'reset'?");
	bad("-action rebot=reset", "unknown property 'rebot'\nDid you mean 'reboot'?");
}

static void machine(void)
{
	struct vm_config *c = good("-M q35,accel=kvm:tcg,kernel-irqchip=split,usb=off,vmport=auto,"
				   "graphics=off,dump-guest-core=off,smm=off,hpet=off");

	g_assert_cmpstr(c->machine, ==, "q35");
	g_assert_cmpstr(accel(c, 0)->name, ==, "kvm");
	g_assert_cmpstr(accel(c, 1)->name, ==, "soft");
	g_assert_cmpstr(c->irqchip, ==, "split");
	g_assert_cmpint(c->usb, ==, OFF);
	g_assert_cmpint(c->vmport, ==, AUTO);
	vm_config_free(c);
	c = good("-machine type=none --machine accel=kvm -M accel=qtest");
	g_assert_cmpstr(c->machine, ==, "none");
	g_assert_cmpuint(c->accels->len, ==, 1);
	g_assert_cmpstr(accel(c, 0)->name, ==, "qtest");
	vm_config_free(c);
	bad("-M q35,kernel-irqchip=maybe", "kernel-irqchip: unknown value 'maybe' (known: on, off, "
					   "split)");
	bad("-M q35,kernel-irqchp=on", "Did you mean 'kernel-irqchip'?");
	bad("-M q35,usb=si", "usb: unknown value 'si' (known: auto, on, off)");
	bad("-M q35,hpet=on", "hpet: unknown value 'on' (known: off)");
	bad("-M q35,accel", "property 'accel' needs a value");
	bad("-M q35,accel=kvm:", "empty name in 'kvm:'");
}

static void accels(void)
{
	struct vm_config *c = good("-accel kvm:soft,kernel-irqchip=off -accel tcg,thread=multi");

	g_assert_cmpuint(c->accels->len, ==, 3);
	g_assert_cmpstr(accel(c, 0)->name, ==, "kvm");
	g_assert_cmpstr(accel(c, 0)->irqchip, ==, "off");
	g_assert_cmpstr(accel(c, 1)->name, ==, "soft");
	g_assert_cmpstr(accel(c, 2)->name, ==, "soft");
	g_assert_null(accel(c, 2)->irqchip);
	vm_config_free(c);
	c = good("-enable-kvm");
	g_assert_cmpstr(accel(c, 0)->name, ==, "kvm");
	vm_config_free(c);
	bad("-accel kvm -M q35,accel=kvm", "-accel and -machine accel= exclude each other");
	bad("-enable-kvm -accel kvm", "-accel and -machine accel= exclude each other");
	bad("-accel kvm,kernel-irqchip=offf", "Did you mean 'off'?");
	bad("-accel kvm,foo=1", "-accel kvm,foo=1: unknown property 'foo'");
	bad("-accel kernel-irqchip=on", "no accelerator named");
	c = good("-accel tcg,clock=insn");
	g_assert_cmpstr(accel(c, 0)->name, ==, "soft");
	g_assert_cmpstr(accel(c, 0)->clock, ==, "insn");
	vm_config_free(c);
}

static void smp(void)
{
	struct vm_config *c = good("-smp 4");

	g_assert_cmpuint(c->cpus, ==, 4);
	g_assert_cmpuint(c->maxcpus, ==, 0);
	vm_config_free(c);
	c = good("-smp 2,maxcpus=16,sockets=2,dies=1,cores=4,threads=2,clusters=1");
	g_assert_cmpuint(c->cpus, ==, 2);
	g_assert_cmpuint(c->maxcpus, ==, 16);
	g_assert_cmpuint(c->sockets, ==, 2);
	g_assert_cmpuint(c->dies, ==, 1);
	g_assert_cmpuint(c->cores, ==, 4);
	g_assert_cmpuint(c->threads, ==, 2);
	vm_config_free(c);
	c = good("-smp cpus=2 -smp 3");
	g_assert_cmpuint(c->cpus, ==, 3);
	vm_config_free(c);
	bad("-smp 0", "-smp 0: cpus: '0' is not a number from 1 to 65535");
	bad("-smp -1", "'-1' is not a number");
	bad("-smp two", "'two' is not a number");
	bad("-smp 99999999999999999999", "is not a number from 1 to 65535");
	bad("-smp 2,cors=2", "unknown property 'cors'\nDid you mean 'cores'?");
	bad("-smp 2,cores", "property 'cores' needs a value");
	bad("-smp 2,clusters=2", "clusters: unknown value '2' (known: 1)");
}

static void memory(void)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {
		{"512", 512ull << 20}, {"4G", 4ull << 30},    {"4g", 4ull << 30},
		{"1.5G", 3ull << 29},  {"2048K", 2ull << 20}, {"4096B", 4096},
		{"1T", 1ull << 40},    {"0x10M", 16 << 20},   {"size=1G", 1 << 30},
	};
	struct vm_config *c;

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *line = g_strdup_printf("-m %s", sizes[i].text);

		c = good(line);
		g_assert_cmpuint(c->ram_size, ==, sizes[i].bytes);
		vm_config_free(c);
	}
	c = good("-m 1G,slots=3,maxmem=8G -m 2G");
	g_assert_cmpuint(c->ram_size, ==, 2ull << 30);
	g_assert_cmpuint(c->ram_slots, ==, 3);
	g_assert_cmpuint(c->ram_maxmem, ==, 8ull << 30);
	vm_config_free(c);
	bad("-m 1X", "-m 1X: size: '1X' is not a size: digits, then B, K, M, G, T, P or E");
	bad("-m 1GB", "'1GB' is not a size");
	bad("-m -5", "'-5' is not a size");
	bad("-m .5G", "'.5G' is not a size");
	bad("-m 1.G5", "'1.G5' is not a size");
	bad("-m 99999999E", "size '99999999E' is beyond 64 bits");
	bad("-m 99999999999999999999", "is not a size");
	bad("-m 1G,maxmen=2G", "Did you mean 'maxmem'?");
}

static void names(void)
{
	struct vm_config *c = good("-name vm1,debug-threads=on,process=x "
				   "-uuid 6BA7B810-9dad-11d1-80b4-00c04fd430c8");

	g_assert_cmpstr(c->name, ==, "vm1");
	g_assert_cmpstr(c->uuid, ==, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	vm_config_free(c);
	c = good("-name guest=a,,b");
	g_assert_cmpstr(c->name, ==, "a,b");
	vm_config_free(c);
	bad("-name vm1,colour=red", "unknown property 'colour'");
	bad("-uuid 123", "-uuid 123: not a UUID");
}

static void devices(void)
{
	struct vm_config *c = good("-device vfio-pci,host=0000:01:00.0,id=hd0,x-a,path=a,,b=c,"
				   "host=0000:02:00.0 -device edu");
	const struct vm_device *d = device(c, 0);

	g_assert_cmpstr(d->driver, ==, "vfio-pci");
	g_assert_cmpstr(d->id, ==, "hd0");
	g_assert_cmpuint(d->props->len, ==, 3);
	g_assert_cmpstr(vm_device_get(d, "host"), ==, "0000:02:00.0");
	g_assert_cmpstr(vm_device_get(d, "x-a"), ==, "on");
	g_assert_cmpstr(vm_device_get(d, "path"), ==, "a,b=c");
	g_assert_null(vm_device_get(d, "id"));
	g_assert_cmpstr(device(c, 1)->driver, ==, "edu");
	g_assert_null(device(c, 1)->id);
	vm_config_free(c);
	c = good("-device id=x,driver=edu");
	g_assert_cmpstr(device(c, 0)->driver, ==, "edu");
	vm_config_free(c);
	bad("-device id=x", "-device id=x: no driver named");
	bad("-device ,id=x", "no driver named");
	bad("-device edu,id=9x", "id '9x': must be a letter");
	bad("-device edu,id=a/b", "id 'a/b': must be a letter");
	bad("-device edu,=x", "a property without a name");
}

static const struct vm_device *entry(const GPtrArray *list, guint i, const char *driver,
				     const char *id)
{
	const struct vm_device *d;

	g_assert_cmpuint(i, <, list->len);
	d = list->pdata[i];
	g_assert_cmpstr(d->driver, ==, driver);
	g_assert_cmpstr(d->id, ==, id);
	return d;
}

static void backends(void)
{
	struct vm_config *c = good("-object memory-backend-ram,id=pmr0,share=on,size=8 "
				   "-object '{\"qom-type\":\"memory-backend-file\",\"id\":\"m\","
				   "\"size\":4096,\"share\":true}'");
	const struct vm_device *d = entry(c->objects, 0, "memory-backend-ram", "pmr0");

	g_assert_cmpstr(vm_device_get(d, "size"), ==, "8");
	g_assert_null(vm_device_get(d, "qom-type"));
	d = entry(c->objects, 1, "memory-backend-file", "m");
	g_assert_cmpuint(d->props->len, ==, 2);
	g_assert_cmpstr(vm_device_get(d, "share"), ==, "on");
	vm_config_free(c);
	c = good("-drive id=drv0,if=none,file=null-co://,file.read-zeroes=on,format=raw "
		 "-drive driver=null-co,id=d1,if=none "
		 "-blockdev file,node-name=n0,filename=a,,b,read-only=on "
		 "-blockdev '{\"driver\":\"raw\",\"node-name\":\"n1\","
		 "\"file\":{\"driver\":\"file\",\"filename\":\"x\"}}'");
	d = entry(c->drives, 0, "drive", "drv0");
	g_assert_cmpstr(vm_device_get(d, "file"), ==, "null-co://");
	g_assert_cmpstr(vm_device_get(d, "file.read-zeroes"), ==, "on");
	d = entry(c->drives, 1, "drive", "d1");
	g_assert_cmpstr(vm_device_get(d, "driver"), ==, "null-co");
	d = entry(c->drives, 2, "file", "n0");
	g_assert_cmpstr(vm_device_get(d, "filename"), ==, "a,b");
	d = entry(c->drives, 3, "raw", "n1");
	g_assert_cmpstr(vm_device_get(d, "file.driver"), ==, "file");
	g_assert_cmpstr(vm_device_get(d, "file.filename"), ==, "x");
	vm_config_free(c);
	bad("-object id=x", "no type named");
	bad("-object memory-backend-ram", "it needs id=");
	bad("-object memory-backend-ram,id=9", "id '9': must be a letter");
	bad("-blockdev node-name=x", "no driver named");
	bad("-blockdev file,filename=x", "it needs node-name=");
	bad("-drive '{'", "not JSON");
}

static void rtc(void)
{
	struct vm_config *c = good("-rtc clock=vm");

	g_assert_null(c->rtc_base);
	vm_config_free(c);
	c = good("-rtc base=localtime,clock=host,driftfix=slew");
	g_assert_cmpstr(c->rtc_base, ==, "localtime");
	vm_config_free(c);
	c = good("-rtc 2006-06-17T16:01:21");
	g_assert_cmpstr(c->rtc_base, ==, "2006-06-17T16:01:21");
	vm_config_free(c);
	bad("-rtc clock=wall", "clock: unknown value 'wall'");
	bad("-rtc bse=utc", "Did you mean 'base'?");
}

static void globals(void)
{
	struct vm_config *c = good("-global mch.extended-tseg-mbytes=16 -global ide-hd.ver=a=b "
				   "-global driver=nvme,property=x.y,value=1,,2 "
				   "-global mch.extended-tseg-mbytes=8");

	g_assert_cmpuint(c->globals->len, ==, 4);
	g_assert_cmpstr(vm_config_global(c, "mch", "extended-tseg-mbytes"), ==, "8");
	g_assert_cmpstr(vm_config_global(c, "ide-hd", "ver"), ==, "a=b");
	g_assert_cmpstr(vm_config_global(c, "nvme", "x.y"), ==, "1,2");
	g_assert_null(vm_config_global(c, "nvme", "x"));
	vm_config_free(c);
	bad("-global mch=5", "not DRIVER.PROP=VALUE");
	bad("-global mch.x", "not DRIVER.PROP=VALUE");
	bad("-global .x=1", "not DRIVER.PROP=VALUE");
	bad("-global mch.=1", "not DRIVER.PROP=VALUE");
	bad("-global driver=mch,value=1", "not DRIVER.PROP=VALUE");
}

static void host_files(void)
{
	struct vm_config *c = good("-host-dump a.txt -host-dump b,c.txt -host-dtb x.dtb");

	g_assert_cmpuint(c->host_dumps->len, ==, 2);
	g_assert_cmpstr(c->host_dumps->pdata[1], ==, "b,c.txt");
	g_assert_cmpstr(c->host_dtbs->pdata[0], ==, "x.dtb");
	vm_config_free(c);
	bad("-host-dump", "-host-dump: argument missing: FILE");
}

static void json_devices(void)
{
	struct vm_config *c = good("-device '{\"driver\":\"vfio-pci\",\"host\":\"0000:01:00.0\","
				   "\"id\":\"hostdev0\",\"bus\":\"pci.1\",\"port\":16,\"neg\":-3,"
				   "\"multi\":true,\"rom\":false,\"f\":0.5,\"a,b\":\"c,,d\"}'");
	const struct vm_device *d = device(c, 0);

	g_assert_cmpstr(d->driver, ==, "vfio-pci");
	g_assert_cmpstr(d->id, ==, "hostdev0");
	g_assert_cmpstr(vm_device_get(d, "host"), ==, "0000:01:00.0");
	g_assert_cmpstr(vm_device_get(d, "port"), ==, "16");
	g_assert_cmpstr(vm_device_get(d, "neg"), ==, "-3");
	g_assert_cmpstr(vm_device_get(d, "multi"), ==, "on");
	g_assert_cmpstr(vm_device_get(d, "rom"), ==, "off");
	g_assert_cmpstr(vm_device_get(d, "f"), ==, "0.5");
	g_assert_cmpstr(vm_device_get(d, "a,b"), ==, "c,,d");
	vm_config_free(c);
	bad("-device '{\"id\":\"x\"}'", "no driver named");
	bad("-device '{}'", "no driver named");
	bad("-device '{driver'", "not JSON");
	bad("-device '{\"driver\":\"edu\",\"x\":[1]}'",
	    "'x': only strings, numbers, true and false");
	bad("-device '{\"driver\":\"edu\",\"x\":{\"y\":1}}'", "'x': only strings");
	bad("-device '{\"driver\":\"edu\",\"x\":null}'", "'x': only strings");
	bad("-device '{\"driver\":\"edu\",\"id\":\"9\"}'", "id '9'");
}

static void chardevs(void)
{
	struct vm_config *c = good(
		"-chardev stdio,id=a,mux=on,signal=off -chardev file,id=b,path=/f,,x,append=on "
		"-chardev pipe,id=c,path=/p -chardev null,id=d,logfile=/l,logappend=on "
		"-chardev pty,id=e -chardev socket,id=f,path=/s,server=on,wait=off "
		"-chardev socket,id=g,host=localhost,port=4444,reconnect=2,nodelay=on "
		"-chardev socket,id=h,fd=5,server,nowait -chardev socket,path=/s2,server,id=i");

	g_assert_true(chardev(c, "a")->mux);
	g_assert_false(chardev(c, "a")->signal);
	g_assert_cmpstr(chardev(c, "b")->path, ==, "/f,x");
	g_assert_true(chardev(c, "b")->append);
	g_assert_cmpstr(chardev(c, "c")->path, ==, "/p");
	g_assert_cmpstr(chardev(c, "d")->logfile, ==, "/l");
	g_assert_true(chardev(c, "d")->logappend);
	g_assert_cmpstr(chardev(c, "e")->backend, ==, "pty");
	g_assert_cmpstr(chardev(c, "f")->path, ==, "/s");
	g_assert_true(chardev(c, "f")->server);
	g_assert_false(chardev(c, "f")->wait);
	g_assert_cmpstr(chardev(c, "g")->host, ==, "localhost");
	g_assert_cmpstr(chardev(c, "g")->port, ==, "4444");
	g_assert_cmpint(chardev(c, "g")->reconnect, ==, 2);
	g_assert_cmpint(chardev(c, "g")->fd, ==, -1);
	g_assert_cmpint(chardev(c, "h")->fd, ==, 5);
	g_assert_true(chardev(c, "h")->server);
	g_assert_false(chardev(c, "h")->wait);
	g_assert_true(chardev(c, "i")->wait);
	vm_config_free(c);
}

static void wrong_chardevs(void)
{
	bad("-chardev null", "-chardev null: id= is missing");
	bad("-chardev id=a", "no back end named");
	bad("-chardev nul,id=a", "unknown back end 'nul' (known: stdio, file, pipe, socket, pty, "
				 "null)\nDid you mean 'null'?");
	bad("-chardev null,id=-a", "id '-a'");
	bad("-chardev file,id=a", "path= is missing");
	bad("-chardev pipe,id=a", "path= is missing");
	bad("-chardev socket,id=a", "a socket needs one of path=, port= and fd=");
	bad("-chardev socket,id=a,path=/x,port=1", "needs one of");
	bad("-chardev socket,id=a,path=/x,host=h", "host= needs port=");
	bad("-chardev socket,id=a,path=/x,wait=on", "wait= is for server=on");
	bad("-chardev socket,id=a,path=/x,nowait", "wait= is for server=on");
	bad("-chardev socket,id=a,path=/x,server=on,reconnect=1", "reconnect= is for clients");
	bad("-chardev socket,id=a,path=/x,server=perhaps", "server: unknown value 'perhaps'");
	bad("-chardev socket,id=a,path", "property 'path' needs a value");
	bad("-chardev socket,id=a,fd=-1", "fd: '-1' is not a number");
	bad("-chardev socket,id=a,path=/x,telnet=on", "telnet: unknown value 'on' (known: off)");
	bad("-chardev null,id=a,path=/x", "property 'path' does not belong here");
	bad("-chardev null,id=a,pth=/x", "unknown property 'pth'");
	bad("-chardev file,id=a,pth=/x", "unknown property 'pth'\nDid you mean 'path'?");
}

static const char *serial(const struct vm_config *c, guint i)
{
	g_assert_cmpuint(i, <, c->serials->len);
	return c->serials->pdata[i];
}

/* The chardev of monitor i; NULL past the end. */
static const char *monitor(const struct vm_config *c, guint i)
{
	return i < c->monitors->len ? ((struct vm_monitor *)c->monitors->pdata[i])->chardev : NULL;
}

static void serials(void)
{
	struct vm_config *c =
		good("-serial stdio -serial none -serial file:/f,x -serial pipe:/p "
		     "-serial unix:/s,server=on,wait=off -serial unix:/t,server,nowait "
		     "-serial tcp::4444,server=on -serial tcp:localhost:5 -serial pty "
		     "-serial chardev:con -serial null");

	g_assert_cmpstr(serial(c, 0), ==, "serial0");
	g_assert_cmpstr(chardev(c, "serial0")->backend, ==, "stdio");
	g_assert_true(chardev(c, "serial0")->signal);
	g_assert_cmpstr(serial(c, 1), ==, "none");
	g_assert_cmpstr(chardev(c, "serial2")->path, ==, "/f,x");
	g_assert_cmpstr(chardev(c, "serial3")->backend, ==, "pipe");
	for (int i = 4; i < 6; i++) {
		const struct chardev_conf *conf = chardev(c, i == 4 ? "serial4" : "serial5");

		g_assert_cmpstr(conf->backend, ==, "socket");
		g_assert_cmpstr(conf->path, ==, i == 4 ? "/s" : "/t");
		g_assert_true(conf->server);
		g_assert_false(conf->wait);
	}
	g_assert_cmpstr(chardev(c, "serial6")->host, ==, "");
	g_assert_cmpstr(chardev(c, "serial6")->port, ==, "4444");
	g_assert_true(chardev(c, "serial6")->server);
	g_assert_cmpstr(chardev(c, "serial7")->host, ==, "localhost");
	g_assert_cmpstr(chardev(c, "serial7")->port, ==, "5");
	g_assert_cmpstr(chardev(c, "serial8")->backend, ==, "pty");
	g_assert_cmpstr(serial(c, 9), ==, "con");
	g_assert_cmpstr(serial(c, 10), ==, "serial10");
	vm_config_free(c);
	c = good("-serial mon:stdio -monitor none");
	g_assert_true(chardev(c, "serial0")->mux);
	g_assert_false(chardev(c, "serial0")->signal);
	g_assert_cmpstr(monitor(c, 0), ==, "serial0");
	vm_config_free(c);
}

static void wrong_serials(void)
{
	bad("-serial sdtio", "-serial sdtio: unknown chardev 'sdtio' (known: none, stdio, ");
	bad("-serial sdtio", "Did you mean 'stdio'?");
	bad("-serial stdio:x", "unknown chardev 'stdio'");
	bad("-serial file", "unknown chardev 'file'");
	bad("-serial file:", "no path after 'file:'");
	bad("-serial pipe:", "no path after 'pipe:'");
	bad("-serial unix:", "a socket needs one of");
	bad("-serial unix:/x,sever=on", "unknown property 'sever'\nDid you mean 'server'?");
	bad("-serial tcp:localhost", "tcp: needs [HOST]:PORT");
	bad("-serial tcp:", "tcp: needs [HOST]:PORT");
	bad("-serial tcp:h:", "tcp: needs [HOST]:PORT");
	bad("-serial tcp:a=b", "tcp: needs [HOST]:PORT");
	bad("-serial chardev:", "id ''");
	bad("-serial mon:none", "mon: needs a back end");
	bad("-serial mon:", "unknown chardev ''");
}

static void monitors(void)
{
	struct vm_config *c = good("-monitor stdio -monitor unix:/m,server=on,wait=off -debugcon "
				   "file:/a -debugcon stdio");

	g_assert_cmpstr(monitor(c, 0), ==, "compat_monitor0");
	g_assert_cmpstr(monitor(c, 1), ==, "compat_monitor1");
	g_assert_cmpstr(chardev(c, "compat_monitor1")->path, ==, "/m");
	g_assert_cmpstr(c->debugcon, ==, "debugcon");
	g_assert_cmpstr(chardev(c, "debugcon")->backend, ==, "stdio"); /* the last wins */
	g_assert_cmpuint(c->chardevs->len, ==, 3);
	vm_config_free(c);
	c = good("-monitor none -debugcon none");
	g_assert_null(monitor(c, 0));
	g_assert_true(c->no_monitor);
	g_assert_cmpstr(c->debugcon, ==, "none");
	vm_config_free(c);
	c = good("-monitor stdio -mon chardev=m0,mode=readline -debugcon chardev:d");
	g_assert_cmpstr(monitor(c, 1), ==, "m0");
	g_assert_cmpstr(c->debugcon, ==, "d");
	g_assert_cmpuint(c->chardevs->len, ==, 1);
	vm_config_free(c);
	c = good("-qmp unix:/q,server=on,wait=off -qmp-pretty stdio -mon m0,mode=control,pretty=on "
		 "-qtest unix:/t -qtest-log none");
	for (guint i = 0; i < 3; i++)
		g_assert_true(((struct vm_monitor *)c->monitors->pdata[i])->control);
	g_assert_false(((struct vm_monitor *)c->monitors->pdata[0])->pretty);
	g_assert_true(((struct vm_monitor *)c->monitors->pdata[2])->pretty);
	g_assert_cmpstr(chardev(c, "compat_monitor0")->path, ==, "/q");
	g_assert_cmpstr(c->qtest, ==, "qtest");
	g_assert_cmpstr(c->qtest_log, ==, "none");
	vm_config_free(c);
	bad("-monitor foo", "-monitor foo: unknown chardev 'foo'");
	bad("-debugcon foo", "-debugcon foo: unknown chardev 'foo'");
	bad("-qtest foo", "-qtest foo: unknown chardev 'foo'");
	bad("-mon mode=readline", "chardev= is missing");
	bad("-mon m0,mode=qmp", "mode: unknown value 'qmp' (known: readline, control)");
	bad("-mon m0,pretty=on", "pretty= is for mode=control");
}

/* Parse, complete, validate together: the command line of README. */
static void whole(void)
{
	struct vm_config *c = good("-M q35 -accel kvm -m 4G -smp 2 -nographic "
				   "-device vfio-pci,host=0000:01:00.0");
	struct err *e = NULL;

	vm_config_complete(c);
	vm_config_validate(c, &e);
	g_assert_cmpstr(err_text(e), ==, "");
	g_assert_cmpstr(serial(c, 0), ==, "serial0");
	g_assert_cmpstr(monitor(c, 0), ==, "serial0");
	g_assert_true(chardev(c, "serial0")->mux);
	g_assert_cmpuint(c->cores, ==, 2);
	vm_config_free(c);
	c = good("-nographic -serial mon:stdio");
	vm_config_complete(c);
	g_assert_cmpint(vm_config_validate(c, &e), ==, 0);
	g_assert_cmpstr(monitor(c, 0), ==, "serial0");
	vm_config_free(c);
	c = good("-nographic -serial chardev:com0 -chardev null,id=con0");
	vm_config_complete(c);
	g_assert_cmpint(vm_config_validate(c, &e), ==, -ENOENT);
	g_assert_cmpstr(err_hints(e), ==, "Did you mean 'con0'?\n");
	err_free(e);
	vm_config_free(c);
}

/* No argument whatsoever may crash the parser: every option with odd words. */
static void odd_words(void)
{
	static const char *const odd[] = {
		",",      "=",      ",,",     "=,=", "a=",   "=b", ":",   "::",
		"{",      "{}",     "[]",     "\"",  "\xff", "no", "no,", "mon:mon:stdio",
		"tcp:::", "unix:,", "unix:=", "1,=1"};
	static const char *const opts[] = {"machine", "accel", "cpu",      "smp",     "m",
					   "name",    "uuid",  "device",   "chardev", "serial",
					   "monitor", "mon",   "debugcon", "action"};

	for (size_t i = 0; i < G_N_ELEMENTS(opts); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(odd); j++) {
			g_autofree char *opt = g_strdup_printf("-%s", opts[i]);
			char *words[] = {opt, (char *)odd[j], NULL};
			struct vm_config *c = vm_config_new();
			struct cli_result res = {};
			struct err *e = NULL;

			if (parse_words(words, c, &res, &e) == 0) {
				vm_config_complete(c);
				vm_config_validate(c, &e);
			}
			err_free(e);
			vm_config_free(c);
		}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cli/empty", empty);
	g_test_add_func("/cli/help", help_texts);
	g_test_add_func("/cli/unknown-options", unknown_options);
	g_test_add_func("/cli/missing-arguments", missing_arguments);
	g_test_add_func("/cli/strings", strings);
	g_test_add_func("/cli/flags", flags);
	g_test_add_func("/cli/actions", actions);
	g_test_add_func("/cli/machine", machine);
	g_test_add_func("/cli/accel", accels);
	g_test_add_func("/cli/smp", smp);
	g_test_add_func("/cli/m", memory);
	g_test_add_func("/cli/names", names);
	g_test_add_func("/cli/device", devices);
	g_test_add_func("/cli/global", globals);
	g_test_add_func("/cli/rtc", rtc);
	g_test_add_func("/cli/backends", backends);
	g_test_add_func("/cli/host-files", host_files);
	g_test_add_func("/cli/device-json", json_devices);
	g_test_add_func("/cli/chardev", chardevs);
	g_test_add_func("/cli/chardev-wrong", wrong_chardevs);
	g_test_add_func("/cli/serial", serials);
	g_test_add_func("/cli/serial-wrong", wrong_serials);
	g_test_add_func("/cli/monitor", monitors);
	g_test_add_func("/cli/whole", whole);
	g_test_add_func("/cli/odd-words", odd_words);
	return g_test_run();
}
