// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the controller's thread: enabling, reset and shutdown as CC asks for them, fetching of
 * commands, completions and their interrupts (NVM Express 1.4, 4.1, 4.6, 7.2 to 7.6).  Kicked by
 * nvme.c; never knows what a command does.
 */
#include "hw/dev/nvme_int.h"
#include "mem/access.h"

#define BURST 8u /* commands of one queue before it is the next one's turn */

/* --- what CC asks for; all under the lock --- */

static void fatal(struct nvme *n, const char *what)
{
	n->csts |= NVME_CSTS_CFS;
	nvme_mistake(n, "%s: the controller has a fatal status until it is reset", what);
}

static const char *unable(const struct nvme *n)
{
	unsigned bits = 12 + NVME_CC_MPS(n->cc);

	if (bits > NVME_PAGE_BITS_MAX)
		return "asks for pages of more than 64 KiB";
	if (NVME_CC_CSS(n->cc) || NVME_CC_AMS(n->cc))
		return "asks for a command set or an arbitration that there is not";
	if (!(n->aqa & 0xfff) || !(n->aqa >> 16))
		return "enables admin queues of less than two entries";
	if ((n->asq | n->acq) & ((1ull << bits) - 1))
		return "has its admin queues not at a page's start";
	return NULL;
}

static void enable(struct nvme *n)
{
	const char *why = unable(n);

	if (why) {
		fatal(n, why);
		return;
	}
	n->page_bits = 12 + NVME_CC_MPS(n->cc);
	n->sq[0] = (struct nvme_sq){.entries = (n->aqa & 0xfff) + 1, .base = n->asq};
	n->cq[0] = (struct nvme_cq){
		.entries = (n->aqa >> 16) + 1, .irq = true, .phase = true, .base = n->acq};
	n->aers = n->events = n->event_masked = 0;
	nvme_reset_features(n);
	n->running = true;
	n->csts |= NVME_CSTS_RDY;
}

static void follow_cc(struct nvme *n)
{
	if (n->reset_due) {
		uint32_t shutdown = n->csts & NVME_CSTS_SHST;

		nvme_clear_queues(n);
		n->reset_due = false;
		if (n->stop_due)
			n->csts = shutdown;
	}
	if (n->cc & NVME_CC_EN && !n->running && !(n->csts & NVME_CSTS_CFS))
		enable(n);
}

/* Takes the lock by itself. */
static void shut_down(struct nvme *n)
{
	drive_flush(&n->drive);
	nvme_mem_persist(n);
	pthread_mutex_lock(&n->lock);
	if (!devworker_stale(&n->worker) && n->stop_due) {
		n->stop_due = false;
		n->csts = (n->csts & ~NVME_CSTS_SHST) | NVME_CSTS_SHST_DONE;
	}
	pthread_mutex_unlock(&n->lock);
}

/* --- completions --- */

static bool full(const struct nvme_cq *cq)
{
	return (cq->tail + 1) % cq->entries == cq->head;
}

bool nvme_room(struct nvme *n, unsigned completions)
{
	struct nvme_cq *cq = &n->cq[0];
	bool room;

	pthread_mutex_lock(&n->lock);
	room = cq->entries && (cq->head + cq->entries - cq->tail - 1) % cq->entries >= completions;
	pthread_mutex_unlock(&n->lock);
	return room;
}

/* The phase bit is in the last dword, which must be the last to show (4.6). */
static bool write_cqe(struct nvme *n, uint64_t addr, const uint32_t dw[4])
{
	uint8_t raw[NVME_CQE];

	for (unsigned i = 0; i < 4; i++)
		le_store(raw + 4 * i, dw[i], 4);
	if (!nvme_dma_write(n, addr, raw, 12))
		return false;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return nvme_dma_write(n, addr + 12, raw + 12, 4);
}

static void advance(struct nvme_cq *cq)
{
	cq->tail = (cq->tail + 1) % cq->entries;
	cq->phase ^= cq->tail == 0;
	cq->due = cq->irq;
}

bool nvme_complete(struct nvme *n, unsigned sqid, uint16_t cid, uint32_t result, uint16_t status)
{
	uint32_t dw[4] = {result};
	struct nvme_cq *cq;
	uint64_t addr = 0;
	bool go, ok;

	pthread_mutex_lock(&n->lock);
	cq = &n->cq[n->sq[sqid].cqid];
	go = !devworker_stale(&n->worker) && cq->entries && !full(cq);
	if (go) {
		addr = cq->base + NVME_CQE * cq->tail;
		dw[2] = n->sq[sqid].head | sqid << 16;
		dw[3] = cid | (uint32_t)status << 17 | (uint32_t)cq->phase << 16;
	}
	pthread_mutex_unlock(&n->lock);
	if (!go)
		return false;
	ok = write_cqe(n, addr, dw);
	pthread_mutex_lock(&n->lock);
	go = !devworker_stale(&n->worker);
	if (go && ok)
		advance(cq);
	else if (devworker_may_dma(&n->worker)) /* else the host has taken the bus away itself */
		fatal(n, "has a completion queue that nothing answers");
	pthread_mutex_unlock(&n->lock);
	return go && ok;
}

