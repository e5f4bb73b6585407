// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the I/O APIC's registers and pins.  Created by vm/machine.c where the accelerator has
 * none; entered by the address space, by wires and by EOIs.  Never knows a local APIC.
 */
#include "hw/irq/ioapic.h"

#include <glib.h>

#define VERSION (0x20 | (IOAPIC_PINS - 1) << 16)

enum { IOREGSEL = 0x00, IOWIN = 0x10, EOIR = 0x40 };
enum { REG_ID, REG_VERSION, REG_ARB, REG_TABLE = 0x10 };

/* Redirection entry (82093AA 3.2.4). */
#define RTE_VECTOR 0xffull
#define RTE_DELIVERY 0x700ull
#define RTE_LOGICAL (1ull << 11)
#define RTE_STATUS (1ull << 12)
#define RTE_REMOTE_IRR (1ull << 14)
#define RTE_LEVEL (1ull << 15)
#define RTE_MASKED (1ull << 16)
#define RTE_EXT_DEST_SHIFT 49 /* destination bits 14:8, where the hypervisor offers them */
#define RTE_DEST_SHIFT 56
#define RTE_READ_ONLY (RTE_STATUS | RTE_REMOTE_IRR)
#define RTE_WRITABLE (0xfffe00000001ffffull & ~RTE_READ_ONLY)

enum { DELIVER_FIXED = 0, DELIVER_LOWEST = 1 };

#define MSI_ADDR 0xfee00000ull
#define MSI_ADDR_LOGICAL (1u << 2)
#define MSI_ADDR_EXT_DEST_SHIFT 5
#define MSI_ADDR_DEST_SHIFT 12
#define MSI_DATA_ASSERT (1u << 14)
#define MSI_DATA_LEVEL (1u << 15)

struct ioapic {
	pthread_mutex_t lock; /* not the region's: an EOI has to drop it */
	struct region region;
	struct mmapping *map;
	struct aspace *mem;
	const struct ioapic_ops *ops;
	void *opaque;

	uint8_t select;
	uint32_t id;   /* bits 27:24 */
	uint32_t line; /* levels of the pins */
	uint64_t rte[IOAPIC_PINS];
};

static unsigned delivery_mode(uint64_t rte)
{
	return (rte & RTE_DELIVERY) >> 8;
}

/*
 * Only fixed and lowest priority know levels and EOIs; the others are edges whatever bit 15 says.
 */
static bool is_level(uint64_t rte)
{
	return (rte & RTE_LEVEL) && delivery_mode(rte) <= DELIVER_LOWEST;
}

static uint64_t msi_addr(uint64_t rte)
{
	uint64_t addr = MSI_ADDR | (rte >> RTE_DEST_SHIFT) << MSI_ADDR_DEST_SHIFT;

	addr |= (rte >> RTE_EXT_DEST_SHIFT & 0x7f) << MSI_ADDR_EXT_DEST_SHIFT;
	return addr | (rte & RTE_LOGICAL ? MSI_ADDR_LOGICAL : 0);
}

static uint32_t msi_data(uint64_t rte)
{
	uint32_t data = rte & (RTE_VECTOR | RTE_DELIVERY);

	return data | (rte & RTE_LEVEL ? MSI_DATA_LEVEL | MSI_DATA_ASSERT : 0);
}

static void deliver(struct ioapic *s, int pin)
{
	if (s->ops->deliver)
		s->ops->deliver(s->opaque, msi_addr(s->rte[pin]), msi_data(s->rte[pin]));
}

/* Lock held: a level pin that is high, not masked and not waiting for its EOI interrupts. */
static void serve_level(struct ioapic *s, int pin)
{
	uint64_t *rte = &s->rte[pin];

	if (!is_level(*rte) || !(s->line & 1u << pin) || (*rte & (RTE_MASKED | RTE_REMOTE_IRR)))
		return;
	*rte |= RTE_REMOTE_IRR;
	deliver(s, pin);
}

void ioapic_set(void *opaque, int n, bool level)
{
	struct ioapic *s = opaque;
	bool rise;

	if (n < 0 || n >= IOAPIC_PINS)
		return;
	pthread_mutex_lock(&s->lock);
	rise = level && !(s->line & 1u << n);
	if (level)
		s->line |= 1u << n;
	else
		s->line &= ~(1u << n);
	if (is_level(s->rte[n]))
		serve_level(s, n);
	else if (rise && !(s->rte[n] & RTE_MASKED))
		deliver(s, n);
	pthread_mutex_unlock(&s->lock);
}

/* Lock held: an EOI of the vector ends this pin's interrupt, if it has one. */
static bool concerns(const struct ioapic *s, int pin, uint8_t vector)
{
	return is_level(s->rte[pin]) && (s->rte[pin] & RTE_VECTOR) == vector;
}

