// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the CPU's half of interrupts: local APIC, IO-APIC, MSI, MSI-X.  Called by tests; knows no
 * device.
 */
#include "tests/qtest/libirq.h"

#define LAPIC 0xfee00000ull
#define LAPIC_EOI (LAPIC + 0xb0)
#define LAPIC_SVR (LAPIC + 0xf0)
#define LAPIC_IRR (LAPIC + 0x200)
#define IOAPIC 0xfec00000ull
#define IOAPIC_WINDOW (IOAPIC + 0x10)
#define FIRST_VECTOR 0x40
#define MESSAGE 0x5a00u

/* --- the chips --- */

void qlapic_enable(struct qtest *q)
{
	qtest_writel(q, LAPIC_SVR, qtest_readl(q, LAPIC_SVR) | 0x100);
}

bool qlapic_pending(struct qtest *q, uint8_t vector)
{
	return qtest_readl(q, LAPIC_IRR + 0x10 * (vector / 32)) >> (vector % 32) & 1;
}

void qlapic_eoi(struct qtest *q)
{
	qtest_writel(q, LAPIC_EOI, 0);
}

static void ioapic_reg(struct qtest *q, unsigned reg, uint32_t val)
{
	qtest_writel(q, IOAPIC, reg);
	qtest_writel(q, IOAPIC_WINDOW, val);
}

void qioapic_write(struct qtest *q, unsigned pin, uint32_t low)
{
	qtest_batch_begin(q);
	ioapic_reg(q, 0x11 + 2 * pin, 0); /* destination: APIC id 0 */
	ioapic_reg(q, 0x10 + 2 * pin, low);
	qtest_batch_end(q);
}

uint32_t qioapic_read(struct qtest *q, unsigned pin)
{
	qtest_writel(q, IOAPIC, 0x10 + 2 * pin);
	return qtest_readl(q, IOAPIC_WINDOW);
}

/* Each bridge turns the pins by the slot (PCI-to-PCI Bridge 1.2, 9.1); the board has PIRQE to H for
 * slots 0 to 24, PIRQA to D for the others, on pins 16 and up. */
int qpci_intx_pin(struct qpci_dev *d)
{
	unsigned pin = qpci_config_readb(d, PCI_INTERRUPT_PIN), slot;

	g_assert_cmpuint(pin, !=, 0);
	for (pin--; d->bridge; d = d->bridge)
		pin = (pin + QPCI_SLOT(d->devfn)) % 4;
	slot = QPCI_SLOT(d->devfn);
	return (int)(16 + (slot < 25 ? 4 : 0) + (slot + pin) % 4);
}

/* --- MSI (PCI 3.0, 6.8.1) --- */

static unsigned msi_cap(struct qpci_dev *d, uint16_t *flags)
{
	unsigned cap = qpci_find_capability(d, PCI_CAP_ID_MSI, 0);

	g_assert_cmpuint(cap, !=, 0);
	*flags = qpci_config_readw(d, cap + PCI_MSI_FLAGS);
	return cap;
}

void qmsi_enable(struct qpci_dev *d, uint64_t addr, uint16_t data, unsigned vectors)
{
	uint16_t flags, order = (uint16_t)g_bit_nth_msf(vectors, -1);
	unsigned cap = msi_cap(d, &flags);
	bool wide = flags & PCI_MSI_FLAGS_64BIT;

	qpci_config_writel(d, cap + PCI_MSI_ADDRESS_LO, (uint32_t)addr);
	if (wide)
		qpci_config_writel(d, cap + PCI_MSI_ADDRESS_HI, (uint32_t)(addr >> 32));
	qpci_config_writew(d, cap + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), data);
	qpci_config_writew(
		d, cap + PCI_MSI_FLAGS,
		(uint16_t)((flags & ~PCI_MSI_FLAGS_QSIZE) | order << 4 | PCI_MSI_FLAGS_ENABLE));
}

void qmsi_disable(struct qpci_dev *d)
{
	uint16_t flags;
	unsigned cap = msi_cap(d, &flags);

	qpci_config_writew(d, cap + PCI_MSI_FLAGS, flags & ~PCI_MSI_FLAGS_ENABLE);
}

unsigned qmsi_vectors(struct qpci_dev *d)
{
	uint16_t flags;

	msi_cap(d, &flags);
	return 1u << ((flags & PCI_MSI_FLAGS_QMASK) >> 1);
}

