// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the options about what the board tells firmware: -boot, -fw_cfg.  Called from
 * the table in cli.c; limits and defaults are vm/config.c's.
 */
#include "ctl/cli_int.h"

#include <errno.h>
#include <string.h>

#define AT(field) offsetof(struct vm_boot, field)

/* --- -boot --- */

static int set_ms(const char *value, bool *has, int64_t *ms, struct err **errp)
{
	char *end;

	errno = 0;
	*ms = g_ascii_strtoll(value, &end, 0);
	if (!g_ascii_isdigit(value[*value == '-']) || *end || errno)
		return err_set(errp, -EINVAL, "'%s' is not a number", value);
	*has = true;
	return 0;
}

static int reboot_timeout(void *target, const char *value, struct err **errp)
{
	struct vm_boot *b = target;

	return set_ms(value, &b->has_reboot_timeout, &b->reboot_timeout, errp);
}

static int splash_time(void *target, const char *value, struct err **errp)
{
	struct vm_boot *b = target;

	return set_ms(value, &b->has_splash_time, &b->splash_time, errp);
}

static const struct prop boot_props[] = {
	{"order", PROP_STR, AT(order)},
	{"once", PROP_STR, AT(once)},
	{"menu", PROP_CHOICE, AT(menu), choices_on_off},
	{"splash", PROP_STR, AT(splash)},
	{"splash-time", PROP_CALL, .set = splash_time},
	{"reboot-timeout", PROP_CALL, .set = reboot_timeout},
	{"strict", PROP_CHOICE, AT(strict), choices_on_off},
	{},
};

int cli_boot(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "order");

	return props_apply(boot_props, &s->c->boot, 0, list, errp);
}

/* --- -fw_cfg --- */

static const struct prop fw_props[] = {
	{"name", PROP_STR, offsetof(struct vm_fw_file, name)},
	{"file", PROP_STR, offsetof(struct vm_fw_file, file)},
	{"string", PROP_STR, offsetof(struct vm_fw_file, string)},
	{},
};

int cli_fw_cfg(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	g_autoptr(GArray) list = kv_parse(arg, "name");
	struct vm_fw_file *f = g_new0(struct vm_fw_file, 1);

	g_ptr_array_add(s->c->fw_files, f);
	return props_apply(fw_props, f, 0, list, errp);
}
