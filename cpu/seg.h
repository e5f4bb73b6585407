/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors, segment registers, stacks of other privilege levels (SDM 3A, chapters 3, 5, 7).
 * For cpu/ alone.
 *
 * Invariants: everything here may raise; what it changes, it changes after the last check.
 */
#ifndef CPU_SEG_H
#define CPU_SEG_H

#include "cpu/state.h"

/* struct x86_seg.attrs */
#define X86_ATTR_ACCESSED 1u
#define X86_ATTR_RW 2u /* data: writable; code: readable */
#define X86_ATTR_DC 4u /* data: expands down; code: conforming */
#define X86_ATTR_CODE 8u
#define X86_ATTR_S (1u << 4)
#define X86_ATTR_P (1u << 7)
#define X86_ATTR_L (1u << 13)
#define X86_ATTR_DB (1u << 14)
#define X86_ATTR_G (1u << 15)
#define X86_ATTR_UNUSABLE (1u << 16)

static inline unsigned x86_dpl(const struct x86_seg *s)
{
	return s->attrs >> 5 & 3;
}

/* Types of system descriptors and gates (SDM 3A, table 3-2). */
enum {
	X86_SYS_TSS16 = 1,
	X86_SYS_LDT = 2,
	X86_SYS_TSS16_BUSY = 3,
	X86_SYS_CALL16 = 4,
	X86_SYS_TASK_GATE = 5,
	X86_SYS_INT16 = 6,
	X86_SYS_TRAP16 = 7,
	X86_SYS_TSS = 9,
	X86_SYS_TSS_BUSY = 11,
	X86_SYS_CALL = 12,
	X86_SYS_INT = 14,
	X86_SYS_TRAP = 15,
};

struct x86_desc {
	uint64_t raw, high; /* high: of system descriptors in IA-32e mode */
	uint64_t at;        /* linear address */
	struct x86_seg seg; /* as a segment */
};

/* Descriptor of a selector that is not null; false: outside of its table. */
bool x86_desc_read(struct x86_cpu *c, uint16_t sel, struct x86_desc *d);
/* ... or raise vector with the selector as error code. */
void x86_desc_need(struct x86_cpu *c, uint16_t sel, unsigned vector, struct x86_desc *d);
void x86_desc_accessed(struct x86_cpu *c, struct x86_desc *d);

/* MOV, POP, LDS ... of ES, SS, DS, FS, GS. */
void x86_seg_load(struct x86_cpu *c, unsigned seg, uint16_t sel);
/* SS for privilege level cpl: raises vector. */
void x86_ss_check(struct x86_cpu *c, uint16_t sel, unsigned cpl, unsigned vector,
		  struct x86_desc *d);
/* Real and virtual-8086 mode. */
void x86_seg_real(struct x86_cpu *c, unsigned seg, uint16_t sel);
void x86_cs_set(struct x86_cpu *c, uint16_t sel, struct x86_desc *d, unsigned cpl);
/* Where IRET and RET lead: checked against the level; SS is loaded (null in 64-bit code). */
void x86_return_segment(struct x86_cpu *c, uint16_t sel, struct x86_desc *d);
void x86_return_stack(struct x86_cpu *c, uint16_t sel, unsigned cpl, bool to64);
/* After a return to an outer level: data segments that it may not have become null. */
void x86_segs_outer(struct x86_cpu *c);
/* SS:rSP for an inner level from the task state (SDM 3A, 7.2.1); sel null in IA-32e mode. */
void x86_tss_stack(struct x86_cpu *c, unsigned cpl, uint16_t *sel, uint64_t *sp);

/* POPF, IRET, task switch: what the current level may change. */
void x86_load_flags(struct x86_cpu *c, uint64_t v, unsigned size);
/* All flags, no question asked. */
void x86_set_flags(struct x86_cpu *c, uint64_t v);

enum x86_task_why { X86_TASK_JUMP, X86_TASK_CALL, X86_TASK_IRET };
/* task.c: c->rip is what the old task goes on with. */
void x86_task_switch(struct x86_cpu *c, uint16_t sel, enum x86_task_why why, bool has_error,
		     uint32_t error);

void x86_iret(struct x86_cpu *c, unsigned size); /* event.c */

#endif
