// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the list of accelerators; called by vm/; never looks inside one. */
#include "accel/accel.h"

#include <stddef.h>
#include <string.h>

#include "base/err.h"

const struct accel_ops *const accel_list[] = {&kvm_accel_ops, &soft_accel_ops, &qtest_accel_ops,
					      NULL};

int accel_open(struct accel **out, const char *name, const struct accel_conf *conf,
	       struct err **errp)
{
	for (int i = 0; accel_list[i]; i++)
		if (!strcmp(accel_list[i]->name, name))
			return accel_list[i]->open(out, conf, errp);
	return err_set(errp, -ENODEV, "accelerator '%s' is not part of this build", name);
}

void accel_close(struct accel *a)
{
	if (a)
		a->ops->close(a);
}

static void gsi_set(void *opaque, int n, bool level)
{
	struct accel *a = opaque;

	a->irq.ops->line_set(a->irq.opaque, n, level);
}

struct wire accel_gsi(struct accel *a, int n)
{
	return (struct wire){gsi_set, a, n};
}
