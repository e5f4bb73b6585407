/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the first instructions of a 64-bit guest: multiboot 1 with address fields (an ELF64 image
 * is none that its loaders take), then long mode with the first MAPPED_GIB mapped one to one.
 * Calls guest_main(magic, info).
 */
#define MB_MAGIC 0x1badb002
#define MB_FLAGS 0x10003
#define MAPPED_GIB 8
#define EFER 0xc0000080

	.section .multiboot, "a"
	.balign 4
header:
	.long MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)
	.long header, image_start, image_data_end, image_end, _start

	.text
	.code32
	.globl _start
_start:
	cli
	cld
	movl $boot_stack_top, %esp
	movl %eax, %ebp			/* magic; the information stays in ebx */
	lgdt gdt_desc

	movl $pdpt + 3, pml4
	movl $pd + 3, %eax
	movl $pdpt, %edi
	movl $MAPPED_GIB, %ecx
1:	movl %eax, (%edi)
	addl $0x1000, %eax
	addl $8, %edi
	loop 1b
	movl $0x83, %eax		/* present, writable, 2 MiB */
	xorl %edx, %edx
	movl $pd, %edi
	movl $MAPPED_GIB * 512, %ecx
1:	movl %eax, (%edi)
	movl %edx, 4(%edi)
	addl $0x200000, %eax
	adcl $0, %edx
	addl $8, %edi
	loop 1b

	movl %cr4, %eax
	orl $0x20, %eax			/* PAE */
	movl %eax, %cr4
	movl $pml4, %eax
	movl %eax, %cr3
	movl $EFER, %ecx
	rdmsr
	orl $0x100, %eax		/* LME */
	wrmsr
	movl %cr0, %eax
	orl $0x80000000, %eax
	movl %eax, %cr0
	ljmp $0x08, $1f

	.code64
1:	movl $0x10, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	movl %ecx, %fs
	movl %ecx, %gs
	movl %ecx, %ss
	movl %ebp, %edi
	movl %ebx, %esi
	xorl %ebp, %ebp
	call guest_main
	call guest_exit

	.globl irq_entry
	.balign 16
irq_entry:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector != 8 && (vector < 10 || vector > 14) && vector != 17	/* no error code */
	pushq $0
	.endif
	pushq $vector
	jmp irq_common
	.set vector, vector + 1
	.endr
irq_common:
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbp
	cld
	movq 80(%rsp), %rdi		/* vector */
	movq 96(%rsp), %rsi		/* rip */
	movq 88(%rsp), %rdx		/* error code */
	movq %rsp, %rbp
	andq $-16, %rsp
	call irq_dispatch
	movq %rbp, %rsp
	popq %rbp
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq

	.section .data
	.balign 16
gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 0x08: 64-bit code */
	.quad 0x00cf93000000ffff	/* 0x10: data */
gdt_end:
gdt_desc:
	.word gdt_end - gdt - 1
	.long gdt, 0

	.bss
	.balign 0x1000
pml4:
	.skip 0x1000
pdpt:
	.skip 0x1000
pd:
	.skip MAPPED_GIB * 0x1000
	.skip 0x4000
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
