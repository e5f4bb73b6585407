// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a vCPU descriptor and its kvm_run page: turns exit reasons into exit records.  Called by
 * accel/vcpu.c on the vCPU's thread; never serves an access itself.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "accel/kvm.h"
#include "accel/vcpu.h"
#include "base/err.h"

static int set_cpuid(struct vcpu *v, struct err **errp)
{
	struct kvm *k = kvm_of(v->accel);
	struct kvm_vcpu *kv = v->priv;
	g_autofree struct cpuid_table *t = g_new0(struct cpuid_table, 1);
	g_autofree struct kvm_cpuid2 *c = NULL;
	int ret;

	ret = cpuid_build(t, &k->cpu, &k->supported, &k->topology, v->id, errp);
	if (ret < 0)
		return ret;
	c = g_malloc0(sizeof(*c) + t->n * sizeof(c->entries[0]));
	c->nent = (uint32_t)t->n;
	for (size_t i = 0; i < t->n; i++) {
		const struct cpuid_leaf *l = &t->leaf[i];

		c->entries[i] = (struct kvm_cpuid_entry2){
			.function = l->leaf,
			.index = l->sub,
			.flags = l->indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
			.eax = l->reg[CPUID_EAX],
			.ebx = l->reg[CPUID_EBX],
			.ecx = l->reg[CPUID_ECX],
			.edx = l->reg[CPUID_EDX],
		};
	}
	ret = kvm_ioctl(kv->fd, KVM_SET_CPUID2, c);
	if (ret < 0)
		return err_set_errno(errp, ret, "kvm: CPU %u: KVM_SET_CPUID2 with %zu leaves",
				     v->id, t->n);
	return 0;
}

int kvm_vcpu_open(struct vcpu *v, struct err **errp)
{
	struct kvm *k = kvm_of(v->accel);
	struct kvm_vcpu *kv = g_new0(struct kvm_vcpu, 1);
	int ret;

	v->priv = kv;
	k->vcpu[v->id] = v;
	kv->run = MAP_FAILED;
	kv->fd = kvm_ioctl(k->vm_fd, KVM_CREATE_VCPU, (void *)(uintptr_t)v->id);
	if (kv->fd < 0) {
		ret = err_set_errno(errp, kv->fd, "kvm: CPU %u: KVM_CREATE_VCPU", v->id);
		goto out;
	}
	kv->run = mmap(NULL, (size_t)k->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, kv->fd, 0);
	if (kv->run == MAP_FAILED) {
		ret = err_set_errno(errp, -errno, "kvm: CPU %u: map kvm_run", v->id);
		goto out;
	}
	ret = set_cpuid(v, errp);
	if (ret < 0)
		goto out;
	ret = kvm_vcpu_save_power_on(v, errp);
	if (ret < 0)
		goto out;
	return 0;
out:
	kvm_vcpu_close(v);
	return ret;
}

void kvm_vcpu_close(struct vcpu *v)
{
	struct kvm_vcpu *kv = v->priv;

	if (!kv)
		return;
	kvm_of(v->accel)->vcpu[v->id] = NULL;
	if (kv->run != MAP_FAILED)
		munmap(kv->run, (size_t)kvm_of(v->accel)->run_size);
	if (kv->fd >= 0)
		close(kv->fd);
	g_free(kv->power_on);
	g_free(kv);
	v->priv = NULL;
}

