// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ends that are no ordinary ones.  how=value: isa-debug-exit with argument value; how=jump: run
 * code where there is none.
 */
#include "kit/kit.h"

void guest(uint32_t magic, uintptr_t info)
{
	put("leaving\n");
	if (arg_is("how", "value"))
		exit_with(arg_num("value", 0));
	if (arg_is("how", "byte")) {
		outb(DEBUG_EXIT + 3, (uint8_t)arg_num("value", 0));
		for (;;)
			__asm__ volatile("cli; hlt");
	}
	__asm__ volatile("movl $0x12345678, %%ebx; jmp *%%eax" : : "a"(0xd0000000u));
}
