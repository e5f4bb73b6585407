// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns -object, -drive and -blockdev: what devices name by id.  Called from the table in cli.c;
 * what their properties mean is vm/backends.c's.
 */
#include "ctl/cli_int.h"

#include <errno.h>
#include <string.h>

/* Take a property out of the list, to become a field. */
static void take(struct vm_device *d, const char *key, char **where)
{
	for (guint i = 0; i < d->props->len; i++) {
		struct kv *kv = &g_array_index(d->props, struct kv, i);

		if (strcmp(kv->key, key))
			continue;
		replace(where, kv->value);
		g_array_remove_index(d->props, i);
		return;
	}
}

static int add(GPtrArray *list, struct vm_device *d, int ret)
{
	if (ret < 0)
		vm_device_free(d);
	else
		g_ptr_array_add(list, d);
	return ret;
}

int cli_object(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	struct vm_device *d = vm_device_new(NULL);
	int ret = cli_fill(d, arg, "qom-type", errp);

	take(d, "qom-type", &d->driver);
	if (ret == 0 && (!d->driver || !*d->driver))
		ret = err_set(errp, -EINVAL, "no type named");
	if (ret == 0 && !d->id)
		ret = err_set(errp, -EINVAL, "it needs id=");
	return add(s->c->objects, d, ret);
}

/* A property driver is the block driver's name, not the option's. */
int cli_drive(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	struct vm_device *d = vm_device_new(NULL);
	int ret = cli_fill(d, arg, NULL, errp);

	if (d->driver)
		vm_device_set(d, "driver", d->driver);
	replace(&d->driver, "drive");
	return add(s->c->drives, d, ret);
}

int cli_blockdev(struct cli *s, const struct cli_option *o, const char *arg, struct err **errp)
{
	struct vm_device *d = vm_device_new(NULL);
	int ret = cli_fill(d, arg, "driver", errp);

	take(d, "node-name", &d->id);
	if (ret == 0 && (!d->driver || !*d->driver))
		ret = err_set(errp, -EINVAL, "no driver named");
	if (ret == 0 && !d->id)
		ret = err_set(errp, -EINVAL, "it needs node-name=");
	return add(s->c->drives, d, ret);
}
