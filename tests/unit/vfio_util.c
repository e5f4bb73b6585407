// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the fakes that the tests of hw/vfio run against; called by tests only; never lets a broken
 * rule pass unnoticed.
 */
#include "vfio_util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem/access.h"

/* --- messages ------------------------------------------------------------------------------- */

static GString *said;

static void collect(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer opaque)
{
	if (level & G_LOG_LEVEL_CRITICAL)
		g_error("unexpected: %s", text);
	if (level & G_LOG_LEVEL_ERROR)
		fprintf(stderr, "%s\n", text);
	g_string_append_printf(said, "%s\n", text);
}

void vt_test_init(int *argc, char ***argv)
{
	g_test_init(argc, argv, NULL);
	said = g_string_new(NULL);
	g_log_set_always_fatal(G_LOG_FATAL_MASK);
	g_log_set_default_handler(collect, NULL);
}

const char *vt_messages(void)
{
	return said->str;
}

void vt_messages_clear(void)
{
	g_string_truncate(said, 0);
}

void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		g_error("\"%s\" is not in \"%s\"", part, text);
}

void vt_assert_said(const char *part)
{
	assert_contains(said->str, part);
	vt_messages_clear();
}

/* --- what is open --------------------------------------------------------------------------- */

/* Eventfds only: other threads (RCU's) may have a file open for a moment. */
unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(dir))) {
		char to[64] = "";

		if (readlinkat(dirfd(dir), e->d_name, to, sizeof(to) - 1) > 0)
			n += !strcmp(to, "anon_inode:[eventfd]");
	}
	closedir(dir);
	return n;
}

unsigned count_maps(void)
{
	g_autofree char *text = NULL;
	unsigned n = 0;

	g_assert_true(g_file_get_contents("/proc/self/maps", &text, NULL, NULL));
	for (const char *p = text; (p = strstr(p, "memfd:fake-vfio")); p++)
		n++;
	return n;
}

/* --- the device: calls ---------------------------------------------------------------------- */

static struct fake_dev *fake_of(struct vfio_dev *d)
{
	return (struct fake_dev *)((char *)d - offsetof(struct fake_dev, dev));
}

static void note(struct fake_dev *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct fake_dev *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	g_string_append_vprintf(f->log, fmt, ap);
	g_string_append_c(f->log, '\n');
	va_end(ap);
}