/*
 * The owner hears of it first, so that a line that it lowers is not taken for a new request; and
 * it hears of it even without remote IRR: an accelerator that mirrors the pin as a route may have
 * delivered the interrupt past this model.
 */
static void eoi_pin(struct ioapic *s, int pin, uint8_t vector)
{
	bool ours;

	pthread_mutex_lock(&s->lock);
	ours = concerns(s, pin, vector);
	pthread_mutex_unlock(&s->lock);
	if (!ours)
		return;
	if (s->ops->eoied)
		s->ops->eoied(s->opaque, pin);
	pthread_mutex_lock(&s->lock);
	if (concerns(s, pin, vector)) {
		s->rte[pin] &= ~RTE_REMOTE_IRR;
		serve_level(s, pin);
	}
	pthread_mutex_unlock(&s->lock);
}

void ioapic_eoi(struct ioapic *s, uint8_t vector)
{
	for (int pin = 0; pin < IOAPIC_PINS; pin++)
		eoi_pin(s, pin, vector);
}

/* --- registers ------------------------------------------------------------------------------ */

static void tell_changed(struct ioapic *s, int pin)
{
	uint64_t rte = s->rte[pin];

	if (s->ops->changed)
		s->ops->changed(s->opaque, pin, msi_addr(rte), msi_data(rte), rte & RTE_MASKED);
}

/*
 * Turning a pin to edge clears its remote IRR: how systems end an interrupt without an EOI
 * register.
 */
static void rte_write(struct ioapic *s, int pin, bool high, uint32_t val)
{
	uint64_t old = s->rte[pin], rte;

	rte = high ? (old & 0xffffffff) | (uint64_t)val << 32 : (old & ~0xffffffffull) | val;
	rte = (rte & RTE_WRITABLE) | (old & RTE_READ_ONLY);
	if (!is_level(rte))
		rte &= ~RTE_REMOTE_IRR;
	s->rte[pin] = rte;
	tell_changed(s, pin);
	serve_level(s, pin);
}

static void window_write(struct ioapic *s, uint32_t val)
{
	unsigned i = s->select - REG_TABLE;

	if (s->select == REG_ID)
		s->id = val & 0x0f000000;
	else if (s->select >= REG_TABLE && i / 2 < IOAPIC_PINS)
		rte_write(s, i / 2, i & 1, val);
}

static uint32_t window_read(const struct ioapic *s)
{
	unsigned i = s->select - REG_TABLE;

	switch (s->select) {
	case REG_ID:
	case REG_ARB:
		return s->id;
	case REG_VERSION:
		return VERSION;
	}
	if (s->select < REG_TABLE || i / 2 >= IOAPIC_PINS)
		return 0;
	return s->rte[i / 2] >> (i & 1 ? 32 : 0);
}

static uint64_t ioapic_read(void *opaque, uint64_t off, unsigned len)
{
	struct ioapic *s = opaque;
	uint32_t val = 0;

	pthread_mutex_lock(&s->lock);
	if (off == IOREGSEL)
		val = s->select;
	else if (off == IOWIN)
		val = window_read(s);
	pthread_mutex_unlock(&s->lock);
	return val;
}

static void ioapic_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct ioapic *s = opaque;

	if (off == EOIR) {
		ioapic_eoi(s, val);
		return;
	}
	pthread_mutex_lock(&s->lock);
	if (off == IOREGSEL)
		s->select = val;
	else if (off == IOWIN)
		window_write(s, val);
	pthread_mutex_unlock(&s->lock);
}

static const struct region_ops ioapic_region_ops = {
	.read = ioapic_read, .write = ioapic_write, .min = 4, .max = 4};

void ioapic_reset(struct ioapic *s)
{
	pthread_mutex_lock(&s->lock);
	s->select = 0;
	s->id = 0;
	for (int pin = 0; pin < IOAPIC_PINS; pin++) {
		s->rte[pin] = RTE_MASKED;
		tell_changed(s, pin);
	}
	pthread_mutex_unlock(&s->lock);
}

struct ioapic *ioapic_new(struct aspace *mem, uint64_t base, const struct ioapic_ops *ops,
			  void *opaque)
{
	struct ioapic *s = g_new0(struct ioapic, 1);

	pthread_mutex_init(&s->lock, NULL);
	s->mem = mem;
	s->ops = ops;
	s->opaque = opaque;
	ioapic_reset(s);
	region_init_io(&s->region, "ioapic", IOAPIC_SIZE, &ioapic_region_ops, s);
	s->map = aspace_map(mem, &s->region, base, 0, IOAPIC_SIZE, 0);
	return s;
}

void ioapic_free(struct ioapic *s)
{
	if (!s)
		return;
	aspace_unmap(s->mem, s->map);
	aspace_sync();
	pthread_mutex_destroy(&s->lock);
	g_free(s);
}
