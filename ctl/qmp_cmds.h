/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The handlers of QMP's commands, by file; only qmp_table.c looks at them all. */
#ifndef CTL_QMP_CMDS_H
#define CTL_QMP_CMDS_H

#include "ctl/qmp.h"

/* qmp_control.c: the session and the interface itself */
qmp_handler qmp_capabilities, qmp_query_version, qmp_query_commands, qmp_query_events,
	qmp_query_schema, qmp_human_monitor_command, qmp_getfd, qmp_closefd, qmp_add_fd,
	qmp_remove_fd, qmp_query_fdsets, qmp_exit_preconfig, qmp_quit;

/* qmp_machine.c: the machine as a whole */
qmp_handler qmp_stop, qmp_cont, qmp_system_reset, qmp_system_powerdown, qmp_system_wakeup,
	qmp_inject_nmi, qmp_pmemsave, qmp_memsave, qmp_query_status, qmp_query_name, qmp_query_uuid,
	qmp_query_kvm, qmp_query_target, qmp_query_memdev, qmp_query_memory_size, qmp_empty_list,
	qmp_query_acpi_ospm, qmp_query_vnc, qmp_migrate_pause;

/* qmp_cpu.c: boards and CPUs that there are */
qmp_handler qmp_query_machines, qmp_query_cpus_fast, qmp_query_hotpluggable_cpus,
	qmp_query_cpu_definitions, qmp_query_cpu_model_expansion;

/* qmp_device.c, qmp_pci.c, qmp_qom.c */
qmp_handler qmp_device_add, qmp_device_del, qmp_device_list_properties, qmp_set_link;
qmp_handler qmp_query_pci;
qmp_handler qmp_qom_list_types, qmp_qom_list, qmp_qom_get, qmp_qom_set, qmp_object_add,
	qmp_object_del;

/* qmp_backend.c: chardevs and block nodes */
qmp_handler qmp_query_chardev, qmp_query_chardev_backends, qmp_chardev_add, qmp_chardev_remove,
	qmp_blockdev_add, qmp_blockdev_del, qmp_query_block, qmp_query_named_block_nodes;

/* qmp_host.c: the emulated host */
qmp_handler qmp_host_write, qmp_host_read;

/* qmp_vfio.c: passthrough */
qmp_handler qmp_query_vfio, qmp_vfio_config;

#endif
