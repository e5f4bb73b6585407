// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns struct vm_config: memory, the defaults pass, the validation pass.  Called by main.c after
 * ctl/ has filled it; opens no file but to see that it can be read, and starts nothing.
 */
#include "vm/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/names.h"
#include "vm/backends.h"

#define MIB (1ull << 20)
#define RAM_DEFAULT (128 * MIB)
#define RAM_MIN MIB
#define PAGE 4096

static const char *const machines[] = {"q35", "pc", "none", NULL};
static const char *const accels[] = {"kvm", "soft", "qtest", NULL};

const char *const *vm_machine_names(void)
{
	return machines;
}

const char *const *vm_accel_names(void)
{
	return accels;
}

struct vm_accel *vm_accel_new(const char *name)
{
	struct vm_accel *a = g_new0(struct vm_accel, 1);

	a->name = g_strdup(name);
	return a;
}

void vm_accel_free(struct vm_accel *a)
{
	if (!a)
		return;
	g_free(a->name);
	g_free(a->irqchip);
	g_free(a->clock);
	g_free(a);
}

struct vm_monitor *vm_monitor_new(const char *chardev, bool control)
{
	struct vm_monitor *m = g_new0(struct vm_monitor, 1);

	m->chardev = g_strdup(chardev);
	m->control = control;
	return m;
}

void vm_monitor_free(struct vm_monitor *m)
{
	if (!m)
		return;
	g_free(m->chardev);
	g_free(m);
}

void vm_fw_file_free(struct vm_fw_file *f)
{
	if (!f)
		return;
	g_free(f->name);
	g_free(f->file);
	g_free(f->string);
	g_free(f);
}

static void kv_clear(gpointer p)
{
	struct kv *kv = p;

	g_free(kv->key);
	g_free(kv->value);
}

struct vm_device *vm_device_new(const char *driver)
{
	struct vm_device *d = g_new0(struct vm_device, 1);

	d->driver = g_strdup(driver);
	d->props = g_array_new(FALSE, FALSE, sizeof(struct kv));
	g_array_set_clear_func(d->props, kv_clear);
	return d;
}

void vm_device_free(struct vm_device *d)
{
	if (!d)
		return;
	g_free(d->driver);
	g_free(d->id);
	g_array_free(d->props, TRUE);
	g_free(d);
}

struct vm_device *vm_device_copy(const struct vm_device *d)
{
	struct vm_device *copy = vm_device_new(d->driver);

	copy->id = g_strdup(d->id);
	for (guint i = 0; i < d->props->len; i++) {
		const struct kv *kv = &g_array_index(d->props, struct kv, i);

		vm_device_set(copy, kv->key, kv->value);
	}
	return copy;
}

static struct kv *find_prop(const struct vm_device *d, const char *key)
{
	for (guint i = 0; i < d->props->len; i++) {
		struct kv *kv = &g_array_index(d->props, struct kv, i);

		if (!strcmp(kv->key, key))
			return kv;
	}
	return NULL;
}

void vm_device_set(struct vm_device *d, const char *key, const char *value)
{
	struct kv *kv = find_prop(d, key);
	struct kv fresh = {g_strdup(key), g_strdup(value)};

	if (!kv) {
		g_array_append_val(d->props, fresh);
		return;
	}
	kv_clear(kv);
	*kv = fresh;
}

const char *vm_device_get(const struct vm_device *d, const char *key)
{
	const struct kv *kv = find_prop(d, key);

	return kv ? kv->value : NULL;
}

struct vm_global *vm_global_new(const char *driver, const char *prop, const char *value)
{
	struct vm_global *g = g_new0(struct vm_global, 1);

	*g = (struct vm_global){g_strdup(driver), g_strdup(prop), g_strdup(value)};
	return g;
}

void vm_global_free(struct vm_global *g)
{
	if (!g)
		return;
	g_free(g->driver);
	g_free(g->prop);
	g_free(g->value);
	g_free(g);
}

