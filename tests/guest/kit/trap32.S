/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the entries of all vectors in protected mode, the way to ring 3 and the way back from a trap.
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
	pushl $0
	.endif
	pushl $vector
	jmp trap_common
	.set vector, vector + 1
	.endr
	.globl trap_common
trap_common:
	pushal
	pushl %ds
	pushl %es
	pushl %fs
	pushl %gs
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	cld
	pushl %esp
	call trap_dispatch
	addl $4, %esp
	popl %gs
	popl %fs
	popl %es
	popl %ds
	popal
	addl $8, %esp
	iretl

	.globl trap_try
trap_try:
	popl %eax
	movl %eax, trap_place
	movl %esp, trap_place + 4
	movl %ebx, trap_place + 8
	movl %ebp, trap_place + 12
	movl %esi, trap_place + 16
	movl %edi, trap_place + 20
	pushl %eax
	call trap_arm
	xorl %eax, %eax
	ret

	.globl trap_back
trap_back:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl trap_place + 4, %esp
	pushl $2
	popfl
	movl trap_place + 8, %ebx
	movl trap_place + 12, %ebp
	movl trap_place + 16, %esi
	movl trap_place + 20, %edi
	movl $1, %eax
	jmp *trap_place

	.globl trap_ring3
trap_ring3:				/* where */
	movl 4(%esp), %eax
	movl $0x3b, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	pushl $0x3b
	pushl $trap_user_stack + 0x4000
	pushl $0x33
	pushl %eax
	lretl

	.bss
	.balign 16
trap_place:
	.skip 32

	.section .note.GNU-stack, "", @progbits
