// SPDX-License-Identifier: GPL-2.0-or-later
/* ACPI tables as a guest finds them, and the DSDT's _PRT against the LPC bridge's wiring. */
#include <glib/gstdio.h>

#include "hw/q35/q35.h"
#include "mem/access.h"
#include "mem/layout.h"
#include "pci_util.h"

struct tables {
	struct aspace *mem;
	struct region low;
	uint8_t *bytes; /* the first MiB */
	uint64_t rsdp;
};

static const struct acpi_facts facts = {
	.cpus = 3, .last_bus = 15, .windows = {.mem64 = 64 * GIB, .mem64_end = 1ull << 40}};

static void tables_init(struct tables *t, const struct acpi_facts *f)
{
	t->bytes = g_malloc(MIB);
	memset(t->bytes, 0xcc, MIB);
	t->mem = aspace_new("mem", 0);
	region_init_ram(&t->low, "low", MIB, t->bytes, -1);
	aspace_map(t->mem, &t->low, 0, 0, MIB, 0);
	t->rsdp = q35_write_acpi(t->mem, f);
}

static void tables_fini(struct tables *t)
{
	aspace_free(t->mem);
	g_free(t->bytes);
}

static uint64_t get(const struct tables *t, uint64_t at, unsigned len)
{
	g_assert_cmphex(at + len, <=, MIB);
	return le_load(t->bytes + at, len);
}

static uint8_t sum(const struct tables *t, uint64_t at, uint64_t len)
{
	uint8_t s = 0;

	for (uint64_t i = 0; i < len; i++)
		s = (uint8_t)(s + get(t, at + i, 1));
	return s;
}

/* Signature, length, checksum, and that it lies where nobody else writes. */
static uint64_t check_table(const struct tables *t, uint64_t at, const char *sig)
{
	uint64_t len = get(t, at + 4, 4);

	g_assert_cmpmem(t->bytes + at, 4, sig, 4);
	g_assert_cmphex(at, >=, LAYOUT_BIOS + 36);
	g_assert_cmphex(at + len, <=, LAYOUT_ACPI_FACTS);
	g_assert_cmphex(at % 16, ==, 0);
	g_assert_cmphex(sum(t, at, len), ==, 0);
	return len;
}

/* Address of a table by its signature, from the XSDT as an operating system walks it. */
static uint64_t find(const struct tables *t, const char *sig)
{
	uint64_t xsdt = get(t, t->rsdp + 24, 8), len = check_table(t, xsdt, "XSDT");

	g_assert_cmphex((len - 36) % 8, ==, 0);
	for (uint64_t i = 36; i < len; i += 8) {
		uint64_t at = get(t, xsdt + i, 8);

		if (!memcmp(t->bytes + at, sig, 4))
			return at;
	}
	g_assert_not_reached();
}

static void roots(void)
{
	struct tables t;

	tables_init(&t, &facts);
	g_assert_cmphex(t.rsdp, ==, LAYOUT_BIOS);
	g_assert_cmphex(t.rsdp % 16, ==, 0);
	g_assert_cmpmem(t.bytes + t.rsdp, 8, "RSD PTR ", 8);
	g_assert_cmphex(sum(&t, t.rsdp, 20), ==, 0);
	g_assert_cmphex(sum(&t, t.rsdp, 36), ==, 0);
	g_assert_cmphex(get(&t, t.rsdp + 15, 1), ==, 2);
	g_assert_cmphex(get(&t, t.rsdp + 20, 4), ==, 36);
	g_assert_cmphex(get(&t, get(&t, t.rsdp + 24, 8) + 4, 4), ==, 36 + 3 * 8);
	check_table(&t, find(&t, "FACP"), "FACP");
	check_table(&t, find(&t, "APIC"), "APIC");
	check_table(&t, find(&t, "MCFG"), "MCFG");
	g_assert_cmphex(get(&t, LAYOUT_ACPI_FACTS, 8), ==, 64 * GIB);
	g_assert_cmphex(get(&t, LAYOUT_ACPI_FACTS + 8, 8), ==, (1ull << 40) - 1);
	for (uint64_t at = 0; at < LAYOUT_BIOS; at++) /* not a byte below */
		g_assert_cmphex(t.bytes[at], ==, 0xcc);
	tables_fini(&t);
}

static void check_gas(const struct tables *t, uint64_t at, uint64_t addr, unsigned bits)
{
	g_assert_cmphex(get(t, at, 1), ==, 1); /* system I/O */
	g_assert_cmphex(get(t, at + 1, 1), ==, bits);
	g_assert_cmphex(get(t, at + 4, 8), ==, addr);
}

