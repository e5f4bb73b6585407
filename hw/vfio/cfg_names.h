/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the registers of a type 0 header and the capabilities are called (PCI 3.0, 6.1 and H). */
#ifndef HW_VFIO_CFG_NAMES_H
#define HW_VFIO_CFG_NAMES_H

#include <stdbool.h>

struct cfg_field {
	unsigned off, len;
	const char *name;
};

/* The register of the header that has this byte; off < 64. */
const struct cfg_field *cfg_field_at(unsigned off);

/*
 * ext: of an extended capability.  NULL where it has no name here.  *len, if not NULL: the bytes
 * that it has at least; 4 where nobody knows.
 */
const char *cfg_cap_name(unsigned id, bool ext, unsigned *len);

#endif
