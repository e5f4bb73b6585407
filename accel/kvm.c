// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns /dev/kvm and the VM descriptor: capabilities, the VFIO pseudo device, clocks.  Called
 * through kvm_accel_ops; never touches a vCPU or a route by itself.
 */
#include "accel/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "mem/layout.h"

static const struct {
	int cap;
	const char *name;
} required_caps[] = {
	{KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
	{KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"},
	{KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING"},
	{KVM_CAP_IRQFD, "KVM_CAP_IRQFD"},
	{KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD"},
	{KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI"},
	{KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
	{KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR"},
	{KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
	{KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE"},
	{KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
};

int kvm_ioctl(int fd, unsigned long req, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, req, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

int kvm_cap(const struct kvm *k, int cap)
{
	int ret = ioctl(k->vm_fd >= 0 ? k->vm_fd : k->dev_fd, KVM_CHECK_EXTENSION, cap);

	return ret < 0 ? 0 : ret;
}

static int open_dev(struct kvm *k, struct err **errp)
{
	int ret;

	k->dev_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (k->dev_fd >= 0)
		return 0;
	ret = err_set_errno(errp, -errno, "kvm: open /dev/kvm");
	if (ret == -ENOENT || ret == -ENXIO || ret == -ENODEV)
		err_hint(
			errp,
			"Load the module (modprobe kvm_intel or kvm_amd); if that fails, turn on VT-x or "
			"AMD-V in the firmware, or nested virtualization on the host above.");
	else if (ret == -EACCES || ret == -EPERM)
		err_hint(
			errp,
			"You (uid %d) may not use it: sudo usermod -aG kvm $USER, then log in again.",
			(int)getuid());
	return ret;
}

static int check_caps(struct kvm *k, struct err **errp)
{
	int version = ioctl(k->dev_fd, KVM_GET_API_VERSION, 0);

	if (version != KVM_API_VERSION)
		return err_set(errp, -ENOTSUP,
			       "kvm: /dev/kvm speaks API version %d, this program %d", version,
			       KVM_API_VERSION);
	for (size_t i = 0; i < G_N_ELEMENTS(required_caps); i++)
		if (!kvm_cap(k, required_caps[i].cap)) {
			err_set(errp, -ENOTSUP, "kvm: the host's kernel lacks %s",
				required_caps[i].name);
			err_hint(errp, "A kernel of 4.13 or later with x86 KVM is needed.");
			return -ENOTSUP;
		}
	return 0;
}

static int create_vm(struct kvm *k, struct err **errp)
{
	uint64_t identity = LAYOUT_KVM_PAGES;
	int ret;

	do {
		k->vm_fd = ioctl(k->dev_fd, KVM_CREATE_VM, 0);
	} while (k->vm_fd < 0 && errno == EINTR);
	if (k->vm_fd < 0) {
		ret = err_set_errno(errp, -errno, "kvm: KVM_CREATE_VM");
		if (ret == -EBUSY)
			err_hint(errp,
				 "Another hypervisor (VirtualBox, VMware?) holds VT-x or AMD-V.");
		return ret;
	}
	k->run_size = ioctl(k->dev_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	ret = kvm_ioctl(k->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	if (ret < 0)
		return err_set_errno(errp, ret, "kvm: KVM_SET_IDENTITY_MAP_ADDR");
	ret = kvm_ioctl(k->vm_fd, KVM_SET_TSS_ADDR, (void *)(LAYOUT_KVM_PAGES + 0x1000));
	if (ret < 0)
		return err_set_errno(errp, ret, "kvm: KVM_SET_TSS_ADDR");
	return 0;
}

static int read_supported_cpuid(struct kvm *k, struct err **errp)
{
	enum { MAX = 256 };
	g_autofree struct kvm_cpuid2 *c =
		g_malloc0(sizeof(*c) + MAX * sizeof(struct kvm_cpuid_entry2));
	int ret;

	c->nent = MAX;
	ret = kvm_ioctl(k->dev_fd, KVM_GET_SUPPORTED_CPUID, c);
	if (ret < 0)
		return err_set_errno(errp, ret, "kvm: KVM_GET_SUPPORTED_CPUID");
	k->supported.n = 0;
	for (uint32_t i = 0; i < c->nent && i < G_N_ELEMENTS(k->supported.leaf); i++) {
		const struct kvm_cpuid_entry2 *e = &c->entries[i];

		k->supported.leaf[k->supported.n++] = (struct cpuid_leaf){
			.leaf = e->function,
			.sub = e->index,
			.reg = {e->eax, e->ebx, e->ecx, e->edx},
			.indexed = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		};
	}
	return 0;
}

/* Of this host; a guest physical address can have no more (SDM 3A, 4.1.4). */
unsigned kvm_phys_bits(struct kvm *k)
{
	const struct cpuid_leaf *l = cpuid_find(&k->supported, 0x80000008, 0);

	return l ? l->reg[CPUID_EAX] & 0xff : 36;
}

/* What KVM does itself but does not list. */
static void complete_supported(struct kvm *k)
{
	struct cpuid_leaf *l = cpuid_find(&k->supported, 1, 0);

	k->tsc_deadline = kvm_cap(k, KVM_CAP_TSC_DEADLINE_TIMER);
	if (!l)
		return;
	l->reg[CPUID_ECX] |= 1u << 31 | 1u << 21; /* hypervisor, x2APIC */
	if (k->tsc_deadline)
		l->reg[CPUID_ECX] |= 1u << 24;
}

static void kvm_close(struct accel *a)
{
	struct kvm *k = kvm_of(a);

	if (k->mem.slots)
		kvm_mem_fini(k);
	kvm_irq_fini(k);
	if (k->vfio_fd >= 0)
		close(k->vfio_fd);
	if (k->vm_fd >= 0)
		close(k->vm_fd);
	if (k->dev_fd >= 0)
		close(k->dev_fd);
	pthread_mutex_destroy(&k->hold.lock);
	pthread_cond_destroy(&k->hold.out);
	pthread_cond_destroy(&k->hold.over);
	g_free(k->vcpu);
	g_free(k);
}

static int kvm_open(struct accel **out, const struct accel_conf *conf, struct err **errp)
{
	struct kvm *k = g_new0(struct kvm, 1);
	static int (*const steps[])(struct kvm * k, struct err * *errp) = {
		open_dev, check_caps, create_vm, read_supported_cpuid};
	int ret, max;

	k->dev_fd = k->vm_fd = k->vfio_fd = -1;
	k->accel = (struct accel){.ops = &kvm_accel_ops,
				  .irqchip_mode = conf->irqchip,
				  .cpus = conf->cpus,
				  .mem = conf->mem,
				  .io = conf->io};
	k->vcpu = g_new0(struct vcpu *, conf->cpus);
	pthread_mutex_init(&k->hold.lock, NULL);
	pthread_cond_init(&k->hold.out, NULL);
	pthread_cond_init(&k->hold.over, NULL);
	k->cpu = *conf->cpu;
	k->topology = conf->topology;
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		ret = steps[i](k, errp);
		if (ret < 0)
			goto out;
	}
	ret = conf->must_be_fast ? kvm_check_speed(k, errp) : 0;
	if (ret < 0)
		goto out;
	complete_supported(k);
	k->accel.cpuid = &k->supported;
	k->accel.phys_bits = kvm_phys_bits(k);
	max = kvm_cap(k, KVM_CAP_MAX_VCPUS);
	if (max && conf->cpus > (unsigned)max) {
		ret = err_set(errp, -EINVAL, "kvm: -smp %u, but this host allows %d CPUs",
			      conf->cpus, max);
		goto out;
	}
	k->has_clock = kvm_cap(k, KVM_CAP_ADJUST_CLOCK);
	ret = kvm_irq_init(k, errp);
	if (ret < 0)
		goto out;
	ret = kvm_mem_init(k, errp);
	if (ret < 0)
		goto out;
	*out = &k->accel;
	return 0;
out:
	kvm_close(&k->accel);
	return ret;
}

static int kvm_vfio_group(struct accel *a, int group_fd, bool add)
{
	struct kvm *k = kvm_of(a);
	struct kvm_create_device dev = {.type = KVM_DEV_TYPE_VFIO};
	int32_t fd = group_fd;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = add ? KVM_DEV_VFIO_GROUP_ADD : KVM_DEV_VFIO_GROUP_DEL,
		.addr = (uintptr_t)&fd,
	};
	int ret;

	if (k->vfio_fd < 0) {
		ret = kvm_ioctl(k->vm_fd, KVM_CREATE_DEVICE, &dev);
		if (ret < 0)
			return ret;
		k->vfio_fd = (int)dev.fd;
	}
	return kvm_ioctl(k->vfio_fd, KVM_SET_DEVICE_ATTR, &attr);
}

static int kvm_ioeventfd(struct accel *a, int fd, bool io, uint64_t addr, unsigned len,
			 const uint64_t *match, bool add)
{
	struct kvm_ioeventfd e = {.addr = addr, .len = len, .fd = fd};

	if (io)
		e.flags |= KVM_IOEVENTFD_FLAG_PIO;
	if (match) {
		e.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
		e.datamatch = *match;
	}
	if (!add)
		e.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	return kvm_ioctl(kvm_of(a)->vm_fd, KVM_IOEVENTFD, &e);
}

static void kvm_stop(struct accel *a)
{
	struct kvm *k = kvm_of(a);

	if (k->has_clock && kvm_ioctl(k->vm_fd, KVM_GET_CLOCK, &k->clock) < 0)
		k->clock.clock = 0;
}

static void kvm_start(struct accel *a)
{
	struct kvm *k = kvm_of(a);
	struct kvm_clock_data c = {.clock = k->clock.clock};

	if (k->has_clock && c.clock)
		kvm_ioctl(k->vm_fd, KVM_SET_CLOCK, &c);
}

static int kvm_reset(struct accel *a)
{
	return kvm_irq_reset(kvm_of(a));
}

const struct accel_ops kvm_accel_ops = {
	.name = "kvm",
	.help = "the host's processor, through /dev/kvm",
	.open = kvm_open,
	.close = kvm_close,
	.vfio_group = kvm_vfio_group,
	.ioeventfd = kvm_ioeventfd,
	.stop = kvm_stop,
	.start = kvm_start,
	.reset = kvm_reset,
	.extint = kvm_irq_extint,
	.ioapic_pin = kvm_irq_pin,
	.vcpu_open = kvm_vcpu_open,
	.vcpu_close = kvm_vcpu_close,
	.vcpu_run = kvm_vcpu_run,
	.vcpu_kick = kvm_vcpu_kick,
	.vcpu_reset = kvm_vcpu_reset,
	.vcpu_regs = kvm_vcpu_regs,
};
