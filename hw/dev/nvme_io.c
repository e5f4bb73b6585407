// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the NVM command set: what a namespace's commands do to the drive (NVM Express 1.4, 6).
 * Called by nvme_queue.c in the controller's thread; never reaches past the drive's last block.
 */
#include <errno.h>
#include <string.h>

#include "hw/dev/nvme_int.h"
#include "mem/access.h"

/* Blocks that a command names. */
struct span {
	uint64_t lba;
	uint32_t blocks;
};

static struct span span_of(const struct nvme_cmd *c)
{
	return (struct span){c->dw[10] | (uint64_t)c->dw[11] << 32, (c->dw[12] & 0xffff) + 1};
}

static bool inside(const struct nvme *n, struct span s)
{
	return s.lba <= nvme_blocks(n) && s.blocks <= nvme_blocks(n) - s.lba;
}

/* The host's memory for a command that moves data; the bytes of it. */
static uint16_t map_data(struct nvme *n, const struct nvme_cmd *c, struct span s, size_t *len)
{
	*len = (size_t)s.blocks * NVME_BLOCK;
	if (*len > NVME_MAX_DATA)
		return NVME_INVALID_FIELD | NVME_DNR;
	if (!inside(n, s))
		return NVME_LBA_RANGE | NVME_DNR;
	return nvme_map(n, c, *len);
}

static uint16_t failed(struct nvme *n, const struct nvme_cmd *c, int ret, bool writing)
{
	uint16_t status = writing ? NVME_WRITE_FAULT : NVME_READ_ERROR;

	if (writing && (ret == -ENOSPC || ret == -EDQUOT))
		status = NVME_CAPACITY;
	n->media_errors++;
	return nvme_log_error(n, c, status, span_of(c).lba);
}

/* Memory that does not answer is worth an entry in the log. */
static uint16_t moved(struct nvme *n, const struct nvme_cmd *c, uint16_t status)
{
	if (status != NVME_TRANSFER_ERROR)
		return status;
	return nvme_log_error(n, c, status, span_of(c).lba);
}

static uint16_t do_read(struct nvme *n, const struct nvme_cmd *c)
{
	struct span s = span_of(c);
	uint16_t status;
	size_t len;
	int ret;

	status = map_data(n, c, s, &len);
	if (status)
		return moved(n, c, status);
	ret = drive_read(&n->drive, s.lba * NVME_BLOCK, n->data, len);
	if (ret < 0)
		return failed(n, c, ret, false);
	n->reads++;
	n->blocks_read += s.blocks;
	return moved(n, c, nvme_to_host(n, n->data, len));
}

static bool write_through(const struct nvme *n, const struct nvme_cmd *c)
{
	return c->dw[12] & NVME_RW_FUA || !(n->feat.write_cache & 1);
}

static uint16_t do_write(struct nvme *n, const struct nvme_cmd *c)
{
	struct span s = span_of(c);
	uint16_t status;
	size_t len;
	int ret;

	status = map_data(n, c, s, &len);
	if (!status)
		status = nvme_from_host(n, n->data, len);
	if (status)
		return moved(n, c, status);
	ret = drive_write(&n->drive, s.lba * NVME_BLOCK, n->data, len);
	if (!ret && write_through(n, c))
		ret = drive_flush(&n->drive);
	if (ret < 0)
		return failed(n, c, ret, true);
	n->writes++;
	n->blocks_written += s.blocks;
	return NVME_OK;
}

static uint16_t do_compare(struct nvme *n, const struct nvme_cmd *c)
{
	g_autofree uint8_t *mine = NULL;
	struct span s = span_of(c);
	uint16_t status;
	size_t len;
	int ret;

	status = map_data(n, c, s, &len);
	if (!status)
		status = nvme_from_host(n, n->data, len);
	if (status)
		return moved(n, c, status);
	mine = g_malloc(len);
	ret = drive_read(&n->drive, s.lba * NVME_BLOCK, mine, len);
	if (ret < 0)
		return failed(n, c, ret, false);
	n->reads++;
	n->blocks_read += s.blocks;
	return memcmp(mine, n->data, len) ? NVME_COMPARE_FAILURE | NVME_DNR : NVME_OK;
}

static uint16_t do_write_zeroes(struct nvme *n, const struct nvme_cmd *c)
{
	struct span s = span_of(c);
	int ret;

	if (!inside(n, s))
		return NVME_LBA_RANGE | NVME_DNR;
	ret = drive_zero(&n->drive, s.lba * NVME_BLOCK, (uint64_t)s.blocks * NVME_BLOCK);
	if (!ret && write_through(n, c))
		ret = drive_flush(&n->drive);
	return ret < 0 ? failed(n, c, ret, true) : NVME_OK;
}

static uint16_t do_flush(struct nvme *n, const struct nvme_cmd *c)
{
	int ret = drive_flush(&n->drive);

	return ret < 0 ? failed(n, c, ret, true) : NVME_OK;
}

/* Up to 256 ranges of 16 bytes (6.7): all are checked before the first is given back. */
static uint16_t do_dsm(struct nvme *n, const struct nvme_cmd *c)
{
	unsigned ranges = (c->dw[10] & 0xff) + 1;
	uint8_t raw[256 * 16];
	struct span s[256];
	uint16_t status;

	if (!(c->dw[11] & NVME_DSM_DEALLOCATE))
		return NVME_OK; /* hints about use, which there is no use for */
	status = nvme_map(n, c, 16 * ranges);
	if (!status)
		status = nvme_from_host(n, raw, 16 * ranges);
	if (status)
		return moved(n, c, status);
	for (unsigned i = 0; i < ranges; i++) {
		s[i] = (struct span){le_load(raw + 16 * i + 8, 8), pci_get32(raw + 16 * i + 4)};
		if (!inside(n, s[i]))
			return NVME_LBA_RANGE | NVME_DNR;
	}
	for (unsigned i = 0; i < ranges; i++)
		drive_discard(&n->drive, s[i].lba * NVME_BLOCK, (uint64_t)s[i].blocks * NVME_BLOCK);
	return NVME_OK;
}

static const struct command {
	uint8_t opcode;
	bool writes, any_ns;
	uint16_t (*fn)(struct nvme *n, const struct nvme_cmd *c);
} commands[] = {
	{NVME_IO_FLUSH, false, true, do_flush},
	{NVME_IO_WRITE, true, false, do_write},
	{NVME_IO_READ, false, false, do_read},
	{NVME_IO_COMPARE, false, false, do_compare},
	{NVME_IO_WRITE_ZEROES, true, false, do_write_zeroes},
	{NVME_IO_DSM, true, false, do_dsm},
};

static const struct command *find(uint8_t opcode)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++)
		if (commands[i].opcode == opcode)
			return &commands[i];
	return NULL;
}

bool nvme_io_has(uint8_t opcode, bool *writes)
{
	const struct command *k = find(opcode);

	*writes = k && k->writes;
	return k;
}

uint16_t nvme_io(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	const struct command *k = find((uint8_t)c->dw[0]);

	if (!k)
		return NVME_INVALID_OPCODE | NVME_DNR;
	if (nvme_nsid(c) != 1 && !(k->any_ns && nvme_nsid(c) == NVME_NSID_ALL))
		return NVME_INVALID_NS | NVME_DNR;
	if (k->writes && n->drive.readonly)
		return NVME_WRITE_PROTECTED | NVME_DNR;
	return k->fn(n, c);
}
