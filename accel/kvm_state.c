// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a vCPU's register state: what KVM made at creation is kept, and a reset gives it back with
 * the boot protocol's registers on top.  Also the readable dump.  Called by accel/vcpu.c and
 * accel/kvm_vcpu.c on a parked vCPU.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "accel/kvm.h"
#include "accel/vcpu.h"
#include "base/err.h"
#include "mem/layout.h"

#define MSR_TSC 0x10
#define MSR_APICBASE 0x1b
#define MSR_TSC_ADJUST 0x3b
#define MSR_MISC_ENABLE 0x1a0
#define MSR_PAT 0x277
#define MSR_MTRR_PHYS 0x200
#define MSR_MTRR_DEF 0x2ff
#define MTRR_WB 6
#define MTRR_ENABLE 0xc00

struct msr_list {
	struct kvm_msrs head;
	struct kvm_msr_entry e[64];
};

struct kvm_power_on {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debugregs;
	struct kvm_mp_state mp;
	struct msr_list msrs;
	bool has_xcrs;
};

/* MSRs that a guest changes and a reset must put back; those that this host lacks drop out. */
static const uint32_t reset_msrs[] = {
	0x174,
	0x175,
	0x176, /* SYSENTER */
	0xc0000081,
	0xc0000082,
	0xc0000083,
	0xc0000084, /* STAR, LSTAR, CSTAR, FMASK */
	0xc0000102,
	0xc0000103, /* KERNEL_GS_BASE, TSC_AUX */
	MSR_MISC_ENABLE,
	MSR_PAT,
	MSR_TSC_ADJUST,
	0x6e0, /* ..., TSC_DEADLINE */
	0x11,
	0x12,
	0x4b564d00,
	0x4b564d01, /* kvmclock, old and new */
	0x4b564d02,
	0x4b564d03,
	0x4b564d04,
	0x4b564d05, /* async PF, steal, EOI, poll */
	0x4b564d06,
	0x48,
	0xda0,
	0x1d9, /* ..., SPEC_CTRL, XSS, DEBUGCTL */
	0xc0010117,
	0x17a,
	0x17b, /* VM_HSAVE_PA, MCG */
};

static void read_msrs(int fd, struct msr_list *l)
{
	for (size_t i = 0; i < G_N_ELEMENTS(reset_msrs); i++) {
		struct msr_list one = {.head.nmsrs = 1, .e[0].index = reset_msrs[i]};

		if (kvm_ioctl(fd, KVM_GET_MSRS, &one) == 1 &&
		    kvm_ioctl(fd, KVM_SET_MSRS, &one) == 1)
			l->e[l->head.nmsrs++] = one.e[0];
	}
}

static void add_msr(struct msr_list *l, uint32_t index, uint64_t data)
{
	l->e[l->head.nmsrs++] = (struct kvm_msr_entry){.index = index, .data = data};
}

/* What firmware leaves behind: write-back everywhere but in the 32-bit PCI hole and above (SDM
 * 3A, 12.11). */
static void add_mtrrs(struct msr_list *l, unsigned bits)
{
	uint64_t mask = (1ull << bits) - 1;

	for (unsigned i = 0; i < 8; i++) {
		add_msr(l, MSR_MTRR_PHYS + 2 * i, 0);
		add_msr(l, MSR_MTRR_PHYS + 2 * i + 1, 0);
	}
	l->e[l->head.nmsrs - 16].data = LAYOUT_ECAM;
	l->e[l->head.nmsrs - 15].data = (mask & ~(LAYOUT_ECAM_SIZE - 1)) | 0x800;
	l->e[l->head.nmsrs - 14].data = LAYOUT_PCI32;
	l->e[l->head.nmsrs - 13].data = (mask & ~(GIB - 1)) | 0x800;
	add_msr(l, 0x250, 0x0606060606060606); /* fixed: 0-512K */
	add_msr(l, 0x258, 0x0606060606060606); /* 512K-640K */
	add_msr(l, 0x259, 0);                  /* 640K-768K: video */
	for (uint32_t i = 0x268; i <= 0x26f; i++)
		add_msr(l, i, 0x0606060606060606);
	add_msr(l, MSR_MTRR_DEF, MTRR_ENABLE | MTRR_WB);
}

