// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the ACPI tables that depend on the machine: RSDP, XSDT, FADT, FACS, MADT, MCFG; the DSDT is
 * compiled from dsdt.asl.  Called by the board at each reset; the bytes in guest memory are all it
 * leaves (ACPI 6.3, chapter 5).
 */
#include <glib.h>
#include <string.h>

#include "dsdt.hex"
#include "hw/q35/q35.h"
#include "mem/access.h"
#include "mem/layout.h"

#define FADT_LEN 276
#define FACS_LEN 64

struct out {
	struct aspace *mem;
	uint64_t at;
};

static uint8_t checksum(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + p[i]);
	return (uint8_t)-sum;
}

static GByteArray *table_new(const char *sig, uint8_t revision)
{
	static const uint8_t head[36] = {
		[10] = 'S', 'L', 'U', 'I', 'C',      'E',        'Q', '3', '5', ' ',
		' ',        ' ', ' ', ' ', [24] = 1, [28] = 'S', 'L', 'U', 'I', [32] = 1};
	GByteArray *t = g_byte_array_new();

	g_byte_array_append(t, head, sizeof(head));
	memcpy(t->data, sig, 4);
	t->data[8] = revision;
	return t;
}

static void put(GByteArray *t, uint64_t v, unsigned len)
{
	uint8_t b[8];

	le_store(b, v, 8);
	g_byte_array_append(t, b, len);
}

/* Complete the header, write, free; the table's address. */
static uint64_t finish(struct out *o, GByteArray *t)
{
	uint64_t at = (o->at + 15) & ~15ull;

	le_store(t->data + 4, t->len, 4);
	t->data[9] = 0;
	t->data[9] = checksum(t->data, t->len);
	aspace_write_buf(o->mem, at, t->data, t->len);
	o->at = at + t->len;
	g_byte_array_free(t, TRUE);
	return at;
}

static uint64_t write_dsdt(struct out *o)
{
	uint64_t at = (o->at + 15) & ~15ull;

	aspace_write_buf(o->mem, at, dsdt_aml_code, sizeof(dsdt_aml_code));
	o->at = at + sizeof(dsdt_aml_code);
	return at;
}

static uint64_t write_facs(struct out *o)
{
	uint8_t facs[FACS_LEN] = "FACS";
	uint64_t at = (o->at + 63) & ~63ull;

	facs[4] = FACS_LEN;
	facs[32] = 2;
	aspace_write_buf(o->mem, at, facs, sizeof(facs));
	o->at = at + sizeof(facs);
	return at;
}

/* Generic address structure (5.2.3.2). */
static void gas(uint8_t *p, uint8_t space, uint8_t bits, uint8_t access, uint64_t addr)
{
	p[0] = space;
	p[1] = bits;
	p[3] = access;
	le_store(p + 4, addr, 8);
}

static uint64_t write_fadt(struct out *o, uint64_t dsdt, uint64_t facs)
{
	enum { WBINVD = 1, PROC_C1 = 1 << 2, SLP_BUTTON = 1 << 5, RESET_REG = 1 << 10 };
	GByteArray *t = table_new("FACP", 6);
	uint8_t *p;

	g_byte_array_set_size(t, FADT_LEN);
	p = t->data;
	memset(p + 36, 0, FADT_LEN - 36);
	le_store(p + 36, facs, 4);
	le_store(p + 40, dsdt, 4);
	p[45] = 1;                           /* preferred profile: desktop */
	le_store(p + 46, LPC_SCI_GSI, 2);    /* SCI_INT; SMI_CMD 0: always in ACPI mode */
	le_store(p + 56, LPC_PMBASE, 4);     /* PM1a event */
	le_store(p + 64, LPC_PMBASE + 4, 4); /* PM1a control */
	le_store(p + 76, LPC_PMBASE + 8, 4); /* PM timer */
	le_store(p + 80, LPC_PMBASE + 0x20, 4);
	p[88] = 4; /* lengths: event, control, timer, GPE0 */
	p[89] = 2;
	p[91] = 4;
	p[92] = 16;
	le_store(p + 96, 0xfff, 2); /* no C2 */
	le_store(p + 98, 0xfff, 2); /* no C3 */
	p[108] = 0x32;              /* century byte of the RTC */
	le_store(p + 109, 0x3, 2);  /* boot architecture: ISA devices, 8042 */
	le_store(p + 112, WBINVD | PROC_C1 | SLP_BUTTON | RESET_REG, 4);
	gas(p + 116, 1, 8, 1, 0xcf9);
	p[128] = 0x0e; /* value that resets */
	p[131] = 3;    /* 6.3 */
	le_store(p + 132, facs, 8);
	le_store(p + 140, dsdt, 8);
	gas(p + 148, 1, 32, 2, LPC_PMBASE);
	gas(p + 172, 1, 16, 2, LPC_PMBASE + 4);
	gas(p + 208, 1, 32, 3, LPC_PMBASE + 8);
	gas(p + 220, 1, 128, 1, LPC_PMBASE + 0x20);
	return finish(o, t);
}

