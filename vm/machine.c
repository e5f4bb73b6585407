// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The q35 board as one list, top to bottom: RAM, chips, buses, devices, tables.  Called by vm/vm.c;
 * holds no device logic.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/chardev.h"
#include "base/err.h"
#include "mem/layout.h"
#include "vfio/file.h"
#include "vfio/pci/driver.h"
#include "vm/backends.h"
#include "vm/board.h"

/* --- memory --- */

static void add_e820(struct board *b, uint64_t addr, uint64_t end, uint32_t type)
{
	if (end > addr)
		b->e820[b->e820_n++] = (struct e820_entry){addr, end - addr, type};
}

static void make_e820(struct board *b)
{
	add_e820(b, 0, LAYOUT_EBDA, E820_RAM);
	add_e820(b, LAYOUT_EBDA, 0xa0000, E820_RESERVED);
	add_e820(b, LAYOUT_BIOS, LAYOUT_BIOS_END, E820_RESERVED);
	add_e820(b, MIB, b->ram_below_4g, E820_RAM);
	add_e820(b, LAYOUT_ECAM, LAYOUT_ECAM + LAYOUT_ECAM_SIZE, E820_RESERVED);
	add_e820(b, LAYOUT_KVM_PAGES, LAYOUT_KVM_PAGES + 0x4000, E820_RESERVED);
	add_e820(b, LAYOUT_HIGH, LAYOUT_HIGH + b->ram_above_4g, E820_RAM);
}

bool board_is_none(const struct board *b)
{
	return !g_strcmp0(b->config->machine, "none");
}

int board_memory(struct board *b, struct err **errp)
{
	uint64_t size = b->config->ram_size;
	int ret;

	b->mem = aspace_new("memory", 0);
	b->io = aspace_new("I/O", 0x10000);
	b->backends = backends_new(b->config, errp);
	if (!b->backends)
		return -ENOMEM;
	if (board_is_none(b))
		return 0;
	ret = ram_init(&b->ram, "pc.ram", size, errp);
	if (ret < 0)
		return ret;
	b->ram_below_4g = MIN(size, LAYOUT_LOW_MAX);
	b->ram_above_4g = size - b->ram_below_4g;
	aspace_begin(b->mem);
	aspace_map(b->mem, &b->ram.region, 0, 0, b->ram_below_4g, 0);
	if (b->ram_above_4g)
		aspace_map(b->mem, &b->ram.region, LAYOUT_HIGH, b->ram_below_4g, b->ram_above_4g,
			   0);
	aspace_commit(b->mem);
	make_e820(b);
	return 0;
}

/* --- interrupts: all in the accelerator, or PIC, PIT and IO-APIC here --- */

void board_set_pin(struct board *b, int pin, bool level)
{
	void (*tap)(void *opaque, int pin, bool level);

	ioapic_set(b->ioapic, pin, level);
	tap = __atomic_load_n(&b->tap, __ATOMIC_ACQUIRE);
	if (tap)
		tap(b->tap_opaque, pin, level);
}

/* Who drives a pin is a device or the thread that hears irqfds: both are waited for. */
void board_untap(struct board *b)
{
	__atomic_store_n(&b->tap, NULL, __ATOMIC_RELEASE);
	board_settle(b);
	if (b->accel->ops->hear)
		b->accel->ops->hear(b->accel);
}

static void split_gsi(void *opaque, int n, bool level)
{
	struct board *b = opaque;

	if (n < PIC_INPUTS)
		pic_set(b->pic, n, level);
	board_set_pin(b, n == 0 ? 2 : n, level); /* the timer's IRQ 0 is wired to pin 2 */
}

static void split_deliver(void *opaque, uint64_t addr, uint32_t data)
{
	struct board *b = opaque;

	irqchip_msi_send(&b->accel->irq, (struct msi_msg){addr, data});
}

static void split_changed(void *opaque, int pin, uint64_t addr, uint32_t data, bool masked)
{
	struct board *b = opaque;

	if (b->accel->ops->ioapic_pin)
		b->accel->ops->ioapic_pin(b->accel, pin, (struct msi_msg){addr, data}, masked);
}

static void split_eoied(void *opaque, int pin)
{
	struct board *b = opaque;

	if (b->accel->ops->pin_eoi)
		b->accel->ops->pin_eoi(b->accel, pin);
}

