// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two device models, each driven by one text over two plugs: on a bus of the test's own, and
 * through the VFIO API of an emulated host.  What they answer must be right, and the same.
 */
#include "plug.h"

#include "host_util.h"
#include "nvme_util.h"

/* --- what both texts write down --- */

struct text {
	struct plug *p;
	GString *said;
	unsigned warnings;
};

static void say(struct text *t, const char *what, uint64_t value)
{
	g_string_append_printf(t->said, "%s %" G_GINT64_MODIFIER "x\n", what, value);
}

static void cfg(struct text *t, unsigned off, unsigned len)
{
	g_autofree char *what = g_strdup_printf("config %x.%u", off, len);

	say(t, what, t->p->ops->cfg_read(t->p, off, len));
}

static void header(struct text *t)
{
	cfg(t, PCI_VENDOR_ID, 4);
	cfg(t, PCI_CLASS_REVISION, 4);
	cfg(t, PCI_SUBSYSTEM_VENDOR_ID, 4);
	cfg(t, PCI_INTERRUPT_PIN, 1);
	cfg(t, PCI_COMMAND, 2);
	cfg(t, PCI_CAPABILITY_LIST, 1);
}

static uint64_t rd(struct text *t, unsigned off, unsigned len)
{
	return t->p->ops->read(t->p, off, len);
}

static void wr(struct text *t, unsigned off, uint64_t val, unsigned len)
{
	t->p->ops->write(t->p, off, val, len);
}

/* Heard so often and no more, whoever asks how often. */
static void heard(struct text *t, unsigned vector, unsigned n)
{
	plug_wait(t->p, vector, n);
	say(t, "heard", n);
}

/* --- edu --- */

static void until_clear(struct text *t, unsigned off, uint32_t bit)
{
	gint64 end = g_get_monotonic_time() + 100 * G_USEC_PER_SEC;

	while (rd(t, off, 4) & bit && g_get_monotonic_time() < end)
		g_thread_yield();
	g_assert_cmphex(rd(t, off, 4) & bit, ==, 0);
}

static void dma(struct text *t, uint64_t src, uint64_t dst, unsigned count, unsigned cmd)
{
	wr(t, EDU_DMA_SRC, src, 8);
	wr(t, EDU_DMA_DST, dst, 8);
	wr(t, EDU_DMA_COUNT, count, 8);
	wr(t, EDU_DMA_CMD, cmd | EDU_CMD_START, 4);
	until_clear(t, EDU_DMA_CMD, EDU_CMD_START);
}

static void edu_registers(struct text *t)
{
	say(t, "id", rd(t, EDU_ID, 4));
	g_assert_cmphex(rd(t, EDU_ID, 4), ==, EDU_ID_VALUE);
	wr(t, EDU_LIVE, 0x12345678, 4);
	say(t, "live", rd(t, EDU_LIVE, 4));
	g_assert_cmphex(rd(t, EDU_LIVE, 4), ==, 0xedcba987);
	for (uint32_t n = 0; n < 15; n += 7) {
		wr(t, EDU_FACTORIAL, n, 4);
		until_clear(t, EDU_STATUS, EDU_STATUS_COMPUTING);
		say(t, "factorial", rd(t, EDU_FACTORIAL, 4));
	}
	g_assert_cmpuint(rd(t, EDU_FACTORIAL, 4), ==, 1278945280); /* 14!, 32 bits of it */
}

static void edu_dma(struct text *t)
{
	uint8_t *m = t->p->mem;

	for (unsigned i = 0; i < EDU_BUF_SIZE; i++)
		m[i] = (uint8_t)(i * 7 + i / 256);
	dma(t, PLUG_RAM, EDU_BUF, EDU_BUF_SIZE, 0);
	dma(t, EDU_BUF, PLUG_RAM + 0x2000, EDU_BUF_SIZE, EDU_CMD_TO_RAM);
	g_assert_cmpmem(m, EDU_BUF_SIZE, m + 0x2000, EDU_BUF_SIZE);
	dma(t, EDU_BUF + 5, PLUG_RAM + 0x4fff, 3, EDU_CMD_TO_RAM);
	say(t, "moved", pci_get32(m + 0x4fff));
	g_assert_cmpmem(m + 0x4fff, 3, m + 5, 3);
}

