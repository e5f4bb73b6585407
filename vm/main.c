// SPDX-License-Identifier: GPL-2.0-or-later
/* The program: command line to configuration, configuration to machine, run, exit.  The only file
 * that sees every layer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/err.h"
#include "base/log.h"
#include "ctl/cli.h"
#include "ctl/monitor.h"
#include "vm/config.h"
#include "vm/vm.h"

static void mon_quit(void *vm)
{
	vm_quit(vm, 0);
}

static void mon_stop(void *vm)
{
	vm_stop(vm);
}

static void mon_cont(void *vm)
{
	vm_cont(vm);
}

static void mon_reset(void *vm)
{
	vm_system_reset(vm);
}

static void mon_powerdown(void *vm)
{
	vm_powerdown(vm);
}

static bool mon_info(void *vm, const char *what, GString *out)
{
	return vm_info(vm, what, out);
}

static const struct monitor_ops monitor_ops = {mon_quit,  mon_stop,      mon_cont,
					       mon_reset, mon_powerdown, mon_info};

static int write_pidfile(const char *path, struct err **errp)
{
	FILE *f = path ? fopen(path, "we") : NULL;

	if (!path)
		return 0;
	if (!f || fprintf(f, "%d\n", (int)getpid()) < 0 || fclose(f))
		return err_set_errno(errp, -errno, "-pidfile %s", path);
	return 0;
}

/* The machine is built: a daemon's parent may go, then the guest runs. */
static int run_built(struct vm *vm, int daemon, struct err **errp)
{
	struct monitor *mon = NULL;
	int ret = daemon >= 0 ? daemon_ready(daemon, errp) : 0;

	if (ret < 0)
		return ret;
	if (vm_monitor_chardev(vm))
		mon = monitor_new(vm_monitor_chardev(vm), &monitor_ops, vm);
	ret = vm_run(vm, errp);
	monitor_free(mon);
	return ret;
}

static int run(const struct vm_config *c, struct err **errp)
{
	struct vm *vm = NULL;
	int daemon = -1, ret = 0;

	if (c->daemonize)
		ret = daemon = daemon_start(errp);
	if (ret >= 0)
		ret = write_pidfile(c->pidfile, errp);
	if (ret < 0)
		return ret;
	ret = vm_new(&vm, c, errp);
	if (ret >= 0) {
		ret = run_built(vm, daemon, errp);
		vm_free(vm);
	}
	if (c->pidfile)
		unlink(c->pidfile);
	return ret;
}

int main(int argc, char **argv)
{
	struct vm_config *config = vm_config_new();
	struct cli_result cli = {0};
	struct err *e = NULL;
	struct log *log = NULL;
	int ret = cli_parse(argc, argv, config, &cli, &e);

	if (ret >= 0 && !cli.exit_now) {
		vm_config_complete(config);
		ret = vm_config_validate(config, &e);
		if (ret >= 0)
			ret = log_start(&log, config->logfile, config->debug, &e);
		if (ret >= 0)
			ret = run(config, &e);
	} else if (ret >= 0) {
		ret = cli.status;
	}
	log_stop(log);
	vm_config_free(config);
	if (e)
		err_report_free(e);
	return ret < 0 ? 1 : ret;
}
