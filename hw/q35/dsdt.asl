/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board as ACPI sees it (ACPI 6.3).  Run through the C preprocessor, then iasl.  Owns _CRS, _PRT and S5; agrees with hw/q35/lpc.c
 * (PIRQ of a slot's pin), hw/q35/acpi.c (facts at FACTS) and mem/layout.h.
 */
#define FACTS 0xEFF00 /* LAYOUT_ACPI_FACTS: written by acpi.c */

/* One slot: pins A to D lead to PIRQs base + (slot + pin) % 4; GSI 16 + PIRQ, or the link of that PIRQ. */
#define GSI4(slot, a, b, c, d)                                                                     \
	Package () { slot##FFFF, 0, 0, a }, Package () { slot##FFFF, 1, 0, b },                        \
	Package () { slot##FFFF, 2, 0, c }, Package () { slot##FFFF, 3, 0, d }
#define LNK4(slot, a, b, c, d)                                                                     \
	Package () { slot##FFFF, 0, a, 0 }, Package () { slot##FFFF, 1, b, 0 },                        \
	Package () { slot##FFFF, 2, c, 0 }, Package () { slot##FFFF, 3, d, 0 }
#define SLOTS(M0, M1, M2, M3, N0, N1, N2, N3)                                                      \
	M0(0x0000), M1(0x0001), M2(0x0002), M3(0x0003), M0(0x0004), M1(0x0005), M2(0x0006),            \
	M3(0x0007), M0(0x0008), M1(0x0009), M2(0x000A), M3(0x000B), M0(0x000C), M1(0x000D),            \
	M2(0x000E), M3(0x000F), M0(0x0010), M1(0x0011), M2(0x0012), M3(0x0013), M0(0x0014),            \
	M1(0x0015), M2(0x0016), M3(0x0017), M0(0x0018), N1(0x0019), N2(0x001A), N3(0x001B),            \
	N0(0x001C), N1(0x001D), N2(0x001E), N3(0x001F)
#define GH0(s) GSI4(s, 20, 21, 22, 23)
#define GH1(s) GSI4(s, 21, 22, 23, 20)
#define GH2(s) GSI4(s, 22, 23, 20, 21)
#define GH3(s) GSI4(s, 23, 20, 21, 22)
#define GL0(s) GSI4(s, 16, 17, 18, 19)
#define GL1(s) GSI4(s, 17, 18, 19, 16)
#define GL2(s) GSI4(s, 18, 19, 16, 17)
#define GL3(s) GSI4(s, 19, 16, 17, 18)
#define LH0(s) LNK4(s, LNKE, LNKF, LNKG, LNKH)
#define LH1(s) LNK4(s, LNKF, LNKG, LNKH, LNKE)
#define LH2(s) LNK4(s, LNKG, LNKH, LNKE, LNKF)
#define LH3(s) LNK4(s, LNKH, LNKE, LNKF, LNKG)
#define LL0(s) LNK4(s, LNKA, LNKB, LNKC, LNKD)
#define LL1(s) LNK4(s, LNKB, LNKC, LNKD, LNKA)
#define LL2(s) LNK4(s, LNKC, LNKD, LNKA, LNKB)
#define LL3(s) LNK4(s, LNKD, LNKA, LNKB, LNKC)

DefinitionBlock ("dsdt.aml", "DSDT", 2, "SLUICE", "Q35     ", 1)
{
	Name (PICF, 0)
	Method (_PIC, 1) { PICF = Arg0 }

	/* What the board found out at start: the 64-bit PCI window. */
	OperationRegion (FCTS, SystemMemory, FACTS, 16)
	Field (FCTS, QWordAcc, NoLock, Preserve) { WBAS, 64, WLIM, 64 }

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A08"))
			Name (_CID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_BBN, 0)
			Name (SUPP, 0)
			Name (CTRL, 0)
			Name (CRES, ResourceTemplate () {
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 0xFF, 0, 0x100)
				IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0000, 0x0CF7, 0, 0x0CF8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, 0x0D00, 0xFFFF, 0, 0xF300)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
					0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
					0, 0xC0000000, 0xFEBFFFFF, 0, 0x3EC00000)
				QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
					0, 0x0000008000000000, 0x00000080FFFFFFFF, 0, 0x0000000100000000, , , W64)
			})
			Method (_CRS, 0, Serialized)
			{
				CreateQWordField (CRES, \_SB.PCI0.W64._MIN, WMIN)
				CreateQWordField (CRES, \_SB.PCI0.W64._MAX, WMAX)
				CreateQWordField (CRES, \_SB.PCI0.W64._LEN, WLEN)
				WMIN = WBAS
				WMAX = WLIM
				WLEN = WLIM - WBAS + 1
				Return (CRES)
			}

			/* PCI Firmware 3.0, 4.5.1: the system has native hotplug, PME, AER, the capability; not SHPC, which no bridge has. */
			Method (_OSC, 4)
			{
				CreateDWordField (Arg3, 0, CDW1)
				If (Arg0 == ToUUID ("33DB4D5B-1FF7-401C-9657-7441C03DD766"))
				{
					CreateDWordField (Arg3, 4, CDW2)
					CreateDWordField (Arg3, 8, CDW3)
					SUPP = CDW2
					CTRL = CDW3 & 0x1D
					If (Arg1 != 1) { CDW1 |= 0x08 }
					If (CDW3 != CTRL) { CDW1 |= 0x10 }
					CDW3 = CTRL
				}
				Else { CDW1 |= 4 }
				Return (Arg3)
			}

			Name (PRTA, Package () { SLOTS(GH0, GH1, GH2, GH3, GL0, GL1, GL2, GL3) })
			Name (PRTP, Package () { SLOTS(LH0, LH1, LH2, LH3, LL0, LL1, LL2, LL3) })
			Method (_PRT, 0)
			{
				If (PICF) { Return (PRTA) }
				Return (PRTP)
			}

			/* fw_cfg (hw/isa/fw_cfg.c): ports and DMA register. */
			Device (FWCF)
			{
				Name (_HID, "QEMU0002")
				Name (_STA, 0x0B)
				Name (_CRS, ResourceTemplate () { IO (Decode16, 0x0510, 0x0510, 1, 12) })
			}

			Device (ISA)
			{
				Name (_ADR, 0x001F0000)
				OperationRegion (PIRQ, PCI_Config, 0x60, 0x0C)
				Field (PIRQ, ByteAcc, NoLock, Preserve)
				{
					PRQA, 8, PRQB, 8, PRQC, 8, PRQD, 8, Offset (8), PRQE, 8, PRQF, 8, PRQG, 8, PRQH, 8
				}

				Device (RTC)
				{
					Name (_HID, EisaId ("PNP0B00"))
					Name (_CRS, ResourceTemplate () { IO (Decode16, 0x70, 0x70, 1, 8) IRQNoFlags () {8} })
				}
				Device (KBD)
				{
					Name (_HID, EisaId ("PNP0303"))
					Name (_CRS, ResourceTemplate () {
						IO (Decode16, 0x60, 0x60, 1, 1) IO (Decode16, 0x64, 0x64, 1, 1) IRQNoFlags () {1} })
				}
				Device (COM1)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, 1)
					Name (_CRS, ResourceTemplate () { IO (Decode16, 0x3F8, 0x3F8, 1, 8) IRQNoFlags () {4} })
				}
			}
		}

		/* Registers of the board that are nobody's BAR. */
		Device (MBRD)
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xB0000000, 0x10000000)
				IO (Decode16, 0x0600, 0x0600, 1, 0x80)
			})
		}

		Name (PRSL, ResourceTemplate () { IRQ (Level, ActiveHigh, Shared) {5, 10, 11} })
