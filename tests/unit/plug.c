// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the two plugs of plug.h.  Called by test_plug.c; what a device answers is not known here.
 */
#include "plug.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host_util.h"
#include "vfio/host/private.h"

#define COMMAND (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

static uint8_t *ram_new(void)
{
	uint8_t *p = mmap(NULL, PLUG_RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	g_assert_true(p != MAP_FAILED);
	return p;
}

/* --- direct --- */

#define DIRECT_DEVFN 0x08
#define DIRECT_BAR 0xc0000000u
#define DIRECT_MSI 0xfee00000u
#define DIRECT_DATA 0x40 /* of vector 0 */

struct direct {
	struct plug p;
	struct pcihost host;
	struct aspace *mem, *io, *dma;
	struct region ram;
	struct mmapping *map;
	enum plug_irq kind;
	unsigned heard[PLUG_VECTORS];
	bool on, level, masked; /* of INTx, under irq_lock */
};

static void direct_hear(struct direct *s, unsigned vector)
{
	__atomic_add_fetch(&s->heard[vector], 1, __ATOMIC_RELEASE);
}

static void direct_run(struct direct *s)
{
	if (!s->on || !s->level || s->masked)
		return;
	s->masked = true;
	direct_hear(s, 0);
}

static void direct_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	struct direct *s = opaque;

	s->level = level;
	direct_run(s);
}

static int direct_gsi(void *opaque, unsigned slot, unsigned pin)
{
	return 10;
}

static void direct_msi(void *opaque, struct pcidev *d, struct msi_msg msg)
{
	g_assert_cmphex(msg.addr, ==, DIRECT_MSI);
	g_assert_cmphex(msg.data - DIRECT_DATA, <, PLUG_VECTORS);
	direct_hear(opaque, msg.data - DIRECT_DATA);
}

static const struct pcihost_ops direct_host_ops = {direct_intx, direct_gsi, direct_msi};

static uint32_t direct_cfg_read(struct plug *p, unsigned off, unsigned len)
{
	return pcihost_cfg_read(&((struct direct *)p)->host, DIRECT_DEVFN, off, len);
}

static void direct_cfg_write(struct plug *p, unsigned off, uint32_t val, unsigned len)
{
	pcihost_cfg_write(&((struct direct *)p)->host, DIRECT_DEVFN, off, val, len);
}

static uint64_t direct_read(struct plug *p, unsigned off, unsigned len)
{
	return aspace_read(((struct direct *)p)->mem, DIRECT_BAR + off, len);
}

static void direct_write(struct plug *p, unsigned off, uint64_t val, unsigned len)
{
	aspace_write(((struct direct *)p)->mem, DIRECT_BAR + off, val, len);
}