/* Every call counts; true: this one is to fail. */
static bool fault(struct fake_dev *f)
{
	f->violations += !f->open;
	return ++f->calls == f->fail_at;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void disarm(struct fake_dev *f, unsigned index)
{
	for (unsigned i = 0; i < FAKE_VECTORS; i++)
		drop(&f->fd[index][i]);
	f->n[index] = 0;
	if (index == VFIO_PCI_INTX_IRQ_INDEX) {
		drop(&f->unmask_fd);
		f->masked = false;
	}
}

static void fake_close(struct vfio_dev *d)
{
	struct fake_dev *f = fake_of(d);

	f->violations += !f->open;
	for (unsigned i = 0; i < FAKE_IRQS; i++)
		disarm(f, i);
	f->open = false;
	note(f, "close");
}

static int fake_region_info(struct vfio_dev *d, unsigned index, struct vfio_region *r)
{
	struct fake_dev *f = fake_of(d);

	memset(r, 0, sizeof(*r));
	if (fault(f))
		return -f->fail_err;
	if (index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	*r = f->region[index].info;
	return 0;
}

static int fake_irq_info(struct vfio_dev *d, unsigned index, struct vfio_irq *irq)
{
	struct fake_dev *f = fake_of(d);

	memset(irq, 0, sizeof(*irq));
	if (fault(f))
		return -f->fail_err;
	if (index >= FAKE_IRQS)
		return -EINVAL;
	*irq = f->irq[index];
	return 0;
}

/* The kernel's gate: memory space is on and the device is awake. */
static bool answers(const struct fake_dev *f, unsigned region)
{
	uint16_t cmd = pci_get16(f->cfg + PCI_COMMAND);
	bool io = f->cfg[PCI_BASE_ADDRESS_0 + 4 * region] & PCI_BASE_ADDRESS_SPACE_IO;

	if (region == VFIO_PCI_ROM_REGION_INDEX)
		return true;
	if (f->cfg[STD_PM] == PCI_CAP_ID_PM && f->cfg[STD_PM + PCI_PM_CTRL] & 3)
		return false;
	return cmd & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
}

static ssize_t fake_read(struct vfio_dev *d, unsigned region, uint64_t off, void *buf, size_t len)
{
	struct fake_dev *f = fake_of(d);
	struct fake_region *r = &f->region[region];

	if (fault(f))
		return -f->fail_err;
	r->reads++;
	if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
		if (off + len > f->cfg_size)
			return -EINVAL;
		memcpy(buf, f->cfg + off, len);
		return (ssize_t)len;
	}
	if (!answers(f, region))
		return -EIO;
	if (off >= r->info.size)
		return region == VFIO_PCI_ROM_REGION_INDEX ? 0 : -EINVAL;
	len = MIN(len, r->info.size - off);
	if (r->max_read)
		len = MIN(len, r->max_read);
	memcpy(buf, r->data + off, len);
	return (ssize_t)len;
}

static ssize_t fake_write(struct vfio_dev *d, unsigned region, uint64_t off, const void *buf,
			  size_t len)
{
	struct fake_dev *f = fake_of(d);
	struct fake_region *r = &f->region[region];
	const uint8_t *p = buf;

	if (fault(f))
		return -f->fail_err;
	r->writes++;
	if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
		if (f->on_cfg_write)
			f->on_cfg_write(f->on_cfg_opaque, (unsigned)off);
		note(f, "cfg 0x%x = 0x%x/%zu", (unsigned)off, (unsigned)le_load(buf, (unsigned)len),
		     len);
		for (size_t i = 0; i < len; i++)
			f->cfg[off + i] = (uint8_t)((f->cfg[off + i] & ~f->wmask[off + i]) |
						    (p[i] & f->wmask[off + i]));
		return (ssize_t)len;
	}
	note(f, "bar%u 0x%x = 0x%x/%zu", region, (unsigned)off,
	     (unsigned)le_load(buf, (unsigned)len), len);
	if (!answers(f, region))
		return -EIO;
	memcpy(r->data + off, buf, len);
	return (ssize_t)len;
}

static void *fake_map(struct vfio_dev *d, unsigned region, uint64_t off, size_t len, bool write)
{
	struct fake_dev *f = fake_of(d);
	struct fake_region *r = &f->region[region];
	int prot = PROT_READ | (write ? PROT_WRITE : 0);
	bool fail = fault(f);

	note(f, "map bar%u 0x%x+0x%x", region, (unsigned)off, (unsigned)len);
	f->violations += off % 4096 || len % 4096 || off + len > r->alloc;
	if (fail || f->map_errno) {
		errno = fail ? f->fail_err : f->map_errno;
		return MAP_FAILED;
	}
	r->maps++;
	return mmap(NULL, len, prot, MAP_SHARED, r->fd, (off_t)off);
}

static int fake_reset(struct vfio_dev *d)
{
	struct fake_dev *f = fake_of(d);

	note(f, "reset");
	if (fault(f))
		return -f->fail_err;
	return f->reset_err;
}

static int fake_hot_reset(struct vfio_dev *d)
{
	struct fake_dev *f = fake_of(d);

	note(f, "hot reset");
	if (fault(f))
		return -f->fail_err;
	return f->hot_reset_err;
}

/* --- the device: interrupts, by the kernel's rules (vfio_pci_intrs.c) ----------------------- */

static const char *const irq_names[] = {"intx", "msi", "msix", "err", "req"};

/* Is one of INTx, MSI, MSI-X armed, other than index? */
static bool other_armed(const struct fake_dev *f, unsigned index)
{
	for (unsigned i = 0; i <= VFIO_PCI_MSIX_IRQ_INDEX; i++)
		if (i != index && f->n[i])
			return true;
	return false;
}

static void intx_check(struct fake_dev *f)
{
	if (f->line && !f->masked && f->n[VFIO_PCI_INTX_IRQ_INDEX]) {
		f->masked = true; /* AUTOMASKED */
		eventfd_write(f->fd[VFIO_PCI_INTX_IRQ_INDEX][0], 1);
	}
}

void fake_line(struct fake_dev *f, bool level)
{
	f->line = level;
	intx_check(f);
}