/* Source override: an ISA line that differs from GSI = IRQ, edge, active high (5.2.12.5). */
static void override(GByteArray *t, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	put(t, 2, 1);
	put(t, 10, 1);
	put(t, 0, 1);
	put(t, irq, 1);
	put(t, gsi, 4);
	put(t, flags, 2);
}

static uint64_t write_madt(struct out *o, const struct acpi_facts *facts)
{
	GByteArray *t = table_new("APIC", 5);

	put(t, LAYOUT_LAPIC, 4);
	put(t, 1, 4); /* there are 8259s, too */
	for (unsigned i = 0; i < facts->cpus && i < 255; i++) {
		put(t, 0, 1); /* local APIC */
		put(t, 8, 1);
		put(t, i, 1);
		put(t, i, 1);
		put(t, 1, 4);
	}
	put(t, 1, 1); /* I/O APIC */
	put(t, 12, 1);
	put(t, 0, 2);
	put(t, LAYOUT_IOAPIC, 4);
	put(t, 0, 4);
	override(t, 0, 2, 0);
	override(t, LPC_SCI_GSI, LPC_SCI_GSI, 0xd); /* level, active high */
	put(t, 4, 1);                               /* NMI: LINT1 of every CPU */
	put(t, 6, 1);
	put(t, 0xff, 1);
	put(t, 0, 2);
	put(t, 1, 1);
	return finish(o, t);
}

static uint64_t write_mcfg(struct out *o, const struct acpi_facts *facts)
{
	GByteArray *t = table_new("MCFG", 1);

	put(t, 0, 8);
	put(t, LAYOUT_ECAM, 8);
	put(t, 0, 2); /* segment */
	put(t, 0, 1); /* first bus */
	put(t, facts->last_bus, 1);
	put(t, 0, 4);
	return finish(o, t);
}

static void write_rsdp(struct out *o, uint64_t at, uint64_t xsdt)
{
	uint8_t r[36] = "RSD PTR ";

	memcpy(r + 9, "SLUICE", 6);
	r[15] = 2;
	r[20] = sizeof(r);
	le_store(r + 24, xsdt, 8);
	r[8] = checksum(r, 20);
	r[32] = checksum(r, sizeof(r));
	aspace_write_buf(o->mem, at, r, sizeof(r));
}

uint64_t q35_write_acpi(struct aspace *mem, const struct acpi_facts *facts)
{
	struct out o = {mem, LAYOUT_BIOS + 64};
	uint64_t dsdt = write_dsdt(&o), facs = write_facs(&o);
	uint64_t tables[] = {write_fadt(&o, dsdt, facs), write_madt(&o, facts),
			     write_mcfg(&o, facts)};
	GByteArray *xsdt = table_new("XSDT", 1);

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		put(xsdt, tables[i], 8);
	write_rsdp(&o, LAYOUT_BIOS, finish(&o, xsdt));
	aspace_write(mem, LAYOUT_ACPI_FACTS, facts->windows.mem64, 8);
	aspace_write(mem, LAYOUT_ACPI_FACTS + 8, facts->windows.mem64_end - 1, 8);
	return LAYOUT_BIOS;
}
