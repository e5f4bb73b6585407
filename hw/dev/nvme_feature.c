// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the features: what they may be set to, what they were, what they begin with (NVM Express
 * 1.4, 5.13, 5.21).  Called by nvme_admin.c in the controller's thread; nothing is ever saved.
 */
#include "hw/dev/nvme_int.h"

#define SAVE (1u << 31)
#define CAN_BE_NS 2u
#define CAN_CHANGE 4u

enum { SEL_CURRENT, SEL_DEFAULT, SEL_SAVED, SEL_CAPABILITIES };

static uint16_t check_power(struct nvme *n, uint32_t val)
{
	return val & 0x1f ? NVME_INVALID_FIELD | NVME_DNR : NVME_OK; /* there is state 0 */
}

/* Errors for deallocated blocks: they read zeroes here (5.21.1.5). */
static uint16_t check_recovery(struct nvme *n, uint32_t val)
{
	return val & 1u << 16 ? NVME_INVALID_FIELD | NVME_DNR : NVME_OK;
}

static uint16_t check_cache(struct nvme *n, uint32_t val)
{
	if (!(val & 1) && drive_flush(&n->drive) < 0)
		return NVME_WRITE_FAULT;
	return NVME_OK;
}

/* Those that are a value and no more. */
static const struct feature {
	uint8_t id, caps;
	size_t off;
	uint32_t def, mask;
	uint16_t (*check)(struct nvme *n, uint32_t val); /* NULL: any value will do */
} plain[] = {
#define F(id_, field, caps_, def_, mask_, check_)                                       \
	{                                                                               \
		.id = id_, .caps = caps_, .off = offsetof(struct nvme_features, field), \
		.def = def_, .mask = mask_, .check = check_                             \
	}
	F(NVME_FEAT_ARBITRATION, arbitration, CAN_CHANGE, 3, 0xffffff07, NULL),
	F(NVME_FEAT_POWER, power, CAN_CHANGE, 0, 0xff, check_power),
	F(NVME_FEAT_ERROR_RECOVERY, recovery, CAN_CHANGE | CAN_BE_NS, 0, 0x1ffff, check_recovery),
	F(NVME_FEAT_WRITE_CACHE, write_cache, CAN_CHANGE, 1, 1, check_cache),
	F(NVME_FEAT_COALESCING, coalescing, CAN_CHANGE, 0, 0xffff, NULL),
	F(NVME_FEAT_ATOMICITY, atomicity, CAN_CHANGE, 0, 1, NULL),
	F(NVME_FEAT_EVENTS, events, CAN_CHANGE, 0, 0xff, NULL),
#undef F
};

static const struct feature *find(uint8_t id)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(plain); i++)
		if (plain[i].id == id)
			return &plain[i];
	return NULL;
}

static uint32_t *field(struct nvme *n, const struct feature *f)
{
	return (uint32_t *)((char *)&n->feat + f->off);
}

void nvme_reset_features(struct nvme *n)
{
	n->feat = (struct nvme_features){.over = NVME_TEMPERATURE_WARN};
	for (unsigned i = 0; i < G_N_ELEMENTS(plain); i++)
		*field(n, &plain[i]) = plain[i].def;
}

/* --- those that are more than a value --- */

static uint32_t queues(const struct nvme *n)
{
	return (n->pairs - 1) | (n->pairs - 1) << 16;
}

/* There is always the same number, whatever is asked for. */
static uint16_t set_queues(struct nvme *n, uint32_t val, uint32_t *result)
{
	if ((val & 0xffff) == 0xffff || val >> 16 == 0xffff)
		return NVME_INVALID_FIELD | NVME_DNR;
	for (unsigned i = 1; i <= n->pairs; i++)
		if (n->sq[i].entries || n->cq[i].entries)
			return NVME_SEQUENCE_ERROR | NVME_DNR;
	*result = queues(n);
	return NVME_OK;
}

/* The threshold that dword 11 selects; NULL: there is no such thing. */
static uint16_t *threshold(struct nvme *n, uint32_t dw11)
{
	unsigned sensor = dw11 >> 16 & 15, kind = dw11 >> 20 & 3;

	if ((sensor && sensor != 15) || kind > 1)
		return NULL;
	return kind ? &n->feat.under : &n->feat.over;
}

