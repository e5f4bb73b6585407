// SPDX-License-Identifier: GPL-2.0-or-later
/* edu: each register of its description, both kinds of interrupt, DMA and what it may not do. */
#include "hw/dev/edu.h"
#include "pci_util.h"

#define DEV 0x08
#define BAR 0xc0000000u
#define RAM 0x100000u
#define RAM_SIZE 0x10000u
#define CMD (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

struct ed {
	struct pciboard b;
	struct pcidev *d;
	struct region ram;
	uint8_t *mem;
};

static uint64_t rd(struct ed *s, unsigned off, unsigned len)
{
	return aspace_read(s->b.mem, BAR + off, len);
}

static void wr(struct ed *s, unsigned off, uint64_t val, unsigned len)
{
	aspace_write(s->b.mem, BAR + off, val, len);
}

static void enable(struct ed *s)
{
	cfg_w(&s->b, DEV, PCI_BASE_ADDRESS_0, BAR, 4);
	cfg_w(&s->b, DEV, PCI_COMMAND, CMD, 2);
}

static void ed_init(struct ed *s, uint64_t dma_mask)
{
	memset(s, 0, sizeof(*s));
	pb_init(&s->b);
	g_assert_cmpint(pci_edu_new(&s->d, "edu0", dma_mask, NULL), ==, 0);
	g_assert_cmpint(pcidev_plug(s->d, &s->b.host.root, DEV, NULL), ==, 0);
	s->mem = g_malloc0(RAM_SIZE);
	region_init_ram(&s->ram, "ram", RAM_SIZE, s->mem, -1);
	aspace_map(s->b.mem, &s->ram, RAM, 0, RAM_SIZE, 0);
	enable(s);
}

static void ed_fini(struct ed *s)
{
	pb_fini(&s->b);
	g_free(s->mem);
}

static void use_msi(struct ed *s, bool on)
{
	unsigned c = pci_cap_find(s->d->cfg, PCI_CAP_ID_MSI);

	cfg_w(&s->b, DEV, c + PCI_MSI_ADDRESS_LO, 0xfee00000, 4);
	cfg_w(&s->b, DEV, c + PCI_MSI_DATA_64, 0x45, 2);
	cfg_w(&s->b, DEV, c + PCI_MSI_FLAGS, on, 2);
}

/* As a driver without interrupts does it. */
static void wait_clear(struct ed *s, unsigned off, uint32_t bit)
{
	gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

	while (rd(s, off, 4) & bit && g_get_monotonic_time() < end)
		g_thread_yield();
	g_assert_cmphex(rd(s, off, 4) & bit, ==, 0);
}

static void dma(struct ed *s, uint64_t src, uint64_t dst, uint64_t count, unsigned cmd)
{
	wr(s, EDU_DMA_SRC, src, 8);
	wr(s, EDU_DMA_DST, dst, 8);
	wr(s, EDU_DMA_COUNT, count, 8);
	wr(s, EDU_DMA_CMD, cmd | EDU_CMD_START, 8);
	wait_clear(s, EDU_DMA_CMD, EDU_CMD_START);
}

static void to_edu(struct ed *s, uint64_t ram, unsigned at, uint64_t count)
{
	dma(s, ram, EDU_BUF + at, count, 0);
}

static void to_ram(struct ed *s, unsigned at, uint64_t ram, uint64_t count)
{
	dma(s, EDU_BUF + at, ram, count, EDU_CMD_TO_RAM);
}

static void identity(void)
{
	struct ed s;

	ed_init(&s, EDU_DMA_MASK);
	g_assert_cmphex(cfg_r(&s.b, DEV, 0, 4), ==, 0x11e81234);
	g_assert_cmphex(cfg_r(&s.b, DEV, PCI_CLASS_REVISION, 4), ==, 0x00ff0010);
	g_assert_cmphex(cfg_r(&s.b, DEV, PCI_INTERRUPT_PIN, 1), ==, 1);
	cfg_w(&s.b, DEV, PCI_BASE_ADDRESS_0, UINT32_MAX, 4);
	g_assert_cmphex(cfg_r(&s.b, DEV, PCI_BASE_ADDRESS_0, 4), ==, 0xfff00000);
	enable(&s);
	g_assert_cmphex(rd(&s, EDU_ID, 4), ==, 0x010000ed);
	wr(&s, EDU_ID, 0, 4);
	g_assert_cmphex(rd(&s, EDU_ID, 4), ==, 0x010000ed);
	wr(&s, EDU_LIVE, 0x12345678, 4);
	g_assert_cmphex(rd(&s, EDU_LIVE, 4), ==, 0xedcba987);
	ed_fini(&s);
}

