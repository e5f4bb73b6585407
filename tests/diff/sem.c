// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the replay of the semantics trace: driver core, files, groups and containers.  Called once
 * by replay.c.
 */
#include <glib.h>

#include "tests/diff/sem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- names --- */

const char *sem_role(const struct sem *s, const char *role)
{
	const struct trace *t = s->r->trace;
	g_autofree char *key = g_strdup_printf("%s=", role);

	for (unsigned i = 0; i < t->recs; i++)
		if (trace_is(&t->rec[i], "meta") && t->rec[i].args > 2 &&
		    !strcmp(t->rec[i].arg[1], "role") && g_str_has_prefix(t->rec[i].arg[2], key))
			return t->rec[i].arg[2] + strlen(key);
	return "";
}

const char *sem_rest(const struct rec *rec, unsigned n)
{
	size_t at = 0;

	for (unsigned i = 0; i < n && i < rec->args; i++)
		at += strlen(rec->arg[i]) + 1;
	return at < strlen(rec->text) ? rec->text + at : "";
}

/* The words left of the arrow from n on; freed by g_free(). */
static char *words_from(const struct rec *rec, unsigned n)
{
	return rec->args > n ? g_strjoinv(" ", rec->arg + n) : g_strdup("");
}

static void group_of(struct sem *s, const char *bdf, char *buf, size_t size)
{
	g_autofree char *path = g_strdup_printf("devices/%s/iommu_group", bdf);

	if (host_sysfs_readlink(s->host, path, buf, size) < 0)
		g_strlcpy(buf, "none", size);
}

/* --- open files --- */

struct sem_file *sem_tag(struct sem *s, const char *tag)
{
	for (unsigned i = s->files; i--;)
		if (!strcmp(s->file[i].tag, tag))
			return &s->file[i];
	return NULL;
}

struct sem_file *sem_last(struct sem *s, char kind)
{
	for (unsigned i = s->files; i--;)
		if (s->file[i].tag[0] == kind || (kind == 'd' && s->file[i].tag[0] == 'x'))
			return &s->file[i];
	return NULL;
}

/* The container of the group opened last, else the container opened last. */
struct sem_file *sem_container(struct sem *s)
{
	struct sem_file *g = sem_last(s, 'g');
	struct sem_file *c = g && g->in ? sem_tag(s, g->in) : NULL;

	return c ?: sem_last(s, 'c');
}

long sem_ioctl(struct sem_file *f, unsigned long cmd, void *arg)
{
	return f && f->file ? vfio_ioctl(f->file, cmd, arg) : -EBADF;
}

int sem_number(const struct sem_file *f)
{
	return f && f->file ? vfio_fileno(f->file) : -1;
}

static void add_file(struct sem *s, const char *tag, struct vfio_file *file, const char *bdf)
{
	if (s->files == G_N_ELEMENTS(s->file)) {
		vfio_close(file);
		return;
	}
	s->file[s->files++] =
		(struct sem_file){.tag = g_strdup(tag), .file = file, .bdf = g_strdup(bdf)};
}

static void close_file(struct sem *s, struct sem_file *f)
{
	vfio_close(f->file);
	g_free(f->tag);
	g_free(f->bdf);
	g_free(f->in);
	s->files--;
	memmove(f, f + 1, (size_t)(&s->file[s->files] - f) * sizeof(*f));
}

/* open container TAG, open group(BDF) TAG */
static void step_open(struct sem *s, const struct rec *rec)
{
	const char *what = rec->args > 2 ? rec->arg[1] : "";
	g_autofree char *path = NULL, *bdf = NULL;
	struct vfio_file *f = NULL;
	char group[32];
	int ret;

	if (!strcmp(what, "container")) {
		path = g_strdup("/dev/vfio/vfio");
	} else if (g_str_has_prefix(what, "group(") && g_str_has_suffix(what, ")")) {
		bdf = g_strndup(what + 6, strlen(what) - 7);
		group_of(s, bdf, group, sizeof(group));
		path = g_strdup_printf("/dev/vfio/%s", group);
	} else {
		replay_malformed(s->r, rec);
		return;
	}
	ret = vfio_open(s->host, path, &f);
	if (!ret)
		add_file(s, rec->arg[2], f, bdf);
	replay_got(s->r, rec, ret, NULL);
}