static void fadt(void)
{
	struct tables t;
	uint64_t f, facs;

	tables_init(&t, &facts);
	f = find(&t, "FACP");
	g_assert_cmphex(get(&t, f + 4, 4), ==, 276);
	g_assert_cmphex(get(&t, f + 8, 1), ==, 6);
	facs = get(&t, f + 36, 4);
	g_assert_cmphex(get(&t, f + 132, 8), ==, facs);
	g_assert_cmphex(facs % 64, ==, 0);
	g_assert_cmpmem(t.bytes + facs, 4, "FACS", 4);
	g_assert_cmphex(get(&t, facs + 4, 4), ==, 64);
	g_assert_cmphex(get(&t, f + 140, 8), ==, get(&t, f + 40, 4));
	check_table(&t, get(&t, f + 140, 8), "DSDT");
	g_assert_cmphex(get(&t, f + 46, 2), ==, LPC_SCI_GSI);
	g_assert_cmphex(get(&t, f + 48, 4), ==, 0); /* no SMI command port */
	g_assert_cmphex(get(&t, f + 56, 4), ==, LPC_PMBASE);
	g_assert_cmphex(get(&t, f + 64, 4), ==, LPC_PMBASE + 4);
	g_assert_cmphex(get(&t, f + 76, 4), ==, LPC_PMBASE + 8);
	g_assert_cmphex(get(&t, f + 80, 4), ==, LPC_PMBASE + 0x20);
	g_assert_cmphex(get(&t, f + 88, 4), ==, 0x04000204);
	g_assert_cmphex(get(&t, f + 92, 1), ==, 16);
	g_assert_cmphex(get(&t, f + 112, 4) & (1 << 4 | 1 << 8 | 1 << 10 | 1 << 20), ==, 1 << 10);
	check_gas(&t, f + 116, 0xcf9, 8);
	g_assert_cmphex(get(&t, f + 128, 1) & 4, ==, 4); /* the bit on which mch.c resets */
	check_gas(&t, f + 148, LPC_PMBASE, 32);
	check_gas(&t, f + 172, LPC_PMBASE + 4, 16);
	check_gas(&t, f + 208, LPC_PMBASE + 8, 32);
	check_gas(&t, f + 220, LPC_PMBASE + 0x20, 128);
	tables_fini(&t);
}

static void check_madt(unsigned cpus, unsigned want)
{
	struct acpi_facts f = facts;
	unsigned n[16] = {0}, sci = 0, timer = 0;
	struct tables t;
	uint64_t m, len;

	f.cpus = cpus;
	tables_init(&t, &f);
	m = find(&t, "APIC");
	len = get(&t, m + 4, 4);
	g_assert_cmphex(get(&t, m + 36, 4), ==, LAYOUT_LAPIC);
	g_assert_cmphex(get(&t, m + 40, 4), ==, 1);
	for (uint64_t at = m + 44, l; at < m + len; at += l) {
		unsigned type = (unsigned)get(&t, at, 1);

		l = get(&t, at + 1, 1);
		g_assert_cmphex(l, >=, 2);
		g_assert_cmphex(at + l, <=, m + len);
		g_assert_cmphex(type, <, 16);
		if (type == 0) {
			g_assert_cmphex(l, ==, 8);
			g_assert_cmphex(get(&t, at + 3, 1), ==, n[0]); /* APIC id */
			g_assert_cmphex(get(&t, at + 4, 4), ==, 1);
		} else if (type == 1) {
			g_assert_cmphex(l, ==, 12);
			g_assert_cmphex(get(&t, at + 4, 4), ==, LAYOUT_IOAPIC);
			g_assert_cmphex(get(&t, at + 8, 4), ==, 0);
		} else if (type == 2) {
			g_assert_cmphex(l, ==, 10);
			timer += get(&t, at + 3, 1) == 0 && get(&t, at + 4, 4) == 2;
			sci += get(&t, at + 3, 1) == 9 && get(&t, at + 4, 4) == 9 &&
			       get(&t, at + 8, 2) == 0xd;
		} else {
			g_assert_cmphex(type, ==, 4);
			g_assert_cmphex(l, ==, 6);
		}
		n[type]++;
	}
	g_assert_cmpuint(n[0], ==, want);
	g_assert_cmpuint(n[1], ==, 1);
	g_assert_cmpuint(n[4], ==, 1);
	g_assert_cmpuint(timer, ==, 1);
	g_assert_cmpuint(sci, ==, 1);
	tables_fini(&t);
}

static void madt(void)
{
	check_madt(1, 1);
	check_madt(3, 3);
	check_madt(255, 255);
	check_madt(1000, 255); /* what 8 bits can name */
}