static void edu_pin(struct text *t)
{
	t->p->ops->irq_on(t->p, PLUG_INTX, 1);
	heard(t, 0, 0);
	wr(t, EDU_IRQ_RAISE, 0x11, 4);
	heard(t, 0, 1);
	say(t, "status", rd(t, EDU_IRQ_STATUS, 4));
	wr(t, EDU_IRQ_ACK, 0x10, 4);
	t->p->ops->unmask(t->p); /* it still is there */
	heard(t, 0, 2);
	wr(t, EDU_IRQ_RAISE, 0x20, 4);
	heard(t, 0, 2);
	wr(t, EDU_IRQ_ACK, 0x21, 4);
	t->p->ops->unmask(t->p);
	heard(t, 0, 2);
	wr(t, EDU_STATUS, EDU_STATUS_IRQ, 4);
	wr(t, EDU_FACTORIAL, 4, 4);
	heard(t, 0, 3);
	say(t, "status", rd(t, EDU_IRQ_STATUS, 4));
	wr(t, EDU_IRQ_ACK, EDU_IRQ_FACTORIAL, 4);
	t->p->ops->unmask(t->p);
	heard(t, 0, 3);
	t->p->ops->irq_off(t->p);
}

static void edu_msi(struct text *t)
{
	t->p->ops->irq_on(t->p, PLUG_MSI, 1);
	wr(t, EDU_IRQ_RAISE, 2, 4);
	heard(t, 0, 1);
	wr(t, EDU_IRQ_ACK, 2, 4);
	wr(t, EDU_FACTORIAL, 5, 4);
	heard(t, 0, 2);
	dma(t, PLUG_RAM, EDU_BUF, 16, EDU_CMD_IRQ);
	heard(t, 0, 3);
	say(t, "status", rd(t, EDU_IRQ_STATUS, 4));
	wr(t, EDU_IRQ_ACK, UINT32_MAX, 4);
	t->p->ops->irq_off(t->p);
	say(t, "status", rd(t, EDU_IRQ_STATUS, 4));
}

/* DMA that nothing answers: it ends, and no byte changes. */
static void edu_holes(struct text *t)
{
	uint8_t *m = t->p->mem;

	memset(m, 0x5a, PLUG_RAM_SIZE);
	dma(t, PLUG_RAM, EDU_BUF, 64, 0);
	dma(t, EDU_BUF, 0x0900000, 64, EDU_CMD_TO_RAM);
	dma(t, PLUG_RAM + PLUG_RAM_SIZE, EDU_BUF, 64, 0);
	memset(m, 0, 64);
	dma(t, EDU_BUF, PLUG_RAM, 64, EDU_CMD_TO_RAM);
	say(t, "after a hole", pci_get32(m + 60));
	t->p->ops->ram(t->p, false);
	memset(m, 0x11, 64);
	dma(t, EDU_BUF, PLUG_RAM, 64, EDU_CMD_TO_RAM);
	g_assert_cmphex(pci_get32(m), ==, 0x11111111);
	t->p->ops->ram(t->p, true);
	memset(m, 0x22, 64);
	dma(t, PLUG_RAM, EDU_BUF, 64, 0);
	dma(t, EDU_BUF, PLUG_RAM + 0x1000, 64, EDU_CMD_TO_RAM);
	say(t, "mapped again", pci_get32(m + 0x1000));
	g_assert_cmphex(pci_get32(m + 0x1000), ==, 0x22222222);
}

static void edu_text(struct text *t)
{
	header(t);
	edu_registers(t);
	edu_dma(t);
	edu_pin(t);
	edu_msi(t);
	edu_pin(t); /* and back */
	edu_holes(t);
}

/* --- nvme --- */

/* The driver of nvme_util.h finds the registers in an address space: they are the plug's. */
static uint64_t window_read(void *opaque, uint64_t off, unsigned len)
{
	return rd(opaque, (unsigned)off, len);
}

static void window_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	wr(opaque, (unsigned)off, val, len);
}

static const struct region_ops window_ops = {window_read, window_write, 1, 8, false};

static void nvme_identify(struct text *t, struct nv *s)
{
	char serial[21] = "";

	g_assert_cmphex(
		nv_admin(s, (struct nvcmd){.dw0 = NVME_ADM_IDENTIFY, .prp1 = NV_DATA, .dw10 = 1}),
		==, NVME_OK);
	say(t, "vendor", pci_get32(nv_at(s, NV_DATA)));
	memcpy(serial, nv_at(s, NV_DATA + 4), 20);
	g_string_append_printf(t->said, "serial %s\n", serial);
	g_assert_cmphex(
		nv_admin(s, (struct nvcmd){.dw0 = NVME_ADM_IDENTIFY, .nsid = 1, .prp1 = NV_DATA}),
		==, NVME_OK);
	say(t, "blocks", pci_get32(nv_at(s, NV_DATA)));
	g_assert_cmpuint(pci_get32(nv_at(s, NV_DATA)), ==, NV_SIZE / 512);
}