/* close TAG; a forked child's copy is not a file of its own here. */
static void step_close(struct sem *s, const struct rec *rec)
{
	struct sem_file *f = rec->args > 1 ? sem_tag(s, rec->arg[1]) : NULL;

	if (rec->args > 2)
		return;
	if (!f) {
		replay_differs(s->r, rec, "it is not open");
		return;
	}
	if (f->tag[0] == 'g')
		host_set_memlock(s->host, 0);
	close_file(s, f);
}

/* devnode group(BDF): is there a node?  (group(B) is that of role B0.) */
static void step_devnode(struct sem *s, const struct rec *rec)
{
	const char *what = rec->args > 1 ? rec->arg[1] : "";
	g_autofree char *bdf = NULL, *path = NULL;
	struct vfio_file *f = NULL;
	char group[32];
	int ret;

	if (!g_str_has_prefix(what, "group(") || !g_str_has_suffix(what, ")")) {
		replay_malformed(s->r, rec);
		return;
	}
	bdf = g_strndup(what + 6, strlen(what) - 7);
	group_of(s, strcmp(bdf, "B") ? bdf : sem_role(s, "B0"), group, sizeof(group));
	path = g_strdup_printf("/dev/vfio/%s", group);
	ret = vfio_open(s->host, path, &f);
	vfio_close(f);
	replay_got(s->r, rec, ret == -EBUSY ? 0 : ret, NULL);
}

/* --- ioctls of groups and containers --- */

struct call {
	struct sem *s;
	const struct rec *rec;
	const char *what; /* the words behind the ioctl's name */
};

static void got(const struct call *c, long ret)
{
	replay_got(c->s->r, c->rec, ret, NULL);
}

static void call_check_extension(const struct call *c)
{
	uint64_t n;

	if (c->rec->args < 3 || !trace_dec(c->rec->arg[2], &n))
		replay_malformed(c->s->r, c->rec);
	else
		got(c, sem_ioctl(sem_container(c->s), VFIO_CHECK_EXTENSION, (void *)(uintptr_t)n));
}

static void call_set_iommu(const struct call *c)
{
	static const struct {
		const char *name;
		uintptr_t type;
	} types[] = {
		{"0", 0},
		{"99", 99},
		{"spapr", 2},
		{"noiommu", VFIO_NOIOMMU_IOMMU},
		{"type1", VFIO_TYPE1_IOMMU},
		{"type1v2", VFIO_TYPE1v2_IOMMU},
	};
	g_auto(GStrv) words = g_strsplit_set(c->what, " ,", 2);
	const char *name = words[0] ?: "";

	if (!strcmp(name, "again") && c->s->iommu)
		name = c->s->iommu;
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (!strcmp(name, types[i].name)) {
			char *old = c->s->iommu;

			c->s->iommu = g_strdup(name);
			g_free(old);
			got(c,
			    sem_ioctl(sem_container(c->s), VFIO_SET_IOMMU, (void *)types[i].type));
			return;
		}
	replay_malformed(c->s->r, c->rec);
}

