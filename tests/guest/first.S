/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the shortest guest: its first instructions write a byte to the debug console, then end the
 * machine.  For tests/bench, which times them; multiboot, no stack, no C.
 */
	.section .multiboot, "a"
	.balign 4
	.long 0x1badb002, 0, -0x1badb002

	.text
	.globl _start
_start:
	movb $'F', %al
	outb %al, $0xe9
	xorl %eax, %eax
	outl %eax, $0xf4
1:	cli
	hlt
	jmp 1b

	.section .note.GNU-stack, "", @progbits
