// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the table of options, which drives parsing, the help text and the nearest spelling.  Called
 * by main.c; never prints an error and starts nothing.
 */
#include "ctl/cli_int.h"

#include <errno.h>
#include <string.h>

#include "base/names.h"

#define AT(field) offsetof(struct vm_config, field)

static cli_handler help, version, string, list, flag, nothing, only_none, no_acpi;

static const struct cli_option options[] = {
	{"h", NULL, help, 0, "show this text"},
	{"help", NULL, help, 0, "the same"},
	{"version", NULL, version, 0, "show the version"},

	{"machine", "[type=]NAME[,PROP=V...]", cli_machine, 0,
	 "the board; accel=, kernel-irqchip=on|off|split; 'help' lists"},
	{"M", "[type=]NAME[,PROP=V...]", cli_machine, 0, "the same"},
	{"accel", "NAME[:NAME...][,PROP=V...]", cli_accel, 0,
	 "accelerator, the first that works; kernel-irqchip=; 'help' lists"},
	{"enable-kvm", NULL, cli_enable_kvm, 0, "-machine accel=kvm"},
	{"cpu", "MODEL[,+FLAG][,-FLAG]", cli_cpu, 0, "CPU model; 'help' lists"},
	{"smp", "[cpus=]N[,maxcpus=][,sockets=][,dies=][,cores=][,threads=]", cli_smp, 0,
	 "number of CPUs and their topology"},
	{"m", "[size=]N[KMGT][,slots=N,maxmem=N]", cli_memory, 0,
	 "memory; without a letter in MiB"},
	{"name", "NAME", cli_name, 0, "name of the guest"},
	{"uuid", "UUID", cli_uuid, 0, "UUID of the guest"},
	{"rtc", "[base=]utc|localtime|DATE[,clock=host|rt|vm][,driftfix=none|slew]", cli_rtc, 0,
	 "what the guest's clock shows at the start"},

	{"kernel", "FILE", string, AT(kernel), "Linux bzImage, PVH ELF or multiboot image"},
	{"initrd", "FILE", string, AT(initrd), "initial RAM disk; for multiboot \"FILE ARGS,...\""},
	{"append", "TEXT", string, AT(append), "command line of the kernel"},
	{"bios", "FILE", string, AT(firmware), "firmware image"},
	{"boot", "[order=]DRIVES[,once=DRIVES][,PROP=V...]", cli_boot, 0,
	 "what firmware is told: menu=on|off, reboot-timeout=MS, splash-time=MS, splash=FILE"},
	{"fw_cfg", "[name=]NAME,file=FILE|string=TEXT", cli_fw_cfg, 0,
	 "add a file for firmware and kernels; NAME is to begin with opt/"},

	{"device", "DRIVER[,PROP=V...]", cli_device, 0,
	 "add a device, also as JSON; 'help' lists models, 'DRIVER,help' properties"},
	{"global", "DRIVER.PROP=VALUE", cli_global, 0,
	 "default of a property of all devices of a model, and of the board's own"},
	{"object", "TYPE,id=ID[,PROP=V...]", cli_object, 0,
	 "memory for devices to name: memory-backend-ram, -file, -memfd; also as JSON"},
	{"drive", "id=ID,if=none,file=FILE[,PROP=V...]", cli_drive, 0,
	 "a disk for devices to name: format=raw, read-only=; null-co:// is an empty one"},
	{"blockdev", "DRIVER,node-name=ID[,PROP=V...]", cli_blockdev, 0,
	 "the same by its parts: file, host_device, raw, null-co; also as JSON"},
	{"host-device", "MODEL,addr=BDF[,driver=NAME][,PROP=V...]", cli_host_device, 0,
	 "add a device to the emulated host, bound to that host's driver"},
	{"host-sysfs", "PATH=TEXT", cli_host_sysfs, 0,
	 "write to the emulated host's sysfs, below /sys/bus/pci; in order, after the scan"},
	{"host-dtb", "FILE", list, AT(host_dtbs),
	 "fill the emulated host with the devices that a device tree describes"},
	{"host-dump", "FILE", list, AT(host_dumps),
	 "fill the emulated host with the devices of a hex dump: the output of lspci -xxxx"},
	{"chardev", "BACKEND,id=ID[,PROP=V...]", cli_chardev, 0,
	 "add a character device: stdio, file, pipe, socket, pty, null"},
	{"serial", "DEV", cli_serial, 0,
	 "serial port on stdio, mon:stdio, file:, pipe:, unix:, tcp:, pty, null, none, chardev:ID"},
	{"monitor", "DEV", cli_monitor, 0, "monitor on one of these"},
	{"mon", "[chardev=]ID[,mode=readline|control][,pretty=on|off]", cli_mon, 0,
	 "monitor on a chardev; control is QMP"},
	{"qmp", "DEV", cli_qmp, 0, "QMP on one of these"},
	{"qmp-pretty", "DEV", cli_qmp_pretty, 0, "the same, with line breaks"},
	{"qtest", "DEV", cli_qtest, 0, "serve QEMU's qtest protocol on one of these"},
	{"qtest-log", "FILE", string, AT(qtest_log),
	 "log it there instead of stderr; none: no log"},
	{"debugcon", "DEV", cli_debugcon, 0, "debug port 0xe9 on one of these"},
	{"nographic", NULL, flag, AT(nographic), "serial port and monitor on stdio"},
	{"display", "none", only_none, 0, "no display (there is no other)"},
	{"vga", "none", only_none, 0, "no graphics card (there is no other)"},
	{"parallel", "none", only_none, 0, "no parallel port (there is no other)"},
	{"net", "none", only_none, 0, "no default network card (there is none)"},
	{"nic", "none", only_none, 0, "the same"},

	{"S", NULL, flag, AT(stopped), "do not start the CPUs; the monitor's 'cont' does"},
	{"preconfig", NULL, flag, AT(preconfig),
	 "wait before the machine is built; QMP's x-exit-preconfig goes on"},
	{"no-reboot", NULL, cli_no_reboot, 0, "exit instead of rebooting"},
	{"no-shutdown", NULL, cli_no_shutdown, 0, "stop instead of exiting"},
	{"action", "EVENT=ACTION[,...]", cli_action, 0,
	 "reboot=reset|shutdown, shutdown=poweroff|pause, "
	 "panic=pause|shutdown|exit-failure|none, watchdog=ACTION"},
	{"watchdog-action", "ACTION", cli_watchdog_action, 0,
	 "reset|shutdown|poweroff|inject-nmi|pause|debug|none: the same as -action watchdog="},
	{"nodefaults", NULL, flag, AT(nodefaults), "no default serial port and monitor"},
	{"no-user-config", NULL, nothing, 0, "no effect: there are no configuration files"},
	{"no-hpet", NULL, nothing, 0, "no effect: there is no HPET"},
	{"no-acpi", NULL, no_acpi, 0, "refused: the board always has ACPI"},

	{"pidfile", "FILE", string, AT(pidfile), "write the process id there"},
	{"daemonize", NULL, flag, AT(daemonize), "go to the background"},
	{"D", "FILE", string, AT(logfile), "log to a file instead of stderr"},
	{"d", "ITEM[,...]", string, AT(debug), "what to log"},
	{},
};