static int broken(struct fake_dev *f, const char *why)
{
	g_test_message("fake: %s", why);
	f->violations++;
	return -EINVAL;
}

static int intx_mask(struct fake_dev *f, const struct vfio_irq_set *s, bool mask)
{
	const int32_t *fd = (const int32_t *)s->data;

	if (!f->n[VFIO_PCI_INTX_IRQ_INDEX] || s->start || s->count != 1)
		return broken(f, "mask or unmask of INTx that is not armed");
	if (s->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		if (mask)
			return -ENOTTY;
		note(f, "intx unmask-fd %s", *fd < 0 ? "off" : "on");
		drop(&f->unmask_fd);
		if (*fd >= 0)
			f->unmask_fd = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
		return 0;
	}
	note(f, "intx %s", mask ? "mask" : "unmask");
	f->masked = mask;
	intx_check(f);
	return 0;
}

static int set_event(struct fake_dev *f, unsigned index, const struct vfio_irq_set *s)
{
	const int32_t *fd = (const int32_t *)s->data;

	if (!(s->flags & VFIO_IRQ_SET_DATA_EVENTFD) || s->count != 1)
		return broken(f, "event without eventfd");
	disarm(f, index);
	note(f, "%s %s", irq_names[index], *fd < 0 ? "off" : "on");
	if (*fd >= 0) {
		f->fd[index][0] = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
		f->n[index] = 1;
	}
	return 0;
}

static int set_trigger(struct fake_dev *f, unsigned index, const struct vfio_irq_set *s)
{
	const int32_t *fd = (const int32_t *)s->data;
	unsigned end = s->start + s->count;
	g_autoptr(GString) text = g_string_new(NULL);

	if (s->flags & VFIO_IRQ_SET_DATA_NONE && !s->count) {
		if (!f->n[index])
			return broken(f, "disarm of what is not armed");
		disarm(f, index);
		note(f, "%s off", irq_names[index]);
		return 0;
	}
	if (!(s->flags & VFIO_IRQ_SET_DATA_EVENTFD) || other_armed(f, index) ||
	    end > f->irq[index].count || end > FAKE_VECTORS)
		return broken(f, "trigger: two modes, or too many");
	if (f->n[index] && end > f->n[index] && f->irq[index].flags & VFIO_IRQ_INFO_NORESIZE)
		return broken(f, "more vectors than were armed");
	if (!f->n[index] && s->start)
		return broken(f, "the first vectors are not in the first request");
	for (unsigned i = 0; i < s->count; i++)
		g_string_append(text, fd[i] < 0 ? " -" : " +");
	note(f, "%s %u:%s", irq_names[index], s->start, text->str);
	if (f->limit && end > f->limit && index != VFIO_PCI_INTX_IRQ_INDEX)
		return f->n[index] ? -ENOSPC : (int)f->limit;
	for (unsigned i = 0; i < s->count; i++) {
		drop(&f->fd[index][s->start + i]);
		if (fd[i] < 0)
			continue;
		f->fd[index][s->start + i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 0);
		if (f->fd[index][s->start + i] < 0)
			return broken(f, "closed descriptor");
	}
	f->n[index] = MAX(f->n[index], end);
	return 0;
}

static int fake_set_irqs(struct vfio_dev *d, struct vfio_irq_set *s)
{
	struct fake_dev *f = fake_of(d);
	uint32_t action = s->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	int ret;

	if (fault(f)) {
		note(f, "set_irqs fails");
		return -f->fail_err;
	}
	if (s->index >= FAKE_IRQS || s->argsz < sizeof(*s))
		return broken(f, "index or argsz");
	if (s->index >= VFIO_PCI_ERR_IRQ_INDEX)
		return set_event(f, s->index, s);
	if (action != VFIO_IRQ_SET_ACTION_TRIGGER)
		return s->index == VFIO_PCI_INTX_IRQ_INDEX
			       ? intx_mask(f, s, action == VFIO_IRQ_SET_ACTION_MASK)
			       : -ENOTTY;
	ret = set_trigger(f, s->index, s);
	if (!ret && s->index == VFIO_PCI_INTX_IRQ_INDEX)
		intx_check(f);
	return ret;
}

