// SPDX-License-Identifier: GPL-2.0-or-later
/* Owns the names of registers and capabilities.  Called by the views; data and two lookups. */
#include "hw/vfio/cfg_names.h"

#include <linux/pci_regs.h>
#include <stddef.h>

static const struct cfg_field fields[] = {
	{PCI_VENDOR_ID, 2, "Vendor ID"},
	{PCI_DEVICE_ID, 2, "Device ID"},
	{PCI_COMMAND, 2, "Command"},
	{PCI_STATUS, 2, "Status"},
	{PCI_REVISION_ID, 1, "Revision ID"},
	{PCI_CLASS_PROG, 3, "Class Code"},
	{PCI_CACHE_LINE_SIZE, 1, "Cache Line Size"},
	{PCI_LATENCY_TIMER, 1, "Latency Timer"},
	{PCI_HEADER_TYPE, 1, "Header Type"},
	{PCI_BIST, 1, "BIST"},
	{PCI_BASE_ADDRESS_0, 4, "BAR 0"},
	{PCI_BASE_ADDRESS_1, 4, "BAR 1"},
	{PCI_BASE_ADDRESS_2, 4, "BAR 2"},
	{PCI_BASE_ADDRESS_3, 4, "BAR 3"},
	{PCI_BASE_ADDRESS_4, 4, "BAR 4"},
	{PCI_BASE_ADDRESS_5, 4, "BAR 5"},
	{PCI_CARDBUS_CIS, 4, "CardBus CIS Pointer"},
	{PCI_SUBSYSTEM_VENDOR_ID, 2, "Subsystem Vendor ID"},
	{PCI_SUBSYSTEM_ID, 2, "Subsystem ID"},
	{PCI_ROM_ADDRESS, 4, "Expansion ROM BAR"},
	{PCI_CAPABILITY_LIST, 1, "Capabilities Pointer"},
	{0x35, 7, "Reserved"},
	{PCI_INTERRUPT_LINE, 1, "Interrupt Line"},
	{PCI_INTERRUPT_PIN, 1, "Interrupt Pin"},
	{PCI_MIN_GNT, 1, "Min_Gnt"},
	{PCI_MAX_LAT, 1, "Max_Lat"},
};

struct cap {
	unsigned id, len;
	const char *name;
};

static const struct cap std_caps[] = {
	{PCI_CAP_ID_PM, PCI_PM_SIZEOF, "Power Management"},
	{PCI_CAP_ID_AGP, PCI_AGP_SIZEOF, "AGP"},
	{PCI_CAP_ID_VPD, PCI_CAP_VPD_SIZEOF, "Vital Product Data"},
	{PCI_CAP_ID_SLOTID, 4, "Slot Identification"},
	{PCI_CAP_ID_MSI, 10, "MSI"},
	{PCI_CAP_ID_CHSWP, 4, "CompactPCI HotSwap"},
	{PCI_CAP_ID_PCIX, 8, "PCI-X"},
	{PCI_CAP_ID_HT, 4, "HyperTransport"},
	{PCI_CAP_ID_VNDR, 4, "Vendor-Specific"},
	{PCI_CAP_ID_DBG, 4, "Debug Port"},
	{PCI_CAP_ID_CCRC, 4, "CompactPCI Central Resource Control"},
	{PCI_CAP_ID_SHPC, 8, "Hot-Plug Controller"},
	{PCI_CAP_ID_SSVID, 8, "Subsystem IDs of a Bridge"},
	{PCI_CAP_ID_AGP3, PCI_AGP_SIZEOF, "AGP 8x"},
	{PCI_CAP_ID_SECDEV, 16, "Secure Device"},
	{PCI_CAP_ID_EXP, 20, "PCI Express"},
	{PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF, "MSI-X"},
	{PCI_CAP_ID_SATA, 8, "SATA Data and Index"},
	{PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF, "Advanced Features"},
	{PCI_CAP_ID_EA, 4, "Enhanced Allocation"},
};