void cli_exit_now(struct cli *s)
{
	s->res->exit_now = true;
	s->res->status = 0;
}

static int help(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	fprintf(s->out, "usage: sluice [options]\n\n");
	for (o = options; o->name; o++) {
		int n = fprintf(s->out, "  -%s%s%s", o->name, o->arg ? " " : "", o->arg ?: "");

		fprintf(s->out, "%s%*s%s\n", n > 30 ? "\n" : "", n > 30 ? 32 : 32 - n, "", o->help);
	}
	fprintf(s->out,
		"\nInside -nographic and mon:stdio: Ctrl-a x exits, Ctrl-a c switches to the "
		"monitor, Ctrl-a h helps.\n");
	cli_exit_now(s);
	return 0;
}

static int version(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	fprintf(s->out, "sluice version " SLUICE_VERSION "\n");
	cli_exit_now(s);
	return 0;
}

static int string(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	replace((char **)((char *)s->c + o->offset), arg);
	return 0;
}

/* May be given more than once. */
static int list(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_ptr_array_add(*(GPtrArray **)((char *)s->c + o->offset), g_strdup(arg));
	return 0;
}

static int flag(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	*(bool *)((char *)s->c + o->offset) = true;
	return 0;
}

static int nothing(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	return 0;
}

static int only_none(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	if (strcmp(arg, "none"))
		return err_set(errp, -ENOTSUP, "only 'none' is supported");
	return 0;
}

static int no_acpi(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	err_set(errp, -ENOTSUP, "not supported: the board always has ACPI tables");
	err_hint(errp, "Linux ignores them with -append acpi=off.");
	return -ENOTSUP;
}

static const struct cli_option *find(const char *word)
{
	const char *name = word + 1;

	if (*name == '-')
		name++;
	if (!strcmp(name, "?"))
		name = "help";
	for (const struct cli_option *o = options; o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static int no_such_option(const char *word, struct err **errp)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	const char *near;

	if (*word != '-' || !word[1])
		return err_set(errp, -EINVAL, "%s: not an option; options begin with '-'", word);
	for (const struct cli_option *o = options; o->name; o++)
		g_ptr_array_add(names, (gpointer)o->name);
	g_ptr_array_add(names, NULL);
	near = nearest_name(word + strspn(word, "-"), (const char *const *)names->pdata);
	err_set(errp, -EINVAL, "%s: unknown option", word);
	if (near)
		err_hint(errp, "Did you mean '-%s'?", near);
	err_hint(errp, "'sluice -h' lists all options.");
	return -EINVAL;
}

/* One option; the number of words it took, or -errno. */
static int parse_one(struct cli *s, int argc, char **argv, struct err **errp)
{
	const struct cli_option *o = *argv[0] == '-' ? find(argv[0]) : NULL;
	int ret;

	if (!o)
		return no_such_option(argv[0], errp);
	if (o->arg && argc < 2)
		return err_set(errp, -EINVAL, "%s: argument missing: %s", argv[0], o->arg);
	if (o->arg && !*argv[1] && o->offset != AT(append))
		return err_set(errp, -EINVAL, "%s: the argument is empty: %s", argv[0], o->arg);
	ret = o->handle(s, o, o->arg ? argv[1] : NULL, errp);
	if (ret < 0)
		err_prefix(errp, "%s%s%s", argv[0], o->arg ? " " : "", o->arg ? argv[1] : "");
	return ret < 0 ? ret : o->arg ? 2 : 1;
}

int cli_parse(int argc, char **argv, struct vm_config *c, struct cli_result *res, struct err **errp)
{
	struct cli s = {.c = c, .res = res, .out = res->out ?: stdout};
	int n = 1;

	res->exit_now = false;
	res->status = 0;
	for (int i = 1; n > 0 && i < argc && !res->exit_now; i += n)
		n = parse_one(&s, argc - i, argv + i, errp);
	return MIN(n, 0);
}
