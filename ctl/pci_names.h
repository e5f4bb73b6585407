/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What PCI class codes are called (PCI Code and ID Assignment 1.11). */
#ifndef CTL_PCI_NAMES_H
#define CTL_PCI_NAMES_H

#include <stdint.h>

/* class: base class << 8 | subclass.  NULL where it has no name here. */
const char *pci_class_name(uint16_t class);

#endif