/* Wrong sizes and addresses read ones and change nothing. */
static void sizes(void)
{
	struct ed s;

	ed_init(&s, EDU_DMA_MASK);
	wr(&s, EDU_LIVE, 0, 4);
	for (unsigned len = 1; len <= 8; len *= 2) {
		if (len == 4)
			continue;
		g_assert_cmphex(rd(&s, EDU_LIVE & ~(len - 1), len), ==,
				len == 8 ? UINT64_MAX : (1ull << (8 * len)) - 1);
		wr(&s, EDU_LIVE & ~(len - 1), 0x5555555555555555, len);
		g_assert_cmphex(rd(&s, EDU_LIVE, 4), ==, UINT32_MAX);
	}
	g_assert_cmphex(rd(&s, EDU_DMA_SRC, 2), ==, 0xffff);
	wr(&s, EDU_DMA_SRC, 0x1122334455667788, 8);
	g_assert_cmphex(rd(&s, EDU_DMA_SRC, 4), ==, 0x55667788);
	g_assert_cmphex(rd(&s, EDU_DMA_SRC + 4, 4), ==, 0x11223344);
	wr(&s, EDU_DMA_SRC + 4, 0, 4);
	g_assert_cmphex(rd(&s, EDU_DMA_SRC, 8), ==, 0x55667788);
	g_assert_cmphex(rd(&s, EDU_IRQ_RAISE, 4), ==, UINT32_MAX);
	for (unsigned off = 0; off < 0x200; off++)
		for (unsigned len = 1; len <= 8; len++)
			rd(&s, off, len);
	g_assert_cmphex(rd(&s, EDU_BUF, 4), ==, UINT32_MAX); /* the buffer is for DMA only */
	g_assert_cmphex(rd(&s, EDU_BAR_SIZE - 8, 8), ==, UINT64_MAX);
	ed_fini(&s);
}

static void factorials(void)
{
	static const uint32_t cases[][2] = {{0, 1},          {1, 1},           {5, 120},
					    {12, 479001600}, {13, 1932053504}, {33, 1u << 31},
					    {34, 0},         {35, 0},          {UINT32_MAX, 0}};
	struct ed s;

	ed_init(&s, EDU_DMA_MASK);
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		wr(&s, EDU_FACTORIAL, cases[i][0], 4);
		wait_clear(&s, EDU_STATUS, EDU_STATUS_COMPUTING);
		g_assert_cmpuint(rd(&s, EDU_FACTORIAL, 4), ==, cases[i][1]);
	}
	g_assert_cmphex(rd(&s, EDU_IRQ_STATUS, 4), ==, 0);
	wr(&s, EDU_STATUS, UINT32_MAX, 4);
	g_assert_cmphex(rd(&s, EDU_STATUS, 4), ==, EDU_STATUS_IRQ);
	wr(&s, EDU_FACTORIAL, 4, 4);
	pb_wait(&s.b.edges, 1);
	g_assert_cmpuint(rd(&s, EDU_FACTORIAL, 4), ==, 24);
	g_assert_cmphex(rd(&s, EDU_IRQ_STATUS, 4), ==, EDU_IRQ_FACTORIAL);
	ed_fini(&s);
}

static void pin(void)
{
	struct ed s;

	ed_init(&s, EDU_DMA_MASK);
	wr(&s, EDU_IRQ_RAISE, 0x11, 4);
	g_assert_true(s.b.pin[1][0]);
	g_assert_cmphex(rd(&s, EDU_IRQ_STATUS, 4), ==, 0x11);
	wr(&s, EDU_IRQ_ACK, 0x10, 4);
	g_assert_true(s.b.pin[1][0]);
	wr(&s, EDU_IRQ_ACK, 0x01, 4);
	g_assert_false(s.b.pin[1][0]);
	wr(&s, EDU_IRQ_RAISE, 0, 4);
	g_assert_false(s.b.pin[1][0]);
	wr(&s, EDU_IRQ_RAISE, 0x80000000, 4);
	cfg_w(&s.b, DEV, PCI_COMMAND, CMD | PCI_COMMAND_INTX_DISABLE, 2);
	g_assert_false(s.b.pin[1][0]);
	cfg_w(&s.b, DEV, PCI_COMMAND, CMD, 2);
	g_assert_true(s.b.pin[1][0]);
	use_msi(&s, true); /* the pin gives way */
	g_assert_false(s.b.pin[1][0]);
	use_msi(&s, false);
	g_assert_true(s.b.pin[1][0]);
	pcihost_reset(&s.b.host);
	g_assert_false(s.b.pin[1][0]);
	g_assert_cmpuint(s.b.msis, ==, 0);
	ed_fini(&s);
}

