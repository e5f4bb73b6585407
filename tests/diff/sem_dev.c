// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the semantics trace's records of a device in use: reads and writes, resets, and a driver
 * that is taken away meanwhile.  Called by sem.c for each record.
 */
#include <glib.h>

#include "tests/diff/sem.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mem/aspace.h"

#define CFG(off) (((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40) + (off))
#define HOTRESET_FDS 4
#define DEPENDENTS 340

static long cfg_read(struct sem_file *f, unsigned off, void *buf, size_t len)
{
	return f && f->file ? vfio_pread(f->file, buf, len, CFG(off)) : -EBADF;
}

static long cfg_write(struct sem_file *f, unsigned off, const void *buf, size_t len)
{
	return f && f->file ? vfio_pwrite(f->file, buf, len, CFG(off)) : -EBADF;
}

/* --- accesses --- */

struct access {
	struct sem_file *f;
	const char *who, *dir, *where, *size, *value;
	uint64_t len;
};

/* PMCSR, found as a user finds it. */
static unsigned power_register(struct sem_file *f)
{
	uint8_t id = 0, pos = 0;

	cfg_read(f, PCI_CAPABILITY_LIST, &pos, 1);
	for (int n = 0; n < 48 && pos; n++) {
		if (cfg_read(f, pos, &id, 1) != 1 || id == PCI_CAP_ID_PM)
			break;
		if (cfg_read(f, pos + 1u, &pos, 1) != 1)
			break;
	}
	return pos + PCI_PM_CTRL;
}

static bool place(const struct access *a, uint64_t *off)
{
	if (strcmp(a->where, "PMCSR"))
		return trace_hex(a->where, off);
	*off = power_register(a->f);
	return true;
}

static char *spell(const uint8_t *b, size_t n)
{
	GString *s = g_string_new(NULL);

	while (n--)
		g_string_append_printf(s, "%02x", b[n]);
	return g_string_free(s, FALSE);
}

static void do_read(struct sem *s, const struct rec *rec, const struct access *a, uint64_t off)
{
	uint8_t buf[4] = {};
	g_autofree char *value = NULL;
	const char *rest;
	long ret, expected;

	if (!trace_ret(rec->res, &expected, &rest))
		return replay_malformed(s->r, rec);
	ret = cfg_read(a->f, (unsigned)off, buf, a->len);
	/* Whether a BAR was sized before: what it reads then is all that is recorded. */
	if (!strcmp(rest, "fresh") || !strcmp(rest, "sized"))
		value = g_strdup(buf[3] == 0xff && (buf[2] & 0xf0) == 0xf0 ? "sized" : "fresh");
	else
		value = spell(buf, a->len);
	replay_got(s->r, rec, ret, value);
}

/* "VF p OFF SIZE VALUE": what the machine's own bus says. */
static void do_physical(struct sem *s, const struct rec *rec, const struct access *a, uint64_t off)
{
	uint8_t want[4];
	g_autofree char *bdf = g_strndup(sem_role(s, "PF"), 12), *have = NULL;
	struct hostdev *d;
	uint32_t v = UINT32_MAX;

	if (strcmp(a->who, "VF") || strlen(bdf) != 12 || !a->value ||
	    !trace_value(a->value, a->len, want))
		return replay_malformed(s->r, rec);
	bdf[11] = '1';
	d = host_find(s->host, bdf);
	if (d)
		host_cfg_read(d, (unsigned)off, (unsigned)a->len, &v);
	have = g_strdup_printf("%0*x", (int)(2 * a->len), v);
	replay_text(s->r, rec, a->value, d ? have : "no such function");
}

/*
 * WHO r|w|p WHERE SIZE [VALUE]: who is a tag, a process that shares the file, or a role; the PF is
 * d2, everything else d.
 */