static void call_group_status(const struct call *c)
{
	struct vfio_group_status st = {.argsz = sizeof(st)};
	g_autofree char *flags = NULL;
	struct sem_file *g = sem_last(c->s, 'g');
	const char *rest;
	long ret, expected;

	if (!strcmp(c->what, "on container"))
		return got(c, sem_ioctl(sem_container(c->s), VFIO_GROUP_GET_STATUS, NULL));
	if (!strcmp(c->what, "null"))
		return got(c, sem_ioctl(g, VFIO_GROUP_GET_STATUS, NULL));
	if (g_str_has_prefix(c->what, "argsz="))
		st.argsz = (uint32_t)strtoul(c->what + 6, NULL, 10);
	ret = sem_ioctl(g, VFIO_GROUP_GET_STATUS, &st);
	flags = g_strdup_printf("flags=%x", st.flags);
	if (trace_ret(c->rec->res, &expected, &rest) && !*rest)
		return got(c, ret);
	replay_got(c->s->r, c->rec, ret, flags);
}

static void put_into(struct sem_file *g, const char *container)
{
	g_free(g->in);
	g->in = g_strdup(container);
}

/* What is said of the fd: a number, a kind, the tag of a container; else the container at hand. */
static void call_set_container(const struct call *c)
{
	struct sem_file *g = sem_last(c->s, 'g'), *to = sem_last(c->s, 'c');
	g_auto(GStrv) words = g_strsplit(c->what, " ", 2);
	const char *first = words[0] ?: "";
	int null_fd = -1, fd;
	long ret;

	if (!strcmp(c->what, "null"))
		return got(c, sem_ioctl(g, VFIO_GROUP_SET_CONTAINER, NULL));
	if (sem_tag(c->s, first))
		to = sem_tag(c->s, first);
	fd = sem_number(to);
	if (!strcmp(first, "fd=/dev/null"))
		fd = null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	else if (!strcmp(first, "fd=group"))
		fd = sem_number(g);
	else if (g_str_has_prefix(first, "fd="))
		fd = atoi(first + 3);
	ret = sem_ioctl(g, VFIO_GROUP_SET_CONTAINER, &fd);
	if (null_fd >= 0)
		close(null_fd);
	if (!ret && g && to)
		put_into(g, to->tag);
	got(c, ret);
}

static void call_unset_container(const struct call *c)
{
	struct sem_file *g = sem_last(c->s, 'g');
	long ret = sem_ioctl(g, VFIO_GROUP_UNSET_CONTAINER, NULL);

	if (!ret && g)
		put_into(g, NULL);
	got(c, ret);
}

/*
 * The group that a device was asked of: a new group's first request is its own; later ones go to
 * the open group that has the device, else to the group opened last.
 */
static struct sem_file *group_for(struct sem *s, const char *name)
{
	struct sem_file *last = sem_last(s, 'g');
	g_autofree char *bdf = g_strndup(name, strcspn(name, " \n"));
	char want[32], have[32];

	if (!last || !last->asked)
		return last;
	group_of(s, bdf, want, sizeof(want));
	for (unsigned i = s->files; i--;) {
		if (s->file[i].tag[0] != 'g')
			continue;
		group_of(s, s->file[i].bdf, have, sizeof(have));
		if (strcmp(want, "none") && !strcmp(want, have))
			return &s->file[i];
	}
	return last;
}

static void call_get_device_fd(const struct call *c)
{
	struct sem *s = c->s;
	g_autofree char *name = NULL;
	struct sem_file *g;
	struct vfio_file *f;
	const char *tag = s->keep[s->r->cur];
	size_t len;
	long ret;

	if (!strcmp(c->what, "null"))
		return got(c, sem_ioctl(sem_last(s, 'g'), VFIO_GROUP_GET_DEVICE_FD, NULL));
	name = trace_unquote(c->what, &len);
	if (!name)
		return replay_malformed(s->r, c->rec);
	g = group_for(s, name);
	ret = sem_ioctl(g, VFIO_GROUP_GET_DEVICE_FD, name);
	if (g)
		g->asked = true;
	f = ret >= 0 ? vfio_fget(s->host, (int)ret) : NULL;
	if (f && !tag)
		vfio_close(f);
	else if (tag)
		add_file(s, tag, f, name);
	got(c, MIN(ret, 0));
}