static void mcfg(void)
{
	struct tables t;
	uint64_t m;

	tables_init(&t, &facts);
	m = find(&t, "MCFG");
	g_assert_cmphex(get(&t, m + 4, 4), ==, 60);
	g_assert_cmphex(get(&t, m + 44, 8), ==, LAYOUT_ECAM);
	g_assert_cmphex(get(&t, m + 52, 2), ==, 0);
	g_assert_cmphex(get(&t, m + 54, 2), ==, 0x0f00); /* buses 0 to 15 */
	tables_fini(&t);
}

/* A reset writes the same again, with the facts of the day. */
static void again(void)
{
	struct acpi_facts other = facts;
	struct tables t;
	g_autofree uint8_t *first = NULL;

	tables_init(&t, &facts);
	first = g_memdup2(t.bytes, MIB);
	other.windows.mem64_end = 1ull << 39;
	q35_write_acpi(t.mem, &other);
	g_assert_cmphex(get(&t, LAYOUT_ACPI_FACTS + 8, 8), ==, (1ull << 39) - 1);
	q35_write_acpi(t.mem, &facts);
	g_assert_cmpmem(t.bytes, MIB, first, MIB);
	tables_fini(&t);
}

/* --- the DSDT, as iasl understands it --- */

/* Disassemble a table of guest memory; NULL where there is no iasl. */
static char *disassemble(const struct tables *t, uint64_t at, const char *name)
{
	g_autofree char *iasl = g_find_program_in_path("iasl"), *dir = NULL, *aml = NULL;
	g_autofree char *dsl = NULL, *file = NULL;
	char *argv[] = {iasl, (char *)"-d", NULL, NULL}, *text = NULL;
	int status = -1;

	if (!iasl)
		return NULL;
	dir = g_dir_make_tmp("sluice-acpi-XXXXXX", NULL);
	g_assert_nonnull(dir);
	file = g_strdup_printf("%s.aml", name);
	aml = g_build_filename(dir, file, NULL);
	dsl = g_strdup(aml);
	strcpy(dsl + strlen(dsl) - 3, "dsl");
	g_assert_true(
		g_file_set_contents(aml, (char *)t->bytes + at, (gssize)get(t, at + 4, 4), NULL));
	argv[2] = aml;
	g_assert_true(g_spawn_sync(dir, argv, NULL,
				   G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
				   NULL, NULL, NULL, &status, NULL));
	g_assert_cmpint(status, ==, 0);
	g_assert_true(g_file_get_contents(dsl, &text, NULL, NULL));
	g_unlink(aml);
	g_unlink(dsl);
	g_rmdir(dir);
	return text;
}

static unsigned number(const char *s)
{
	return !strcmp(s, "Zero") ? 0 : !strcmp(s, "One") ? 1 : (unsigned)strtoul(s, NULL, 0);
}

struct route {
	unsigned gsi; /* PRTA: global system interrupt */
	char link;    /* PRTP: letter of the link device */
	unsigned n;   /* entries for this slot and pin */
};

/* One of the two packages of _PRT; every entry must be well formed. */
static void parse_prt(const char *text, const char *name, struct route prt[32][4])
{
	g_autofree char *head = g_strdup_printf("Name (%s, Package (0x80)", name);
	g_autoptr(GRegex) entry = g_regex_new("Package \\(0x04\\)\\s*\\{\\s*(\\w+),\\s*(\\w+),\\s*"
					      "([\\w.\\\\]+),\\s*(\\w+)\\s*\\}",
					      0, 0, NULL);
	const char *start = strstr(text, head);
	g_autoptr(GMatchInfo) m = NULL;
	unsigned n = 0;

	g_assert_nonnull(start);
	for (g_regex_match(entry, start, 0, &m); n < 128; n++, g_match_info_next(m, NULL)) {
		g_autofree char *addr = NULL, *pin = NULL, *source = NULL, *index = NULL;
		struct route *r;

		g_assert_true(g_match_info_matches(m));
		addr = g_match_info_fetch(m, 1);
		pin = g_match_info_fetch(m, 2);
		source = g_match_info_fetch(m, 3);
		index = g_match_info_fetch(m, 4);
		g_assert_cmphex(number(addr) & 0xffff, ==, 0xffff);
		g_assert_cmphex(number(addr) >> 16, <, 32);
		g_assert_cmphex(number(pin), <, 4);
		r = &prt[number(addr) >> 16][number(pin)];
		r->n++;
		if (!strcmp(source, "Zero")) {
			r->gsi = number(index);
		} else {
			g_assert_true(g_str_has_prefix(source, "LNK") && strlen(source) == 4);
			g_assert_cmphex(number(index), ==, 0);
			r->link = source[3];
		}
	}
}

static void no_off(void *opaque)
{
}

