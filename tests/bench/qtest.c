// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fast a VMM answers on its qtest socket.  bench-qtest FD WARMUP COUNT REQUEST... sends the
 * requests by turns, each after the answer to the one before, WARMUP and then COUNT in all, and
 * prints the seconds that the latter took.  FD is a connected socket: tests/bench/qtest-run starts
 * the VMM and hands it down.  An answer that is not OK ends the program: nothing is measured then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench-qtest: %s: %s\n", what, why);
	exit(1);
}

static void send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("write", strerror(errno));
		text += n;
		len -= (size_t)n;
	}
}

/* One line; there is never more than one on its way. */
static void receive(int fd, char *line, size_t size)
{
	size_t len = 0;

	do {
		ssize_t n = read(fd, line + len, size - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("read", n ? strerror(errno) : "the VMM is gone or says too much");
		len += (size_t)n;
	} while (line[len - 1] != '\n');
	line[len] = 0;
}

static void ask(int fd, const char *request)
{
	char line[256];

	send_all(fd, request, strlen(request));
	receive(fd, line, sizeof(line));
	if (strncmp(line, "OK", 2))
		die(request, line);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double begin = 0;
	char **requests = argv + 4;
	int fd, warmup, count, kinds = argc - 4;

	if (argc < 5)
		die("usage", "bench-qtest FD WARMUP COUNT REQUEST...");
	fd = atoi(argv[1]);
	warmup = atoi(argv[2]);
	count = atoi(argv[3]);
	for (int i = 0; i < kinds; i++) {
		size_t size = strlen(requests[i]) + 2;
		char *line = malloc(size);

		if (!line)
			die("malloc", strerror(errno));
		snprintf(line, size, "%s\n", requests[i]);
		requests[i] = line;
	}
	for (int i = 0; i < warmup + count; i++) {
		if (i == warmup)
			begin = now();
		ask(fd, requests[i % kinds]);
	}
	printf("%.9f\n", now() - begin);
	for (int i = 0; i < kinds; i++)
		free(requests[i]);
	return 0;
}
