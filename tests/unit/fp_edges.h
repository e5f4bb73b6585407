/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating-point operands at which something changes: zeros, denormals, the ends of integers and
 * of the narrower format, infinities, quiet and signalling NaNs; significands of 80-bit numbers,
 * normal or not.  Bit patterns, to fill an array with.
 */
#ifndef TESTS_UNIT_FP_EDGES_H
#define TESTS_UNIT_FP_EDGES_H

#define FLOAT_EDGES                                                                           \
	0, 0x80000000, 1, 0x80000001, 0x7fffff, 0x800000, 0x3f800000, 0xbf800000, 0x7f800000, \
		0xff800000, 0x7fc00001, 0xffc12345, 0x7f800001, 0xffa00000, 0x7f7fffff,       \
		0xff7fffff, 0x4f000000, 0xcf000000, 0x4effffff, 0x3f000000, 0x3fc00000,       \
		0x40200000, 0xffffff, 0x40490fdb, 0x5f000000, 0x33800000, 0x400000, 0x3f7fffff

#define DOUBLE_EDGES                                                                            \
	0, 1, 0x8000000000000000, 0x8000000000000001, 0xfffffffffffff, 0x10000000000000,        \
		0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000, 0xfff0000000000000, \
		0x7ff8000000000001, 0xfff8123456789abc, 0x7ff0000000000001, 0xfff4000000000000, \
		0x7fefffffffffffff, 0xffefffffffffffff, 0x41e0000000000000, 0xc1e0000000000000, \
		0x41dfffffffe00000, 0x43e0000000000000, 0xc3e0000000000000, 0x3fe0000000000000, \
		0x3ff8000000000000, 0x4004000000000000, 0x36a0000000000000, 0x3810000000000000, \
		0x380fffffffffffff, 0x47efffffe0000000, 0x47effffff0000000, 0x3ff0000000000001, \
		0x18000000000000, 0x3690000000000000

#define SIGNIFICAND_EDGES                                                                       \
	0, 1, 0x8000000000000000, 0x8000000000000001, 0xc000000000000000, 0xc000000000000001,   \
		0xa000000000000000, 0xffffffffffffffff, 0x7fffffffffffffff, 0x4000000000000000, \
		0xfffffffffffff800, 0xfffffffffffffc00, 0xffffff8000000000, 0xc90fdaa22168c235

#endif