/* Calls of one kind of file that are made on another: the name says which. */
static void call_stray(const struct call *c, unsigned long cmd)
{
	struct sem_file *f = strstr(c->what, "group") && !strstr(c->what, "no group")
				     ? sem_last(c->s, 'g')
				     : sem_container(c->s);

	got(c, sem_ioctl(f, cmd, NULL));
}

static void call_stray_by_name(const struct call *c)
{
	static const struct {
		const char *name;
		unsigned long cmd;
	} cmds[] = {
		{"GET_API_VERSION", VFIO_GET_API_VERSION},
		{"IOMMU_GET_INFO", VFIO_IOMMU_GET_INFO},
		{"IOMMU_MAP_DMA", VFIO_IOMMU_MAP_DMA},
		{"DEVICE_GET_INFO", VFIO_DEVICE_GET_INFO},
		{"0x3bff", 0x3bff},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cmds); i++)
		if (!strcmp(c->rec->arg[1], cmds[i].name))
			return call_stray(c, cmds[i].cmd);
	replay_malformed(c->s->r, c->rec);
}

static void step_ioctl(struct sem *s, const struct rec *rec)
{
	static const struct {
		const char *name;
		void (*fn)(const struct call *c);
	} calls[] = {
		{"CHECK_EXTENSION", call_check_extension},
		{"SET_IOMMU", call_set_iommu},
		{"GROUP_GET_STATUS", call_group_status},
		{"GROUP_SET_CONTAINER", call_set_container},
		{"GROUP_UNSET_CONTAINER", call_unset_container},
		{"GROUP_GET_DEVICE_FD", call_get_device_fd},
	};
	g_autofree char *what = words_from(rec, 2);
	const struct call c = {s, rec, what};

	if (rec->args < 2)
		return replay_malformed(s->r, rec);
	if (!strcmp(rec->arg[1], "SET_IRQS"))
		return sem_dev_set_irqs(s, rec);
	if (!strcmp(rec->arg[1], "DEVICE_FEATURE"))
		return sem_dev_feature(s, rec);
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
		if (!strcmp(rec->arg[1], calls[i].name))
			return calls[i].fn(&c);
	call_stray_by_name(&c);
}

/* --- driver core --- */

/* "(N bytes)": an id behind spaces, or a long name; only their lengths are recorded. */
static char *long_text(struct sem *s, const char *path, const char *words, size_t *len)
{
	g_autofree char *id = NULL;
	uint64_t n;
	char *text;

	if (words[0] != '(' || !g_str_has_suffix(words, " bytes)"))
		return NULL;
	n = g_ascii_strtoull(words + 1, NULL, 10);
	if (!n || n > 1 << 20)
		return NULL;
	*len = n;
	text = g_malloc(n + 1);
	text[n] = '\0';
	memset(text, g_str_has_suffix(path, "_id") ? ' ' : 'a', n);
	if (g_str_has_suffix(path, "_id") && n >= 9) {
		char vendor[16] = "", device[16] = "";
		g_autofree char *v = g_strdup_printf("devices/%s/vendor", sem_role(s, "E"));
		g_autofree char *d = g_strdup_printf("devices/%s/device", sem_role(s, "E"));

		host_sysfs_read(s->host, v, vendor, sizeof(vendor));
		host_sysfs_read(s->host, d, device, sizeof(device));
		id = g_strdup_printf("%.4s %.4s", vendor + 2, device + 2);
		memcpy(text + n - 9, id, MIN(9, strlen(id)));
	}
	return text;
}

/* Would the write wait for a user, who is us? */
static bool would_block(struct sem *s, const char *path, const char *text)
{
	for (unsigned i = 0; i < s->files; i++) {
		const struct sem_file *f = &s->file[i];

		if (!strchr("dx", f->tag[0]) || !f->bdf)
			continue;
		if (g_str_has_suffix(path, "/sriov_numvfs") ||
		    (g_str_has_suffix(path, "/unbind") && g_str_has_prefix(f->bdf, text)) ||
		    (g_str_has_suffix(path, "/remove") && strstr(path, f->bdf)))
			return true;
	}
	return false;
}