static void msi(void)
{
	struct ed s;

	ed_init(&s, EDU_DMA_MASK);
	use_msi(&s, true);
	wr(&s, EDU_IRQ_RAISE, 2, 4);
	g_assert_cmpuint(s.b.msis, ==, 1);
	g_assert_cmphex(s.b.last.addr, ==, 0xfee00000);
	g_assert_cmphex(s.b.last.data, ==, 0x45);
	wr(&s, EDU_IRQ_ACK, 2, 4);
	wr(&s, EDU_STATUS, EDU_STATUS_IRQ, 4);
	wr(&s, EDU_FACTORIAL, 3, 4);
	pb_wait(&s.b.msis, 2);
	g_assert_cmphex(rd(&s, EDU_IRQ_STATUS, 4), ==, EDU_IRQ_FACTORIAL);
	dma(&s, RAM, EDU_BUF, 16, EDU_CMD_IRQ);
	pb_wait(&s.b.msis, 3);
	g_assert_cmphex(rd(&s, EDU_IRQ_STATUS, 4), ==, EDU_IRQ_FACTORIAL | EDU_IRQ_DMA);
	g_assert_cmpuint(s.b.edges, ==, 0);
	ed_fini(&s);
}

static void transfers(void)
{
	struct ed s;

	ed_init(&s, EDU_DMA_MASK);
	for (unsigned i = 0; i < 4096; i++)
		s.mem[i] = (uint8_t)(i * 7 + i / 256);
	to_edu(&s, RAM, 0, 4096);
	to_ram(&s, 0, RAM + 0x2000, 4096);
	g_assert_cmpmem(s.mem, 4096, s.mem + 0x2000, 4096);
	to_ram(&s, 4095, RAM + 0x4001, 1);
	g_assert_cmphex(s.mem[0x4001], ==, s.mem[4095]);
	to_edu(&s, RAM + 3, 100, 5);
	to_ram(&s, 99, RAM + 0x5000, 7);
	g_assert_cmphex(s.mem[0x5000], ==, s.mem[99]);
	g_assert_cmpmem(s.mem + 0x5001, 5, s.mem + 3, 5);
	g_assert_cmphex(s.mem[0x5006], ==, s.mem[105]);
	to_ram(&s, 0, RAM + 0x6000, 0); /* nothing to do: done at once */
	to_ram(&s, 4096, RAM + 0x6000, 0);
	g_assert_cmphex(s.mem[0x6000], ==, 0);
	ed_fini(&s);
}

/* Wishes that cannot be granted end all the same, and change nothing. */
static void bad_transfers(void)
{
	static const struct {
		uint64_t src, dst, count;
		unsigned cmd;
	} bad[] = {
		{RAM, EDU_BUF - 1, 1, 0},
		{RAM, EDU_BUF, 4097, 0},
		{RAM, EDU_BUF + 4095, 2, 0},
		{RAM, EDU_BUF + 4096, 1, 0},
		{RAM, UINT64_MAX, 8, 0},
		{EDU_BUF + 1, RAM, UINT64_MAX, EDU_CMD_TO_RAM},
		{0, RAM, 64, EDU_CMD_TO_RAM},
		{EDU_BUF, 0x9000000, 64, EDU_CMD_TO_RAM}, /* nothing there */
		{0x9000000, EDU_BUF + 4096, 64, 0},
	};
	struct ed s;
	uint8_t page[4096];

	ed_init(&s, EDU_DMA_MASK);
	memset(s.mem, 0xa5, RAM_SIZE);
	to_edu(&s, RAM, 0, 4096);
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
		dma(&s, bad[i].src, bad[i].dst, bad[i].count, bad[i].cmd);
	for (unsigned i = 0; i < RAM_SIZE; i++)
		g_assert_cmphex(s.mem[i], ==, 0xa5);
	memset(s.mem, 0, 4096);
	to_ram(&s, 0, RAM, 4096);
	memset(page, 0xa5, sizeof(page));
	g_assert_cmpmem(s.mem, 4096, page, 4096);
	cfg_w(&s.b, DEV, PCI_COMMAND, PCI_COMMAND_MEMORY, 2); /* no bus master */
	memset(s.mem, 0, 4096);
	to_ram(&s, 0, RAM, 4096);
	g_assert_cmphex(s.mem[0], ==, 0);
	ed_fini(&s);
}

