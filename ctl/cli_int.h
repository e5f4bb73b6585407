/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files cli*.c share: the state of one parse, key=value lists, tables of properties. */
#ifndef CTL_CLI_INT_H
#define CTL_CLI_INT_H

#include <glib.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "ctl/cli.h"
#include "ctl/device_text.h"
#include "vm/config.h"

/* One run of cli_parse(). */
struct cli {
	struct vm_config *c;
	struct cli_result *res;
	FILE *out;
	bool accel_option, accel_property; /* -accel, -machine accel= (or -enable-kvm) were used */
};

struct cli_option {
	const char *name;
	const char *arg; /* as the help shows it; NULL = takes none */
	int (*handle)(struct cli *s, const struct cli_option *o, const char *arg,
		      struct err **errp);
	size_t offset; /* in struct vm_config, where the handler needs one */
	const char *help;
};

typedef int cli_handler(struct cli *s, const struct cli_option *o, const char *arg,
			struct err **errp);

cli_handler cli_machine, cli_accel, cli_enable_kvm, cli_cpu, cli_smp, cli_memory, cli_action,
	cli_no_reboot, cli_no_shutdown, cli_name, cli_uuid, cli_rtc;
cli_handler cli_device, cli_global, cli_host_device, cli_host_sysfs;
cli_handler cli_chardev, cli_serial, cli_monitor, cli_mon, cli_qmp, cli_qmp_pretty, cli_qtest,
	cli_debugcon;
cli_handler cli_boot, cli_fw_cfg, cli_watchdog_action;
cli_handler cli_object, cli_drive, cli_blockdev;

/* Help was printed to s->out: the rest of the command line does not matter any more. */
void cli_exit_now(struct cli *s);
bool cli_is_help(const char *word); /* "help" or "?" */

/*
 * "a,b=c,,d" to {first: a} {b: "c,d"}; a key alone has the value NULL.  A first word without "=" is the
 * value of the key first, if that is not NULL.  Array of struct kv, owns its strings.
 */
GArray *kv_parse(const char *text, const char *first);
const char *kv_get(const GArray *list, const char *key); /* the last one; "on" for a key alone */
bool kv_has_help(const GArray *list);                    /* the key help or ?, alone */

struct choice {
	const char *name;
	int value;
};

/* What a property's value is and where it goes. */
enum prop_type {
	PROP_STR,    /* char *, owned */
	PROP_BOOL,   /* bool; the key alone = on, "no" in front of the key alone = off */
	PROP_UINT,   /* unsigned, 0 to INT_MAX */
	PROP_COUNT,  /* unsigned, 1 to 65535 */
	PROP_BYTES,  /* uint64_t, digits and K, M, G, T; no letter = bytes */
	PROP_MIB,    /* the same, no letter = MiB */
	PROP_CHOICE, /* an enum: one of choices */
	PROP_CALL,   /* anything: set() is called */
	PROP_ACCEPT, /* any value, without effect */
};

#define PROP_NOWHERE SIZE_MAX /* offset: checked, then dropped */

struct prop {
	const char *name;
	enum prop_type type;
	size_t offset;
	const struct choice *choices; /* ends with a NULL name */
	int (*set)(void *target, const char *value, struct err **errp);
	unsigned kinds; /* bit mask of the kinds of target that have it; 0 = all */
};

extern const struct choice choices_on_off[], choices_on_off_auto[], choices_off[], choices_on[];

/* Put a list into target by the table (ends with a NULL name); kind is one bit. */
int props_apply(const struct prop *table, void *target, unsigned kind, const GArray *list,
		struct err **errp);

int parse_choice(const struct choice *choices, const char *value, int *out, struct err **errp);
int parse_bytes(const char *value, uint64_t unit, uint64_t *out, struct err **errp);
void replace(char **where, const char *value); /* frees what was there */

#endif