static uint16_t set_threshold(struct nvme *n, uint32_t dw11)
{
	uint16_t *t = threshold(n, dw11);

	if (!t)
		return NVME_INVALID_FIELD | NVME_DNR;
	*t = (uint16_t)dw11;
	nvme_check_temperature(n);
	return NVME_OK;
}

static uint16_t get_threshold(struct nvme *n, uint32_t dw11, bool now, uint32_t *result)
{
	uint16_t *t = threshold(n, dw11);

	if (!t)
		return NVME_INVALID_FIELD | NVME_DNR;
	*result = now ? *t : t == &n->feat.over ? NVME_TEMPERATURE_WARN : 0;
	return NVME_OK;
}

static uint16_t set_vector(struct nvme *n, uint32_t dw11)
{
	if ((dw11 & 0xffff) > n->pairs)
		return NVME_INVALID_FIELD | NVME_DNR;
	n->feat.uncoalesced[dw11 & 0xff] = dw11 >> 16 & 1;
	return NVME_OK;
}

static uint16_t get_vector(struct nvme *n, uint32_t dw11, bool now, uint32_t *result)
{
	unsigned vector = dw11 & 0xffff;

	if (vector > n->pairs)
		return NVME_INVALID_FIELD | NVME_DNR;
	*result = vector | (now && n->feat.uncoalesced[vector] ? 1u << 16 : 0);
	return NVME_OK;
}

/* --- the commands --- */

static uint16_t set_plain(struct nvme *n, const struct feature *f, uint32_t val)
{
	uint16_t status = f->check ? f->check(n, val) : NVME_OK;

	if (status)
		return status;
	*field(n, f) = val & f->mask;
	if (f->id == NVME_FEAT_EVENTS)
		nvme_check_temperature(n);
	return NVME_OK;
}

/* A feature of the controller is none of one namespace, and the other way round (5.21). */
static uint16_t check_ns(const struct feature *f, uint32_t nsid)
{
	if (f && f->caps & CAN_BE_NS)
		return nsid == 1 || nsid == NVME_NSID_ALL ? NVME_OK : NVME_INVALID_NS | NVME_DNR;
	if (!nsid || nsid == NVME_NSID_ALL)
		return NVME_OK;
	return (nsid == 1 ? NVME_FEATURE_NOT_NS : NVME_INVALID_NS) | NVME_DNR;
}

uint16_t nvme_set_features(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	const struct feature *f = find((uint8_t)c->dw[10]);
	uint8_t id = (uint8_t)c->dw[10];
	uint16_t status = check_ns(f, nvme_nsid(c));

	if (!f && id != NVME_FEAT_QUEUES && id != NVME_FEAT_TEMPERATURE && id != NVME_FEAT_VECTOR)
		return NVME_INVALID_FIELD | NVME_DNR;
	if (c->dw[10] & SAVE)
		return NVME_NOT_SAVEABLE | NVME_DNR;
	if (status)
		return status;
	if (f)
		return set_plain(n, f, c->dw[11]);
	if (id == NVME_FEAT_QUEUES)
		return set_queues(n, c->dw[11], result);
	return id == NVME_FEAT_VECTOR ? set_vector(n, c->dw[11]) : set_threshold(n, c->dw[11]);
}

uint16_t nvme_get_features(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	const struct feature *f = find((uint8_t)c->dw[10]);
	unsigned sel = c->dw[10] >> 8 & 7;
	bool now = sel == SEL_CURRENT;

	if (sel > SEL_CAPABILITIES)
		return NVME_INVALID_FIELD | NVME_DNR;
	if (f && f->caps & CAN_BE_NS && sel != SEL_CAPABILITIES && nvme_nsid(c) != 1)
		return NVME_INVALID_NS | NVME_DNR;
	*result = f ? f->caps : CAN_CHANGE;
	if (f && sel != SEL_CAPABILITIES)
		*result = now ? *field(n, f) : f->def;
	if (f)
		return NVME_OK;
	switch ((uint8_t)c->dw[10]) {
	case NVME_FEAT_QUEUES:
		if (sel != SEL_CAPABILITIES)
			*result = queues(n);
		return NVME_OK;
	case NVME_FEAT_TEMPERATURE:
		return sel == SEL_CAPABILITIES ? NVME_OK : get_threshold(n, c->dw[11], now, result);
	case NVME_FEAT_VECTOR:
		return sel == SEL_CAPABILITIES ? NVME_OK : get_vector(n, c->dw[11], now, result);
	}
	*result = 0;
	return NVME_INVALID_FIELD | NVME_DNR;
}
