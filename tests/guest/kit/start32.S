/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the first instructions of a 32-bit guest: multiboot 1, or PVH if PVH is defined.  Calls
 * guest_main(magic, info); a return from it ends the guest.  Also the entries of the interrupt
 * vectors and of the other CPUs.
 */
#define MB_MAGIC 0x1badb002
#define MB_FLAGS 3

#ifdef PVH
	.section .note.pvh, "a", @note
	.long 4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long _start
#else
	.section .multiboot, "a"
	.balign 4
	.long MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)
#endif

	.text
	.globl _start
_start:
	cli
	cld
	movl $boot_stack_top, %esp
	lgdt gdt_desc
	ljmp $0x08, $1f
1:	movl $0x10, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	movl %ecx, %fs
	movl %ecx, %gs
	movl %ecx, %ss
	pushl %ebx
#ifdef PVH
	pushl (%ebx)			/* its magic number */
#else
	pushl %eax
#endif
	call guest_main
	call guest_exit

	/* What a vector's entry leaves: the vector, and an error code or 0 below it. */
	.globl irq_entry
	.balign 16
irq_entry:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector != 8 && (vector < 10 || vector > 14) && vector != 17	/* no error code */
	pushl $0
	.endif
	pushl $vector
	jmp irq_common
	.set vector, vector + 1
	.endr
irq_common:
	pushal
	cld
	movl %esp, %eax
	pushl 36(%eax)			/* error code */
	pushl 40(%eax)			/* eip */
	pushl 32(%eax)			/* vector */
	call irq_dispatch
	addl $12, %esp
	popal
	addl $8, %esp
	/*
	 * Not iret: hosts that emulate every instruction have none for protected mode.  An
	 * interrupt before lret does no harm.
	 */
	pushl 8(%esp)
	popfl
	lret $4

	/*
	 * Copied to AP_START: real mode, then protected mode, then ap_main() on a stack of its
	 * own.
	 */
	.globl ap_code, ap_code_end
#define AP_START 0x8000
	.code16
ap_code:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl AP_START + (gdt_desc_copy - ap_code)
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $0x08, $ap_code32
	.balign 4
gdt_desc_copy:
	.word gdt_end - gdt - 1
	.long gdt
ap_code_end:
	.code32
ap_code32:
	movl $0x10, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	movl %ecx, %ss
	movl $1, %eax
	lock xaddl %eax, ap_count
	incl %eax
	shll $12, %eax
	leal ap_stacks(%eax), %esp
	call ap_main
1:	cli
	hlt
	jmp 1b

	.section .data
	.balign 16
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* 0x08: code, 4 GiB */
	.quad 0x00cf93000000ffff	/* 0x10: data */
gdt_end:
gdt_desc:
	.word gdt_end - gdt - 1
	.long gdt
	.globl ap_count
	.balign 4
ap_count:
	.long 0

	.bss
	.balign 16
	.skip 0x4000
boot_stack_top:
	.balign 16
ap_stacks:
	.skip 0x8000

	.section .note.GNU-stack, "", @progbits
