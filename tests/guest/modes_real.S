/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns a journey: long mode, compatibility mode, protected mode, real mode with its interrupts and
 * segments, and all the way back.  Called by modes64.c as real_trip(), after the blob was copied to
 * PLACE; what it saw is in the words at SAW.
 */
#define PLACE 0x8000
#define SAW 0x7000
#define IVT 0x6000			/* not at 0: LIDT works in real mode, too */
#define AT(label) (label - real_code + PLACE)

	.text
	.globl real_trip, real_code, real_code_end
real_trip:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, saved_rsp
	sgdt saved_gdt
	sidt saved_idt
	movq %cr3, %rax
	movq %rax, saved_cr3
	ljmpl *1f
1:	.long PLACE
	.word 0x18
trip_end:				/* long mode again */
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movq saved_rsp, %rsp
	lgdt saved_gdt
	lidt saved_idt
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.code32
real_code:				/* compatibility mode */
	movl $0x10, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl $PLACE, %esp
	movl %cr0, %eax
	andl $0x7fffffff, %eax
	movl %eax, %cr0			/* protected mode */
	movl $0xc0000080, %ecx
	rdmsr
	movl %eax, SAW + 2 * 28		/* EFER: LMA is gone */
	andl $~0x100, %eax
	wrmsr
	movl $0x12345678, %eax
	pushl %eax
	movl (%esp), %eax
	movl %eax, SAW + 2 * 26
	popl %eax
	ljmpl $0x20, $AT(code16)

	.code16
code16:					/* protected mode, 16 bits */
	movl %esp, %eax
	movw %ax, SAW + 2 * 25
	movw $0x10, %ax
	movw %ax, %fs			/* 4 GiB: stays in real mode */
	movw $0x28, %ax			/* 64 KiB */
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw %ax, %gs
	movl %cr0, %eax
	andl $~1, %eax
	movl %eax, %cr0
	ljmpw $PLACE >> 4, $(real - real_code)
real:					/* CS is 0x800 */
	movw %cs, %ax
	movw %ax, %cs:(SAW - PLACE) & 0xffff
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %ss
	movw %ax, %es
	movw $0x7ff0, %sp
	movw %cs:(SAW - PLACE) & 0xffff, %bx
	movw %bx, SAW			/* 0: CS */
	lidtl %cs:(ivt_desc - real_code)
	movw $(int21 - real_code), IVT + 4 * 0x21
	movw $PLACE >> 4, IVT + 4 * 0x21 + 2
	movw $(int13 - real_code), IVT + 4 * 13
	movw $PLACE >> 4, IVT + 4 * 13 + 2
	movw $(int0 - real_code), IVT
	movw $PLACE >> 4, IVT + 2
	movw $(int6 - real_code), IVT + 4 * 6
	movw $PLACE >> 4, IVT + 4 * 6 + 2
	movw %sp, %bx
	sti
	stc
	int $0x21
	pushfw
	popw SAW + 2 * 3		/* 3: CF and IF came back */
	movw %ax, SAW + 2 * 1		/* 1: what the handler gave */
	movw %bx, SAW + 2 * 2
	subw %sp, SAW + 2 * 2		/* 2: SP as before */
	cli
	movw $0x0700, %ax		/* 4: segment arithmetic */
	movw %ax, %ds
	movw $0xbeef, 0x40
	xorw %ax, %ax
	movw %ax, %ds
	movw 0x7040, %ax
	movw %ax, SAW + 2 * 4
	movw $0x10ff, %ax		/* 5: over the first 64 KiB */
	movw %ax, %es
	movw $0x4321, %es:0x10
	movl $0x11000, %edi
	movw %fs:(%edi), %ax
	movw %ax, SAW + 2 * 5		/* by the segment with 4 GiB */
	movl $0x100000, %edi
	movl %fs:(%edi), %eax		/* 6: the image's header, above 1 MiB */
	movl %eax, SAW + 2 * 6
	movw $0xffff, %bx
	movw $0, SAW + 2 * 9
	movw (%bx), %ax			/* 9: a word at 0xffff: #GP */
	movl $0x10000, %ebx
	movb (%ebx), %al		/* 9: beyond the limit */
	movw $0, SAW + 2 * 10
	xorw %cx, %cx
	divw %cx			/* 10: #DE */
	movw $0, SAW + 2 * 11
	sldt %ax			/* 11: #UD in real mode */
	movw $0x1234, %ax		/* 12: the stack wraps */
	movw %sp, %bx
	xorw %sp, %sp
	pushw %ax
	movw %sp, SAW + 2 * 12
	movw %bx, %sp
	smsww %ax
	movw %ax, SAW + 2 * 13		/* 13: PE is 0 */
	lcallw $PLACE >> 4, $(far_one - real_code)
	movw %ax, SAW + 2 * 14		/* 14: a far call and return */
	movw $0xfffe, %si		/* 15: string addresses wrap at 64 KiB */
	movw $0x7100, %di
	xorw %ax, %ax
	movw %ax, %es
	movw $2, %cx
	cld
	rep movsw
	movw %si, SAW + 2 * 15

	lgdtl %cs:(gdt_desc - real_code)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $0x18, $AT(back32)

int21:
	pushfw
	popw %ax
	andw $0x200, %ax		/* IF is off in here */
	orw $0x21, %ax
	iretw
int13:					/* skip the instruction: 2 bytes, or 3 with a prefix */
	incw %ds:SAW + 2 * 9
	pushw %bp
	movw %sp, %bp
	addw $2, 2(%bp)
	cmpw $1, SAW + 2 * 9
	je 1f
	addw $1, 2(%bp)
1:	popw %bp
	iretw
int0:
	incw SAW + 2 * 10
	pushw %bp
	movw %sp, %bp
	addw $2, 2(%bp)
	popw %bp
	iretw
int6:
	incw SAW + 2 * 11
	pushw %bp
	movw %sp, %bp
	addw $3, 2(%bp)
	popw %bp
	iretw
far_one:
	movw $0x77, %ax
	lretw

	.code32
back32:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %ss
	movl $PLACE, %esp
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax
	wrmsr
	movl saved_cr3, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	rdmsr
	movl %eax, SAW + 2 * 30		/* EFER: LMA */
	ljmpl $0x08, $trip_end
	.balign 4
ivt_desc:
	.word 0x3ff
	.long IVT
gdt_desc:
	.word 64 * 8 - 1
	.long trap_gdt
real_code_end:

	.bss
	.balign 16
saved_rsp:
	.skip 8
saved_cr3:
	.skip 8
saved_gdt:
	.skip 16
saved_idt:
	.skip 16

	.section .note.GNU-stack, "", @progbits
