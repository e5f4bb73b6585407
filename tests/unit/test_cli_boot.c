// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of ctl/cli_boot.c: -boot, -fw_cfg, -global; and -watchdog-action. */
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "ctl/cli.h"
#include "vm/config.h"

static struct vm_config *parse(const char *line, struct err **errp)
{
	struct vm_config *c = vm_config_new();
	struct cli_result res = {0};
	g_autofree char *all = g_strconcat("sluice ", line, NULL);
	g_auto(GStrv) argv = NULL;
	int argc;

	g_assert_true(g_shell_parse_argv(all, &argc, &argv, NULL));
	cli_parse(argc, argv, c, &res, errp);
	return c;
}

static struct vm_config *good(const char *line)
{
	struct err *e = NULL;
	struct vm_config *c = parse(line, &e);

	g_assert_cmpstr(err_text(e), ==, "");
	return c;
}

static void bad(const char *line, const char *text)
{
	struct err *e = NULL;

	vm_config_free(parse(line, &e));
	if (!strstr(err_text(e), text))
		g_error("%s: '%s' not in '%s'", line, text, err_text(e));
	err_free(e);
}

static void boot(void)
{
	struct vm_config *c = good("-boot dc");

	g_assert_cmpstr(c->boot.order, ==, "dc");
	g_assert_false(c->boot.has_reboot_timeout || c->boot.has_splash_time);
	g_assert_cmpint(c->boot.menu, ==, AUTO);
	vm_config_free(c);
	c = good(
		"-boot menu=on,once=n,strict=off -boot reboot-timeout=-1,splash-time=0x10,splash=f");
	g_assert_null(c->boot.order);
	g_assert_cmpstr(c->boot.once, ==, "n");
	g_assert_cmpstr(c->boot.splash, ==, "f");
	g_assert_cmpint(c->boot.menu, ==, ON);
	g_assert_cmpint(c->boot.strict, ==, OFF);
	g_assert_true(c->boot.has_reboot_timeout && c->boot.has_splash_time);
	g_assert_cmpint(c->boot.reboot_timeout, ==, -1);
	g_assert_cmpint(c->boot.splash_time, ==, 16);
	vm_config_free(c);
	bad("-boot reboot-timeout=", "reboot-timeout: '' is not a number");
	bad("-boot reboot-timeout=-", "reboot-timeout: '-' is not a number");
	bad("-boot reboot-timeout=--1", "'--1' is not a number");
	bad("-boot splash-time=12x", "splash-time: '12x' is not a number");
	bad("-boot splash-time=99999999999999999999", "is not a number");
	bad("-boot menu=on,splash-time", "needs a value");
	bad("-boot menu=maybe", "menu: unknown value 'maybe'");
	bad("-boot ordr=c", "unknown property 'ordr'");
}

static const struct vm_fw_file *fw(const struct vm_config *c, guint i)
{
	g_assert_cmpuint(i, <, c->fw_files->len);
	return c->fw_files->pdata[i];
}

static void fw_cfg(void)
{
	struct vm_config *c = good("-fw_cfg opt/a,string=x,,y -fw_cfg name=opt/b,file=/f");

	g_assert_cmpuint(c->fw_files->len, ==, 2);
	g_assert_cmpstr(fw(c, 0)->name, ==, "opt/a");
	g_assert_cmpstr(fw(c, 0)->string, ==, "x,y");
	g_assert_null(fw(c, 0)->file);
	g_assert_cmpstr(fw(c, 1)->name, ==, "opt/b");
	g_assert_cmpstr(fw(c, 1)->file, ==, "/f");
	vm_config_free(c);
	bad("-fw_cfg opt/a,text=x", "unknown property 'text'");
}

static void watchdog(void)
{
	static const struct {
		const char *name;
		enum vm_action value;
	} rows[] = {
		{"reset", ACTION_RESET},       {"shutdown", ACTION_SHUTDOWN},
		{"poweroff", ACTION_POWEROFF}, {"inject-nmi", ACTION_INJECT_NMI},
		{"pause", ACTION_PAUSE},       {"debug", ACTION_DEBUG},
		{"none", ACTION_NONE},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *one = g_strconcat("-watchdog-action ", rows[i].name, NULL);
		g_autofree char *two = g_strconcat("-action watchdog=", rows[i].name, NULL);
		struct vm_config *c = good(one);

		g_assert_cmpint(c->on_watchdog, ==, rows[i].value);
		vm_config_free(c);
		c = good(two);
		g_assert_cmpint(c->on_watchdog, ==, rows[i].value);
		vm_config_free(c);
	}
	bad("-watchdog-action bark", "-watchdog-action bark: unknown value 'bark'");
}

static void graphics(void)
{
	struct vm_config *c = good("-M q35 -M graphics=off");

	g_assert_true(c->no_graphics);
	vm_config_free(c);
	c = good("-M q35,graphics=off,graphics=on");
	g_assert_false(c->no_graphics);
	vm_config_free(c);
	bad("-M graphics=some", "graphics: unknown value 'some'");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cli-boot/boot", boot);
	g_test_add_func("/cli-boot/fw-cfg", fw_cfg);
	g_test_add_func("/cli-boot/watchdog", watchdog);
	g_test_add_func("/cli-boot/graphics", graphics);
	return g_test_run();
}