const char *vm_config_global(const struct vm_config *c, const char *driver, const char *prop)
{
	for (guint i = c->globals->len; i-- > 0;) {
		const struct vm_global *g = c->globals->pdata[i];

		if (!strcmp(g->driver, driver) && !strcmp(g->prop, prop))
			return g->value;
	}
	return NULL;
}

struct vm_config *vm_config_new(void)
{
	struct vm_config *c = g_new0(struct vm_config, 1);

	c->accels = g_ptr_array_new_with_free_func((GDestroyNotify)vm_accel_free);
	c->devices = g_ptr_array_new_with_free_func((GDestroyNotify)vm_device_free);
	c->globals = g_ptr_array_new_with_free_func((GDestroyNotify)vm_global_free);
	c->objects = g_ptr_array_new_with_free_func((GDestroyNotify)vm_device_free);
	c->drives = g_ptr_array_new_with_free_func((GDestroyNotify)vm_device_free);
	c->host_devices = g_ptr_array_new_with_free_func((GDestroyNotify)vm_device_free);
	c->host_sysfs = g_array_new(FALSE, FALSE, sizeof(struct kv));
	g_array_set_clear_func(c->host_sysfs, kv_clear);
	c->host_dumps = g_ptr_array_new_with_free_func(g_free);
	c->host_dtbs = g_ptr_array_new_with_free_func(g_free);
	c->chardevs = g_ptr_array_new_with_free_func((GDestroyNotify)chardev_conf_free);
	c->serials = g_ptr_array_new_with_free_func(g_free);
	c->monitors = g_ptr_array_new_with_free_func((GDestroyNotify)vm_monitor_free);
	c->fw_files = g_ptr_array_new_with_free_func((GDestroyNotify)vm_fw_file_free);
	return c;
}

void vm_config_free(struct vm_config *c)
{
	if (!c)
		return;
	g_ptr_array_free(c->accels, TRUE);
	g_ptr_array_free(c->devices, TRUE);
	g_ptr_array_free(c->globals, TRUE);
	g_ptr_array_free(c->objects, TRUE);
	g_ptr_array_free(c->drives, TRUE);
	g_ptr_array_free(c->host_devices, TRUE);
	g_array_free(c->host_sysfs, TRUE);
	g_ptr_array_free(c->host_dumps, TRUE);
	g_ptr_array_free(c->host_dtbs, TRUE);
	g_ptr_array_free(c->chardevs, TRUE);
	g_ptr_array_free(c->serials, TRUE);
	g_ptr_array_free(c->fw_files, TRUE);
	g_free(c->boot.order);
	g_free(c->boot.once);
	g_free(c->boot.splash);
	g_free(c->name);
	g_free(c->machine);
	g_free(c->irqchip);
	g_free(c->cpu);
	g_free(c->kernel);
	g_free(c->initrd);
	g_free(c->append);
	g_free(c->firmware);
	g_ptr_array_free(c->monitors, TRUE);
	g_free(c->qtest);
	g_free(c->qtest_log);
	g_free(c->debugcon);
	g_free(c->pidfile);
	g_free(c->logfile);
	g_free(c->debug);
	g_free(c->uuid);
	g_free(c->rtc_base);
	g_free(c);
}

int vm_rtc_start(const char *base, int64_t now, int64_t *start, struct err **errp)
{
	const int64_t second = 1000000000;
	g_autofree char *text = g_strdup_printf("%s%s", base, strchr(base, 'T') ? "" : "T00:00:00");
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) date = NULL;

	*start = now;
	if (!strcmp(base, "utc"))
		return 0;
	if (!strcmp(base, "localtime")) {
		date = g_date_time_new_from_unix_local(now / second);
		*start += g_date_time_get_utc_offset(date) * 1000;
		return 0;
	}
	date = g_date_time_new_from_iso8601(text, utc);
	if (!date) {
		err_set(errp, -EINVAL, "-rtc base=%s: not utc, localtime or a date", base);
		err_hint(errp, "A date is such as 2006-06-17 or 2006-06-17T16:01:21.");
		return -EINVAL;
	}
	*start = g_date_time_to_unix(date) * second;
	return 0;
}

