// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the options about the machine as a whole: -machine, -accel, -cpu, -smp, -m, -action, -name,
 * -uuid, -rtc.  Called from the table in cli.c; limits and defaults are vm/config.c's.
 */
#include "ctl/cli_int.h"

#include <errno.h>
#include <string.h>

#include "vm/devs.h"

#define AT(field) offsetof(struct vm_config, field)

/* "kvm:tcg" to entries at the end of the list; tcg is our soft. */
static int add_accels(struct vm_config *c, const char *names, const char *irqchip,
		      const char *clock, struct err **errp)
{
	g_auto(GStrv) name = g_strsplit(names, ":", -1);

	for (char **n = name; *n; n++) {
		struct vm_accel *a;

		if (!**n)
			return err_set(errp, -EINVAL, "empty name in '%s'", names);
		a = vm_accel_new(strcmp(*n, "tcg") ? *n : "soft");
		a->irqchip = g_strdup(irqchip);
		a->clock = g_strdup(clock);
		g_ptr_array_add(c->accels, a);
	}
	return 0;
}

static int set_irqchip(char **where, const char *value, struct err **errp)
{
	static const struct choice modes[] = {{"on", 0}, {"off", 1}, {"split", 2}, {NULL, 0}};
	int n, ret = parse_choice(modes, value, &n, errp);

	if (ret == 0)
		replace(where, value);
	return ret;
}

static int machine_irqchip(void *target, const char *value, struct err **errp)
{
	return set_irqchip(&((struct cli *)target)->c->irqchip, value, errp);
}

static int machine_accel(void *target, const char *value, struct err **errp)
{
	struct cli *s = target;

	if (s->accel_option)
		return err_set(errp, -EINVAL, "-accel and -machine accel= exclude each other");
	s->accel_property = true;
	g_ptr_array_set_size(s->c->accels, 0);
	return add_accels(s->c, value, NULL, NULL, errp);
}

static int machine_type(void *target, const char *value, struct err **errp)
{
	replace(&((struct cli *)target)->c->machine, value);
	return 0;
}

static int machine_usb(void *target, const char *value, struct err **errp)
{
	return parse_choice(choices_on_off_auto, value, (int *)&((struct cli *)target)->c->usb,
			    errp);
}

static int machine_vmport(void *target, const char *value, struct err **errp)
{
	return parse_choice(choices_on_off_auto, value, (int *)&((struct cli *)target)->c->vmport,
			    errp);
}

static int machine_graphics(void *target, const char *value, struct err **errp)
{
	int on = ON, ret = parse_choice(choices_on_off, value, &on, errp);

	((struct cli *)target)->c->no_graphics = on == OFF;
	return ret;
}

static const struct choice off_auto[] = {{"off", OFF}, {"auto", AUTO}, {NULL, 0}};

/* The target is struct cli. */
static const struct prop machine_props[] = {
	{"type", PROP_CALL, .set = machine_type},
	{"accel", PROP_CALL, .set = machine_accel},
	{"kernel-irqchip", PROP_CALL, .set = machine_irqchip},
	{"kernel_irqchip", PROP_CALL, .set = machine_irqchip},
	{"usb", PROP_CALL, .set = machine_usb},
	{"vmport", PROP_CALL, .set = machine_vmport},
	{"graphics", PROP_CALL, .set = machine_graphics},
	{"dump-guest-core", PROP_BOOL, PROP_NOWHERE},
	{"mem-merge", PROP_BOOL, PROP_NOWHERE},
	{"hpet", PROP_CHOICE, PROP_NOWHERE, choices_off},
	{"smm", PROP_CHOICE, PROP_NOWHERE, off_auto},
	{"acpi", PROP_CHOICE, PROP_NOWHERE, choices_on},
	{},
};

static void machine_help(FILE *f)
{
	fprintf(f, "Supported machines are:\n"
		   "q35     Q35 and ICH9 board with PCI Express (default)\n"
		   "pc      the same (QEMU's pc-q35-* names are taken, too)\n"
		   "none    no board\n");
}

int cli_machine(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "type");
	const char *type = kv_get(list, "type");

	if ((type && cli_is_help(type)) || kv_has_help(list)) {
		machine_help(s->out);
		cli_exit_now(s);
		return 0;
	}
	return props_apply(machine_props, s, 0, list, errp);
}

int cli_enable_kvm(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	return machine_accel(s, "kvm", errp);
}

/* Target of the properties of -accel. */
struct accel_args {
	char *name, *irqchip, *clock;
};

static int accel_irqchip(void *target, const char *value, struct err **errp)
{
	return set_irqchip(&((struct accel_args *)target)->irqchip, value, errp);
}

static const struct prop accel_props[] = {
	{"accel", PROP_STR, offsetof(struct accel_args, name)},
	{"kernel-irqchip", PROP_CALL, .set = accel_irqchip},
	{"clock", PROP_STR, offsetof(struct accel_args, clock)},
	{"thread", PROP_ACCEPT},
	{"tb-size", PROP_ACCEPT},
	{},
};

