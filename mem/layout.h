/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest physical addresses of the q35 board.  Plain numbers; whoever needs one takes it from here.
 */
#ifndef MEM_LAYOUT_H
#define MEM_LAYOUT_H

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

#define LAYOUT_EBDA 0x9fc00ull       /* end of usable low memory */
#define LAYOUT_BIOS 0xe0000ull       /* RSDP and ACPI tables, up to 1 MiB; reserved in e820 */
#define LAYOUT_ACPI_FACTS 0xeff00ull /* 64-bit PCI window for the DSDT: base, last */
#define LAYOUT_ACPI_END 0xf0000ull   /* tables end here; above, images may be loaded */
#define LAYOUT_BIOS_END 0x100000ull
#define LAYOUT_LOW_MAX 0x80000000ull /* RAM below 4 GiB ends here at the latest */
#define LAYOUT_ECAM 0xb0000000ull    /* PCIEXBAR, 256 buses */
#define LAYOUT_ECAM_SIZE 0x10000000ull
#define LAYOUT_PCI32 0xc0000000ull /* 32-bit PCI window */
#define LAYOUT_PCI32_END 0xfec00000ull
#define LAYOUT_IOAPIC 0xfec00000ull
#define LAYOUT_LAPIC 0xfee00000ull
#define LAYOUT_KVM_PAGES 0xfeffc000ull /* identity map page and TSS of KVM on VMX (4 pages) */
#define LAYOUT_HIGH 0x100000000ull     /* RAM above 4 GiB */
/* The 64-bit PCI window starts at the first multiple of this above RAM and takes as much. */
#define LAYOUT_PCI64_ALIGN (32 * GIB)

#endif