struct chardev_conf *vm_config_chardev(const struct vm_config *c, const char *id)
{
	for (guint i = 0; i < c->chardevs->len; i++) {
		struct chardev_conf *conf = g_ptr_array_index(c->chardevs, i);

		if (!g_strcmp0(conf->id, id))
			return conf;
	}
	return NULL;
}

/* ---- defaults --- */

static void complete_machine(struct vm_config *c)
{
	const char *m = c->machine;
	unsigned major, minor;

	if (m && strcmp(m, "pc") && !g_str_has_prefix(m, "pc-q35-"))
		return;
	if (m && sscanf(m, "pc-q35-%2u.%2u", &major, &minor) == 2)
		c->version = major * 100 + minor;
	g_free(c->machine);
	c->machine = g_strdup("q35");
}

static void complete_accels(struct vm_config *c)
{
	if (!c->accels->len) {
		struct vm_accel *kvm = vm_accel_new("kvm");

		kvm->by_default = true;
		g_ptr_array_add(c->accels, kvm);
		g_ptr_array_add(c->accels, vm_accel_new("soft"));
	}
	for (guint i = 0; i < c->accels->len; i++) {
		struct vm_accel *a = g_ptr_array_index(c->accels, i);

		if (!a->irqchip)
			a->irqchip = g_strdup(c->irqchip);
	}
}

static void one_if_zero(unsigned *n)
{
	if (!*n)
		*n = 1;
}

static unsigned divide(unsigned total, unsigned a, unsigned b, unsigned c)
{
	return a && b && c ? total / a / b / c : 0;
}

/* UINT32_MAX where it is more. */
static unsigned product(const struct vm_config *c)
{
	unsigned parts[] = {c->sockets, c->dies, c->cores, c->threads};
	uint64_t all = 1;

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		all = MIN(all * parts[i], UINT32_MAX);
	return all;
}

/* One number per missing place, from what the given ones leave; cores are preferred. */
static void complete_topology(struct vm_config *c)
{
	unsigned total = c->maxcpus ?: c->cpus;

	one_if_zero(&c->dies);
	if (!total || !c->cores)
		one_if_zero(&c->sockets);
	if (!total || !c->cores || !c->sockets)
		one_if_zero(&c->threads);
	if (!c->cores)
		c->cores = total ? divide(total, c->sockets, c->dies, c->threads) : 1;
	if (!c->sockets)
		c->sockets = divide(total, c->dies, c->cores, c->threads);
	if (!c->threads)
		c->threads = divide(total, c->sockets, c->dies, c->cores);
	total = total ?: product(c);
	c->maxcpus = c->maxcpus ?: total;
	c->cpus = c->cpus ?: c->maxcpus;
}

static bool stdio_taken(const struct vm_config *c)
{
	for (guint i = 0; i < c->chardevs->len; i++) {
		const struct chardev_conf *conf = g_ptr_array_index(c->chardevs, i);

		if (!g_strcmp0(conf->backend, "stdio"))
			return true;
	}
	return false;
}

static struct chardev_conf *add_chardev(struct vm_config *c, const char *id, const char *backend)
{
	struct chardev_conf *conf = chardev_conf_new(id, backend);

	g_ptr_array_add(c->chardevs, conf);
	return conf;
}

static void complete_serial(struct vm_config *c, bool on_stdio, bool with_monitor)
{
	struct chardev_conf *conf = add_chardev(c, "serial0", on_stdio ? "stdio" : "null");

	g_ptr_array_add(c->serials, g_strdup("serial0"));
	if (!on_stdio || !with_monitor)
		return;
	conf->mux = true;
	conf->signal = false;
	g_ptr_array_add(c->monitors, vm_monitor_new("serial0", false));
}