int cli_accel(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "accel");
	struct accel_args a = {};
	const char *name = kv_get(list, "accel");
	int ret;

	if ((name && cli_is_help(name)) || kv_has_help(list)) {
		fprintf(s->out, "Accelerators supported:\n"
				"kvm\n"
				"soft    interprets instructions; tcg is another name for it\n"
				"qtest   runs none, a test client drives the devices\n");
		cli_exit_now(s);
		return 0;
	}
	if (s->accel_property)
		return err_set(errp, -EINVAL, "-accel and -machine accel= exclude each other");
	s->accel_option = true;
	ret = props_apply(accel_props, &a, 0, list, errp);
	if (ret == 0)
		ret = add_accels(s->c, a.name ?: "", a.irqchip, a.clock, errp);
	if (ret == 0 && !a.name)
		ret = err_set(errp, -EINVAL, "no accelerator named");
	g_free(a.name);
	g_free(a.irqchip);
	g_free(a.clock);
	return ret;
}

int cli_cpu(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	if (cli_is_help(arg)) {
		cpu_help(s->out);
		cli_exit_now(s);
		return 0;
	}
	if (!*arg || *arg == ',')
		return err_set(errp, -EINVAL, "no CPU model named");
	replace(&s->c->cpu, arg);
	return 0;
}

static const struct choice one[] = {{"1", 1}, {NULL, 0}};

static const struct prop smp_props[] = {
	{"cpus", PROP_COUNT, AT(cpus)},
	{"maxcpus", PROP_COUNT, AT(maxcpus)},
	{"sockets", PROP_COUNT, AT(sockets)},
	{"dies", PROP_COUNT, AT(dies)},
	{"cores", PROP_COUNT, AT(cores)},
	{"threads", PROP_COUNT, AT(threads)},
	{"clusters", PROP_CHOICE, PROP_NOWHERE, one},
	{},
};

int cli_smp(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "cpus");

	return props_apply(smp_props, s->c, 0, list, errp);
}

static const struct prop memory_props[] = {
	{"size", PROP_MIB, AT(ram_size)},
	{"slots", PROP_BYTES, AT(ram_slots)},
	{"maxmem", PROP_BYTES, AT(ram_maxmem)},
	{},
};

int cli_memory(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "size");

	return props_apply(memory_props, s->c, 0, list, errp);
}

static const struct choice reboot_actions[] = {
	{"reset", ACTION_RESET}, {"shutdown", ACTION_SHUTDOWN}, {NULL, 0}};
static const struct choice shutdown_actions[] = {
	{"poweroff", ACTION_SHUTDOWN}, {"pause", ACTION_PAUSE}, {NULL, 0}};
static const struct choice panic_actions[] = {{"pause", ACTION_PAUSE},
					      {"shutdown", ACTION_SHUTDOWN},
					      {"exit-failure", ACTION_EXIT_FAILURE},
					      {"none", ACTION_NONE},
					      {NULL, 0}};
static const struct choice watchdog_actions[] = {
	{"reset", ACTION_RESET},       {"shutdown", ACTION_SHUTDOWN},
	{"poweroff", ACTION_POWEROFF}, {"inject-nmi", ACTION_INJECT_NMI},
	{"pause", ACTION_PAUSE},       {"debug", ACTION_DEBUG},
	{"none", ACTION_NONE},         {NULL, 0}};

static const struct prop action_props[] = {
	{"reboot", PROP_CHOICE, AT(on_reboot), reboot_actions},
	{"shutdown", PROP_CHOICE, AT(on_shutdown), shutdown_actions},
	{"panic", PROP_CHOICE, AT(on_panic), panic_actions},
	{"watchdog", PROP_CHOICE, AT(on_watchdog), watchdog_actions},
	{},
};

int cli_action(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, NULL);

	return props_apply(action_props, s->c, 0, list, errp);
}

int cli_watchdog_action(struct cli *s, const struct cli_option *o, const char *arg,
			struct err **errp)
{
	return parse_choice(watchdog_actions, arg, (int *)&s->c->on_watchdog, errp);
}

int cli_no_reboot(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	s->c->on_reboot = ACTION_SHUTDOWN;
	return 0;
}

int cli_no_shutdown(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	s->c->on_shutdown = ACTION_PAUSE;
	return 0;
}

static const struct prop name_props[] = {
	{"guest", PROP_STR, AT(name)},
	{"process", PROP_ACCEPT},
	{"debug-threads", PROP_BOOL, PROP_NOWHERE},
	{},
};

int cli_name(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "guest");

	return props_apply(name_props, s->c, 0, list, errp);
}

int cli_uuid(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	if (!g_uuid_string_is_valid(arg))
		return err_set(errp, -EINVAL, "not a UUID: 8-4-4-4-12 hexadecimal digits");
	g_free(s->c->uuid);
	s->c->uuid = g_ascii_strdown(arg, -1);
	return 0;
}

/* The clock runs with the machine whichever is named; an interrupt that was late is not made up. */
static const struct choice rtc_clocks[] = {{"host", 0}, {"rt", 0}, {"vm", 0}, {NULL, 0}};
static const struct choice rtc_fixes[] = {{"none", 0}, {"slew", 0}, {NULL, 0}};

static const struct prop rtc_props[] = {
	{"base", PROP_STR, AT(rtc_base)},
	{"clock", PROP_CHOICE, PROP_NOWHERE, rtc_clocks},
	{"driftfix", PROP_CHOICE, PROP_NOWHERE, rtc_fixes},
	{},
};

int cli_rtc(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "base");

	return props_apply(rtc_props, s->c, 0, list, errp);
}
