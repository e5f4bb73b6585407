// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the commands about the machine as a whole.  Called through the table. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "accel/vcpu.h"
#include "base/err.h"
#include "cpu/lookup.h"
#include "ctl/qmp_cmds.h"
#include "vm/board.h"
#include "vm/vm.h"

JsonNode *qmp_stop(struct qmp_call *c, struct err **errp)
{
	vm_stop(c->vm);
	return NULL;
}

JsonNode *qmp_cont(struct qmp_call *c, struct err **errp)
{
	if (vm_state(c->vm) == VM_INTERNAL_ERROR)
		err_set(errp, -EBUSY, "Resetting the Virtual Machine is required");
	else
		vm_cont(c->vm);
	return NULL;
}

JsonNode *qmp_system_reset(struct qmp_call *c, struct err **errp)
{
	c->after = vm_system_reset;
	return NULL;
}

JsonNode *qmp_system_powerdown(struct qmp_call *c, struct err **errp)
{
	c->after = vm_powerdown;
	return NULL;
}

JsonNode *qmp_system_wakeup(struct qmp_call *c, struct err **errp)
{
	err_set(errp, -ENOTSUP, "wake-up from suspend is not supported by this guest");
	return NULL;
}

JsonNode *qmp_migrate_pause(struct qmp_call *c, struct err **errp)
{
	err_set(errp, -ENOTSUP,
		"migrate-pause is currently only supported during postcopy-active state");
	return NULL;
}

JsonNode *qmp_empty_list(struct qmp_call *c, struct err **errp)
{
	return qmp_array(json_array_new());
}

/* There is an ACPI board, but nothing in it whose hotplug _OST would tell of. */
JsonNode *qmp_query_acpi_ospm(struct qmp_call *c, struct err **errp)
{
	if (!board_is_none(vm_board(c->vm)))
		return qmp_array(json_array_new());
	err_set(errp, -ENOTSUP, "command is not supported, missing ACPI device");
	return NULL;
}

/* --- memory to files --- */

static int save_range(struct aspace *as, uint64_t addr, uint64_t size, int fd, struct err **errp)
{
	uint8_t buf[65536];

	while (size) {
		size_t n = MIN(size, sizeof(buf)), done = 0;

		aspace_read_buf(as, addr, buf, n);
		while (done < n) {
			ssize_t w = write(fd, buf + done, n - done);

			if (w < 0 && errno != EINTR)
				return err_set_errno(errp, -errno, "write");
			done += w > 0 ? (size_t)w : 0;
		}
		addr += n, size -= n;
	}
	return 0;
}

/* regs NULL: addr is physical. */
static int save_pages(struct aspace *as, const struct x86_regs *regs, uint64_t addr, uint64_t size,
		      int fd, struct err **errp)
{
	int ret = 0;

	if (!regs)
		return save_range(as, addr, size, fd, errp);
	while (ret >= 0 && size) {
		uint64_t n = MIN(size, 4096 - (addr & 0xfff)), phys;

		if (!x86_lookup(as, regs, addr, &phys))
			return err_set(errp, -EFAULT, "there is no page at 0x%" PRIx64, addr);
		ret = save_range(as, phys, n, fd, errp);
		addr += n, size -= n;
	}
	return ret;
}

static void save_memory(struct qmp_call *c, const struct x86_regs *regs, uint64_t addr,
			uint64_t size, struct err **errp)
{
	const char *file = qmp_str(c, "filename");
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), ret;

	if (fd < 0) {
		err_set_errno(errp, -errno, "Could not open '%s'", file);
		return;
	}
	ret = save_pages(vm_board(c->vm)->mem, regs, addr, size, fd, errp);
	if (ret < 0)
		err_prefix(errp, "%s", file);
	if (close(fd) < 0 && ret >= 0)
		err_set_errno(errp, -errno, "%s", file);
}

JsonNode *qmp_pmemsave(struct qmp_call *c, struct err **errp)
{
	gint64 addr = qmp_int(c, "val", 0), size = qmp_int(c, "size", 0);

	if (size < 0)
		err_set(errp, -EINVAL, "Parameter 'size' expects a non-negative number");
	else
		save_memory(c, NULL, (uint64_t)addr, (uint64_t)size, errp);
	return NULL;
}

/* --- what the machine is --- */

JsonNode *qmp_query_status(struct qmp_call *c, struct err **errp)
{
	enum vm_state state = vm_state(c->vm);
	JsonObject *o = json_object_new();

	json_object_set_boolean_member(o, "running", state == VM_RUNNING);
	json_object_set_boolean_member(o, "singlestep", FALSE);
	json_object_set_string_member(o, "status", vm_state_name(state));
	return qmp_object(o);
}

JsonNode *qmp_query_name(struct qmp_call *c, struct err **errp)
{
	JsonObject *o = json_object_new();

	if (vm_config(c->vm)->name)
		json_object_set_string_member(o, "name", vm_config(c->vm)->name);
	return qmp_object(o);
}

JsonNode *qmp_query_uuid(struct qmp_call *c, struct err **errp)
{
	JsonObject *o = json_object_new();

	json_object_set_string_member(
		o, "UUID", vm_config(c->vm)->uuid ?: "00000000-0000-0000-0000-000000000000");
	return qmp_object(o);
}

JsonNode *qmp_query_kvm(struct qmp_call *c, struct err **errp)
{
	const struct accel *a = vm_board(c->vm)->accel;
	JsonObject *o = json_object_new();

	json_object_set_boolean_member(o, "enabled", a && a->ops == &kvm_accel_ops);
	json_object_set_boolean_member(o, "present", access("/dev/kvm", F_OK) == 0);
	return qmp_object(o);
}

JsonNode *qmp_query_target(struct qmp_call *c, struct err **errp)
{
	JsonObject *o = json_object_new();

	json_object_set_string_member(o, "arch", "x86_64");
	return qmp_object(o);
}

JsonNode *qmp_query_memory_size(struct qmp_call *c, struct err **errp)
{
	JsonObject *o = json_object_new();

	json_object_set_int_member(o, "base-memory", (gint64)vm_config(c->vm)->ram_size);
	json_object_set_int_member(o, "plugged-memory", 0);
	return qmp_object(o);
}

JsonNode *qmp_query_vnc(struct qmp_call *c, struct err **errp)
{
	JsonObject *o = json_object_new();

	json_object_set_boolean_member(o, "enabled", FALSE);
	return qmp_object(o);
}

JsonNode *qmp_inject_nmi(struct qmp_call *c, struct err **errp)
{
	vm_nmi(c->vm, errp);
	return NULL;
}

/* Of CPU 0 where none is named: pages that are not there are an error. */
JsonNode *qmp_memsave(struct qmp_call *c, struct err **errp)
{
	gint64 size = qmp_int(c, "size", 0), cpu = qmp_int(c, "cpu-index", 0);
	uint64_t addr = (uint64_t)qmp_int(c, "val", 0);
	struct x86_regs regs;

	if (cpu < 0 || cpu > VM_MAX_CPUS || vm_cpu_regs(c->vm, (unsigned)cpu, &regs) < 0) {
		err_set(errp, -EINVAL, "Parameter 'cpu-index' expects a CPU number");
		return NULL;
	}
	if (size < 0) {
		err_set(errp, -EINVAL, "Parameter 'size' expects a non-negative number");
		return NULL;
	}
	save_memory(c, &regs, addr, (uint64_t)size, errp);
	return NULL;
}