static const struct cap ext_caps[] = {
	{PCI_EXT_CAP_ID_ERR, PCI_ERR_ROOT_COMMAND, "Advanced Error Reporting"},
	{PCI_EXT_CAP_ID_VC, 24, "Virtual Channel"},
	{PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_DSN_SIZEOF, "Device Serial Number"},
	{PCI_EXT_CAP_ID_PWR, PCI_EXT_CAP_PWR_SIZEOF, "Power Budgeting"},
	{PCI_EXT_CAP_ID_RCLD, 16, "Root Complex Link Declaration"},
	{PCI_EXT_CAP_ID_RCILC, 12, "Root Complex Internal Link Control"},
	{PCI_EXT_CAP_ID_RCEC, 8, "Root Complex Event Collector"},
	{PCI_EXT_CAP_ID_MFVC, 24, "Multi-Function Virtual Channel"},
	{PCI_EXT_CAP_ID_VC9, 24, "Virtual Channel"},
	{PCI_EXT_CAP_ID_RCRB, 20, "RCRB Header"},
	{PCI_EXT_CAP_ID_VNDR, 8, "Vendor-Specific"},
	{PCI_EXT_CAP_ID_CAC, 8, "Configuration Access Correlation"},
	{PCI_EXT_CAP_ID_ACS, 8, "Access Control Services"},
	{PCI_EXT_CAP_ID_ARI, PCI_EXT_CAP_ARI_SIZEOF, "ARI"},
	{PCI_EXT_CAP_ID_ATS, PCI_EXT_CAP_ATS_SIZEOF, "Address Translation Services"},
	{PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_SRIOV_SIZEOF, "SR-IOV"},
	{PCI_EXT_CAP_ID_MRIOV, 4, "MR-IOV"},
	{PCI_EXT_CAP_ID_MCAST, PCI_EXT_CAP_MCAST_ENDPOINT_SIZEOF, "Multicast"},
	{PCI_EXT_CAP_ID_PRI, PCI_EXT_CAP_PRI_SIZEOF, "Page Request Interface"},
	{PCI_EXT_CAP_ID_REBAR, 12, "Resizable BAR"},
	{PCI_EXT_CAP_ID_DPA, 16, "Dynamic Power Allocation"},
	{PCI_EXT_CAP_ID_TPH, 12, "TPH Requester"},
	{PCI_EXT_CAP_ID_LTR, PCI_EXT_CAP_LTR_SIZEOF, "Latency Tolerance Reporting"},
	{PCI_EXT_CAP_ID_SECPCI, 12, "Secondary PCI Express"},
	{PCI_EXT_CAP_ID_PMUX, 16, "Protocol Multiplexing"},
	{PCI_EXT_CAP_ID_PASID, 8, "PASID"},
	{PCI_EXT_CAP_ID_DPC, 16, "Downstream Port Containment"},
	{PCI_EXT_CAP_ID_L1SS, 16, "L1 PM Substates"},
	{PCI_EXT_CAP_ID_PTM, 12, "Precision Time Measurement"},
	{PCI_EXT_CAP_ID_DVSEC, 12, "Designated Vendor-Specific"},
	{PCI_EXT_CAP_ID_DLF, 12, "Data Link Feature"},
	{PCI_EXT_CAP_ID_PL_16GT, 36, "Physical Layer 16.0 GT/s"},
	{0x27, 4, "Lane Margining"},
	{0x2a, 32, "Physical Layer 32.0 GT/s"},
	{PCI_EXT_CAP_ID_DOE, 24, "Data Object Exchange"},
};

const struct cfg_field *cfg_field_at(unsigned off)
{
	const struct cfg_field *f = fields;

	while (off >= f->off + f->len)
		f++;
	return f;
}

static const struct cap *find(const struct cap *caps, size_t n, unsigned id)
{
	for (size_t i = 0; i < n; i++)
		if (caps[i].id == id)
			return &caps[i];
	return NULL;
}

const char *cfg_cap_name(unsigned id, bool ext, unsigned *len)
{
	const struct cap *c = ext ? find(ext_caps, sizeof(ext_caps) / sizeof(ext_caps[0]), id)
				  : find(std_caps, sizeof(std_caps) / sizeof(std_caps[0]), id);

	if (len)
		*len = c ? c->len : 4;
	return c ? c->name : NULL;
}