static void step_sysfs_write(struct sem *s, const struct rec *rec)
{
	g_autofree char *words = words_from(rec, 2), *text = NULL;
	size_t len = 0;

	if (rec->args > 2)
		text = trace_unquote(words, &len) ?: long_text(s, rec->arg[1], words, &len);
	if (!text)
		replay_malformed(s->r, rec);
	else if (would_block(s, rec->arg[1], text))
		replay_differs(s->r, rec, "a device is still open");
	else
		replay_got(s->r, rec, host_sysfs_write(s->host, rec->arg[1], text, len), NULL);
}

/* Text as the recorder spells it: quoted, or its length where it is long. */
static char *spell(const char *text)
{
	GString *q = g_string_new("\"");

	if (strlen(text) >= 200) {
		g_string_printf(q, "(%zu bytes)", strlen(text));
		return g_string_free(q, FALSE);
	}
	for (; *text; text++) {
		if (*text == '\n')
			g_string_append(q, "\\n");
		else if (*text == '"' || *text == '\\')
			g_string_append_printf(q, "\\%c", *text);
		else
			g_string_append_c(q, *text);
	}
	g_string_append_c(q, '"');
	return g_string_free(q, FALSE);
}

static void step_sysfs_read(struct sem *s, const struct rec *rec)
{
	g_autofree char *text = g_malloc0(5000), *quoted = NULL;
	const char *rest;
	long expected;
	ssize_t ret;

	if (rec->args != 2 || !trace_ret(rec->res, &expected, &rest))
		return replay_malformed(s->r, rec);
	ret = host_sysfs_read(s->host, rec->arg[1], text, 5000);
	if (ret >= 0)
		g_strchomp(text);
	quoted = spell(text);
	/* Which line an interrupt has is the machine's. */
	if (g_str_has_suffix(rec->arg[1], "/irq") && ret >= 0 && rest[0] == '"')
		g_free(g_steal_pointer(&quoted)), quoted = g_strdup(rest);
	replay_got(s->r, rec, (long)MIN(ret, 0), ret >= 0 ? quoted : NULL);
}

static void step_driver(struct sem *s, const struct rec *rec)
{
	g_autofree char *path = NULL;
	char have[64];

	if (rec->args != 2 || !rec->res)
		return replay_malformed(s->r, rec);
	path = g_strdup_printf("devices/%s/driver", rec->arg[1]);
	if (host_sysfs_readlink(s->host, path, have, sizeof(have)) < 0)
		strcpy(have, "none");
	replay_text(s->r, rec, rec->res, have);
}

/* A bdf, or PF, or VF: the PF's first one. */
static char *function(struct sem *s, const char *name)
{
	char *bdf;

	if (strcmp(name, "PF") && strcmp(name, "VF"))
		return g_strdup(name);
	bdf = g_strndup(sem_role(s, "PF"), strcspn(sem_role(s, "PF"), " "));
	if (name[0] == 'V' && *bdf)
		bdf[strlen(bdf) - 1] = '1';
	return bdf;
}

static void step_samegroup(struct sem *s, const struct rec *rec)
{
	g_autofree char *a = NULL, *b = NULL;
	char ga[32], gb[32];

	if (rec->args != 3)
		return replay_malformed(s->r, rec);
	a = function(s, rec->arg[1]);
	b = function(s, rec->arg[2]);
	group_of(s, a, ga, sizeof(ga));
	group_of(s, b, gb, sizeof(gb));
	replay_got(s->r, rec, !strcmp(ga, gb), NULL);
}

/* --- dispatch --- */

