// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the table of class names.  Called by the monitors; data and one lookup. */
#include "ctl/pci_names.h"

#include <stddef.h>

static const struct {
	uint16_t class, mask;
	const char *name;
} names[] = {
	{0x0000, 0xffff, "Unclassified device"},
	{0x0100, 0xffff, "SCSI controller"},
	{0x0101, 0xffff, "IDE controller"},
	{0x0106, 0xffff, "SATA controller"},
	{0x0107, 0xffff, "SAS controller"},
	{0x0108, 0xffff, "NVMe controller"},
	{0x0100, 0xff00, "Storage controller"},
	{0x0200, 0xffff, "Ethernet controller"},
	{0x0207, 0xffff, "InfiniBand controller"},
	{0x0280, 0xffff, "Network controller"},
	{0x0200, 0xff00, "Network controller"},
	{0x0300, 0xffff, "VGA controller"},
	{0x0302, 0xffff, "3D controller"},
	{0x0300, 0xff00, "Display controller"},
	{0x0401, 0xffff, "Audio controller"},
	{0x0403, 0xffff, "Audio device"},
	{0x0400, 0xff00, "Multimedia device"},
	{0x0500, 0xff00, "Memory controller"},
	{0x0600, 0xffff, "Host bridge"},
	{0x0601, 0xffff, "ISA bridge"},
	{0x0604, 0xffff, "PCI bridge"},
	{0x0600, 0xff00, "Bridge"},
	{0x0700, 0xffff, "Serial port"},
	{0x0700, 0xff00, "Communication controller"},
	{0x0800, 0xff00, "System peripheral"},
	{0x0900, 0xff00, "Input device"},
	{0x0c03, 0xffff, "USB controller"},
	{0x0c05, 0xffff, "SMBus"},
	{0x0c00, 0xff00, "Serial bus controller"},
	{0x0d00, 0xff00, "Wireless controller"},
	{0x1000, 0xff00, "Encryption controller"},
	{0x1200, 0xff00, "Processing accelerator"},
};

const char *pci_class_name(uint16_t class)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((class & names[i].mask) == names[i].class)
			return names[i].name;
	return NULL;
}