static void direct_msi_on(struct plug *p, unsigned vectors)
{
	unsigned c = pci_cap_find(p->d->cfg, PCI_CAP_ID_MSI);
	bool is64 = direct_cfg_read(p, c + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_64BIT;
	unsigned shift = (unsigned)__builtin_ctz(vectors);

	direct_cfg_write(p, c + PCI_MSI_ADDRESS_LO, DIRECT_MSI, 4);
	direct_cfg_write(p, c + (is64 ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), DIRECT_DATA, 2);
	direct_cfg_write(p, c + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | shift << 4, 2);
}

static void direct_msix_on(struct plug *p, unsigned vectors)
{
	unsigned c = pci_cap_find(p->d->cfg, PCI_CAP_ID_MSIX);
	uint32_t table = direct_cfg_read(p, c + PCI_MSIX_TABLE, 4);

	g_assert_cmpuint(table & PCI_MSIX_TABLE_BIR, ==, 0);
	for (unsigned i = 0; i < vectors; i++) {
		direct_write(p, table + 16 * i, DIRECT_MSI, 8);
		direct_write(p, table + 16 * i + 8, DIRECT_DATA + i, 4);
		direct_write(p, table + 16 * i + 12, 0, 4);
	}
	direct_cfg_write(p, c + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}

static void direct_irq_on(struct plug *p, enum plug_irq kind, unsigned vectors)
{
	struct direct *s = (struct direct *)p;

	s->kind = kind;
	for (unsigned i = 0; i < PLUG_VECTORS; i++)
		__atomic_store_n(&s->heard[i], 0, __ATOMIC_RELEASE);
	if (kind == PLUG_MSI)
		direct_msi_on(p, vectors);
	else if (kind == PLUG_MSIX)
		direct_msix_on(p, vectors);
	else
		pthread_mutex_lock(&s->host.irq_lock);
	if (kind != PLUG_INTX)
		return;
	s->on = true;
	s->masked = false;
	direct_run(s);
	pthread_mutex_unlock(&s->host.irq_lock);
}

static void direct_irq_off(struct plug *p)
{
	struct direct *s = (struct direct *)p;

	pthread_mutex_lock(&s->host.irq_lock);
	s->on = false;
	pthread_mutex_unlock(&s->host.irq_lock);
	if (s->kind == PLUG_MSI)
		direct_cfg_write(p, pci_cap_find(p->d->cfg, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS, 0, 2);
	if (s->kind == PLUG_MSIX)
		direct_cfg_write(p, pci_cap_find(p->d->cfg, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 0,
				 2);
}

static unsigned direct_heard(struct plug *p, unsigned vector)
{
	return __atomic_load_n(&((struct direct *)p)->heard[vector], __ATOMIC_ACQUIRE);
}

static void direct_unmask(struct plug *p)
{
	struct direct *s = (struct direct *)p;

	pthread_mutex_lock(&s->host.irq_lock);
	s->masked = false;
	direct_run(s);
	pthread_mutex_unlock(&s->host.irq_lock);
}

static void direct_ram(struct plug *p, bool map)
{
	struct direct *s = (struct direct *)p;

	if (map) {
		s->map = aspace_map(s->dma, &s->ram, PLUG_RAM, 0, PLUG_RAM_SIZE, 0);
		return;
	}
	aspace_unmap(s->dma, s->map);
	aspace_sync();
	s->map = NULL;
}

static uint64_t direct_faults(struct plug *p)
{
	return 0;
}

static void direct_free(struct plug *p)
{
	struct direct *s = (struct direct *)p;

	pcihost_fini(&s->host);
	aspace_free(s->mem);
	aspace_free(s->io);
	aspace_free(s->dma);
	munmap(p->mem, PLUG_RAM_SIZE);
	g_free(s);
}

static const struct plug_ops direct_ops = {"direct",       direct_cfg_read, direct_cfg_write,
					   direct_read,    direct_write,    direct_irq_on,
					   direct_irq_off, direct_heard,    direct_unmask,
					   direct_ram,     direct_faults,   direct_free};

struct plug *plug_direct(struct pcidev *model)
{
	struct direct *s = g_new0(struct direct, 1);

	s->p = (struct plug){&direct_ops, model, ram_new()};
	s->mem = aspace_new("mem", 0);
	s->io = aspace_new("io", 0x10000);
	s->dma = aspace_new("dma", 0);
	pcihost_init(&s->host, &direct_host_ops, s, s->mem, s->io, s->dma);
	g_assert_cmpint(pcidev_plug(model, &s->host.root, DIRECT_DEVFN, NULL), ==, 0);
	region_init_ram(&s->ram, "ram", PLUG_RAM_SIZE, s->p.mem, -1);
	direct_ram(&s->p, true);
	direct_cfg_write(&s->p, PCI_BASE_ADDRESS_0, DIRECT_BAR, 4);
	if (model->bar[0].flags & PCI_BASE_ADDRESS_MEM_TYPE_64)
		direct_cfg_write(&s->p, PCI_BASE_ADDRESS_1, 0, 4);
	direct_cfg_write(&s->p, PCI_COMMAND, COMMAND, 2);
	return &s->p;
}

/* --- inproc --- */

struct inproc {
	struct plug p;
	struct host *h;
	struct hu user;
	unsigned index, vectors; /* vectors: eventfds that are open */
	int fd[PLUG_VECTORS];
	unsigned heard[PLUG_VECTORS];
};

static struct vfio_file *inproc_dev(struct plug *p)
{
	return ((struct inproc *)p)->user.dev;
}

static uint32_t inproc_cfg_read(struct plug *p, unsigned off, unsigned len)
{
	return hu_cfg_read(inproc_dev(p), off, len);
}

static void inproc_cfg_write(struct plug *p, unsigned off, uint32_t val, unsigned len)
{
	hu_cfg_write(inproc_dev(p), off, val, len);
}

static uint64_t inproc_read(struct plug *p, unsigned off, unsigned len)
{
	uint64_t v = 0;

	g_assert_cmpint(vfio_pread(inproc_dev(p), &v, len, HU_REGION(0) + off), ==, len);
	return v;
}

static void inproc_write(struct plug *p, unsigned off, uint64_t val, unsigned len)
{
	g_assert_cmpint(vfio_pwrite(inproc_dev(p), &val, len, HU_REGION(0) + off), ==, len);
}

static void inproc_irq_on(struct plug *p, enum plug_irq kind, unsigned vectors)
{
	static const unsigned index[] = {VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX,
					 VFIO_PCI_MSIX_IRQ_INDEX};
	struct inproc *s = (struct inproc *)p;

	s->index = index[kind];
	s->vectors = vectors;
	for (unsigned i = 0; i < vectors; i++) {
		s->fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		s->heard[i] = 0;
	}
	g_assert_cmpint(hu_irqs(s->user.dev,
				VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, s->index,
				0, vectors, s->fd, vectors * sizeof(int)),
			==, 0);
}

static void inproc_irq_off(struct plug *p)
{
	struct inproc *s = (struct inproc *)p;

	g_assert_cmpint(hu_irqs(s->user.dev, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
				s->index, 0, 0, NULL, 0),
			==, 0);
	while (s->vectors)
		close(s->fd[--s->vectors]);
}

static unsigned inproc_heard(struct plug *p, unsigned vector)
{
	struct inproc *s = (struct inproc *)p;
	eventfd_t n;

	if (!eventfd_read(s->fd[vector], &n))
		s->heard[vector] += (unsigned)n;
	return s->heard[vector];
}

static void inproc_unmask(struct plug *p)
{
	g_assert_cmpint(hu_irqs(inproc_dev(p), VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
				VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL, 0),
			==, 0);
}

static void inproc_ram(struct plug *p, bool map)
{
	struct inproc *s = (struct inproc *)p;

	if (map)
		g_assert_cmpint(hu_map(&s->user, PLUG_RAM, p->mem, PLUG_RAM_SIZE), ==, 0);
	else
		g_assert_cmpint(hu_unmap(&s->user, PLUG_RAM, PLUG_RAM_SIZE, 0), ==, PLUG_RAM_SIZE);
}

static uint64_t inproc_faults(struct plug *p)
{
	return hostdev_dma_faults(host_find(((struct inproc *)p)->h, HU_FIRST));
}

static void inproc_free(struct plug *p)
{
	struct inproc *s = (struct inproc *)p;

	hu_close(&s->user);
	while (s->vectors)
		close(s->fd[--s->vectors]);
	vfio_host_free(s->h);
	munmap(p->mem, PLUG_RAM_SIZE);
	g_free(s);
}

static const struct plug_ops inproc_ops = {"inproc",       inproc_cfg_read, inproc_cfg_write,
					   inproc_read,    inproc_write,    inproc_irq_on,
					   inproc_irq_off, inproc_heard,    inproc_unmask,
					   inproc_ram,     inproc_faults,   inproc_free};

struct plug *plug_inproc(struct pcidev *model)
{
	struct inproc *s = g_new0(struct inproc, 1);

	s->p = (struct plug){&inproc_ops, model, ram_new()};
	s->h = vfio_host_new(NULL);
	g_assert_nonnull(s->h);
	hu_plug(model, hu_port(s->h, 1), 0);
	g_assert_cmpint(host_scan(s->h, NULL), ==, 0);
	g_assert_cmpint(hu_bind(s->h, HU_FIRST), ==, 0);
	g_assert_cmpint(hu_open(&s->user, s->h, HU_FIRST), ==, 0);
	inproc_ram(&s->p, true);
	inproc_cfg_write(&s->p, PCI_COMMAND, COMMAND, 2);
	return &s->p;
}

/* --- both --- */

void plug_free(struct plug *p)
{
	p->ops->free(p);
}

void plug_wait(struct plug *p, unsigned vector, unsigned n)
{
	gint64 end = g_get_monotonic_time() + 100 * G_USEC_PER_SEC;

	while (p->ops->heard(p, vector) < n && g_get_monotonic_time() < end)
		g_thread_yield();
	g_assert_cmpuint(p->ops->heard(p, vector), ==, n);
}