static const struct ioapic_ops split_ops = {
	.deliver = split_deliver, .changed = split_changed, .eoied = split_eoied};

static void split_intr(void *opaque, int n, bool level)
{
	struct board *b = opaque;

	if (b->accel->ops->extint)
		b->accel->ops->extint(b->accel, level);
}

static int split_ack(void *opaque)
{
	return pic_ack(((struct board *)opaque)->pic);
}

/* The guest's devices again after the host's: an assigned one hears that from the other side. */
void board_settle(struct board *b)
{
	pcihost_settle(&b->pci);
	if (b->host) {
		vfio_virqfd_sync(b->host);
		pcihost_settle(host_pci(b->host));
		pcihost_settle(&b->pci);
	}
}

static void settle(void *opaque)
{
	board_settle(opaque);
}

static void make_irq(struct board *b)
{
	bool split = b->accel->irqchip_mode == IRQCHIP_SPLIT;

	/* A pin that eventfds drive, too, is as high as any of them: their keeper knows all. */
	for (int i = 0; i < GSI_PINS; i++)
		b->gsi[i] = split && !b->accel->drives_pins ? (struct wire){split_gsi, b, i}
							    : accel_gsi(b->accel, i);
	if (!split)
		return;
	b->accel->extint_ack = split_ack;
	b->accel->extint_opaque = b;
	b->accel->pin = split_gsi;
	b->accel->pin_opaque = b;
	b->accel->settle = settle;
	b->accel->settle_opaque = b;
	b->pic = pic_new(b->io, (struct wire){split_intr, b, 0});
	b->ioapic = ioapic_new(b->mem, LAYOUT_IOAPIC, &split_ops, b);
	b->pit = pit_new(b->io, b->gsi[0], b->clock);
}

void board_eoi(void *board, uint8_t vector)
{
	struct board *b = board;

	if (b->ioapic)
		ioapic_eoi(b->ioapic, vector);
}

/* --- PCI --- */

static void board_msi(void *opaque, struct pcidev *d, struct msi_msg msg)
{
	struct board *b = opaque;

	irqchip_msi_send(&b->accel->irq, msg);
}

static void board_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	lpc_intx(((struct board *)opaque)->lpc, slot, pin, level);
}

static int board_intx_gsi(void *opaque, unsigned slot, unsigned pin)
{
	return lpc_intx_gsi(((struct board *)opaque)->lpc, slot, pin);
}

static const struct pcihost_ops pci_ops = {
	.intx = board_intx,
	.intx_gsi = board_intx_gsi,
	.msi = board_msi,
	.slot_off = board_slot_off,
	.slot_kept = board_slot_kept,
};

static void make_windows(struct board *b)
{
	uint64_t top = 1ull << MIN(b->accel->phys_bits, 46);
	uint64_t ram_end = LAYOUT_HIGH + b->ram_above_4g;
	uint64_t base = (ram_end + LAYOUT_PCI64_ALIGN - 1) & ~(LAYOUT_PCI64_ALIGN - 1);

	b->windows = (struct pci_windows){
		.mem32 = LAYOUT_PCI32,
		.mem32_end = LAYOUT_PCI32_END,
		.mem64 = MIN(base, top),
		.mem64_end = top,
		.io = 0x1000,
		.io_end = 0xf000,
	};
}

static int accel_group(void *opaque, int fd, bool add)
{
	struct board *b = opaque;

	return b->accel->ops->vfio_group ? b->accel->ops->vfio_group(b->accel, fd, add) : -ENOTSUP;
}

static void vfio_request(void *opaque, struct pcidev *d, const char *host)
{
	struct board *b = opaque;

	b->ops.told(b->ops.opaque, BOARD_HOST_REQUEST, d->name, host);
	board_request(b, d, b->ops.running(b->ops.opaque));
}

static void vfio_error(void *opaque, struct pcidev *d, const char *host)
{
	struct board *b = opaque;

	b->ops.told(b->ops.opaque, BOARD_HOST_ERROR, d->name, host);
}

static void vfio_fatal(void *opaque, const char *text)
{
	struct board *b = opaque;

	b->ops.fatal(b->ops.opaque, text);
}