int kvm_vcpu_save_power_on(struct vcpu *v, struct err **errp)
{
	struct kvm *k = kvm_of(v->accel);
	struct kvm_vcpu *kv = v->priv;
	struct kvm_power_on *p = g_new0(struct kvm_power_on, 1);
	const struct {
		unsigned long req;
		void *arg;
		const char *name;
	} get[] = {
		{KVM_GET_REGS, &p->regs, "KVM_GET_REGS"},
		{KVM_GET_SREGS, &p->sregs, "KVM_GET_SREGS"},
		{KVM_GET_LAPIC, &p->lapic, "KVM_GET_LAPIC"},
		{KVM_GET_XSAVE, &p->xsave, "KVM_GET_XSAVE"},
		{KVM_GET_VCPU_EVENTS, &p->events, "KVM_GET_VCPU_EVENTS"},
		{KVM_GET_DEBUGREGS, &p->debugregs, "KVM_GET_DEBUGREGS"},
		{KVM_GET_MP_STATE, &p->mp, "KVM_GET_MP_STATE"},
	};

	kv->power_on = p;
	for (size_t i = 0; i < G_N_ELEMENTS(get); i++) {
		int ret = kvm_ioctl(kv->fd, get[i].req, get[i].arg);

		if (ret < 0)
			return err_set_errno(errp, ret, "kvm: CPU %u: %s", v->id, get[i].name);
	}
	p->has_xcrs = kvm_ioctl(kv->fd, KVM_GET_XCRS, &p->xcrs) >= 0;
	read_msrs(kv->fd, &p->msrs);
	add_mtrrs(&p->msrs, kvm_phys_bits(k));
	return 0;
}

static void seg_to_kvm(struct kvm_segment *k, const struct x86_seg *s)
{
	*k = (struct kvm_segment){
		.base = s->base,
		.limit = s->limit,
		.selector = s->sel,
		.type = s->attrs & 15,
		.s = s->attrs >> 4 & 1,
		.dpl = s->attrs >> 5 & 3,
		.present = s->attrs >> 7 & 1,
		.avl = s->attrs >> 12 & 1,
		.l = s->attrs >> 13 & 1,
		.db = s->attrs >> 14 & 1,
		.g = s->attrs >> 15 & 1,
		.unusable = s->attrs >> 16 & 1,
	};
}

static struct x86_seg seg_from_kvm(const struct kvm_segment *k)
{
	return (struct x86_seg){
		.sel = k->selector,
		.base = k->base,
		.limit = k->limit,
		.attrs = (uint32_t)(k->type | k->s << 4 | k->dpl << 5 | k->present << 7 |
				    k->avl << 12 | k->l << 13 | k->db << 14 | k->g << 15 |
				    k->unusable << 16),
	};
}

static void regs_to_kvm(struct kvm_regs *k, const struct x86_regs *r)
{
	*k = (struct kvm_regs){
		.rax = r->gpr[0],
		.rcx = r->gpr[1],
		.rdx = r->gpr[2],
		.rbx = r->gpr[3],
		.rsp = r->gpr[4],
		.rbp = r->gpr[5],
		.rsi = r->gpr[6],
		.rdi = r->gpr[7],
		.r8 = r->gpr[8],
		.r9 = r->gpr[9],
		.r10 = r->gpr[10],
		.r11 = r->gpr[11],
		.r12 = r->gpr[12],
		.r13 = r->gpr[13],
		.r14 = r->gpr[14],
		.r15 = r->gpr[15],
		.rip = r->rip,
		.rflags = r->rflags,
	};
}

