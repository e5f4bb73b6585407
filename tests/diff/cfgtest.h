/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The definition of a synthetic device, syn/NAME.cfg (its words: recorder/cfgplug.c).
 *
 * Invariants: offsets of 0 mean "not there", as no capability can be at 0; everything is within the
 * arrays, whatever the file says.
 */
#ifndef TESTS_DIFF_CFGTEST_H
#define TESTS_DIFF_CFGTEST_H

#include <stdbool.h>
#include <stdint.h>

#define CFGTEST_SIZE 4096
#define CFGTEST_PWR 32

struct cfgtest {
	uint8_t init[CFGTEST_SIZE], wmask[CFGTEST_SIZE], w1c[CFGTEST_SIZE];
	int hwbar; /* the control BAR; -1 = none */
	bool intx;
	unsigned vpd, vpd_len, af, exp, pm, pwr, msi, msix;
	uint32_t pwr_data[CFGTEST_PWR];
	unsigned pwr_count;
	uint8_t vpd_data[0x8000];
};

/* NULL: the file cannot be read; *error is freed by g_free(). */
struct cfgtest *cfgtest_load(const char *path, char **error);

/*
 * What the device does by itself after a config write of len bytes of val at off was stored in cfg.
 * old_pm: PMCSR's low byte before.  True: the device resets now.
 */
bool cfgtest_written(struct cfgtest *c, uint8_t *cfg, unsigned off, uint32_t val, unsigned len,
		     uint8_t old_pm);

#endif