static int make_mch(struct board *b, struct err **errp)
{
	const char *tseg = vm_config_global(b->config, "mch", "extended-tseg-mbytes");
	struct mch_conf conf = {
		.hard_reset = b->ops.reset,
		.opaque = b->ops.opaque,
		.smram = {&b->ram.region, b->ram_below_4g, .tseg_mbytes = 16},
	};
	guint64 mbytes;

	conf.smram.no_smbase = b->config->version && b->config->version < 402;
	if (tseg) {
		if (!g_ascii_string_to_unsigned(tseg, 10, 0, UINT16_MAX, &mbytes, NULL))
			return err_set(errp, -EINVAL,
				       "-global mch.extended-tseg-mbytes=%s: not a number of MiB",
				       tseg);
		conf.smram.tseg_mbytes = (unsigned)mbytes;
	}
	b->mch = mch_new(&b->pci, &conf, errp);
	return b->mch ? 0 : -EIO;
}

static bool is_off(const char *value)
{
	return !strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "false");
}

static int make_pci(struct board *b, struct err **errp)
{
	const char *noreboot = vm_config_global(b->config, "ICH9-LPC", "noreboot");
	struct lpc_conf lpc = {
		.clock = b->clock,
		.power_off = b->ops.power_off,
		.watchdog = b->ops.watchdog,
		.no_reboot = !noreboot || !is_off(noreboot),
		.opaque = b->ops.opaque,
	};
	struct vfio_env vfio = {
		.mem = b->mem,
		.irq = &b->accel->irq,
		.clock = b->clock,
		.accel_group = accel_group,
		.fatal = vfio_fatal,
		.request = vfio_request,
		.error = vfio_error,
		.opaque = b,
	};

	make_windows(b);
	pcihost_init(&b->pci, &pci_ops, b, b->mem, b->io, b->mem);
	if (make_mch(b, errp) < 0)
		return -EIO;
	memcpy(lpc.gsi, b->gsi, sizeof(lpc.gsi));
	b->lpc = lpc_new(&b->pci, &lpc, errp);
	if (!b->lpc)
		return -EIO;
	if (hostdevs_new(b->config, &b->host, errp) < 0)
		return -EINVAL;
	vfio.host = b->host;
	b->vfio = vfio_ctx_new(&vfio);
	return 0;
}

/* --- ISA --- */

static int make_serials(struct board *b, struct err **errp)
{
	static const struct {
		uint16_t base;
		int irq;
	} com[VM_MAX_SERIALS] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

	for (guint i = 0; i < b->config->serials->len && i < VM_MAX_SERIALS; i++) {
		const char *id = b->config->serials->pdata[i];
		struct chardev *c;

		if (!strcmp(id, "none"))
			continue;
		c = b->ops.chardev(b->ops.opaque, id, errp);
		if (!c)
			return err_code(errp ? *errp : NULL) ? err_code(*errp) : -ENOENT;
		b->serial[i] = serial_new(b->io, com[i].base, b->gsi[com[i].irq], c, b->clock);
	}
	return 0;
}

static int make_debugcon(struct board *b, struct err **errp)
{
	struct chardev *c;

	if (!b->config->debugcon)
		return 0;
	c = b->ops.chardev(b->ops.opaque, b->config->debugcon, errp);
	if (!c)
		return -ENOENT;
	b->debugcon = debugcon_new(b->io, 0xe9, 0xe9, c);
	return 0;
}

/* Without -rtc a run that can be repeated begins with the year 2000. */
static int64_t rtc_start(struct board *b)
{
	const char *base = b->config->rtc_base ?: b->accel->repeatable ? "2000-01-01" : "utc";
	int64_t start;

	vm_rtc_start(base, g_get_real_time() * 1000, &start, NULL); /* validated */
	return start;
}

static void make_isa(struct board *b)
{
	const int64_t start = rtc_start(b);
	const struct rtc_conf rtc = {
		.start = start - vclock_now(b->clock),
		.below_4g = b->ram_below_4g,
		.above_4g = b->ram_above_4g,
		.cpus = b->config->cpus,
		.changed = b->ops.rtc_changed,
		.opaque = b->ops.opaque,
	};
	const struct wire a20 = {0}; /* the gate is always open */

	b->rtc = rtc_new(b->io, b->gsi[8], b->clock, &rtc);
	b->i8042 = i8042_new(b->io, b->gsi[1], a20, b->ops.reset, b->ops.opaque);
	b->port80 = port80_new(b->io);
	b->port92 = port92_new(b->io, a20, b->ops.reset, b->ops.opaque);
}