static void sregs_to_kvm(struct kvm_sregs *k, const struct x86_regs *r)
{
	seg_to_kvm(&k->es, &r->seg[X86_ES]);
	seg_to_kvm(&k->cs, &r->seg[X86_CS]);
	seg_to_kvm(&k->ss, &r->seg[X86_SS]);
	seg_to_kvm(&k->ds, &r->seg[X86_DS]);
	seg_to_kvm(&k->fs, &r->seg[X86_FS]);
	seg_to_kvm(&k->gs, &r->seg[X86_GS]);
	seg_to_kvm(&k->tr, &r->tr);
	seg_to_kvm(&k->ldt, &r->ldt);
	k->gdt.base = r->gdt_base;
	k->gdt.limit = r->gdt_limit;
	k->idt.base = r->idt_base;
	k->idt.limit = r->idt_limit;
	k->cr0 = r->cr0;
	k->cr2 = r->cr2;
	k->cr3 = r->cr3;
	k->cr4 = r->cr4;
	k->cr8 = r->cr8;
	k->efer = r->efer;
}

/* An access that the guest was in when it was stopped must not end in the new state. */
static void finish_pending_access(struct kvm_vcpu *kv)
{
	kv->run->immediate_exit = 1;
	ioctl(kv->fd, KVM_RUN, 0);
	kv->run->immediate_exit = 0;
}

static int set_msrs(struct vcpu *v, const struct msr_list *saved)
{
	struct kvm_vcpu *kv = v->priv;
	int done = 0;

	for (uint32_t i = 0; i < saved->head.nmsrs; i++) {
		struct msr_list one = {.head.nmsrs = 1, .e[0] = saved->e[i]};

		done += kvm_ioctl(kv->fd, KVM_SET_MSRS, &one) == 1;
	}
	return done;
}

int kvm_vcpu_reset(struct vcpu *v, const struct x86_regs *regs, struct err **errp)
{
	struct kvm_vcpu *kv = v->priv;
	struct kvm_power_on p = *kv->power_on;
	const struct {
		unsigned long req;
		void *arg;
		const char *name;
	} set[] = {
		{KVM_SET_SREGS, &p.sregs, "KVM_SET_SREGS"},
		{KVM_SET_REGS, &p.regs, "KVM_SET_REGS"},
		{KVM_SET_XSAVE, &p.xsave, "KVM_SET_XSAVE"},
		{KVM_SET_LAPIC, &p.lapic, "KVM_SET_LAPIC"},
		{KVM_SET_VCPU_EVENTS, &p.events, "KVM_SET_VCPU_EVENTS"},
		{KVM_SET_DEBUGREGS, &p.debugregs, "KVM_SET_DEBUGREGS"},
		{KVM_SET_MP_STATE, &p.mp, "KVM_SET_MP_STATE"},
	};

	finish_pending_access(kv);
	if (regs) {
		regs_to_kvm(&p.regs, regs);
		sregs_to_kvm(&p.sregs, regs);
	}
	set_msrs(v, &p.msrs);
	if (p.has_xcrs)
		kvm_ioctl(kv->fd, KVM_SET_XCRS, &p.xcrs);
	for (size_t i = 0; i < G_N_ELEMENTS(set); i++) {
		int ret = kvm_ioctl(kv->fd, set[i].req, set[i].arg);

		if (ret < 0)
			return err_set_errno(errp, ret, "kvm: CPU %u: %s at reset", v->id,
					     set[i].name);
	}
	return 0;
}