static void nvme_blocks(struct text *t, struct nv *s)
{
	const uint64_t back = NV_DATA + 0x4000;

	nv_fill(s, NV_DATA, 0x2000, 3);
	say(t, "write", nv_io(s, nv_rw(NVME_IO_WRITE, 77, 16, NV_DATA, NV_DATA + 0x1000)));
	say(t, "flush", nv_io(s, (struct nvcmd){.dw0 = NVME_IO_FLUSH, .nsid = 1}));
	say(t, "read", nv_io(s, nv_rw(NVME_IO_READ, 77, 16, back, back + 0x1000)));
	g_assert_cmpmem(nv_at(s, NV_DATA), 0x2000, nv_at(s, back), 0x2000);
	say(t, "hole", nv_io(s, nv_rw(NVME_IO_READ, 77, 1, NV_HOLE, 0)));
	say(t, "past the end", nv_io(s, nv_rw(NVME_IO_READ, NV_SIZE / 512, 1, NV_DATA, 0)));
	g_assert_cmphex(nv_io(s, nv_rw(NVME_IO_READ, 77, 1, NV_DATA, 0)), ==, NVME_OK);
}

static void nvme_text(struct text *t)
{
	struct nv s = {.d = t->p->d, .mem = t->p->mem};
	struct region window;

	s.b.mem = aspace_new("window", 0);
	region_init_io(&window, "nvme", 0x4000, &window_ops, t);
	aspace_map(s.b.mem, &window, NV_BAR, 0, 0x4000, 0);
	header(t);
	say(t, "capabilities", nv_r(&s, NVME_CAP, 8));
	t->p->ops->irq_on(t->p, PLUG_MSIX, 5);
	nv_enable(&s);
	nvme_identify(t, &s);
	heard(t, 0, 2);
	nv_io_queue(&s, 64, 3);
	heard(t, 0, 4);
	nvme_blocks(t, &s);
	heard(t, 3, 6);
	heard(t, 1, 0);
	t->p->ops->irq_off(t->p);
	nv_disable(&s);
	t->p->ops->irq_on(t->p, PLUG_INTX, 1);
	nv_enable(&s);
	nvme_identify(t, &s);
	t->p->ops->irq_off(t->p);
	aspace_sync();
	aspace_free(s.b.mem);
}

/* --- both ways --- */

static void count_warning(const char *domain, GLogLevelFlags level, const char *text, void *opaque)
{
	if (level & G_LOG_LEVEL_WARNING)
		__atomic_add_fetch(&((struct text *)opaque)->warnings, 1, __ATOMIC_RELEASE);
}

static char *run(struct plug *p, void (*text)(struct text *t), unsigned faults)
{
	struct text t = {.p = p, .said = g_string_new(NULL)};
	GLogFunc old = g_log_set_default_handler(count_warning, &t);

	text(&t);
	if (!strcmp(p->ops->name, "inproc"))
		g_assert_cmpuint(p->ops->faults(p), ==, faults);
	g_assert_cmpuint(t.warnings, ==, p->ops->faults(p)); /* each of the first few is told */
	plug_free(p);
	g_log_set_default_handler(old, NULL);
	return g_string_free(t.said, FALSE);
}

static void edu(void)
{
	g_autofree char *direct = run(plug_direct(hu_edu()), edu_text, 0);
	g_autofree char *inproc = run(plug_inproc(hu_edu()), edu_text, 3);

	g_assert_cmpstr(direct, ==, inproc);
}

static void nvme(void)
{
	g_autofree char *direct = run(plug_direct(hu_nvme()), nvme_text, 0);
	g_autofree char *inproc = run(plug_inproc(hu_nvme()), nvme_text, 1);

	g_assert_cmpstr(direct, ==, inproc);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_log_set_always_fatal(G_LOG_FATAL_MASK); /* faults warn, and are wanted */
	aspace_thread_enter();
	g_test_add_func("/plug/edu", edu);
	g_test_add_func("/plug/nvme", nvme);
	return g_test_run();
}