void sem_dev_record(struct sem *s, const struct rec *rec)
{
	struct access a = {};
	const char *word[6] = {};
	unsigned n = 0;
	uint64_t off;

	for (unsigned i = 0; i < rec->args && n < G_N_ELEMENTS(word); i++)
		if (*rec->arg[i])
			word[n++] = rec->arg[i];
	a = (struct access){.who = word[0],
			    .dir = word[1],
			    .where = word[2],
			    .size = word[3],
			    .value = word[4]};
	a.f = sem_tag(s, !strcmp(a.who, "PF") || !strcmp(a.who, "d2") ? "d2" : "d");
	/* The recorder knows two tags for one device; which is which is told by their closing. */
	a.f = a.f ?: sem_last(s, 'd');
	if (n == 2 && !strcmp(a.dir, "reset"))
		return replay_got(s->r, rec, sem_ioctl(a.f, VFIO_DEVICE_RESET, NULL), NULL);
	if (n < 4 || !trace_dec(a.size, &a.len) || !a.len || a.len > 4 || !place(&a, &off))
		return replay_malformed(s->r, rec);
	if (!strcmp(a.who, "child")) {
		/* The parent marks BAR 0 before it forks, which is not recorded. */
		static const uint8_t mark[4] = {0x00, 0x00, 0xcd, 0xab};

		cfg_write(a.f, PCI_BASE_ADDRESS_0, mark, sizeof(mark));
	}
	if (!strcmp(a.dir, "r")) {
		do_read(s, rec, &a, off);
	} else if (!strcmp(a.dir, "p")) {
		do_physical(s, rec, &a, off);
	} else {
		uint8_t buf[4];

		if (strcmp(a.dir, "w") || !trace_value(a.value, a.len, buf))
			return replay_malformed(s->r, rec);
		replay_got(s->r, rec, cfg_write(a.f, (unsigned)off, buf, a.len), NULL);
	}
}

/* --- resets --- */

void sem_dev_reset(struct sem *s, const struct rec *rec)
{
	replay_got(s->r, rec, sem_ioctl(sem_tag(s, "d"), VFIO_DEVICE_RESET, NULL), NULL);
}

/* The number of group fds that go with it is in its description. */
void sem_dev_hotreset(struct sem *s, const struct rec *rec)
{
	struct {
		struct vfio_pci_hot_reset h;
		int32_t fd[HOTRESET_FDS];
	} b = {.h = {.count = 1}};
	const char *what = sem_rest(rec, 1);

	if (strstr(what, "twice"))
		b.h.count = 2;
	else if (strstr(what, "count 3"))
		b.h.count = 3;
	b.h.argsz = (uint32_t)(sizeof(b.h) + 4 * MIN(b.h.count, 2));
	b.fd[0] = b.fd[1] = sem_number(sem_tag(s, "g"));
	replay_got(s->r, rec, sem_ioctl(sem_tag(s, "d"), VFIO_DEVICE_PCI_HOT_RESET, &b), NULL);
}

/* "argsz=N" or a buffer that is large enough; only what is recorded is compared. */
void sem_dev_hotreset_info(struct sem *s, const struct rec *rec)
{
	struct {
		struct vfio_pci_hot_reset_info h;
		struct vfio_pci_dependent_device dev[DEPENDENTS];
	} b = {.h = {.argsz = sizeof(b)}};
	g_autoptr(GString) text = g_string_new(NULL);
	bool listed = rec->args > 1 && g_str_has_prefix(rec->arg[1], "argsz=");
	const char *rest;
	long ret, expected;

	if (!trace_ret(rec->res, &expected, &rest))
		return replay_malformed(s->r, rec);
	if (listed)
		b.h.argsz = (uint32_t)g_ascii_strtoull(rec->arg[1] + 6, NULL, 10);
	ret = sem_ioctl(sem_tag(s, "d"), VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &b);
	if (*rest)
		g_string_printf(text, "count=%u", b.h.count);
	for (uint32_t i = 0; listed && !ret && i < MIN(b.h.count, DEPENDENTS); i++)
		g_string_append_printf(text, " %04x:%02x:%02x.%x", b.dev[i].segment, b.dev[i].bus,
				       b.dev[i].devfn >> 3, b.dev[i].devfn & 7);
	replay_got(s->r, rec, ret, text->str);
}

/* --- the driver is taken away --- */