static bool has_readline(const struct vm_config *c)
{
	for (guint i = 0; i < c->monitors->len; i++)
		if (!((struct vm_monitor *)c->monitors->pdata[i])->control)
			return true;
	return false;
}

static void complete_consoles(struct vm_config *c)
{
	bool on_stdio = c->nographic && !stdio_taken(c);
	bool monitor = !c->no_monitor && !has_readline(c);

	if (!c->nodefaults && !c->serials->len && strcmp(c->machine, "none")) {
		complete_serial(c, on_stdio, monitor);
	} else if (!c->nodefaults && monitor && on_stdio) {
		add_chardev(c, "compat_monitor0", "stdio");
		g_ptr_array_add(c->monitors, vm_monitor_new("compat_monitor0", false));
	}
	if (!g_strcmp0(c->debugcon, "none"))
		g_clear_pointer(&c->debugcon, g_free);
}

void vm_config_complete(struct vm_config *c)
{
	complete_machine(c);
	complete_accels(c);
	complete_topology(c);
	if (!c->ram_size)
		c->ram_size = RAM_DEFAULT;
	complete_consoles(c);
	if (c->on_reboot == ACTION_DEFAULT)
		c->on_reboot = ACTION_RESET;
	if (c->on_shutdown == ACTION_DEFAULT)
		c->on_shutdown = ACTION_SHUTDOWN;
	if (c->on_panic == ACTION_DEFAULT)
		c->on_panic = ACTION_SHUTDOWN;
	if (c->on_watchdog == ACTION_DEFAULT)
		c->on_watchdog = ACTION_RESET;
}

/* ---- validation --- */

static int one_of(const char *what, const char *given, const char *const *known, struct err **errp)
{
	g_autofree char *all = g_strjoinv(", ", (char **)known);

	for (size_t i = 0; known[i]; i++)
		if (!g_strcmp0(given, known[i]))
			return 0;
	err_set(errp, -EINVAL, "unknown %s '%s' (known: %s)", what, given ?: "", all);
	err_hint_nearest(errp, given, known);
	return -EINVAL;
}

static int validate_machine(const struct vm_config *c, struct err **errp)
{
	if (g_str_has_prefix(c->machine, "pc-i440fx-"))
		return err_set(errp, -EINVAL, "machine '%s': there is no i440fx board; use -M q35",
			       c->machine);
	return one_of("machine", c->machine, machines, errp);
}

static int validate_clock(const struct vm_accel *a, struct err **errp)
{
	static const char *const clocks[] = {"host", "insn", NULL};
	int ret = one_of("clock", a->clock, clocks, errp);

	if (!ret && !strcmp(a->clock, "insn") && strcmp(a->name, "soft")) {
		ret = err_set(
			errp, -EINVAL,
			"-accel %s: clock=insn counts instructions, which only the soft CPU can",
			a->name);
		err_hint(errp, "Try -accel soft,clock=insn.");
	}
	return ret;
}

static int validate_accels(const struct vm_config *c, struct err **errp)
{
	static const char *const modes[] = {"on", "off", "split", NULL};
	int ret = 0;

	for (guint i = 0; !ret && i < c->accels->len; i++) {
		const struct vm_accel *a = g_ptr_array_index(c->accels, i);

		ret = one_of("accelerator", a->name, accels, errp);
		if (!ret && a->irqchip)
			ret = one_of("kernel-irqchip mode", a->irqchip, modes, errp);
		if (!ret && a->clock)
			ret = validate_clock(a, errp);
	}
	return ret;
}

