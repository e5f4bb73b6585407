/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of NVM Express 1.4, as far as the controller uses them.
 *
 * Invariants: names follow the specification's abbreviations; offsets are in bytes from the start
 * of the structure that a comment names.  Nothing here is ours to choose.
 */
#ifndef HW_DEV_NVME_SPEC_H
#define HW_DEV_NVME_SPEC_H

/* Controller registers (3.1). */
enum {
	NVME_CAP = 0x00,
	NVME_VS = 0x08,
	NVME_INTMS = 0x0c,
	NVME_INTMC = 0x10,
	NVME_CC = 0x14,
	NVME_CSTS = 0x1c,
	NVME_NSSR = 0x20,
	NVME_AQA = 0x24,
	NVME_ASQ = 0x28,
	NVME_ACQ = 0x30,
	NVME_CMBLOC = 0x38,
	NVME_CMBSZ = 0x3c,
	NVME_CMBMSC = 0x50,
	NVME_CMBSTS = 0x58,
	NVME_REGS = 0x60, /* none of ours from here to those of the PMR */
	NVME_PMR = 0xe00,
	NVME_PMRCAP = 0xe00,
	NVME_PMRCTL = 0xe04,
	NVME_PMRSTS = 0xe08,
	NVME_PMREBS = 0xe0c,
	NVME_PMRSWTP = 0xe10,
	NVME_PMRMSCL = 0xe14,
	NVME_PMRMSCU = 0xe18,
	NVME_PMR_REGS = 0x20, /* bytes */
	NVME_DOORBELLS = 0x1000,
};

/* CC (3.1.5) */
#define NVME_CC_EN 1u
#define NVME_CC_CSS(cc) ((cc) >> 4 & 7)
#define NVME_CC_MPS(cc) ((cc) >> 7 & 15)
#define NVME_CC_AMS(cc) ((cc) >> 11 & 7)
#define NVME_CC_SHN (3u << 14)
#define NVME_CC_IOSQES(cc) ((cc) >> 16 & 15)
#define NVME_CC_IOCQES(cc) ((cc) >> 20 & 15)
#define NVME_CC_BITS 0x00fffff1u

/* CSTS (3.1.6) */
#define NVME_CSTS_RDY 1u
#define NVME_CSTS_CFS 2u
#define NVME_CSTS_SHST (3u << 2)
#define NVME_CSTS_SHST_BUSY (1u << 2)
#define NVME_CSTS_SHST_DONE (2u << 2)

#define NVME_SQE 64u
#define NVME_CQE 16u

/* Command dword 0 (4.2) */
#define NVME_CDW0_FUSE 0x300u
#define NVME_CDW0_PSDT 0xc000u
#define NVME_NSID_ALL 0xffffffffu

/* Status: code type << 8 | code, as in bits 11:1 of the field (4.6.1) */
enum {
	NVME_OK = 0x000,
	NVME_INVALID_OPCODE = 0x001,
	NVME_INVALID_FIELD = 0x002,
	NVME_TRANSFER_ERROR = 0x004,
	NVME_INTERNAL = 0x006,
	NVME_ABORTED = 0x007,
	NVME_INVALID_NS = 0x00b,
	NVME_SEQUENCE_ERROR = 0x00c,
	NVME_PRP_OFFSET = 0x013,
	NVME_WRITE_PROTECTED = 0x020,
	NVME_LBA_RANGE = 0x080,
	NVME_CAPACITY = 0x081,
	NVME_CQ_INVALID = 0x100,
	NVME_QID_INVALID = 0x101,
	NVME_QSIZE_INVALID = 0x102,
	NVME_AER_LIMIT = 0x105,
	NVME_VECTOR_INVALID = 0x108,
	NVME_LOG_INVALID = 0x109,
	NVME_QUEUE_DELETION = 0x10c,
	NVME_NOT_SAVEABLE = 0x10d,
	NVME_FEATURE_NOT_NS = 0x10f,
	NVME_WRITE_FAULT = 0x280,
	NVME_READ_ERROR = 0x281,
	NVME_COMPARE_FAILURE = 0x285,
	NVME_STATUS = 0x7ff,
	NVME_MORE = 1 << 13, /* the error log has an entry */
	NVME_DNR = 1 << 14,  /* no use in trying again */
};

/* Admin commands (5) */
enum {
	NVME_ADM_DELETE_SQ = 0x00,
	NVME_ADM_CREATE_SQ = 0x01,
	NVME_ADM_GET_LOG = 0x02,
	NVME_ADM_DELETE_CQ = 0x04,
	NVME_ADM_CREATE_CQ = 0x05,
	NVME_ADM_IDENTIFY = 0x06,
	NVME_ADM_ABORT = 0x08,
	NVME_ADM_SET_FEATURES = 0x09,
	NVME_ADM_GET_FEATURES = 0x0a,
	NVME_ADM_AER = 0x0c,
};

/* NVM commands (6) */
enum {
	NVME_IO_FLUSH = 0x00,
	NVME_IO_WRITE = 0x01,
	NVME_IO_READ = 0x02,
	NVME_IO_COMPARE = 0x05,
	NVME_IO_WRITE_ZEROES = 0x08,
	NVME_IO_DSM = 0x09,
};

#define NVME_RW_FUA (1u << 30)
#define NVME_DSM_DEALLOCATE 4u

/* Identify: CNS (5.15.1) */
enum { NVME_CNS_NS = 0, NVME_CNS_CTRL = 1, NVME_CNS_ACTIVE = 2, NVME_CNS_DESCS = 3 };

/* Log pages (5.14.1) */
enum {
	NVME_LOG_ERROR = 1,
	NVME_LOG_SMART = 2,
	NVME_LOG_FIRMWARE = 3,
	NVME_LOG_EFFECTS = 5,
};

/* Features (5.21.1) */
enum {
	NVME_FEAT_ARBITRATION = 0x01,
	NVME_FEAT_POWER = 0x02,
	NVME_FEAT_TEMPERATURE = 0x04,
	NVME_FEAT_ERROR_RECOVERY = 0x05,
	NVME_FEAT_WRITE_CACHE = 0x06,
	NVME_FEAT_QUEUES = 0x07,
	NVME_FEAT_COALESCING = 0x08,
	NVME_FEAT_VECTOR = 0x09,
	NVME_FEAT_ATOMICITY = 0x0a,
	NVME_FEAT_EVENTS = 0x0b,
};

/* Asynchronous events (5.2.1) */
enum { NVME_EVENT_ERROR = 0, NVME_EVENT_SMART = 1 };
enum { NVME_ERROR_DOORBELL_REG = 0, NVME_ERROR_DOORBELL_VALUE = 1 };
enum { NVME_SMART_TEMPERATURE = 1 };
#define NVME_WARN_TEMPERATURE 2u /* of the critical warnings, and of the events' configuration */

#endif
