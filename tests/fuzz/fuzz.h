/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface of libFuzzer's targets, as its documentation has it, and of makers of inputs. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One input, from a clean state to a clean state; 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input of at most fuzz_input_max bytes; its length.  state: of the generator. */
extern const size_t fuzz_input_max;
size_t fuzz_make(uint64_t *state, uint8_t *in);
uint32_t fuzz_next(uint64_t *state); /* smoke.c */

#endif
