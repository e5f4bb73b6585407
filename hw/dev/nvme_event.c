// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what the controller tells by itself: asynchronous events, the error log, the temperature
 * that it pretends to have (NVM Express 1.4, 5.2, 5.14.1, 5.21.1.4).  Called by the commands, in
 * the controller's thread; never keeps more than one event of a kind.
 */
#include <string.h>

#include "hw/dev/nvme_int.h"

void nvme_event(struct nvme *n, unsigned type, unsigned info, unsigned log)
{
	for (unsigned i = 0; i < n->events; i++)
		if (n->event[i].type == type && n->event[i].info == info)
			return;
	if (n->events == G_N_ELEMENTS(n->event))
		return;
	n->event[n->events++] = (struct nvme_event){(uint8_t)type, (uint8_t)info, (uint8_t)log};
}

/* After an event of a type there is no other of it until the host has read the log. */
void nvme_log_read(struct nvme *n, unsigned log)
{
	if (log == NVME_LOG_ERROR)
		n->event_masked &= ~(1u << NVME_EVENT_ERROR);
	if (log == NVME_LOG_SMART)
		n->event_masked &= ~(1u << NVME_EVENT_SMART);
}

static void drop_request(struct nvme *n, unsigned at)
{
	n->aers--;
	memmove(&n->aer[at], &n->aer[at + 1], (n->aers - at) * sizeof(n->aer[0]));
}

void nvme_send_events(struct nvme *n)
{
	unsigned i = 0;

	while (n->aers && i < n->events) {
		struct nvme_event e = n->event[i];

		if (n->event_masked >> e.type & 1) {
			i++;
			continue;
		}
		if (!nvme_complete(n, 0, n->aer[0], e.type | e.info << 8 | e.log << 16, NVME_OK))
			return; /* no room: when the host has made some */
		drop_request(n, 0);
		n->event_masked |= 1u << e.type;
		n->events--;
		memmove(&n->event[i], &n->event[i + 1], (n->events - i) * sizeof(e));
	}
}

uint16_t nvme_aer(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	if (n->aers == NVME_AERS)
		return NVME_AER_LIMIT | NVME_DNR;
	n->aer[n->aers++] = nvme_cid(c);
	return NVME_LATER;
}

bool nvme_abort_aer(struct nvme *n, uint16_t cid)
{
	if (!nvme_room(n, 2)) /* one is for the abort itself */
		return false;
	for (unsigned i = 0; i < n->aers; i++)
		if (n->aer[i] == cid && nvme_complete(n, 0, cid, 0, NVME_ABORTED)) {
			drop_request(n, i);
			return true;
		}
	return false;
}

unsigned nvme_warnings(const struct nvme *n)
{
	bool out = NVME_TEMPERATURE >= n->feat.over || NVME_TEMPERATURE <= n->feat.under;

	return out ? NVME_WARN_TEMPERATURE : 0;
}

void nvme_check_temperature(struct nvme *n)
{
	if (nvme_warnings(n) & n->feat.events)
		nvme_event(n, NVME_EVENT_SMART, NVME_SMART_TEMPERATURE, NVME_LOG_SMART);
}

uint16_t nvme_log_error(struct nvme *n, const struct nvme_cmd *c, uint16_t status, uint64_t lba)
{
	struct nvme_error *e = &n->error[n->errors % NVME_ERRORS];

	/* Ones: the error is that of no command (5.14.1.1). */
	*e = (struct nvme_error){++n->errors, 0xffff, 0xffff, status, 0, 0};
	if (c) {
		e->sqid = c->sqid;
		e->cid = nvme_cid(c);
		e->nsid = nvme_nsid(c);
		e->lba = lba;
	}
	return status | NVME_MORE;
}