static int validate_topology(const struct vm_config *c, struct err **errp)
{
	if (product(c) != c->maxcpus)
		return err_set(errp, -EINVAL,
			       "-smp: sockets (%u) * dies (%u) * cores (%u) * threads (%u) must be "
			       "maxcpus (%u)",
			       c->sockets, c->dies, c->cores, c->threads, c->maxcpus);
	if (c->cpus > c->maxcpus)
		return err_set(errp, -EINVAL, "-smp: cpus (%u) must not be more than maxcpus (%u)",
			       c->cpus, c->maxcpus);
	if (c->maxcpus > VM_MAX_CPUS)
		return err_set(errp, -ERANGE, "-smp: %u CPUs asked for, the board takes %u",
			       c->maxcpus, VM_MAX_CPUS);
	return 0;
}

static int validate_ram(const struct vm_config *c, struct err **errp)
{
	g_autofree char *size = g_format_size_full(c->ram_size, G_FORMAT_SIZE_IEC_UNITS);

	if (c->ram_size < RAM_MIN)
		return err_set(errp, -ERANGE, "-m: %s of memory is too little, the least is 1 MiB",
			       size);
	if (c->ram_size > VM_MAX_RAM)
		return err_set(errp, -ERANGE, "-m: %s of memory is too much, the most is 4 TiB",
			       size);
	if (c->ram_size % PAGE)
		return err_set(errp, -EINVAL,
			       "-m: %" G_GUINT64_FORMAT
			       " bytes are not a multiple of the page size (4096)",
			       c->ram_size);
	if (c->ram_maxmem && c->ram_maxmem < c->ram_size)
		return err_set(errp, -EINVAL,
			       "-m: maxmem (%" G_GUINT64_FORMAT
			       ") must not be less than size (%" G_GUINT64_FORMAT ")",
			       c->ram_maxmem, c->ram_size);
	if (c->ram_slots && c->ram_maxmem <= c->ram_size)
		return err_set(errp, -EINVAL,
			       "-m: slots (%" G_GUINT64_FORMAT ") need a maxmem above size",
			       c->ram_slots);
	return 0;
}

static int readable(const char *option, const char *path, struct err **errp)
{
	struct stat st;

	if (!path)
		return 0;
	if (access(path, R_OK) < 0 || stat(path, &st) < 0)
		return err_set_errno(errp, -errno, "%s %s", option, path);
	if (S_ISDIR(st.st_mode))
		return err_set_errno(errp, -EISDIR, "%s %s", option, path);
	return 0;
}

/* The file of a module "file args". */
static int validate_module(char *module, struct err **errp)
{
	g_strchug(module);
	module[strcspn(module, " ")] = 0;
	return *module ? readable("-initrd", module, errp) : 0;
}

/* One file, or for multiboot several: "file args,file args"; ",," is a comma. */
static int validate_initrd(const char *initrd, struct err **errp)
{
	g_autoptr(GString) one = NULL;
	int ret = 0;

	if (!initrd || (!strpbrk(initrd, ", ") || access(initrd, F_OK) == 0))
		return readable("-initrd", initrd, errp);
	one = g_string_new(NULL);
	for (const char *s = initrd; !ret; s++) {
		bool comma = s[0] == ',' && s[1] == ',';

		if (*s && (*s != ',' || comma)) {
			g_string_append_c(one, *s);
			s += comma;
			continue;
		}
		ret = validate_module(one->str, errp);
		g_string_truncate(one, 0);
		if (!*s)
			break;
	}
	return ret;
}

static int validate_boot(const struct vm_config *c, struct err **errp)
{
	int ret = 0;

	if (!c->kernel && c->append)
		return err_set(errp, -EINVAL, "-append needs -kernel");
	if (!c->kernel && c->initrd)
		return err_set(errp, -EINVAL, "-initrd needs -kernel");
	if (c->firmware) {
		err_set(errp, -ENOTSUP, "-bios %s: there is no firmware boot yet", c->firmware);
		err_hint(errp, "Boot a kernel directly: -kernel (bzImage, PVH or multiboot).");
		return -ENOTSUP;
	}
	ret = readable("-kernel", c->kernel, errp);
	return ret ?: validate_initrd(c->initrd, errp);
}

