// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the question whether a KVM runs guests or emulates them: some hosts (a hypervisor without
 * nested virtualization) offer a /dev/kvm that interprets each instruction.  Called once, when the
 * user named no accelerator; a machine of its own answers and is gone.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "accel/kvm.h"
#include "base/err.h"
#include "cpu/x86.h"

enum {
	CODE = 0x1000,
	LOOPS = 10000,          /* of two instructions */
	ROUNDS = 3,             /* the best counts: hosts are busy at times */
	SLOWEST = 10 * 1000000, /* instructions a second; processors do 100 times more */
};

/* mov $LOOPS, %ecx; 1: dec %ecx; jnz 1b; hlt -- as HLT, an exit of every KVM */
static const uint8_t code[] = {0xb9, LOOPS & 0xff, LOOPS >> 8 & 0xff, 0, 0, 0x49, 0x75, 0xfd, 0xf4};

struct probe {
	int vm, vcpu;
	uint8_t *page;
	struct kvm_run *run;
};

static void segment(struct kvm_segment *s, uint8_t type)
{
	*s = (struct kvm_segment){.limit = 0xffffffff,
				  .selector = 8,
				  .type = type,
				  .present = 1,
				  .db = 1,
				  .s = 1,
				  .g = 1};
}

/* Flat protected mode: what every processor with KVM runs by itself. */
static int set_up(struct probe *p)
{
	struct kvm_userspace_memory_region slot = {.guest_phys_addr = CODE,
						   .memory_size = 0x1000,
						   .userspace_addr = (uintptr_t)p->page};
	struct kvm_sregs s;
	int ret = kvm_ioctl(p->vm, KVM_SET_USER_MEMORY_REGION, &slot);

	if (ret < 0 || (ret = kvm_ioctl(p->vcpu, KVM_GET_SREGS, &s)) < 0)
		return ret;
	segment(&s.cs, 11);
	segment(&s.ds, 3);
	s.es = s.fs = s.gs = s.ss = s.ds;
	s.cr0 |= X86_CR0_PE;
	return kvm_ioctl(p->vcpu, KVM_SET_SREGS, &s);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Instructions a second, or -errno. */
static double once(struct probe *p)
{
	struct kvm_regs regs = {.rip = CODE, .rflags = 2};
	double begin;
	int ret = kvm_ioctl(p->vcpu, KVM_SET_REGS, &regs);

	if (ret < 0)
		return ret;
	begin = seconds();
	ret = kvm_ioctl(p->vcpu, KVM_RUN, NULL);
	if (ret < 0)
		return ret;
	if (p->run->exit_reason != KVM_EXIT_HLT)
		return -EIO;
	return 2 * LOOPS / (seconds() - begin + 1e-9);
}

static double measure(struct probe *p)
{
	double best = set_up(p);

	for (int i = 0; i < ROUNDS && best >= 0 && best < SLOWEST; i++) {
		double rate = once(p);

		if (rate < 0)
			return rate;
		best = MAX(best, rate);
	}
	return best;
}

static double probe(int dev_fd)
{
	int size = ioctl(dev_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct probe p = {.vcpu = -1, .run = MAP_FAILED};
	double rate = -EIO;

	p.page = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p.page == MAP_FAILED)
		return -ENOMEM;
	memcpy(p.page, code, sizeof(code));
	p.vm = kvm_ioctl(dev_fd, KVM_CREATE_VM, NULL);
	if (p.vm >= 0)
		p.vcpu = kvm_ioctl(p.vm, KVM_CREATE_VCPU, NULL);
	if (p.vcpu >= 0 && size > 0)
		p.run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, p.vcpu, 0);
	if (p.run != MAP_FAILED) {
		rate = measure(&p);
		munmap(p.run, (size_t)size);
	}
	if (p.vcpu >= 0)
		close(p.vcpu);
	if (p.vm >= 0)
		close(p.vm);
	munmap(p.page, 0x1000);
	return rate;
}

int kvm_check_speed(struct kvm *k, struct err **errp)
{
	double rate = probe(k->dev_fd);

	if (rate >= SLOWEST)
		return 0;
	if (rate < 0)
		return err_set_errno(errp, (int)rate, "kvm: a machine to try this host's KVM with");
	return err_set(errp, -ENOTSUP,
		       "kvm: this host's KVM emulates each instruction (%.1f million a second)",
		       rate / 1e6);
}