static const struct vfio_dev_ops fake_ops = {
	"fake",     fake_close, fake_region_info, fake_irq_info, fake_read,
	fake_write, fake_map,   fake_set_irqs,    fake_reset,    fake_hot_reset,
};

/* --- the device: shape ---------------------------------------------------------------------- */

void fake_region(struct fake_dev *f, unsigned index, uint64_t size, uint32_t flags)
{
	struct fake_region *r = &f->region[index];

	if (r->data) {
		munmap(r->data, r->alloc);
		close(r->fd);
	}
	*r = (struct fake_region){.fd = -1};
	r->info.size = size;
	r->info.flags = flags;
	if (flags & VFIO_REGION_INFO_FLAG_MMAP) {
		r->info.n_areas = 1;
		r->info.area[0] = (struct vfio_area){0, size};
	}
	if (!size)
		return;
	r->alloc = (size + 4095) & ~(size_t)4095;
	r->fd = memfd_create("fake-vfio", MFD_CLOEXEC);
	g_assert_cmpint(ftruncate(r->fd, (off_t)r->alloc), ==, 0);
	r->data = mmap(NULL, r->alloc, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	g_assert_true(r->data != MAP_FAILED);
}

void fake_bar(struct fake_dev *f, unsigned nr, uint64_t size, uint32_t bits)
{
	bool io = bits & PCI_BASE_ADDRESS_SPACE_IO;
	unsigned off = PCI_BASE_ADDRESS_0 + 4 * nr;

	fake_region(f, nr, size,
		    VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
			    (io ? 0 : VFIO_REGION_INFO_FLAG_MMAP));
	pci_set32(f->cfg + off, bits);
	pci_set32(f->wmask + off, (uint32_t) ~(size - 1));
	if (bits & PCI_BASE_ADDRESS_MEM_TYPE_64 && !io)
		pci_set32(f->wmask + off + 4, (uint32_t)(~(size - 1) >> 32));
}

void fake_cap(struct fake_dev *f, unsigned pos, uint8_t id, unsigned next)
{
	f->cfg[pos] = id;
	f->cfg[pos + 1] = (uint8_t)next;
}

void fake_ext(struct fake_dev *f, unsigned pos, uint16_t id, unsigned version, unsigned next)
{
	pci_set32(f->cfg + pos, id | version << 16 | next << 20);
}

void fake_drop_cap(struct fake_dev *f, uint8_t id)
{
	unsigned link = PCI_CAPABILITY_LIST;

	while (f->cfg[link] && f->cfg[f->cfg[link]] != id)
		link = f->cfg[link] + 1u;
	g_assert_cmpuint(f->cfg[link], !=, 0);
	f->cfg[link] = f->cfg[f->cfg[link] + 1];
}

static void standard_caps(struct fake_dev *f)
{
	uint8_t *c = f->cfg;

	c[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	c[PCI_CAPABILITY_LIST] = STD_PM;
	fake_cap(f, STD_PM, PCI_CAP_ID_PM, STD_MSI);
	pci_set16(c + STD_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	f->wmask[STD_PM + PCI_PM_CTRL] = PCI_PM_CTRL_STATE_MASK;
	fake_cap(f, STD_MSI, PCI_CAP_ID_MSI, STD_EXP);
	pci_set16(c + STD_MSI + PCI_MSI_FLAGS,
		  PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 5 << 1);
	pci_set32(f->wmask + STD_MSI + PCI_MSI_MASK_64, UINT32_MAX);
	fake_cap(f, STD_EXP, PCI_CAP_ID_EXP, STD_MSIX);
	pci_set16(c + STD_EXP + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
	pci_set32(c + STD_EXP + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR | PCI_EXP_DEVCAP_RBER);
	pci_set32(c + STD_EXP + PCI_EXP_LNKCAP, 0x0043f443);
	pci_set16(c + STD_EXP + PCI_EXP_LNKSTA, 0x1043);
	pci_set32(c + STD_EXP + PCI_EXP_LNKCAP2, 0x0000000e);
	pci_set16(c + STD_EXP + PCI_EXP_LNKCTL2, 3);
	fake_cap(f, STD_MSIX, PCI_CAP_ID_MSIX, STD_VNDR);
	pci_set16(c + STD_MSIX + PCI_MSIX_FLAGS, STD_VECTORS - 1);
	pci_set32(c + STD_MSIX + PCI_MSIX_TABLE, STD_TABLE | 0);
	pci_set32(c + STD_MSIX + PCI_MSIX_PBA, STD_PBA | 0);
	fake_cap(f, STD_VNDR, PCI_CAP_ID_VNDR, 0);
	c[STD_VNDR + 2] = 16;
	pci_set32(f->wmask + STD_VNDR + 4, UINT32_MAX);
	fake_ext(f, STD_AER, PCI_EXT_CAP_ID_ERR, 2, STD_SRIOV);
	fake_ext(f, STD_SRIOV, PCI_EXT_CAP_ID_SRIOV, 1, STD_DSN);
	fake_ext(f, STD_DSN, PCI_EXT_CAP_ID_DSN, 1, 0);
}

void fake_standard(struct fake_dev *f)
{
	uint8_t *c = f->cfg;

	*f = (struct fake_dev){.cfg_size = PCI_CFG_EXT, .fail_err = EIO, .unmask_fd = -1};
	memset(f->fd, 0xff, sizeof(f->fd));
	f->log = g_string_new(NULL);
	f->dev.ops = &fake_ops;
	f->dev.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	f->dev.group = 7;
	for (unsigned i = 0; i < VFIO_PCI_NUM_REGIONS; i++)
		f->region[i].fd = -1;
	pci_set16(c + PCI_VENDOR_ID, 0x1234);
	pci_set16(c + PCI_DEVICE_ID, 0x5678);
	pci_set32(c + PCI_CLASS_REVISION, 0x02000003);
	pci_set16(c + PCI_SUBSYSTEM_VENDOR_ID, 0xaaaa);
	pci_set16(c + PCI_SUBSYSTEM_ID, 0xbbbb);
	c[PCI_INTERRUPT_PIN] = 1;
	pci_set16(f->wmask + PCI_COMMAND, 0x547);
	f->wmask[PCI_INTERRUPT_LINE] = 0xff;
	standard_caps(f);
	fake_region(f, VFIO_PCI_CONFIG_REGION_INDEX, f->cfg_size, VFIO_REGION_INFO_FLAG_READ);
	fake_bar(f, 0, 0x4000, 0);
	fake_bar(f, 2, 0x100000, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	fake_bar(f, 4, 32, PCI_BASE_ADDRESS_SPACE_IO);
	f->region[0].info.msix_mappable = true;
	f->irq[VFIO_PCI_INTX_IRQ_INDEX] = (struct vfio_irq){
		1, VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED};
	f->irq[VFIO_PCI_MSI_IRQ_INDEX] =
		(struct vfio_irq){32, VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE};
	f->irq[VFIO_PCI_MSIX_IRQ_INDEX] =
		(struct vfio_irq){STD_VECTORS, VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE};
	f->irq[VFIO_PCI_ERR_IRQ_INDEX] = (struct vfio_irq){1, VFIO_IRQ_INFO_EVENTFD};
	f->irq[VFIO_PCI_REQ_IRQ_INDEX] = (struct vfio_irq){1, VFIO_IRQ_INFO_EVENTFD};
}

void fake_fini(struct fake_dev *f)
{
	for (unsigned i = 0; i < VFIO_PCI_NUM_REGIONS; i++)
		fake_region(f, i, 0, 0);
	g_string_free(f->log, TRUE);
}

bool fake_said(const struct fake_dev *f, const char *line)
{
	g_autofree char *whole = g_strdup_printf("\n%s\n", line);
	g_autofree char *log = g_strdup_printf("\n%s", f->log->str);

	return strstr(log, whole);
}

void fake_log_clear(struct fake_dev *f)
{
	g_string_truncate(f->log, 0);
}

void fake_assert_order(const struct fake_dev *f, ...)
{
	g_autofree char *log = g_strdup_printf("\n%s", f->log->str);
	const char *at = log, *line;
	va_list ap;

	va_start(ap, f);
	while ((line = va_arg(ap, const char *))) {
		g_autofree char *whole = g_strdup_printf("\n%s\n", line);

		at = strstr(at, whole);
		if (!at)
			g_error("\"%s\" is missing or too early in:%s", line, log);
		at += strlen(whole) - 1;
	}
	va_end(ap);
}
