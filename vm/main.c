// SPDX-License-Identifier: GPL-2.0-or-later
/* The program: command line to configuration, configuration to machine, run, exit.  The only file
 * that sees every layer. */
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/err.h"
#include "base/log.h"
#include "ctl/cli.h"
#include "ctl/control.h"
#include "vm/config.h"
#include "vm/vm.h"

static int write_pidfile(const char *path, struct err **errp)
{
	FILE *f = path ? fopen(path, "we") : NULL;

	if (!path)
		return 0;
	if (!f || fprintf(f, "%d\n", (int)getpid()) < 0 || fclose(f))
		return err_set_errno(errp, -errno, "-pidfile %s", path);
	return 0;
}

/* --preconfig: the front ends first; the machine when a client says so.  1 = it said quit. */
static int preconfig(struct vm *vm, struct control *control, struct err **errp)
{
	int ret = control_serve(control, errp);

	return ret < 0 ? ret : vm_preconfig(vm);
}

/* The machine is built: a daemon's parent may go, then the guest runs. */
static int build_and_run(struct vm *vm, struct control *control, int daemon, struct err **errp)
{
	int ret = vm_build(vm, errp);

	if (ret >= 0)
		ret = control_serve(control, errp);
	if (ret >= 0 && daemon >= 0)
		ret = daemon_ready(daemon, errp);
	return ret < 0 ? ret : vm_run(vm);
}

static gboolean nothing(gpointer opaque)
{
	return G_SOURCE_CONTINUE;
}

/* The end has begun: whoever asks for it once more does not cut it short. */
static void expect_signals(void)
{
	static const int sigs[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < G_N_ELEMENTS(sigs); i++)
		g_unix_signal_add(sigs[i], nothing, NULL);
}

static int run_machine(const struct vm_config *c, struct control *control, int daemon,
		       struct err **errp)
{
	struct vm *vm = NULL;
	int ret = vm_new(&vm, c, control_vm_ops(control), errp);

	if (ret < 0)
		return ret;
	control_attach(control, vm);
	ret = c->preconfig ? preconfig(vm, control, errp) : 0;
	if (!ret)
		ret = build_and_run(vm, control, daemon, errp);
	else if (ret > 0)
		ret = 0;
	expect_signals();
	control_detach(control);
	vm_free(vm);
	return ret;
}

static int run(const struct vm_config *c, struct err **errp)
{
	struct control *control;
	int daemon = -1, ret = 0;

	if (c->daemonize)
		ret = daemon = daemon_start(errp);
	if (ret >= 0)
		ret = write_pidfile(c->pidfile, errp);
	if (ret < 0)
		return ret;
	control = control_new(c);
	ret = run_machine(c, control, daemon, errp);
	control_free(control);
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
