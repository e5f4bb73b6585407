// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the commands to the emulated host's sysfs.  Called through the table. */
#include "ctl/qmp_cmds.h"
#include "vm/board.h"
#include "vm/vm.h"

/* The end is an event: a driver may have to wait for the guest. */
JsonNode *qmp_host_write(struct qmp_call *c, struct err **errp)
{
	board_host_write(vm_board(c->vm), qmp_str(c, "path"), qmp_str(c, "text"), errp);
	return NULL;
}

JsonNode *qmp_host_read(struct qmp_call *c, struct err **errp)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (board_host_read(vm_board(c->vm), qmp_str(c, "path"), out, errp) < 0)
		return NULL;
	return qmp_string(out->str);
}
