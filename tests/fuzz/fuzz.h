/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface of libFuzzer's targets, as its documentation has it. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One input, from a clean state to a clean state; 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
