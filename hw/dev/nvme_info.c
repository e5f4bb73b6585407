// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns what the controller tells of itself: Identify data and log pages (NVM Express 1.4, 5.14,
 * 5.15).  Called by nvme_admin.c in the controller's thread; changes nothing.
 */
#include <string.h>

#include "hw/dev/nvme_int.h"
#include "mem/access.h"

#define PAGE 4096u

/* --- names --- */

/* ASCII, filled up with spaces. */
static void put_text(uint8_t *p, const char *text, size_t len)
{
	size_t n = strlen(text);

	memset(p, ' ', len);
	memcpy(p, text, MIN(n, len));
}

/* One for each purpose, the same each time (RFC 4122, 4.3). */
static void make_uuid(const struct nvme *n, const char *purpose, uint8_t uuid[16])
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
	uint8_t digest[20];
	gsize len = sizeof(digest);

	g_checksum_update(sum, (const guchar *)purpose, (gssize)strlen(purpose));
	g_checksum_update(sum, (const guchar *)n->serial, (gssize)strlen(n->serial));
	g_checksum_get_digest(sum, digest, &len);
	memcpy(uuid, digest, 16);
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x50);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

/* The subsystem's qualified name, of the UUID form (7.9). */
static void put_nqn(const struct nvme *n, uint8_t *p)
{
	char *at = (char *)p;
	uint8_t u[16];

	make_uuid(n, "subsystem", u);
	at += g_snprintf(at, 64, "nqn.2014-08.org.nvmexpress:uuid:");
	for (unsigned i = 0; i < 16; i++)
		at += g_snprintf(at, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				 u[i]);
}

/* --- Identify: figures 247, 245, 244 of the specification --- */

static void controller(const struct nvme *n, uint8_t *p)
{
	pci_set16(p, NVME_VENDOR); /* also for a VF, whose register has ones */
	pci_set16(p + 2, pci_get16(n->dev.cfg + PCI_SUBSYSTEM_VENDOR_ID));
	put_text(p + 4, n->serial, 20);
	put_text(p + 24, NVME_MODEL, 40);
	put_text(p + 64, NVME_FIRMWARE, 8);
	p[72] = 3; /* RAB: bursts of eight */
	p[77] = NVME_MDTS;
	pci_set16(p + 78, (uint16_t)(n->pf ? n->vf_nr + 1 : 0)); /* CNTLID */
	pci_set32(p + 80, 0x00010400);
	p[111] = 1; /* CNTRLTYPE: for I/O */
	p[258] = 3; /* ACL */
	p[259] = NVME_AERS - 1;
	p[260] = 3;   /* FRMW: one slot, read only */
	p[261] = 0x7; /* LPA: SMART of the namespace, effects, long log pages */
	p[262] = NVME_ERRORS - 1;
	pci_set16(p + 266, NVME_TEMPERATURE_WARN);
	pci_set16(p + 268, NVME_TEMPERATURE_LIMIT);
	p[512] = 0x66; /* SQES, CQES: the least is the most */
	p[513] = 0x44;
	pci_set32(p + 516, 1);    /* NN */
	pci_set16(p + 520, 0x1d); /* ONCS: compare, deallocate, write zeroes, select of features */
	p[525] = 0x7;             /* VWC: there is one; a flush of all namespaces is taken */
	put_nqn(n, p + 768);
	pci_set16(p + 2048, 2500); /* power state 0: 25 W */
	pci_set32(p + 2052, 16);   /* ENLAT, EXLAT: microseconds */
	pci_set32(p + 2056, 4);
}

static void name_space(const struct nvme *n, uint8_t *p)
{
	for (unsigned i = 0; i < 3; i++) /* NSZE, NCAP, NUSE */
		le_store(p + 8 * i, nvme_blocks(n), 8);
	p[33] = 0x9; /* DLFEAT: deallocated blocks read zeroes, write zeroes may deallocate */
	le_store(p + 48, n->drive.size, 8);
	p[99] = n->drive.readonly; /* NSATTR: write protected */
	p[130] = 9;                /* LBADS of format 0: 512 bytes, no metadata */
}

static void active_list(const struct nvme *n, uint32_t after, uint8_t *p)
{
	if (after < 1)
		pci_set32(p, 1);
}

static void descriptors(const struct nvme *n, uint8_t *p)
{
	p[0] = 3; /* UUID */
	p[1] = 16;
	make_uuid(n, "namespace", p + 4);
}

