/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the way of the other CPUs from real to long mode, with the tables of CPU 0 and of kit/trap.
 * Copied to AP_START by the guest; calls ap_main64(number), number from 1.
 */
#define AP_START 0x9000
#define EFER 0xc0000080

	.text
	.globl ap64_code, ap64_code_end
	.code16
ap64_code:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl AP_START + (gdt_copy - ap64_code)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $0x18, $ap64_32
	.balign 4
gdt_copy:
	.word 64 * 8 - 1
	.long trap_gdt
ap64_code_end:
	.code32
ap64_32:
	movl $0x10, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	movl %ecx, %ss
	movl %cr4, %eax
	orl $0x20, %eax
	movl %eax, %cr4
	movl ap64_cr3, %eax
	movl %eax, %cr3
	movl $EFER, %ecx
	rdmsr
	orl $0x100, %eax
	wrmsr
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	ljmpl $0x08, $1f
	.code64
1:	movl $1, %edi
	lock xaddl %edi, ap64_count
	incl %edi
	movl %edi, %eax
	shll $12, %eax
	leaq ap64_stacks(%rax), %rsp
	call ap_main64
2:	cli
	hlt
	jmp 2b

	.bss
	.balign 16
	.globl ap64_count, ap64_cr3
ap64_count:
	.skip 8
ap64_cr3:
	.skip 8
ap64_stacks:
	.skip 0x9000

	.section .note.GNU-stack, "", @progbits