/* A board with a PC's CMOS has room for three, of these kinds. */
static int validate_order(const char *what, const char *order, struct err **errp)
{
	if (!order)
		return 0;
	if (strlen(order) > 3)
		return err_set(errp, -EINVAL, "-boot %s=%s: %zu drives, the most are 3", what,
			       order, strlen(order));
	for (const char *p = order; *p; p++) {
		if (!strchr("abcdn", *p))
			return err_set(errp, -EINVAL,
				       "-boot %s=%s: '%c' is no drive: a or b (floppy), c (disk), "
				       "d (CD-ROM), n (network)",
				       what, order, *p);
		if (strchr(p + 1, *p))
			return err_set(errp, -EINVAL, "-boot %s=%s: '%c' is there twice", what,
				       order, *p);
	}
	return 0;
}

static int validate_boot_menu(const struct vm_config *c, struct err **errp)
{
	const struct vm_boot *b = &c->boot;
	int ret = validate_order("order", b->order, errp);

	if (!ret)
		ret = validate_order("once", b->once, errp);
	if (ret < 0)
		return ret;
	if (b->has_reboot_timeout && (b->reboot_timeout < -1 || b->reboot_timeout > 0xffff))
		return err_set(errp, -ERANGE,
			       "-boot reboot-timeout=%" G_GINT64_FORMAT
			       ": it may be -1 (never) to 65535 milliseconds",
			       b->reboot_timeout);
	if (b->has_splash_time && (b->splash_time < 0 || b->splash_time > 0xffff))
		return err_set(errp, -ERANGE,
			       "-boot splash-time=%" G_GINT64_FORMAT
			       ": it may be 0 to 65535 milliseconds",
			       b->splash_time);
	return readable("-boot splash", b->splash, errp);
}

static int validate_fw_files(const struct vm_config *c, struct err **errp)
{
	int ret = 0;

	for (guint i = 0; !ret && i < c->fw_files->len; i++) {
		const struct vm_fw_file *f = c->fw_files->pdata[i];
		bool file = f->file && *f->file, string = f->string && *f->string;

		if (!f->name || !*f->name || file == string)
			ret = err_set(errp, -EINVAL,
				      "-fw_cfg %s: a name is needed, and one of file= and string=",
				      f->name ?: "");
		else
			ret = readable("-fw_cfg", file ? f->file : NULL, errp);
	}
	return ret;
}

static int validate_device_ids(const struct vm_config *c, struct err **errp)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < c->devices->len; i++) {
		const struct vm_device *d = g_ptr_array_index(c->devices, i);
		const struct vm_device *other = d->id ? g_hash_table_lookup(seen, d->id) : NULL;

		if (other)
			return err_set(errp, -EEXIST,
				       "-device %s: the id '%s' is taken by -device %s", d->driver,
				       d->id, other->driver);
		if (d->id)
			g_hash_table_insert(seen, d->id, (gpointer)d);
	}
	return 0;
}

static int validate_chardev_ids(const struct vm_config *c, struct err **errp)
{
	const struct chardev_conf *stdio = NULL;

	for (guint i = 0; i < c->chardevs->len; i++) {
		const struct chardev_conf *conf = g_ptr_array_index(c->chardevs, i);

		if (vm_config_chardev(c, conf->id) != conf)
			return err_set(errp, -EEXIST, "chardev id '%s' is used twice", conf->id);
		if (strcmp(conf->backend, "stdio"))
			continue;
		if (stdio)
			return err_set(errp, -EBUSY,
				       "stdio cannot be shared by chardevs '%s' and '%s'; "
				       "use mon:stdio for serial port and monitor",
				       stdio->id, conf->id);
		stdio = conf;
	}
	return 0;
}

/* What uses chardevs: collected first, so that one loop can check all of it. */
struct users {
	GPtrArray *id, *what;
};

static void add_user(struct users *u, const char *id, const char *what)
{
	if (!id || !strcmp(id, "none"))
		return;
	g_ptr_array_add(u->id, (gpointer)id);
	g_ptr_array_add(u->what, (gpointer)what);
}

