/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the entries of all vectors in long mode, the way to ring 3 and the way back from a trap.
 * Calls trap_dispatch().
 */
	.text
	.globl trap_entry
	.balign 16
trap_entry:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector != 8 && (vector < 10 || vector > 14) && vector != 17	/* no error code */
	pushq $0
	.endif
	pushq $vector
	jmp trap_common
	.set vector, vector + 1
	.endr
trap_common:
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	movq %rsp, %rbp
	andq $-16, %rsp
	call trap_dispatch
	movq %rbp, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq

	.globl trap_try
trap_try:
	popq %rax
	movq %rax, trap_place
	movq %rsp, trap_place + 8
	movq %rbx, trap_place + 16
	movq %rbp, trap_place + 24
	movq %r12, trap_place + 32
	movq %r13, trap_place + 40
	movq %r14, trap_place + 48
	movq %r15, trap_place + 56
	pushq %rax
	call trap_arm
	xorl %eax, %eax
	ret

	.globl trap_back
trap_back:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movq trap_place + 8, %rsp
	pushq $2
	popfq
	movq trap_place + 16, %rbx
	movq trap_place + 24, %rbp
	movq trap_place + 32, %r12
	movq trap_place + 40, %r13
	movq trap_place + 48, %r14
	movq trap_place + 56, %r15
	movl $1, %eax
	jmp *trap_place

	.globl trap_ring3
trap_ring3:				/* rdi: where, esi: CS, rdx: RFLAGS */
	pushq $0x3b
	pushq $trap_user_stack + 0x4000
	pushq %rdx
	pushq %rsi
	pushq %rdi
	iretq

	.bss
	.balign 16
trap_place:
	.skip 64

	.section .note.GNU-stack, "", @progbits
