// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the admin commands but for those that only tell (nvme_info.c): queues and abort (NVM
 * Express 1.4, 5).  Called by nvme_queue.c in the controller's thread; never trusts a number of
 * the host's before it has been compared with what there is.
 */
#include "hw/dev/nvme_int.h"

static unsigned qid_of(const struct nvme_cmd *c)
{
	return c->dw[10] & 0xffff;
}

/* What both kinds of queue must be: an id that is free, a size, one piece of memory. */
static uint16_t check_queue(const struct nvme *n, const struct nvme_cmd *c, bool taken)
{
	unsigned size = c->dw[10] >> 16;

	if (taken)
		return NVME_QID_INVALID | NVME_DNR;
	if (!size || size >= NVME_MAX_ENTRIES)
		return NVME_QSIZE_INVALID | NVME_DNR;
	if (!(c->dw[11] & 1)) /* physically contiguous: CAP.CQR asks for it */
		return NVME_INVALID_FIELD | NVME_DNR;
	if (!c->prp[0] || c->prp[0] & ((1ull << n->page_bits) - 1))
		return NVME_PRP_OFFSET | NVME_DNR;
	return NVME_OK;
}

static bool exists(const struct nvme *n, unsigned qid, bool is_cq)
{
	return qid && qid <= n->pairs && (is_cq ? n->cq[qid].entries : n->sq[qid].entries);
}

static bool taken(const struct nvme *n, unsigned qid, bool is_cq)
{
	return !qid || qid > n->pairs || exists(n, qid, is_cq);
}

/* The pin has one vector only. */
static unsigned vectors(struct nvme *n)
{
	if (pcimsix_enabled(n->dev.msix))
		return n->pairs + 1;
	return pcimsi_enabled(&n->msi) ? NVME_MSI_VECTORS : 1;
}

/* Changes of queues take the lock, for doorbells look at them; a reset has made them void. */
static void set_cq(struct nvme *n, unsigned qid, struct nvme_cq cq)
{
	pthread_mutex_lock(&n->lock);
	if (!devworker_stale(&n->worker)) {
		n->cq[qid] = cq;
		nvme_drive_pin(n);
	}
	pthread_mutex_unlock(&n->lock);
}

static void set_sq(struct nvme *n, unsigned qid, struct nvme_sq sq)
{
	pthread_mutex_lock(&n->lock);
	if (!devworker_stale(&n->worker))
		n->sq[qid] = sq;
	pthread_mutex_unlock(&n->lock);
}

static uint16_t create_cq(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	unsigned qid = qid_of(c), vector = c->dw[11] >> 16;
	uint16_t status = check_queue(n, c, taken(n, qid, true));

	if (status)
		return status;
	if (NVME_CC_IOCQES(n->cc) != 4)
		return NVME_INVALID_FIELD | NVME_DNR;
	if (vector >= vectors(n))
		return NVME_VECTOR_INVALID | NVME_DNR;
	set_cq(n, qid,
	       (struct nvme_cq){.entries = (c->dw[10] >> 16) + 1,
				.vector = vector,
				.irq = c->dw[11] & 2,
				.phase = true,
				.base = c->prp[0]});
	return NVME_OK;
}

static uint16_t delete_cq(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	unsigned qid = qid_of(c);

	if (!exists(n, qid, true))
		return NVME_QID_INVALID | NVME_DNR;
	for (unsigned i = 1; i <= n->pairs; i++)
		if (n->sq[i].entries && n->sq[i].cqid == qid)
			return NVME_QUEUE_DELETION | NVME_DNR;
	set_cq(n, qid, (struct nvme_cq){0});
	return NVME_OK;
}

static uint16_t create_sq(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	unsigned qid = qid_of(c), cqid = c->dw[11] >> 16;
	uint16_t status = check_queue(n, c, taken(n, qid, false));

	if (!cqid || cqid > n->pairs)
		return NVME_QID_INVALID | NVME_DNR;
	if (!n->cq[cqid].entries)
		return NVME_CQ_INVALID | NVME_DNR;
	if (status)
		return status;
	if (NVME_CC_IOSQES(n->cc) != 6)
		return NVME_INVALID_FIELD | NVME_DNR;
	set_sq(n, qid,
	       (struct nvme_sq){.entries = (c->dw[10] >> 16) + 1, .cqid = cqid, .base = c->prp[0]});
	return NVME_OK;
}

/* What is under way is this command; what was not fetched is gone with the queue (7.4.3). */
static uint16_t delete_sq(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	unsigned qid = qid_of(c);

	if (!exists(n, qid, false))
		return NVME_QID_INVALID | NVME_DNR;
	set_sq(n, qid, (struct nvme_sq){0});
	return NVME_OK;
}

/* Commands are done one after the other: only one that waits for an event can be aborted. */
static uint16_t abort_command(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	*result = qid_of(c) || !nvme_abort_aer(n, (uint16_t)(c->dw[10] >> 16));
	return NVME_OK;
}

static const struct {
	uint8_t opcode;
	uint16_t (*fn)(struct nvme *n, const struct nvme_cmd *c, uint32_t *result);
} commands[] = {
	{NVME_ADM_DELETE_SQ, delete_sq},
	{NVME_ADM_CREATE_SQ, create_sq},
	{NVME_ADM_GET_LOG, nvme_get_log},
	{NVME_ADM_DELETE_CQ, delete_cq},
	{NVME_ADM_CREATE_CQ, create_cq},
	{NVME_ADM_IDENTIFY, nvme_identify},
	{NVME_ADM_ABORT, abort_command},
	{NVME_ADM_SET_FEATURES, nvme_set_features},
	{NVME_ADM_GET_FEATURES, nvme_get_features},
	{NVME_ADM_AER, nvme_aer},
};

uint16_t nvme_admin(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	uint8_t opcode = (uint8_t)c->dw[0];

	for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++)
		if (commands[i].opcode == opcode)
			return commands[i].fn(n, c, result);
	return NVME_INVALID_OPCODE | NVME_DNR;
}

bool nvme_admin_has(uint8_t opcode)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++)
		if (commands[i].opcode == opcode)
			return true;
	return false;
}