uint16_t nvme_identify(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	uint32_t nsid = nvme_nsid(c);
	uint8_t p[PAGE] = {0};

	switch (c->dw[10] & 0xff) {
	case NVME_CNS_NS:
		if (nsid != 1)
			return NVME_INVALID_NS | NVME_DNR;
		name_space(n, p);
		break;
	case NVME_CNS_CTRL:
		controller(n, p);
		break;
	case NVME_CNS_ACTIVE:
		if (nsid >= NVME_NSID_ALL - 1)
			return NVME_INVALID_NS | NVME_DNR;
		active_list(n, nsid, p);
		break;
	case NVME_CNS_DESCS:
		if (nsid != 1)
			return NVME_INVALID_NS | NVME_DNR;
		descriptors(n, p);
		break;
	default:
		return NVME_INVALID_FIELD | NVME_DNR;
	}
	return nvme_give(n, c, p, sizeof(p));
}

/* --- log pages --- */

/* The latest first (figure 192). */
static void error_log(const struct nvme *n, uint8_t *p)
{
	for (unsigned i = 0; i < NVME_ERRORS && i < n->errors; i++, p += 64) {
		const struct nvme_error *e = &n->error[(n->errors - 1 - i) % NVME_ERRORS];

		le_store(p, e->count, 8);
		pci_set16(p + 8, (uint16_t)e->sqid);
		pci_set16(p + 10, (uint16_t)e->cid);
		pci_set16(p + 12, (uint16_t)(e->status << 1));
		pci_set16(p + 14, 0xffff); /* of no parameter in particular */
		le_store(p + 16, e->lba, 8);
		pci_set32(p + 24, e->nsid);
	}
}

/* Figure 193; counts are 128 bits wide, times in minutes and hours that nobody counts. */
static void smart_log(const struct nvme *n, uint8_t *p)
{
	p[0] = (uint8_t)nvme_warnings(n);
	pci_set16(p + 1, NVME_TEMPERATURE);
	p[3] = 100; /* spare, its threshold */
	p[4] = 10;
	le_store(p + 32, (n->blocks_read + 999) / 1000, 8);
	le_store(p + 48, (n->blocks_written + 999) / 1000, 8);
	le_store(p + 64, n->reads, 8);
	le_store(p + 80, n->writes, 8);
	le_store(p + 112, 1, 8); /* power cycles */
	le_store(p + 160, n->media_errors, 8);
	le_store(p + 176, n->errors, 8);
}

static void firmware_log(const struct nvme *n, uint8_t *p)
{
	p[0] = 1; /* slot 1 is active */
	put_text(p + 8, NVME_FIRMWARE, 8);
}

/* Figure 200: bit 0, there is such a command; bit 1, it changes blocks. */
static void effects_log(const struct nvme *n, uint8_t *p)
{
	for (unsigned i = 0; i < 256; i++) {
		bool writes = false;

		p[4 * i] = nvme_admin_has((uint8_t)i);
		p[1024 + 4 * i] = nvme_io_has((uint8_t)i, &writes);
		p[1024 + 4 * i] |= (uint8_t)(writes << 1);
	}
}

static const struct {
	uint8_t id;
	unsigned size;
	void (*fill)(const struct nvme *n, uint8_t *p);
} logs[] = {
	{NVME_LOG_ERROR, 64 * NVME_ERRORS, error_log},
	{NVME_LOG_SMART, 512, smart_log},
	{NVME_LOG_FIRMWARE, 512, firmware_log},
	{NVME_LOG_EFFECTS, 4096, effects_log},
};

/* What of a page is asked for; past its end there is nothing to give. */
static uint16_t give_part(struct nvme *n, const struct nvme_cmd *c, const uint8_t *p, unsigned size)
{
	uint64_t len = 4 * ((c->dw[10] >> 16 | (uint64_t)(c->dw[11] & 0xffff) << 16) + 1);
	uint64_t off = c->dw[12] | (uint64_t)c->dw[13] << 32;

	if (off & 3 || off > size)
		return NVME_INVALID_FIELD | NVME_DNR;
	len = MIN(len, size - off);
	return len ? nvme_give(n, c, p + off, len) : NVME_OK;
}

uint16_t nvme_get_log(struct nvme *n, const struct nvme_cmd *c, uint32_t *result)
{
	uint32_t nsid = nvme_nsid(c);
	uint8_t id = (uint8_t)c->dw[10], p[PAGE] = {0};
	uint16_t status;

	for (unsigned i = 0; i < G_N_ELEMENTS(logs); i++) {
		if (logs[i].id != id)
			continue;
		if (nsid > 1 && nsid != NVME_NSID_ALL)
			return NVME_INVALID_NS | NVME_DNR;
		logs[i].fill(n, p);
		status = give_part(n, c, p, logs[i].size);
		if (!status && !(c->dw[10] & 1u << 15)) /* the events are not to be kept */
			nvme_log_read(n, id);
		return status;
	}
	return NVME_LOG_INVALID | NVME_DNR;
}