/* --- all together --- */

int board_devices(struct board *b, struct err **errp)
{
	const struct boot_env env = {b->mem, b->e820, b->e820_n, b->ram_below_4g, LAYOUT_BIOS};
	int ret;

	if (b->config->kernel) {
		b->boot = boot_open(b->config->kernel, b->config->initrd, b->config->append, &env,
				    errp);
		if (!b->boot)
			return -ENOEXEC;
	}
	devs_check_globals(b->config);
	board_devices_init(b);
	make_irq(b);
	ret = make_pci(b, errp);
	if (ret < 0)
		return ret;
	make_isa(b);
	ret = board_fw_cfg(b, errp);
	if (ret >= 0)
		ret = make_serials(b, errp);
	if (ret >= 0)
		ret = make_debugcon(b, errp);
	for (guint i = 0; ret >= 0 && i < b->config->devices->len; i++)
		ret = board_add(b, b->config->devices->pdata[i], errp);
	return ret;
}

static void reset_chips(struct board *b)
{
	if (b->pic) {
		pic_reset(b->pic);
		ioapic_reset(b->ioapic);
		pit_reset(b->pit);
	}
	rtc_reset(b->rtc);
	board_boot_order(b);
	fw_cfg_reset(b->fw_cfg);
	if (b->ib700)
		ib700_reset(b->ib700);
	i8042_reset(b->i8042);
	port80_reset(b->port80);
	port92_reset(b->port92);
	for (int i = 0; i < VM_MAX_SERIALS; i++)
		if (b->serial[i])
			serial_reset(b->serial[i]);
	if (b->testdev)
		testdev_reset(b->testdev);
}

int board_reset(struct board *b, struct x86_regs *regs, struct err **errp)
{
	const struct boot_env env = {b->mem, b->e820, b->e820_n, b->ram_below_4g, LAYOUT_BIOS};
	struct acpi_facts facts = {.cpus = b->config->cpus, .windows = b->windows};
	int ret;

	board_end_unplugs(b);
	pcihost_reset(&b->pci);
	reset_chips(b);
	ret = b->accel->ops->reset ? b->accel->ops->reset(b->accel) : 0;
	if (ret < 0)
		return err_set_errno(errp, ret, "reset the accelerator's interrupt chips");
	/* Test clients place devices themselves, as if no firmware had run. */
	if (b->accel->ops != &qtest_accel_ops)
		ret = q35_setup_pci(&b->pci, &b->windows, errp);
	if (ret < 0)
		return ret;
	facts.last_bus = MIN((q35_last_bus(&b->pci) + 8) | 15, 255);
	q35_write_acpi(b->mem, &facts);
	x86_regs_reset(regs);
	return b->boot ? boot_load(b->boot, &env, regs, errp) : 0;
}

void board_free_devices(struct board *b)
{
	pcihost_fini(&b->pci);
	board_host_writes_end(b);
	board_devices_fini(b);
	vfio_ctx_free(b->vfio);
	vfio_host_free(b->host);
	lpc_free(b->lpc);
	mch_free(b->mch);
	fw_cfg_free(b->fw_cfg);
	pvpanic_free(b->pvpanic);
	ib700_free(b->ib700);
	debugcon_free(b->debugcon);
	debugexit_free(b->debugexit);
	testdev_free(b->testdev);
	for (int i = 0; i < VM_MAX_SERIALS; i++)
		serial_free(b->serial[i]);
	port92_free(b->port92);
	port80_free(b->port80);
	i8042_free(b->i8042);
	rtc_free(b->rtc);
	pit_free(b->pit);
	ioapic_free(b->ioapic);
	pic_free(b->pic);
	boot_free(b->boot);
}

void board_free_memory(struct board *b)
{
	aspace_free(b->io);
	aspace_free(b->mem);
	ram_fini(&b->ram);
	if (b->backends)
		g_ptr_array_free(b->backends, TRUE);
}