/* One message for what was completed in a queue since the last time; the pin stays as it must. */
static void interrupt(struct nvme *n, unsigned cqid)
{
	bool due = false, masked = false;
	unsigned vector = 0;

	pthread_mutex_lock(&n->lock);
	if (!devworker_stale(&n->worker)) {
		due = n->cq[cqid].due;
		vector = n->cq[cqid].vector;
		masked = n->intms >> (vector & 31) & 1;
		n->cq[cqid].due = false;
		nvme_drive_pin(n);
	}
	pthread_mutex_unlock(&n->lock);
	if (!due)
		return;
	if (pcimsix_enabled(n->dev.msix))
		pcimsix_raise(n->dev.msix, vector);
	else if (!masked)
		pcimsi_raise(&n->msi, vector);
}

/* --- commands --- */

static bool may_work(struct nvme *n)
{
	return devworker_may_dma(&n->worker) && n->running && !n->reset_due &&
	       !(n->csts & (NVME_CSTS_CFS | NVME_CSTS_SHST));
}

/* Under the lock: where the next command of a queue is that can be completed, too. */
static bool next_command(struct nvme *n, unsigned sqid, uint64_t *addr)
{
	struct nvme_sq *sq = &n->sq[sqid];

	if (!may_work(n) || !sq->entries || sq->head == sq->tail || full(&n->cq[sq->cqid]))
		return false;
	*addr = sq->base + NVME_SQE * sq->head;
	return true;
}

static void decode(struct nvme_cmd *c, const uint8_t *raw, unsigned sqid)
{
	for (unsigned i = 0; i < 16; i++)
		c->dw[i] = pci_get32(raw + 4 * i);
	for (unsigned i = 0; i < 2; i++)
		c->prp[i] = le_load(raw + 24 + 8 * i, 8);
	c->sqid = sqid;
}

static bool fetch(struct nvme *n, unsigned sqid, struct nvme_cmd *c)
{
	uint8_t raw[NVME_SQE];
	uint64_t addr;
	bool go, ok;

	pthread_mutex_lock(&n->lock);
	go = next_command(n, sqid, &addr);
	pthread_mutex_unlock(&n->lock);
	if (!go)
		return false;
	ok = nvme_dma_read(n, addr, raw, sizeof(raw));
	pthread_mutex_lock(&n->lock);
	go = may_work(n); /* without the bus, it is tried again later */
	if (go && ok)
		n->sq[sqid].head = (n->sq[sqid].head + 1) % n->sq[sqid].entries;
	else if (go)
		fatal(n, "has a submission queue that nothing answers");
	pthread_mutex_unlock(&n->lock);
	if (!go || !ok)
		return false;
	decode(c, raw, sqid);
	return true;
}

static void execute(struct nvme *n, const struct nvme_cmd *c)
{
	uint32_t result = 0;
	uint16_t status;

	if (c->dw[0] & (NVME_CDW0_FUSE | NVME_CDW0_PSDT))
		status = NVME_INVALID_FIELD | NVME_DNR;
	else if (c->sqid)
		status = nvme_io(n, c, &result);
	else
		status = nvme_admin(n, c, &result);
	if (status != NVME_LATER)
		nvme_complete(n, c->sqid, nvme_cid(c), result, status);
}

static void serve(struct nvme *n, unsigned sqid)
{
	unsigned cqid = n->sq[sqid].cqid, done = 0;
	struct nvme_cmd c;

	while (done < BURST && fetch(n, sqid, &c)) {
		execute(n, &c);
		done++;
	}
	if (!sqid)
		nvme_send_events(n);
	interrupt(n, cqid);
}

/* The next queue from sqid on that has a command; past the last one: none. */
static unsigned next_queue(struct nvme *n, unsigned sqid)
{
	uint64_t addr;

	pthread_mutex_lock(&n->lock);
	while (sqid <= n->pairs && !next_command(n, sqid, &addr))
		sqid++;
	pthread_mutex_unlock(&n->lock);
	return sqid;
}

static void collect_doorbell_errors(struct nvme *n)
{
	bool bad[2] = {false, false};

	pthread_mutex_lock(&n->lock);
	for (unsigned i = 0; i < 2 && may_work(n); i++) {
		bad[i] = n->bad_doorbell[i];
		n->bad_doorbell[i] = false;
	}
	pthread_mutex_unlock(&n->lock);
	for (unsigned i = 0; i < 2; i++)
		if (bad[i]) {
			nvme_log_error(n, NULL, NVME_OK, 0);
			nvme_event(n, NVME_EVENT_ERROR, i, NVME_LOG_ERROR);
		}
}

static bool round_of_queues(struct nvme *n)
{
	bool any = false;

	collect_doorbell_errors(n);
	serve(n, 0); /* there may be events to send, too */
	for (unsigned q = next_queue(n, 0); q <= n->pairs; q = next_queue(n, q + 1)) {
		serve(n, q);
		any = true;
	}
	return any;
}

void nvme_run(void *opaque)
{
	struct nvme *n = opaque;
	bool more = true;

	while (more) {
		bool stop = false;

		pthread_mutex_lock(&n->lock);
		if (!devworker_stale(&n->worker)) {
			follow_cc(n);
			stop = n->stop_due;
		}
		pthread_mutex_unlock(&n->lock);
		if (stop)
			shut_down(n);
		more = round_of_queues(n);
	}
}
