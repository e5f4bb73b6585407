// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The one table of QMP's commands: it drives lookup, the checking of arguments, query-commands and
 * query-qmp-schema.  Data only.
 */
#include "ctl/qmp_cmds.h"

const struct qmp_command qmp_commands[] = {
	{"qmp_capabilities", qmp_capabilities, "*enable:[QMPCapability]", NULL,
	 QMP_EARLY | QMP_NO_NEG},
	{"query-version", qmp_query_version, NULL, "VersionInfo", QMP_EARLY},
	{"query-commands", qmp_query_commands, NULL, "[CommandInfo]", QMP_EARLY},
	{"query-events", qmp_query_events, NULL, "[EventInfo]", QMP_EARLY},
	{"query-qmp-schema", qmp_query_schema, NULL, "[SchemaInfo]", QMP_EARLY},
	{"human-monitor-command", qmp_human_monitor_command, "command-line:str,*cpu-index:int",
	 "str"},
	{"getfd", qmp_getfd, "fdname:str", NULL, QMP_EARLY | QMP_FD},
	{"closefd", qmp_closefd, "fdname:str", NULL, QMP_EARLY},
	{"add-fd", qmp_add_fd, "*fdset-id:int,*opaque:str", "AddfdInfo", QMP_EARLY | QMP_FD},
	{"remove-fd", qmp_remove_fd, "fdset-id:int,*fd:int", NULL, QMP_EARLY},
	{"query-fdsets", qmp_query_fdsets, NULL, "[FdsetInfo]", QMP_EARLY},
	{"x-exit-preconfig", qmp_exit_preconfig, NULL, NULL, QMP_EARLY},
	{"quit", qmp_quit, NULL, NULL, QMP_EARLY},

	{"stop", qmp_stop},
	{"cont", qmp_cont},
	{"system_reset", qmp_system_reset},
	{"system_powerdown", qmp_system_powerdown},
	{"system_wakeup", qmp_system_wakeup},
	{"inject-nmi", qmp_inject_nmi},
	{"pmemsave", qmp_pmemsave, "val:int,size:int,filename:str"},
	{"memsave", qmp_memsave, "val:int,size:int,filename:str,*cpu-index:int"},
	{"migrate-pause", qmp_migrate_pause, NULL, NULL, QMP_OOB},
	{"query-status", qmp_query_status, NULL, "StatusInfo", QMP_EARLY},
	{"query-name", qmp_query_name, NULL, "NameInfo", QMP_EARLY},
	{"query-uuid", qmp_query_uuid, NULL, "UuidInfo", QMP_EARLY},
	{"query-kvm", qmp_query_kvm, NULL, "KvmInfo"},
	{"query-target", qmp_query_target, NULL, "TargetInfo", QMP_EARLY},
	{"query-memdev", qmp_query_memdev, NULL, "[Memdev]", QMP_EARLY},
	{"query-memory-size-summary", qmp_query_memory_size, NULL, "MemoryInfo"},
	{"query-iothreads", qmp_empty_list, NULL, "[IOThreadInfo]", QMP_EARLY},
	{"query-mice", qmp_empty_list, NULL, "[MouseInfo]"},
	{"query-vnc", qmp_query_vnc, NULL, "VncInfo"},
	{"query-acpi-ospm-status", qmp_query_acpi_ospm, NULL, "[ACPIOSTInfo]"},

	{"query-machines", qmp_query_machines, NULL, "[MachineInfo]", QMP_EARLY},
	{"query-cpus-fast", qmp_query_cpus_fast, NULL, "[CpuInfoFast]"},
	{"query-hotpluggable-cpus", qmp_query_hotpluggable_cpus, NULL, "[HotpluggableCPU]",
	 QMP_EARLY},
	{"query-cpu-definitions", qmp_query_cpu_definitions, NULL, "[CpuDefinitionInfo]",
	 QMP_EARLY},
	{"query-cpu-model-expansion", qmp_query_cpu_model_expansion,
	 "type:CpuModelExpansionType,model:CpuModelInfo", "CpuModelExpansionInfo", QMP_EARLY},

	{"device_add", qmp_device_add, "driver:str,*bus:str,*id:str", NULL, QMP_OPEN},
	{"device_del", qmp_device_del, "id:str"},
	{"device-list-properties", qmp_device_list_properties, "typename:str",
	 "[ObjectPropertyInfo]", QMP_EARLY},
	{"set_link", qmp_set_link, "name:str,up:bool"},
	{"query-pci", qmp_query_pci, NULL, "[PciInfo]"},
	{"x-query-vfio", qmp_query_vfio, NULL, "[x-VfioInfo]"},
	{"x-vfio-config", qmp_vfio_config, "id:str", "x-ConfigMap"},

	{"qom-list-types", qmp_qom_list_types, "*implements:str,*abstract:bool", "[ObjectTypeInfo]",
	 QMP_EARLY},
	{"qom-list-properties", qmp_device_list_properties, "typename:str", "[ObjectPropertyInfo]",
	 QMP_EARLY},
	{"qom-list", qmp_qom_list, "path:str", "[ObjectPropertyInfo]", QMP_EARLY},
	{"qom-get", qmp_qom_get, "path:str,property:str", "any", QMP_EARLY},
	{"qom-set", qmp_qom_set, "path:str,property:str,value:any", NULL, QMP_EARLY},
	{"object-add", qmp_object_add,
	 "qom-type:ObjectType,id:str"
	 "?qom-type/memory-backend-file:MemoryBackendFileProperties/"
	 "memory-backend-memfd:MemoryBackendProperties/memory-backend-ram:MemoryBackendProperties",
	 NULL, QMP_EARLY},
	{"object-del", qmp_object_del, "id:str", NULL, QMP_EARLY},

	{"query-chardev", qmp_query_chardev, NULL, "[ChardevInfo]", QMP_EARLY},
	{"query-chardev-backends", qmp_query_chardev_backends, NULL, "[ChardevBackendInfo]",
	 QMP_EARLY},
	{"chardev-add", qmp_chardev_add, "id:str,backend:ChardevBackend", "ChardevReturn",
	 QMP_EARLY},
	{"chardev-remove", qmp_chardev_remove, "id:str", NULL, QMP_EARLY},
	{"blockdev-add", qmp_blockdev_add,
	 "driver:BlockdevDriver,*node-name:str,*read-only:bool,*auto-read-only:bool,"
	 "*discard:str,*cache:any?driver/blkdebug:BlockdevOptionsBlkdebug/"
	 "file:BlockdevOptionsFile/host_device:BlockdevOptionsFile/null-co:BlockdevOptionsNull/"
	 "raw:BlockdevOptionsRaw",
	 NULL, QMP_EARLY},
	{"blockdev-del", qmp_blockdev_del, "node-name:str", NULL, QMP_EARLY},
	{"query-block", qmp_query_block, NULL, "[BlockInfo]", QMP_EARLY},
	{"query-named-block-nodes", qmp_query_named_block_nodes, "*flat:bool", "[BlockDeviceInfo]",
	 QMP_EARLY},
	{"x-host-sysfs-write", qmp_host_write, "path:str,text:str"},
	{"x-host-sysfs-read", qmp_host_read, "path:str", "str"},
	{NULL},
};
