// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a fuzz target for the qtest server over a whole machine: the first two bytes of an input say
 * what is plugged and how the text is cut into segments, the rest is what a client sends.  Called
 * by libFuzzer, or by smoke.c; fuzz_vfio.c says how.
 *
 * Every line must get an answer, whatever it is, and the machine must end after it.  Only what
 * would take long because it asks for much (sizes, times) is left out.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "ctl/cli.h"
#include "ctl/control.h"
#include "tests/fuzz/client.h"
#include "vm/config.h"
#include "vm/vm.h"

#define HEAD 2
#define MAX_SIZE 0x4000ull
#define MAX_NS 20000000ull
#define LAST "\nthat-is-all\n"
#define LAST_REPLY "FAIL Unknown command 'that-is-all'\n"

/* --- what is left out --- */

static bool starts(const char *line, size_t len, const char *verb)
{
	size_t n = strlen(verb);

	return len > n && !memcmp(line, verb, n) && line[n] == ' ';
}

/* Word n of the line, from 0, as the server takes it for a number; 0 where it is none. */
static uint64_t number_at(const char *line, size_t len, unsigned n)
{
	g_autofree char *text = g_strndup(line, len);
	char *word = text;

	while (n-- && word)
		if ((word = strchr(word, ' ')))
			word++;
	return word ? strtoull(word, NULL, 0) : 0;
}

static bool too_much(const char *line, size_t len)
{
	static const char *const sized[] = {"read", "write", "memset", "b64read", "b64write"};
	static const char *const timed[] = {"clock_step", "clock_set"};

	for (size_t i = 0; i < G_N_ELEMENTS(sized); i++)
		if (starts(line, len, sized[i]))
			return number_at(line, len, 2) > MAX_SIZE;
	for (size_t i = 0; i < G_N_ELEMENTS(timed); i++)
		if (starts(line, len, timed[i]))
			return number_at(line, len, 1) > MAX_NS;
	return false;
}

static GString *bounded(const uint8_t *data, size_t size)
{
	GString *out = g_string_new(NULL);
	const char *p = (const char *)data, *end = p + size;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = nl ? (size_t)(nl + 1 - p) : (size_t)(end - p);

		if (!too_much(p, len))
			g_string_append_len(out, p, (gssize)len);
		p += len;
	}
	g_string_append(out, LAST);
	return out;
}

/* --- the machine --- */

static void must(int ret, struct err *e)
{
	if (ret >= 0)
		return;
	err_report_free(e);
	abort();
}

static struct vm_config *make_config(unsigned what, int fd)
{
	static const char *const devices[] = {
		"",
		" -device edu,addr=4 -device pci-zoo,addr=5 -device nvme,size=64K,serial=s,addr=6",
		" -device pcie-root-port,id=rp,addr=5 -device vfio-pci,host=01:00.0,addr=4"
		" -device vfio-pci,host=02:00.0,bus=rp -device vfio-pci,host=03:00.0,addr=6"
		" -host-device edu,addr=0000:01:00.0,driver=vfio-pci"
		" -host-device pci-zoo,addr=0000:02:00.0,driver=vfio-pci"
		" -host-device nvme,size=64K,serial=s,addr=0000:03:00.0,driver=vfio-pci",
		" -device pcie-root-port,id=rp,addr=5 -device pci-zoo,bus=rp -device edu,addr=6"
		" -device vfio-pci,host=01:00.0,addr=4"
		" -host-device edu,addr=0000:01:00.0,driver=vfio-pci",
	};
	g_autofree char *text = g_strdup_printf(
		"fuzz -M q35 -accel qtest -m 4 -nodefaults -serial null -no-shutdown"
		" -chardev socket,id=q,fd=%d -qtest chardev:q -qtest-log %s%s",
		fd, what & 0x80 ? "/dev/null" : "none", devices[what % G_N_ELEMENTS(devices)]);
	g_auto(GStrv) argv = g_strsplit(text, " ", -1);
	struct vm_config *config = vm_config_new();
	struct cli_result cli = {0};
	struct err *e = NULL;
	int ret = cli_parse((int)g_strv_length(argv), argv, config, &cli, &e);

	must(ret, e);
	vm_config_complete(config);
	ret = vm_config_validate(config, &e);
	must(ret, e);
	return config;
}

static void run_machine(const struct vm_config *config, struct client *c)
{
	struct control *control = control_new(config);
	struct err *e = NULL;
	GThread *thread;
	int ret = vm_new(&c->vm, config, control_vm_ops(control), &e);

	must(ret, e);
	control_attach(control, c->vm);
	ret = vm_build(c->vm, &e);
	must(ret, e);
	ret = control_serve(control, &e);
	must(ret, e);
	thread = g_thread_new("client", client_main, c);
	ret = vm_run(c->vm);
	must(ret, e);
	control_detach(control);
	vm_free(c->vm);
	g_thread_join(thread);
	g_source_remove_by_user_data(c); /* where the machine ended before */
	control_free(control);
}

static void be_quiet(const char *domain, GLogLevelFlags level, const char *text, void *opaque)
{
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
		fprintf(stderr, "%s\n", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client c = {.last_reply = LAST_REPLY, .segment = SIZE_MAX};
	struct vm_config *config;
	int fd[2];

	if (size < HEAD || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return 0;
	g_log_set_default_handler(be_quiet, NULL);
	config = make_config(data[0], fd[1]);
	c.fd = fd[0];
	c.text = bounded(data + HEAD, size - HEAD);
	c.tail = g_string_new(NULL);
	if (data[1])
		c.segment = data[1];
	run_machine(config, &c);
	close(fd[0]);
	g_string_free(c.text, TRUE);
	g_string_free(c.tail, TRUE);
	vm_config_free(config);
	return 0;
}