/* The engine drives only the address bits that it has. */
static void dma_mask(void)
{
	struct ed s;

	ed_init(&s, EDU_DMA_MASK);
	s.mem[0] = 0x77;
	to_edu(&s, 0xf0000000 | RAM, 0, 1);
	to_ram(&s, 0, 1ull << 32 | (RAM + 1), 1);
	g_assert_cmphex(s.mem[1], ==, 0x77);
	ed_fini(&s);
	ed_init(&s, UINT64_MAX);
	memset(s.mem, 0x77, 16);
	to_edu(&s, RAM, 0, 1);
	to_ram(&s, 0, 1ull << 32 | RAM, 1);
	to_ram(&s, 0, UINT64_MAX, 1);
	g_assert_cmphex(s.mem[0], ==, 0x77);
	ed_fini(&s);
}

/* DMA into its own registers: even the command that is being done. */
static void dma_to_itself(void)
{
	struct ed s;

	ed_init(&s, UINT64_MAX);
	pci_set32(s.mem, 0x0f0f0f0f);
	to_edu(&s, RAM, 0, 8);
	to_ram(&s, 0, BAR + EDU_LIVE, 4);
	g_assert_cmphex(rd(&s, EDU_LIVE, 4), ==, 0xf0f0f0f0);
	pci_set32(s.mem, EDU_CMD_START | EDU_CMD_TO_RAM);
	to_edu(&s, RAM, 0, 8);
	to_ram(&s, 0, BAR + EDU_DMA_CMD, 8);
	g_assert_cmphex(rd(&s, EDU_DMA_CMD, 8), ==, EDU_CMD_TO_RAM);
	ed_fini(&s);
}

static void reset(void)
{
	struct ed s;

	ed_init(&s, EDU_DMA_MASK);
	use_msi(&s, true);
	memset(s.mem, 0x11, 16);
	to_edu(&s, RAM, 0, 16);
	wr(&s, EDU_LIVE, 0, 4);
	wr(&s, EDU_STATUS, EDU_STATUS_IRQ, 4);
	for (unsigned i = 0; i < 200; i++) { /* whatever is under way leaves no trace */
		wr(&s, EDU_FACTORIAL, 20, 4);
		wr(&s, EDU_DMA_CMD, EDU_CMD_START | EDU_CMD_IRQ, 4);
		pcihost_reset(&s.b.host);
		enable(&s);
		g_assert_cmphex(rd(&s, EDU_IRQ_STATUS, 4), ==, 0);
		g_assert_cmphex(rd(&s, EDU_STATUS, 4), ==, 0);
		g_assert_cmphex(rd(&s, EDU_FACTORIAL, 4), ==, 0);
		g_assert_cmphex(rd(&s, EDU_DMA_CMD, 4), ==, 0);
	}
	g_assert_cmphex(rd(&s, EDU_LIVE, 4), ==, 0);
	g_assert_false(s.b.pin[1][0]);
	to_ram(&s, 0, RAM, 16); /* the buffer, too */
	g_assert_cmphex(s.mem[0], ==, 0);
	ed_fini(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/edu/identity", identity);
	g_test_add_func("/edu/sizes", sizes);
	g_test_add_func("/edu/factorials", factorials);
	g_test_add_func("/edu/pin", pin);
	g_test_add_func("/edu/msi", msi);
	g_test_add_func("/edu/transfers", transfers);
	g_test_add_func("/edu/bad-transfers", bad_transfers);
	g_test_add_func("/edu/dma-mask", dma_mask);
	g_test_add_func("/edu/dma-to-itself", dma_to_itself);
	g_test_add_func("/edu/reset", reset);
	return g_test_run();
}