static unsigned mask_reg(struct qpci_dev *d)
{
	uint16_t flags;
	unsigned cap = msi_cap(d, &flags);

	g_assert_true(flags & PCI_MSI_FLAGS_MASKBIT);
	return cap + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

void qmsi_mask(struct qpci_dev *d, uint32_t vectors)
{
	qpci_config_writel(d, mask_reg(d), vectors);
}

uint32_t qmsi_pending(struct qpci_dev *d)
{
	return qpci_config_readl(d, mask_reg(d) + 4);
}

/* --- MSI-X (PCI 3.0, 6.8.2) --- */

void qmsix_enable(struct qmsix *x, struct qpci_dev *d)
{
	uint32_t table, pba;
	uint16_t flags;

	x->dev = d;
	x->cap = qpci_find_capability(d, PCI_CAP_ID_MSIX, 0);
	g_assert_cmpuint(x->cap, !=, 0);
	flags = qpci_config_readw(d, x->cap + PCI_MSIX_FLAGS);
	x->vectors = (flags & PCI_MSIX_FLAGS_QSIZE) + 1u;
	table = qpci_config_readl(d, x->cap + PCI_MSIX_TABLE);
	pba = qpci_config_readl(d, x->cap + PCI_MSIX_PBA);
	x->table = qpci_iomap(d, table & PCI_MSIX_TABLE_BIR);
	x->pba = qpci_iomap(d, pba & PCI_MSIX_PBA_BIR);
	x->table_off = table & PCI_MSIX_TABLE_OFFSET;
	x->pba_off = pba & PCI_MSIX_PBA_OFFSET;
	qpci_config_writew(d, x->cap + PCI_MSIX_FLAGS,
			   (uint16_t)((flags & ~PCI_MSIX_FLAGS_MASKALL) | PCI_MSIX_FLAGS_ENABLE));
}

static void set_flag(struct qmsix *x, uint16_t flag, bool on)
{
	uint16_t flags = qpci_config_readw(x->dev, x->cap + PCI_MSIX_FLAGS);

	qpci_config_writew(x->dev, x->cap + PCI_MSIX_FLAGS,
			   (uint16_t)(on ? flags | flag : flags & ~flag));
}

void qmsix_disable(struct qmsix *x)
{
	set_flag(x, PCI_MSIX_FLAGS_ENABLE, false);
}

void qmsix_mask_all(struct qmsix *x, bool masked)
{
	set_flag(x, PCI_MSIX_FLAGS_MASKALL, masked);
}

void qmsix_set(struct qmsix *x, unsigned vector, uint64_t addr, uint32_t data, bool masked)
{
	uint64_t at = x->table_off + PCI_MSIX_ENTRY_SIZE * (uint64_t)vector;

	qtest_batch_begin(x->dev->pci->q);
	qpci_io_writel(x->table, at + PCI_MSIX_ENTRY_LOWER_ADDR, (uint32_t)addr);
	qpci_io_writel(x->table, at + PCI_MSIX_ENTRY_UPPER_ADDR, (uint32_t)(addr >> 32));
	qpci_io_writel(x->table, at + PCI_MSIX_ENTRY_DATA, data);
	qtest_batch_end(x->dev->pci->q);
	qmsix_mask(x, vector, masked);
}

void qmsix_mask(struct qmsix *x, unsigned vector, bool masked)
{
	qpci_io_writel(x->table,
		       x->table_off + PCI_MSIX_ENTRY_SIZE * (uint64_t)vector +
			       PCI_MSIX_ENTRY_VECTOR_CTRL,
		       masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
}

bool qmsix_pending(struct qmsix *x, unsigned vector)
{
	return qpci_io_readl(x->pba, x->pba_off + vector / 32 * 4) >> (vector % 32) & 1;
}

/* --- one interrupt --- */

static void init_intx(struct qirq *irq)
{
	struct qtest *q = irq->dev->pci->q;

	irq->pin = qpci_intx_pin(irq->dev);
	qtest_irq_intercept_in(q, "ioapic");
	qlapic_enable(q);
	qioapic_write(q, (unsigned)irq->pin, (uint32_t)(FIRST_VECTOR + irq->pin) | QIOAPIC_LEVEL);
}

void qirq_init(struct qirq *irq, struct qpci_dev *d, enum qirq_kind kind)
{
	*irq = (struct qirq){.dev = d, .kind = kind, .pin = -1};
	if (kind == QIRQ_INTX) {
		init_intx(irq);
		return;
	}
	irq->addr = qtest_alloc(d->pci->q, 4);
	irq->data = MESSAGE;
	if (kind == QIRQ_MSI) {
		qmsi_enable(d, irq->addr, MESSAGE, 1);
	} else {
		qmsix_enable(&irq->msix, d);
		qmsix_set(&irq->msix, 0, irq->addr, irq->data, false);
	}
}

void qirq_init_vector(struct qirq *irq, const struct qirq *first, unsigned vector)
{
	*irq = *first;
	irq->addr = qtest_alloc(first->dev->pci->q, 4);
	irq->data = MESSAGE + vector;
	qmsix_set(&irq->msix, vector, irq->addr, irq->data, false);
}

bool qirq_fired(struct qirq *irq)
{
	struct qtest *q = irq->dev->pci->q;

	if (irq->kind == QIRQ_INTX)
		return qtest_get_irq(q, irq->pin);
	return qtest_readl(q, irq->addr) == irq->data;
}

void qirq_wait(struct qirq *irq)
{
	QTEST_WAIT(irq->dev->pci->q, qirq_fired(irq));
}

void qirq_done(struct qirq *irq)
{
	if (irq->kind == QIRQ_INTX)
		qlapic_eoi(irq->dev->pci->q);
	else
		qtest_writel(irq->dev->pci->q, irq->addr, 0);
}