/* immediate_exit first, then the signal: whichever side of KVM_RUN the vCPU is on, it comes out. */
void kvm_vcpu_kick(struct vcpu *v)
{
	struct kvm_vcpu *kv = v->priv;

	__atomic_store_n(&kv->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (v->started)
		pthread_kill(v->thread, SIGUSR1);
}

/*
 * The vCPU says that it is inside before it looks for a hold; the holder says hold before it looks
 * who is inside.  Each is ordered (sequentially consistent), so one of them sees the other.
 */
static void enter(struct kvm *k, struct kvm_vcpu *kv)
{
	struct kvm_hold *h = &k->hold;

	__atomic_store_n(&kv->inside, true, __ATOMIC_SEQ_CST);
	if (G_LIKELY(!__atomic_load_n(&h->on, __ATOMIC_SEQ_CST)))
		return;
	pthread_mutex_lock(&h->lock);
	while (h->on) {
		__atomic_store_n(&kv->inside, false, __ATOMIC_SEQ_CST);
		pthread_cond_signal(&h->out);
		pthread_cond_wait(&h->over, &h->lock);
	}
	__atomic_store_n(&kv->inside, true, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&h->lock);
}

static void leave(struct kvm *k, struct kvm_vcpu *kv)
{
	struct kvm_hold *h = &k->hold;

	__atomic_store_n(&kv->inside, false, __ATOMIC_SEQ_CST);
	if (G_LIKELY(!__atomic_load_n(&h->on, __ATOMIC_SEQ_CST)))
		return;
	pthread_mutex_lock(&h->lock);
	pthread_cond_signal(&h->out);
	pthread_mutex_unlock(&h->lock);
}

void kvm_hold(struct kvm *k)
{
	struct kvm_hold *h = &k->hold;

	pthread_mutex_lock(&h->lock);
	__atomic_store_n(&h->on, true, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < k->accel.cpus; i++) {
		struct kvm_vcpu *kv = k->vcpu[i] ? k->vcpu[i]->priv : NULL;

		if (!kv || !__atomic_load_n(&kv->inside, __ATOMIC_SEQ_CST))
			continue;
		kvm_vcpu_kick(k->vcpu[i]);
		while (__atomic_load_n(&kv->inside, __ATOMIC_SEQ_CST))
			pthread_cond_wait(&h->out, &h->lock);
	}
	pthread_mutex_unlock(&h->lock);
}

void kvm_release(struct kvm *k)
{
	struct kvm_hold *h = &k->hold;

	pthread_mutex_lock(&h->lock);
	__atomic_store_n(&h->on, false, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&h->over);
	pthread_mutex_unlock(&h->lock);
}

static void exit_io(struct kvm_run *r, struct vcpu_exit *x)
{
	x->kind = VCPU_EXIT_IO;
	x->write = r->io.direction == KVM_EXIT_IO_OUT;
	x->len = r->io.size;
	x->count = r->io.count;
	x->addr = r->io.port;
	x->data = (char *)r + r->io.data_offset;
}

static void exit_mmio(struct kvm_run *r, struct vcpu_exit *x)
{
	x->kind = VCPU_EXIT_MMIO;
	x->write = r->mmio.is_write;
	x->len = (uint8_t)r->mmio.len;
	x->addr = r->mmio.phys_addr;
	x->data = r->mmio.data;
}

static void exit_system(struct vcpu *v, struct kvm_run *r, struct vcpu_exit *x)
{
	switch (r->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		x->kind = VCPU_EXIT_HALT;
		break;
	case KVM_SYSTEM_EVENT_RESET:
		x->kind = VCPU_EXIT_RESET;
		break;
	default:
		kvm_vcpu_dump(v, "the guest reported a crash to the hypervisor");
		x->kind = VCPU_EXIT_FAIL;
	}
}

static void exit_fail(struct vcpu *v, struct kvm_run *r, struct vcpu_exit *x)
{
	g_autofree char *why = NULL;

	switch (r->exit_reason) {
	case KVM_EXIT_INTERNAL_ERROR:
		why = g_strdup_printf("KVM internal error %u%s", r->internal.suberror,
				      r->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
					      ? " (an instruction that KVM cannot emulate)"
					      : "");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		why = g_strdup_printf("KVM cannot enter the guest: hardware reason 0x%llx",
				      r->fail_entry.hardware_entry_failure_reason);
		break;
	default:
		why = g_strdup_printf("KVM exit reason %u is unknown to this program",
				      r->exit_reason);
	}
	kvm_vcpu_dump(v, why);
	x->kind = VCPU_EXIT_FAIL;
}

/* Split irqchip, CPU 0: the PIC's interrupt goes in when the guest takes one, else a window is
 * asked for. */
static void inject_extint(struct vcpu *v, struct kvm_run *r)
{
	struct kvm *k = kvm_of(v->accel);
	struct kvm_interrupt irq;

	r->request_interrupt_window = 0;
	if (!__atomic_load_n(&k->extint, __ATOMIC_ACQUIRE))
		return;
	if (!r->ready_for_interrupt_injection) {
		r->request_interrupt_window = 1;
		return;
	}
	irq.irq = (uint32_t)k->accel.extint_ack(k->accel.extint_opaque);
	kvm_ioctl(((struct kvm_vcpu *)v->priv)->fd, KVM_INTERRUPT, &irq);
}

int kvm_vcpu_run(struct vcpu *v, struct vcpu_exit *x)
{
	struct kvm *k = kvm_of(v->accel);
	struct kvm_vcpu *kv = v->priv;
	struct kvm_run *r = kv->run;
	int ret, err;

	if (v->accel->irqchip_mode == IRQCHIP_SPLIT && !v->id)
		inject_extint(v, r);
	enter(k, kv);
	ret = ioctl(kv->fd, KVM_RUN, 0);
	err = errno;
	leave(k, kv);
	if (ret < 0) {

		x->kind = VCPU_EXIT_NONE;
		if (err == EINTR || err == EAGAIN) {
			__atomic_store_n(&r->immediate_exit, 0, __ATOMIC_SEQ_CST);
			return 0;
		}
		kvm_vcpu_dump(v, g_strerror(err));
		return -err;
	}
	switch (r->exit_reason) {
	case KVM_EXIT_IO:
		exit_io(r, x);
		break;
	case KVM_EXIT_MMIO:
		exit_mmio(r, x);
		break;
	case KVM_EXIT_IOAPIC_EOI:
		x->kind = VCPU_EXIT_EOI;
		x->vector = r->eoi.vector;
		break;
	case KVM_EXIT_SHUTDOWN:
		x->kind = VCPU_EXIT_SHUTDOWN;
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		exit_system(v, r, x);
		break;
	case KVM_EXIT_HLT:
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		x->kind = VCPU_EXIT_NONE;
		break;
	default:
		exit_fail(v, r, x);
	}
	return 0;
}