/* REQ is signalled through an eventfd of ours. */
void sem_dev_set_irqs(struct sem *s, const struct rec *rec)
{
	union {
		struct vfio_irq_set set;
		uint8_t room[sizeof(struct vfio_irq_set) + 4];
	} b = {.set = {.argsz = sizeof(b),
		       .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		       .index = VFIO_PCI_REQ_IRQ_INDEX,
		       .count = 1}};

	memcpy(b.set.data, &s->req_fd, 4);
	replay_got(s->r, rec, sem_ioctl(sem_tag(s, "d"), VFIO_DEVICE_SET_IRQS, &b), NULL);
}

static void *writer_run(void *opaque)
{
	struct sem_writer *w = opaque;

	aspace_thread_enter();
	w->ret = host_sysfs_write(w->host, w->path, w->text, strlen(w->text));
	aspace_thread_leave();
	pthread_mutex_lock(&w->lock);
	w->done = true;
	pthread_cond_broadcast(&w->finished);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void writer_start(struct sem *s)
{
	struct sem_writer *w = &s->writer;

	w->host = s->host;
	w->done = false;
	w->path = g_strdup("drivers/vfio-pci/unbind");
	w->text = g_strndup(sem_role(s, "A"), 12);
	w->running = !pthread_create(&w->thread, NULL, writer_run, w);
}

/* Has it returned within so many milliseconds? */
static bool writer_done(struct sem_writer *w, unsigned ms)
{
	struct timespec end;
	bool done;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000l;
	end.tv_sec += end.tv_nsec / 1000000000l;
	end.tv_nsec %= 1000000000l;
	pthread_mutex_lock(&w->lock);
	while (!w->done && ms && !pthread_cond_timedwait(&w->finished, &w->lock, &end))
		;
	done = w->done;
	pthread_mutex_unlock(&w->lock);
	return done;
}

static void writer_join(struct sem_writer *w)
{
	if (!w->running)
		return;
	pthread_join(w->thread, NULL);
	w->running = false;
	g_free(w->path);
	g_free(w->text);
}

/* "req eventfd signalled": the write has begun that asks for the device back. */
void sem_dev_req(struct sem *s, const struct rec *rec)
{
	uint64_t v = 0;

	if (!s->writer.running)
		writer_start(s);
	for (int i = 0; i < 200 && read(s->req_fd, &v, sizeof(v)) != sizeof(v); i++)
		usleep(10000);
	replay_got(s->r, rec, v > 0, NULL);
}

/* unbind still blocked, unbind finished after close, unbind result, unbind finished with ... */
void sem_dev_unbind(struct sem *s, const struct rec *rec)
{
	struct sem_writer *w = &s->writer;
	const char *what = rec ? sem_rest(rec, 1) : "";

	if (!rec) {
		writer_join(w);
		return;
	}
	if (g_str_has_prefix(what, "still blocked")) {
		usleep(20000);
		replay_got(s->r, rec, !writer_done(w, 0), NULL);
	} else if (g_str_has_prefix(what, "result")) {
		replay_got(s->r, rec, MIN(w->ret, 0), NULL);
	} else if (g_str_has_prefix(what, "finished")) {
		bool done;

		if (!w->running)
			writer_start(s);
		done = writer_done(w, 2000);
		if (done)
			writer_join(w);
		replay_got(s->r, rec, done, NULL);
	} else {
		replay_malformed(s->r, rec);
	}
}

/* "DEVICE_FEATURE token WHO set|get": the token is 22 in all bytes. */
void sem_dev_feature(struct sem *s, const struct rec *rec)
{
	union {
		struct vfio_device_feature f;
		uint8_t room[sizeof(struct vfio_device_feature) + 16];
	} b = {.f = {.argsz = sizeof(b)}};

	if (rec->args != 5)
		return replay_malformed(s->r, rec);
	b.f.flags =
		VFIO_DEVICE_FEATURE_PCI_VF_TOKEN |
		(!strcmp(rec->arg[4], "get") ? VFIO_DEVICE_FEATURE_GET : VFIO_DEVICE_FEATURE_SET);
	memset(b.f.data, 0x22, 16);
	replay_got(s->r, rec,
		   sem_ioctl(sem_tag(s, !strcmp(rec->arg[3], "PF") ? "d2" : "d"),
			     VFIO_DEVICE_FEATURE, &b),
		   NULL);
}
