// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The edu device at slot 5, with all that it does: registers, DMA both ways, INTx, MSI.  The same
 * for a device of the board and for one that is assigned from the emulated host.
 */
#include "kit/irq.h"
#include "kit/pci.h"

#define EDU (5 << 3)
#define EDU_ID 0x11e81234u
#define SRC 0x500000u
#define DST 0x501000u
#define BUF 0x40000u
#define BYTES 256u
#define MSI_VECTOR 0x70
#define PATIENCE 200000000u

static uintptr_t bar;
static volatile uint32_t intx, msi, cause;

static void on_intx(unsigned v)
{
	cause = read32(bar + 0x24);
	intx++;
	write32(bar + 0x64, 0xffffffff);
	lapic_eoi();
}

static void on_msi(unsigned v)
{
	cause = read32(bar + 0x24);
	msi++;
	write32(bar + 0x64, 0xffffffff);
	lapic_eoi();
}

static bool comes(volatile uint32_t *count, uint32_t n)
{
	for (uint32_t i = 0; i < PATIENCE && *count < n; i++)
		__asm__ volatile("sti; nop; nop; cli" : : : "memory");
	return *count >= n;
}

static void registers(void)
{
	unsigned i;

	check("edu-id", read32(bar), 0x010000ed);
	write32(bar + 4, 0x12345678);
	check("edu-liveness", read32(bar + 4), ~0x12345678u);
	write32(bar + 8, 5);
	for (i = 0; i < PATIENCE && read32(bar + 0x20) & 1; i++)
		;
	check("edu-factorial", read32(bar + 8), 120);
}

static void dma(uint32_t src, uint32_t dst, uint32_t cmd)
{
	write32(bar + 0x80, src);
	write32(bar + 0x84, 0);
	write32(bar + 0x88, dst);
	write32(bar + 0x8c, 0);
	write32(bar + 0x90, BYTES);
	write32(bar + 0x94, 0);
	write32(bar + 0x98, cmd);
	for (unsigned i = 0; i < PATIENCE && read32(bar + 0x98) & 1; i++)
		;
}

static void dma_both_ways(void)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < BYTES; i += 4) {
		write32(SRC + i, i * 0x01010101u + 7);
		write32(DST + i, 0);
	}
	dma(SRC, BUF, 1);
	dma(BUF, DST, 3);
	for (uint32_t i = 0; i < BYTES; i += 4)
		wrong += read32(DST + i) != i * 0x01010101u + 7;
	check("edu-dma", wrong, 0);
}

static void line(void)
{
	for (unsigned pin = 16; pin < 24; pin++) {
		irq_set(0x50 + pin, on_intx);
		ioapic_route(pin, (0x50 + pin) | IOAPIC_LEVEL, 0);
	}
	write32(bar + 0x60, 0x40);
	check_true("edu-intx", comes(&intx, 1));
	check("edu-intx-cause", cause & ~0x40u, 0);
	intx = 0;
	write32(bar + 0x60, 0x40);
	check_true("edu-intx-again", comes(&intx, 1));
	for (unsigned pin = 16; pin < 24; pin++)
		ioapic_route(pin, IOAPIC_MASKED, 0);
}

static unsigned find_cap(uint8_t id)
{
	unsigned at = cfg_read8(EDU, 0x34);

	for (unsigned i = 0; i < 48 && at; i++, at = cfg_read8(EDU, at + 1))
		if (cfg_read8(EDU, at) == id)
			return at;
	return 0;
}

static void message(void)
{
	unsigned cap = find_cap(5);

	check_true("edu-msi-capability", cap);
	irq_set(MSI_VECTOR, on_msi);
	cfg_write32(EDU, cap + 4, 0xfee00000);
	cfg_write32(EDU, cap + 8, 0);
	cfg_write16(EDU, cap + 12, MSI_VECTOR);
	cfg_write16(EDU, cap + 2, cfg_read16(EDU, cap + 2) | 1);
	for (uint32_t n = 1; n <= 100; n++) {
		write32(bar + 0x60, 1);
		if (!comes(&msi, n))
			break;
	}
	check("edu-msi", msi, 100);
}

void guest(uint32_t magic, uintptr_t info)
{
	irq_init();
	pic_init(0x20);
	lapic_enable();
	check("edu-ids", cfg_read32(EDU, 0), EDU_ID);
	bar = cfg_read32(EDU, 0x10) & ~15u;
	check_true("edu-bar", bar);
	cfg_write16(EDU, 4, 0x0006);
	registers();
	dma_both_ways();
	line();
	message();
}