#define LINK(name, uid, reg)                                                                       \
		Device (name)                                                                              \
		{                                                                                          \
			Name (_HID, EisaId ("PNP0C0F"))                                                        \
			Name (_UID, uid)                                                                       \
			Name (RES, ResourceTemplate () { IRQ (Level, ActiveHigh, Shared, IR) {5} })            \
			Method (_STA) { If (\_SB.PCI0.ISA.reg & 0x80) { Return (0x09) } Return (0x0B) }        \
			Method (_PRS) { Return (PRSL) }                                                        \
			Method (_DIS) { \_SB.PCI0.ISA.reg |= 0x80 }                                            \
			Method (_CRS, 0, Serialized)                                                           \
			{                                                                                      \
				CreateWordField (RES, 1, IRQM)                                                     \
				IRQM = 0                                                                           \
				If (!(\_SB.PCI0.ISA.reg & 0x80)) { IRQM = 1 << (\_SB.PCI0.ISA.reg & 0x0F) }        \
				Return (RES)                                                                       \
			}                                                                                      \
			Method (_SRS, 1)                                                                       \
			{                                                                                      \
				CreateWordField (Arg0, 1, IRQW)                                                    \
				FindSetRightBit (IRQW, Local0)                                                     \
				If (Local0) { \_SB.PCI0.ISA.reg = Local0 - 1 }                                     \
			}                                                                                      \
		}
		LINK(LNKA, 0, PRQA)
		LINK(LNKB, 1, PRQB)
		LINK(LNKC, 2, PRQC)
		LINK(LNKD, 3, PRQD)
		LINK(LNKE, 4, PRQE)
		LINK(LNKF, 5, PRQF)
		LINK(LNKG, 6, PRQG)
		LINK(LNKH, 7, PRQH)
	}

	Name (\_S5, Package () { 7, 7, 0, 0 })
}
