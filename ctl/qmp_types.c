// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The types of QMP's arguments, replies and events: QEMU 7.2's, as far as the commands here use
 * them, and those of the views that only sluice has (x-).  Data only; the notation is
 * qmp_schema.h's.
 */
#include "ctl/qmp_schema.h"

#include <stddef.h>

const struct qmp_type qmp_types[] = {
	{"QMPCapability", "=oob"},
	{"VersionTriple", "major:int,minor:int,micro:int"},
	{"VersionInfo", "qemu:VersionTriple,package:str"},
	{"CommandInfo", "name:str"},
	{"EventInfo", "name:str"},
	{"RunState",
	 "=debug|inmigrate|internal-error|io-error|paused|postmigrate|prelaunch|finish-migrate|"
	 "restore-vm|running|save-vm|shutdown|suspended|watchdog|guest-panicked|colo"},
	{"StatusInfo", "running:bool,singlestep:bool,status:RunState"},
	{"NameInfo", "*name:str"},
	{"UuidInfo", "UUID:str"},
	{"KvmInfo", "enabled:bool,present:bool"},
	{"SysEmuTarget", "=x86_64"},
	{"TargetInfo", "arch:SysEmuTarget"},
	{"MachineInfo",
	 "name:str,*alias:str,*is-default:bool,cpu-max:int,hotpluggable-cpus:bool,"
	 "numa-mem-supported:bool,deprecated:bool,*default-cpu-type:str,*default-ram-id:str"},
	{"CpuInstanceProperties",
	 "*node-id:int,*socket-id:int,*die-id:int,*cluster-id:int,*core-id:int,*thread-id:int"},
	{"CpuInfoFast", "cpu-index:int,qom-path:str,thread-id:int,*props:CpuInstanceProperties,"
			"target:SysEmuTarget"},
	{"HotpluggableCPU", "type:str,vcpus-count:int,props:CpuInstanceProperties,*qom-path:str"},
	{"CpuDefinitionInfo",
	 "name:str,*migration-safe:bool,static:bool,*unavailable-features:[str],typename:str,"
	 "*alias-of:str,deprecated:bool"},
	{"CpuModelInfo", "name:str,*props:any"},
	{"CpuModelExpansionType", "=static|full"},
	{"CpuModelExpansionInfo", "model:CpuModelInfo"},
	{"PciMemoryRange", "base:int,limit:int"},
	{"PciMemoryRegion",
	 "bar:int,type:str,address:int,size:int,*prefetch:bool,*mem_type_64:bool"},
	{"PciBusInfo", "number:int,secondary:int,subordinate:int,io_range:PciMemoryRange,"
		       "memory_range:PciMemoryRange,prefetchable_range:PciMemoryRange"},
	{"PciBridgeInfo", "bus:PciBusInfo,*devices:[PciDeviceInfo]"},
	{"PciDeviceClass", "*desc:str,class:int"},
	{"PciDeviceId", "device:int,vendor:int,*subsystem:int,*subsystem-vendor:int"},
	{"PciDeviceInfo",
	 "bus:int,slot:int,function:int,class_info:PciDeviceClass,id:PciDeviceId,*irq:int,"
	 "irq_pin:int,qdev_id:str,*pci_bridge:PciBridgeInfo,regions:[PciMemoryRegion]"},
	{"PciInfo", "bus:int,devices:[PciDeviceInfo]"},
	{"ChardevInfo", "label:str,filename:str,frontend-open:bool"},
	{"ChardevBackendInfo", "name:str"},
	{"ChardevBackendKind", "=file|pipe|socket|pty|null|stdio"},
	{"UnixSocketAddress", "path:str"},
	{"InetSocketAddress", "host:str,port:str"},
	{"FdSocketAddress", "str:str"},
	{"UnixSocketAddressWrapper", "data:UnixSocketAddress"},
	{"InetSocketAddressWrapper", "data:InetSocketAddress"},
	{"FdSocketAddressWrapper", "data:FdSocketAddress"},
	{"SocketAddressType", "=inet|unix|fd"},
	{"SocketAddressLegacy",
	 "type:SocketAddressType?type/inet:InetSocketAddressWrapper/unix:UnixSocketAddressWrapper/"
	 "fd:FdSocketAddressWrapper"},
	{"ChardevFile", "*logfile:str,*logappend:bool,out:str,*append:bool"},
	{"ChardevHostdev", "*logfile:str,*logappend:bool,device:str"},
	{"ChardevSocket",
	 "*logfile:str,*logappend:bool,addr:SocketAddressLegacy,*server:bool,*wait:bool,"
	 "*nodelay:bool,*telnet:bool,*reconnect:int"},
	{"ChardevCommon", "*logfile:str,*logappend:bool"},
	{"ChardevStdio", "*logfile:str,*logappend:bool,*signal:bool"},
	{"ChardevFileWrapper", "data:ChardevFile"},
	{"ChardevHostdevWrapper", "data:ChardevHostdev"},
	{"ChardevSocketWrapper", "data:ChardevSocket"},
	{"ChardevCommonWrapper", "data:ChardevCommon"},
	{"ChardevStdioWrapper", "data:ChardevStdio"},
	{"ChardevBackend",
	 "type:ChardevBackendKind?type/file:ChardevFileWrapper/pipe:ChardevHostdevWrapper/"
	 "socket:ChardevSocketWrapper/pty:ChardevCommonWrapper/null:ChardevCommonWrapper/"
	 "stdio:ChardevStdioWrapper"},
	{"ChardevReturn", "*pty:str"},
	{"BlockdevDriver", "=blkdebug|file|host_device|null-co|raw"},
	{"BlockdevRef", "|str|BlockdevOptions"},
	{"BlockdevOptionsBlkdebug", "image:BlockdevRef,*config:str"},
	{"BlockdevOptionsFile", "filename:str"},
	{"BlockdevOptionsNull", "*size:int,*latency-ns:uint64,*read-zeroes:bool"},
	{"BlockdevOptionsRaw", "file:BlockdevRef,*offset:int,*size:int"},
	{"BlockdevOptions",
	 "driver:BlockdevDriver,*node-name:str,*read-only:bool,*auto-read-only:bool,"
	 "*discard:str,*cache:any?driver/blkdebug:BlockdevOptionsBlkdebug/"
	 "file:BlockdevOptionsFile/host_device:BlockdevOptionsFile/null-co:BlockdevOptionsNull/"
	 "raw:BlockdevOptionsRaw"},
	{"BlockDeviceInfo", "file:str,*node-name:str,ro:bool,drv:str"},
	{"BlockInfo",
	 "device:str,*qdev:str,type:str,removable:bool,locked:bool,*inserted:BlockDeviceInfo"},
	{"IOThreadInfo",
	 "id:str,thread-id:int,poll-max-ns:int,poll-grow:int,poll-shrink:int,aio-max-batch:int"},
	{"HostMemPolicy", "=default|preferred|bind|interleave"},
	{"Memdev", "*id:str,size:size,merge:bool,dump:bool,prealloc:bool,share:bool,*reserve:bool,"
		   "host-nodes:[uint16],policy:HostMemPolicy"},
	{"MemoryInfo", "base-memory:size,*plugged-memory:size"},
	{"MouseInfo", "name:str,index:int,current:bool,absolute:bool"},
	{"VncInfo", "enabled:bool"},
	{"ACPISlotType", "=DIMM|CPU"},
	{"ACPIOSTInfo", "*device:str,slot:str,slot-type:ACPISlotType,source:int,status:int"},
	{"ObjectTypeInfo", "name:str,*abstract:bool,*parent:str"},
	{"ObjectPropertyInfo", "name:str,type:str,*description:str,*default-value:any"},
	{"ObjectType", "=memory-backend-file|memory-backend-memfd|memory-backend-ram"},
	{"MemoryBackendProperties", "size:size,*share:bool,*prealloc:bool,*dump:bool,*merge:bool"},
	{"MemoryBackendFileProperties",
	 "size:size,mem-path:str,*share:bool,*prealloc:bool,*dump:bool,*merge:bool,"
	 "*discard-data:bool,*readonly:bool"},
	{"ObjectOptions",
	 "qom-type:ObjectType,id:str?qom-type/memory-backend-file:MemoryBackendFileProperties/"
	 "memory-backend-memfd:MemoryBackendProperties/memory-backend-ram:MemoryBackendProperties"},
	{"AddfdInfo", "fdset-id:int,fd:int"},
	{"FdsetFdInfo", "fd:int,*opaque:str"},
	{"FdsetInfo", "fdset-id:int,fds:[FdsetFdInfo]"},
	{"RebootAction", "=reset|shutdown"},
	{"ShutdownAction", "=poweroff|pause"},
	{"PanicAction", "=pause|shutdown|exit-failure|none"},
	{"WatchdogAction", "=reset|shutdown|poweroff|pause|debug|none|inject-nmi"},
	{"GuestPanicAction", "=pause|poweroff|run"},
	{"ShutdownCause",
	 "=none|host-error|host-qmp-quit|host-qmp-system-reset|host-signal|host-ui|"
	 "guest-shutdown|guest-reset|guest-panic|subsystem-reset|snapshot-load"},
	/* SchemaInfo itself, which query-qmp-schema returns. */
	{"SchemaMetaType", "=builtin|enum|array|object|alternate|command|event"},
	{"JSONType", "=string|number|int|boolean|null|object|array|value"},
	{"SchemaInfoBuiltin", "json-type:JSONType"},
	{"SchemaInfoEnumMember", "name:str,*features:[str]"},
	{"SchemaInfoEnum", "members:[SchemaInfoEnumMember],values:[str]"},
	{"SchemaInfoArray", "element-type:str"},
	{"SchemaInfoObjectMember", "name:str,type:str,*default:any,*features:[str]"},
	{"SchemaInfoObjectVariant", "case:str,type:str"},
	{"SchemaInfoObject",
	 "members:[SchemaInfoObjectMember],*tag:str,*variants:[SchemaInfoObjectVariant]"},
	{"SchemaInfoAlternateMember", "type:str"},
	{"SchemaInfoAlternate", "members:[SchemaInfoAlternateMember]"},
	{"SchemaInfoCommand", "arg-type:str,ret-type:str,*allow-oob:bool"},
	{"SchemaInfoEvent", "arg-type:str"},
	{"SchemaInfo",
	 "name:str,meta-type:SchemaMetaType,*features:[str]?meta-type/builtin:SchemaInfoBuiltin/"
	 "enum:SchemaInfoEnum/array:SchemaInfoArray/object:SchemaInfoObject/"
	 "alternate:SchemaInfoAlternate/command:SchemaInfoCommand/event:SchemaInfoEvent"},
	/* sluice's own views. */
	{"x-VfioRange", "offset:int,size:int,mapped:bool,*reason:str"},
	{"x-VfioRegionKind", "=io|memory|rom"},
	{"x-VfioRegion",
	 "region:int,kind:x-VfioRegionKind,size:int,*guest-address:int,mem-type-64:bool,"
	 "prefetch:bool,ranges:[x-VfioRange],trapped-reads:int,trapped-writes:int"},
	{"x-VfioInterrupts",
	 "mode:str,asked:int,armed:int,irqfd:int,watched:int,watched-events:int"},
	{"x-VfioResets", "vfio-device-reset:bool,flr:bool,pm:bool,*hot:bool,*hot-refused:str"},
	{"x-VfioDma", "container:int,maps:int,bytes:int,not-mapped:int"},
	{"x-VfioInfo", "id:str,host:str,backend:str,group:int,*bdf:str,asleep:bool,gone:bool,"
		       "regions:[x-VfioRegion],interrupts:x-VfioInterrupts,resets:x-VfioResets,"
		       "config-reads:int,config-writes:int,*dma:x-VfioDma"},
	{"x-ConfigOwner", "=device|virtual|overlay|hidden"},
	{"x-ConfigSpan", "offset:int,length:int,owner:x-ConfigOwner,*mask:int,name:str,value:str"},
	{"x-ConfigMap", "id:str,host:str,size:int,spans:[x-ConfigSpan]"},
	{NULL, NULL},
};

const struct qmp_event_type qmp_events[] = {
	{"STOP", NULL},
	{"RESUME", NULL},
	{"RESET", "guest:bool,reason:ShutdownCause"},
	{"SHUTDOWN", "guest:bool,reason:ShutdownCause"},
	{"POWERDOWN", NULL},
	{"WATCHDOG", "action:WatchdogAction"},
	{"GUEST_PANICKED", "action:GuestPanicAction"},
	{"GUEST_CRASHLOADED", "action:GuestPanicAction"},
	{"RTC_CHANGE", "offset:int,qom-path:str"},
	{"DEVICE_DELETED", "*device:str,path:str"},
	{"DEVICE_UNPLUG_GUEST_ERROR", "*device:str,path:str"},
	{"x-HOST_SYSFS_WRITTEN", "path:str,*error:str"},
	{"x-VFIO_DEVICE_ERROR", "*device:str,host:str"},
	{"x-VFIO_DEVICE_REQUEST", "*device:str,host:str"},
	{NULL, NULL},
};