static int no_such_chardev(const struct vm_config *c, const char *what, const char *id,
			   struct err **errp)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new();

	for (guint i = 0; i < c->chardevs->len; i++)
		g_ptr_array_add(ids, ((struct chardev_conf *)c->chardevs->pdata[i])->id);
	g_ptr_array_add(ids, NULL);
	err_set(errp, -ENOENT, "%s: there is no chardev with the id '%s'", what, id);
	err_hint_nearest(errp, id, (const char *const *)ids->pdata);
	return -ENOENT;
}

static int check_users(const struct vm_config *c, const struct users *u, struct err **errp)
{
	for (guint i = 0; i < u->id->len; i++) {
		const char *id = u->id->pdata[i], *what = u->what->pdata[i];
		const struct chardev_conf *conf = vm_config_chardev(c, id);

		if (!conf)
			return no_such_chardev(c, what, id, errp);
		for (guint j = 0, others = 0; j < i; j++) {
			if (strcmp(id, u->id->pdata[j]))
				continue;
			if (!conf->mux || ++others > 1 ||
			    (strcmp(what, "-monitor") && strcmp(what, "-qmp")))
				return err_set(errp, -EBUSY,
					       "%s: chardev '%s' is already taken by %s%s", what,
					       id, (char *)u->what->pdata[j],
					       conf->mux ? "" : "; mux=on lets -monitor share it");
		}
	}
	return 0;
}

static int validate_chardevs(const struct vm_config *c, struct err **errp)
{
	struct users u = {g_ptr_array_new(), g_ptr_array_new()};
	int ret = 0;

	if (c->serials->len > VM_MAX_SERIALS)
		ret = err_set(errp, -ERANGE, "-serial: %u ports asked for, the board has %u",
			      c->serials->len, VM_MAX_SERIALS);
	for (guint i = 0; i < c->serials->len; i++)
		add_user(&u, c->serials->pdata[i], "-serial");
	add_user(&u, c->debugcon, "-debugcon");
	for (guint i = 0; i < c->devices->len; i++)
		add_user(&u, vm_device_get(c->devices->pdata[i], "chardev"), "-device");
	add_user(&u, c->qtest, "-qtest");
	for (guint i = 0; i < c->monitors->len; i++) {
		const struct vm_monitor *m = c->monitors->pdata[i];

		add_user(&u, m->chardev, m->control ? "-qmp" : "-monitor");
	}
	if (!ret)
		ret = validate_chardev_ids(c, errp);
	if (!ret)
		ret = check_users(c, &u, errp);
	g_ptr_array_free(u.id, TRUE);
	g_ptr_array_free(u.what, TRUE);
	return ret;
}

static int validate_rtc(const struct vm_config *c, struct err **errp)
{
	int64_t start;

	return c->rtc_base ? vm_rtc_start(c->rtc_base, 0, &start, errp) : 0;
}

static int validate_daemonize(const struct vm_config *c, struct err **errp)
{
	if (c->daemonize && c->preconfig)
		return err_set(errp, -EINVAL,
			       "-daemonize and --preconfig exclude each other: nobody would see "
			       "whether the machine can be built");
	if (c->daemonize && (c->nographic || stdio_taken(c)))
		return err_set(errp, -EINVAL,
			       "-daemonize cannot be used with -nographic or a chardev on stdio");
	return 0;
}

int vm_config_validate(const struct vm_config *c, struct err **errp)
{
	static int (*const passes[])(const struct vm_config *c, struct err **errp) = {
		validate_machine, validate_accels,     validate_topology, validate_ram,
		validate_boot,    validate_device_ids, validate_chardevs, validate_daemonize,
		validate_rtc,     validate_boot_menu,  validate_fw_files, backends_validate,
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < G_N_ELEMENTS(passes); i++)
		ret = passes[i](c, errp);
	return ret;
}