/* Every slot and pin: the GSI and the link of _PRT are what lpc.c does. */
static void compare_prt(struct route apic[32][4], struct route pic[32][4])
{
	struct lpc_conf conf = {.power_off = no_off};
	struct pciboard b;
	struct lpc *l;

	pb_init(&b);
	conf.clock = vclock_new();
	l = lpc_new(&b.host, &conf, NULL);
	pcihost_reset(&b.host);
	for (unsigned slot = 0; slot < 32; slot++)
		for (unsigned pin = 0; pin < 4; pin++) {
			const struct route *r = &pic[slot][pin];
			unsigned reg = 0x60 + (unsigned)(r->link - 'A') + (r->link >= 'E' ? 4 : 0);

			g_assert_cmpuint(apic[slot][pin].n, ==, 1);
			g_assert_cmpuint(r->n, ==, 1);
			g_assert_cmpint(lpc_intx_gsi(l, slot, pin + 1), ==,
					(int)apic[slot][pin].gsi);
			g_assert_true(r->link >= 'A' && r->link <= 'H');
			cfg_w(&b, 0xf8, reg, 11, 1);
			g_assert_cmpint(lpc_intx_gsi(l, slot, pin + 1), ==, 11);
			cfg_w(&b, 0xf8, reg, 0x80, 1);
		}
	pcihost_fini(&b.host);
	lpc_free(l);
	b.host.ops = NULL;
	pb_fini(&b);
	vclock_free(conf.clock);
}

static void prt(void)
{
	struct route apic[32][4] = {0}, pic[32][4] = {0};
	g_autofree char *text = NULL;
	struct tables t;

	tables_init(&t, &facts);
	text = disassemble(&t, get(&t, find(&t, "FACP") + 40, 4), "dsdt");
	tables_fini(&t);
	if (!text) {
		g_test_skip("iasl is not installed");
		return;
	}
	parse_prt(text, "PRTA", apic);
	parse_prt(text, "PRTP", pic);
	compare_prt(apic, pic);
}

/* Facts that dsdt.asl repeats from headers. */
static void dsdt_agrees(void)
{
	g_autofree char *text = NULL, *region = NULL, *ecam = NULL;
	struct tables t;

	tables_init(&t, &facts);
	text = disassemble(&t, get(&t, find(&t, "FACP") + 40, 4), "dsdt");
	tables_fini(&t);
	if (!text) {
		g_test_skip("iasl is not installed");
		return;
	}
	region = g_strdup_printf("OperationRegion (FCTS, SystemMemory, 0x%08llX, 0x10)",
				 LAYOUT_ACPI_FACTS);
	ecam = g_strdup_printf("0x%08llX,         // Address Base", LAYOUT_ECAM);
	g_assert_nonnull(strstr(text, region));
	g_assert_nonnull(strstr(text, ecam));
	g_assert_nonnull(strstr(text, "0x0600,             // Range Minimum"));
	g_assert_nonnull(strstr(text, "0xC0000000,         // Range Minimum"));
	g_assert_nonnull(strstr(text, "0xFEBFFFFF,         // Range Maximum"));
	g_assert_cmphex(LAYOUT_PCI32, ==, 0xc0000000);
	g_assert_cmphex(LAYOUT_PCI32_END, ==, 0xfec00000);
	g_assert_nonnull(strstr(text, "OperationRegion (PIRQ, PCI_Config, 0x60, 0x0C)"));
	g_assert_nonnull(strstr(text, "Name (_S5"));
}

/* The tables made in C are ones that iasl can name every field of. */
static void static_tables(void)
{
	static const char *const sigs[] = {"FACP", "APIC", "MCFG"};
	struct tables t;

	tables_init(&t, &facts);
	for (unsigned i = 0; i < G_N_ELEMENTS(sigs); i++) {
		g_autofree char *text = disassemble(&t, find(&t, sigs[i]), "table");

		if (!text) {
			g_test_skip("iasl is not installed");
			break;
		}
		g_assert_null(strstr(text, "Invalid"));
		g_assert_null(strstr(text, "Unknown"));
		g_assert_null(strstr(text, "should be"));
	}
	tables_fini(&t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	aspace_thread_enter();
	g_test_add_func("/acpi/roots", roots);
	g_test_add_func("/acpi/fadt", fadt);
	g_test_add_func("/acpi/madt", madt);
	g_test_add_func("/acpi/mcfg", mcfg);
	g_test_add_func("/acpi/again", again);
	g_test_add_func("/acpi/prt", prt);
	g_test_add_func("/acpi/dsdt-agrees", dsdt_agrees);
	g_test_add_func("/acpi/static-tables", static_tables);
	return g_test_run();
}