int kvm_vcpu_regs(struct vcpu *v, struct x86_regs *r)
{
	struct kvm_vcpu *kv = v->priv;
	struct kvm_regs k;
	struct kvm_sregs s;
	int ret = kvm_ioctl(kv->fd, KVM_GET_REGS, &k);

	if (ret < 0 || (ret = kvm_ioctl(kv->fd, KVM_GET_SREGS, &s)) < 0)
		return ret;
	*r = (struct x86_regs){
		.gpr = {k.rax, k.rcx, k.rdx, k.rbx, k.rsp, k.rbp, k.rsi, k.rdi, k.r8, k.r9, k.r10,
			k.r11, k.r12, k.r13, k.r14, k.r15},
		.rip = k.rip,
		.rflags = k.rflags,
		.seg = {seg_from_kvm(&s.es), seg_from_kvm(&s.cs), seg_from_kvm(&s.ss),
			seg_from_kvm(&s.ds), seg_from_kvm(&s.fs), seg_from_kvm(&s.gs)},
		.tr = seg_from_kvm(&s.tr),
		.ldt = seg_from_kvm(&s.ldt),
		.gdt_base = s.gdt.base,
		.gdt_limit = s.gdt.limit,
		.idt_base = s.idt.base,
		.idt_limit = s.idt.limit,
		.cr0 = s.cr0,
		.cr2 = s.cr2,
		.cr3 = s.cr3,
		.cr4 = s.cr4,
		.cr8 = s.cr8,
		.efer = s.efer,
	};
	return 0;
}

static void dump_code(struct vcpu *v, GString *out, uint64_t rip)
{
	struct kvm_vcpu *kv = v->priv;
	struct kvm_translation t = {.linear_address = rip};
	uint8_t code[16];

	g_string_append(out, "  code at rip:");
	if (kvm_ioctl(kv->fd, KVM_TRANSLATE, &t) < 0 || !t.valid) {
		g_string_append(out, " not mapped by the guest\n");
		return;
	}
	if (!aspace_read_buf(v->accel->mem, t.physical_address, code, sizeof(code)))
		g_string_append_printf(out, " (physical 0x%llx is not memory)", t.physical_address);
	for (size_t i = 0; i < sizeof(code); i++)
		g_string_append_printf(out, " %02x", code[i]);
	g_string_append_c(out, '\n');
}

void kvm_vcpu_dump(struct vcpu *v, const char *why)
{
	static const char *const gpr[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					  "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"};
	static const char *const seg[] = {"es", "cs", "ss", "ds", "fs", "gs"};
	g_autoptr(GString) out = g_string_new(NULL);
	struct x86_regs r;

	if (kvm_vcpu_regs(v, &r) < 0) {
		g_critical("CPU %u stopped: %s (its registers cannot be read)", v->id, why);
		return;
	}
	g_string_append_printf(out, "CPU %u stopped: %s\n", v->id, why);
	for (int i = 0; i < X86_GPRS; i++)
		g_string_append_printf(out, "  %s %016" PRIx64 "%s", gpr[i], r.gpr[i],
				       i % 4 == 3 ? "\n" : "");
	g_string_append_printf(out, "  rip %016" PRIx64 "  rflags %08" PRIx64 "\n", r.rip,
			       r.rflags);
	for (int i = 0; i < X86_SEGS; i++)
		g_string_append_printf(
			out, "  %s  %04x base %016" PRIx64 " limit %08x attrs %05x\n", seg[i],
			r.seg[i].sel, r.seg[i].base, r.seg[i].limit, r.seg[i].attrs);
	g_string_append_printf(out,
			       "  cr0 %08" PRIx64 " cr2 %016" PRIx64 " cr3 %016" PRIx64
			       " cr4 %08" PRIx64 " efer %04" PRIx64 "\n",
			       r.cr0, r.cr2, r.cr3, r.cr4, r.efer);
	g_string_append_printf(out, "  gdt %016" PRIx64 "/%04x  idt %016" PRIx64 "/%04x\n",
			       r.gdt_base, r.gdt_limit, r.idt_base, r.idt_limit);
	dump_code(v, out, r.rip + r.seg[X86_CS].base * !(r.efer & X86_EFER_LMA));
	g_string_append(
		out,
		"  Try: another -cpu model (-cpu qemu64) or -smp 1; in a virtual machine, turn on nested "
		"virtualization on the host above.  dmesg may say more.");
	g_critical("%s", out->str);
}