static const struct {
	const char *type;
	sem_fn fn;
} handlers[] = {
	{"sysfs-write", step_sysfs_write},
	{"sysfs-read", step_sysfs_read},
	{"driver", step_driver},
	{"open", step_open},
	{"close", step_close},
	{"ioctl", step_ioctl},
	{"devnode", step_devnode},
	{"samegroup", step_samegroup},
	{"map", sem_dma_map},
	{"unmap", sem_dma_unmap},
	{"iommuinfo", sem_dma_info},
	{"dirty", sem_dma_dirty},
	{"dirty-get", sem_dma_dirty_get},
	{"d", sem_dev_record},
	{"d2", sem_dev_record},
	{"parent", sem_dev_record},
	{"child", sem_dev_record},
	{"VF", sem_dev_record},
	{"PF", sem_dev_record},
	{"reset", sem_dev_reset},
	{"hotreset", sem_dev_hotreset},
	{"hotresetinfo", sem_dev_hotreset_info},
	{"req", sem_dev_req},
	{"unbind", sem_dev_unbind},
};

static void replay_one(struct sem *s, const struct rec *rec)
{
	/* "# locked memory limit ... RLIMIT_MEMLOCK 256 KiB": until the group is closed. */
	const char *limit = rec->note ? strstr(rec->note, "RLIMIT_MEMLOCK ") : NULL;

	if (limit)
		host_set_memlock(s->host, strtoull(limit + strlen("RLIMIT_MEMLOCK "), NULL, 10)
						  << 10);
	for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++)
		if (trace_is(rec, handlers[i].type)) {
			handlers[i].fn(s, rec);
			return;
		}
}

/*
 * Which device files stay open: those that a later "close d", "d2" or "x" is about, which is about
 * the youngest that is still open.  The others were closed at once.
 */
static void find_kept(struct sem *s)
{
	const struct trace *t = s->r->trace;
	g_autofree unsigned *open = g_new(unsigned, t->recs);
	unsigned n = 0;

	s->keep = g_new0(char *, t->recs);
	for (unsigned i = 0; i < t->recs; i++) {
		const struct rec *rec = &t->rec[i];

		if (trace_is(rec, "section"))
			n = 0;
		else if (trace_is(rec, "ioctl") && rec->args > 1 && rec->res &&
			 !strcmp(rec->arg[1], "GROUP_GET_DEVICE_FD") && rec->res[0] == '0')
			open[n++] = i;
		else if (trace_is(rec, "close") && rec->args == 2 && strchr("dx", rec->arg[1][0]) &&
			 n)
			s->keep[open[--n]] = rec->arg[1];
	}
}

static void tear_down(struct sem *s)
{
	while (s->files)
		close_file(s, &s->file[s->files - 1]);
	sem_dev_unbind(s, NULL);
	if (s->host)
		vfio_host_free(s->host);
	g_ptr_array_unref(s->traces);
	g_free(s->keep);
	g_free(s->iommu);
	munmap(s->buf, SEM_BUF);
	munmap(s->readonly, 0x4000);
	close(s->req_fd);
	pthread_mutex_destroy(&s->writer.lock);
	pthread_cond_destroy(&s->writer.finished);
}

static void *anonymous(size_t size, int prot)
{
	return mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void sem_replay(struct replay *r)
{
	struct sem s = {.r = r,
			.req_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
			.traces = g_ptr_array_new_with_free_func((GDestroyNotify)trace_free),
			.buf = anonymous(SEM_BUF, PROT_READ | PROT_WRITE),
			.readonly = anonymous(0x4000, PROT_READ)};
	g_autofree char *error = NULL;

	pthread_mutex_init(&s.writer.lock, NULL);
	pthread_cond_init(&s.writer.finished, NULL);
	find_kept(&s);
	if (!sem_topo_init(&s, &error)) {
		replay_differs(r, NULL, "no machine for it: %s", error);
	} else {
		for (r->cur = 0; replay_rec(r); r->cur++)
			replay_one(&s, replay_rec(r));
		if (!trace_find(r->trace, 0, "end", NULL))
			replay_differs(r, NULL, "truncated: no end");
	}
	tear_down(&s);
}
