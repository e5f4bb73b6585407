// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the keyboard controller and the answers of its keyboard.  Created by vm/machine.c, entered
 * by the address space (vCPU threads).  Never sends a key and never resets the machine by itself.
 */
#include "hw/isa/i8042.h"

#include <glib.h>
#include <string.h>

#define QUEUE 16

/* Status register, port 0x64. */
enum {
	STAT_OBF = 0x01,
	STAT_SYS = 0x04,
	STAT_CMD = 0x08,
	STAT_UNLOCKED = 0x10,
	STAT_AUX = 0x20,
	STAT_TIMEOUT = 0x40
};

/* Command byte: byte 0 of the controller's RAM. */
enum {
	CTR_KBD_INT = 0x01,
	CTR_SYS = 0x04,
	CTR_KBD_OFF = 0x10,
	CTR_AUX_OFF = 0x20,
	CTR_XLATE = 0x40
};

enum {
	CMD_READ_RAM = 0x20,
	CMD_WRITE_RAM = 0x60,
	CMD_PASSWORD = 0xa4,
	CMD_AUX_OFF = 0xa7,
	CMD_AUX_ON = 0xa8,
	CMD_AUX_TEST = 0xa9,
	CMD_SELF_TEST = 0xaa,
	CMD_KBD_TEST = 0xab,
	CMD_KBD_OFF = 0xad,
	CMD_KBD_ON = 0xae,
	CMD_READ_IN = 0xc0,
	CMD_READ_OUT = 0xd0,
	CMD_WRITE_OUT = 0xd1,
	CMD_WRITE_KBD_OBF = 0xd2,
	CMD_WRITE_AUX_OBF = 0xd3,
	CMD_WRITE_AUX = 0xd4,
	CMD_A20_OFF = 0xdd,
	CMD_A20_ON = 0xdf,
	CMD_READ_TEST = 0xe0,
	CMD_PULSE = 0xf0
};

enum { OUT_RUN = 0x01, OUT_A20 = 0x02, OUT_IRQ1 = 0x10, OUT_IDLE = 0xc0 };

enum {
	KBD_LEDS = 0xed,
	KBD_ECHO = 0xee,
	KBD_SCANCODES = 0xf0,
	KBD_ID = 0xf2,
	KBD_RATE = 0xf3,
	KBD_ON = 0xf4,
	KBD_OFF = 0xf5,
	KBD_DEFAULTS = 0xf6,
	KBD_ALL_KEYS = 0xf7,
	KBD_ONE_KEY = 0xfb,
	KBD_RESEND = 0xfe,
	KBD_RESET = 0xff,
	KBD_ACK = 0xfa,
	KBD_TEST_OK = 0xaa
};

struct i8042 {
	pthread_mutex_t lock;
	struct region data, command;
	struct mmapping *data_map, *command_map;
	struct aspace *io;
	struct wire irq, a20;
	bool irq_high;
	void (*reset)(void *opaque);
	void *opaque;

	uint8_t ram[32]; /* byte 0 is the command byte */
	uint8_t status, obf, out_port;
	uint8_t pending;      /* controller command that waits for its parameter, or 0 */
	uint8_t kbd_pending;  /* keyboard command that does */
	uint8_t kbd_last;     /* for resend */
	uint8_t scancodes;    /* set 1, 2 or 3 */
	uint8_t queue[QUEUE]; /* from the keyboard, waiting for the output buffer */
	unsigned queued;
};

static void update_irq(struct i8042 *k)
{
	bool full = (k->status & (STAT_OBF | STAT_AUX)) == STAT_OBF;
	bool high = full && (k->ram[0] & CTR_KBD_INT);

	if (high != k->irq_high)
		wire_set(&k->irq, high);
	k->irq_high = high;
}

/*
 * The 8042 translates whatever the keyboard sends from set 2 to set 1, answers included.  Of the
 * bytes that this keyboard ever sends only these change.
 */
static uint8_t translate(const struct i8042 *k, uint8_t byte)
{
	if (!(k->ram[0] & CTR_XLATE))
		return byte;
	switch (byte) {
	case 0x01:
		return 0x43;
	case 0x02:
	case 0x83:
		return 0x41;
	case 0x03:
		return 0x3f;
	default:
		return byte;
	}
}

/* Put a byte where the guest reads it, over what was there. */
static void fill_obf(struct i8042 *k, uint8_t byte, uint8_t flags)
{
	k->status &= ~(STAT_AUX | STAT_TIMEOUT);
	k->status |= STAT_OBF | flags;
	k->obf = byte;
	update_irq(k);
}

/* The keyboard's next byte moves up when the buffer is free and its clock line is not held. */
static void next_byte(struct i8042 *k)
{
	if (!k->queued || (k->status & STAT_OBF) || (k->ram[0] & CTR_KBD_OFF))
		return;
	fill_obf(k, translate(k, k->queue[0]), 0);
	k->queued--;
	memmove(k->queue, k->queue + 1, k->queued);
}

/* --- the keyboard --- */

static void kbd_send(struct i8042 *k, uint8_t byte)
{
	if (k->queued < QUEUE)
		k->queue[k->queued++] = byte;
	if (byte != KBD_RESEND)
		k->kbd_last = byte;
}

static void kbd_parameter(struct i8042 *k, uint8_t byte)
{
	bool query = k->kbd_pending == KBD_SCANCODES && byte == 0;

	kbd_send(k, KBD_ACK);
	if (query)
		kbd_send(k, k->scancodes);
	else if (k->kbd_pending == KBD_SCANCODES && byte <= 3)
		k->scancodes = byte;
	k->kbd_pending = 0;
}

static void kbd_command(struct i8042 *k, uint8_t byte)
{
	switch (byte) {
	case KBD_ECHO:
		kbd_send(k, KBD_ECHO);
		break;
	case KBD_LEDS:
	case KBD_SCANCODES:
	case KBD_RATE:
	case KBD_ONE_KEY ... KBD_ONE_KEY + 2:
		k->kbd_pending = byte;
		kbd_send(k, KBD_ACK);
		break;
	case KBD_ID:
		kbd_send(k, KBD_ACK);
		kbd_send(k, 0xab);
		kbd_send(k, 0x83);
		break;
	case KBD_RESET:
		k->queued = 0;
		k->scancodes = 2;
		kbd_send(k, KBD_ACK);
		kbd_send(k, KBD_TEST_OK);
		break;
	case KBD_DEFAULTS:
	case KBD_OFF:
		k->scancodes = 2;
		kbd_send(k, KBD_ACK);
		break;
	case KBD_ON:
	case KBD_ALL_KEYS ... KBD_ALL_KEYS + 3:
		kbd_send(k, KBD_ACK);
		break;
	case KBD_RESEND:
		kbd_send(k, k->kbd_last);
		break;
	default:
		kbd_send(k, KBD_RESEND);
		break;
	}
}

/* A byte for the keyboard turns its interface on.  Whatever is not a parameter is a command. */
static void kbd_write(struct i8042 *k, uint8_t byte)
{
	k->ram[0] &= ~CTR_KBD_OFF;
	if (k->kbd_pending && byte < KBD_LEDS) {
		kbd_parameter(k, byte);
	} else {
		k->kbd_pending = 0;
		kbd_command(k, byte);
	}
	next_byte(k);
}

/* --- the controller --- */

static void pulse_reset(struct i8042 *k)
{
	if (k->reset)
		k->reset(k->opaque);
}

static void set_out_port(struct i8042 *k, uint8_t val)
{
	k->out_port = val;
	wire_set(&k->a20, val & OUT_A20);
	if (!(val & OUT_RUN))
		pulse_reset(k);
}

static uint8_t get_out_port(const struct i8042 *k)
{
	uint8_t val = k->out_port & ~OUT_IRQ1;

	return (k->status & (STAT_OBF | STAT_AUX)) == STAT_OBF ? val | OUT_IRQ1 : val;
}

static void set_ram(struct i8042 *k, unsigned i, uint8_t val)
{
	k->ram[i] = val;
	if (i)
		return;
	k->status = (k->status & ~STAT_SYS) | (val & CTR_SYS);
	update_irq(k);
	next_byte(k);
}

static void self_test(struct i8042 *k)
{
	k->queued = 0;
	k->status |= STAT_SYS;
	k->ram[0] |= CTR_SYS;
	fill_obf(k, 0x55, 0);
}

static void command_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct i8042 *k = opaque;

	k->status |= STAT_CMD;
	k->pending = 0;
	switch (val) {
	case CMD_READ_RAM ... CMD_READ_RAM + 31:
		fill_obf(k, k->ram[val & 31], 0);
		break;
	case CMD_WRITE_RAM ... CMD_WRITE_RAM + 31:
	case CMD_WRITE_OUT ... CMD_WRITE_AUX:
		k->pending = val;
		break;
	case CMD_PASSWORD:
		fill_obf(k, 0xf1, 0); /* none is set */
		break;
	case CMD_AUX_OFF:
		k->ram[0] |= CTR_AUX_OFF;
		break;
	case CMD_AUX_ON:
		k->ram[0] &= ~CTR_AUX_OFF;
		break;
	case CMD_AUX_TEST:
		fill_obf(k, 0x01, 0); /* clock line stuck low: nothing is there */
		break;
	case CMD_SELF_TEST:
		self_test(k);
		break;
	case CMD_KBD_TEST:
	case CMD_READ_TEST:
		fill_obf(k, 0x00, 0);
		break;
	case CMD_KBD_OFF:
		k->ram[0] |= CTR_KBD_OFF;
		break;
	case CMD_KBD_ON:
		set_ram(k, 0, k->ram[0] & ~CTR_KBD_OFF);
		break;
	case CMD_READ_IN:
		fill_obf(k, 0x80, 0); /* keyboard not locked */
		break;
	case CMD_READ_OUT:
		fill_obf(k, get_out_port(k), 0);
		break;
	case CMD_A20_OFF:
		set_out_port(k, k->out_port & ~OUT_A20);
		break;
	case CMD_A20_ON:
		set_out_port(k, k->out_port | OUT_A20);
		break;
	case CMD_PULSE ... 0xff:
		if (!(val & OUT_RUN))
			pulse_reset(k);
		break;
	}
}

static void data_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct i8042 *k = opaque;
	uint8_t command = k->pending;

	k->status &= ~STAT_CMD;
	k->pending = 0;
	switch (command) {
	case CMD_WRITE_RAM ... CMD_WRITE_RAM + 31:
		set_ram(k, command & 31, val);
		break;
	case CMD_WRITE_OUT:
		set_out_port(k, val);
		break;
	case CMD_WRITE_KBD_OBF:
	case CMD_WRITE_AUX_OBF: /* an AT controller: it does not know where the byte should be from
				 */
		fill_obf(k, val, 0);
		break;
	case CMD_WRITE_AUX:
		fill_obf(k, KBD_RESEND, STAT_AUX | STAT_TIMEOUT);
		break;
	default:
		kbd_write(k, val);
		break;
	}
}

static uint64_t data_read(void *opaque, uint64_t off, unsigned len)
{
	struct i8042 *k = opaque;
	uint8_t val = k->obf;

	k->status &= ~(STAT_OBF | STAT_AUX | STAT_TIMEOUT);
	update_irq(k);
	next_byte(k);
	return val;
}

static uint64_t command_read(void *opaque, uint64_t off, unsigned len)
{
	struct i8042 *k = opaque;

	return k->status;
}

static const struct region_ops data_ops = {
	.read = data_read, .write = data_write, .min = 1, .max = 1};
static const struct region_ops command_ops = {
	.read = command_read, .write = command_write, .min = 1, .max = 1};

/* --- life --- */

void i8042_reset(struct i8042 *k)
{
	pthread_mutex_lock(&k->lock);
	memset(k->ram, 0, sizeof(k->ram));
	k->ram[0] = CTR_XLATE | CTR_AUX_OFF | CTR_SYS | CTR_KBD_INT;
	k->status = STAT_UNLOCKED | STAT_SYS;
	k->out_port = OUT_IDLE | OUT_A20 | OUT_RUN;
	k->pending = k->kbd_pending = k->obf = 0;
	k->kbd_last = KBD_ACK;
	k->scancodes = 2;
	k->queued = 0;
	wire_set(&k->a20, true);
	update_irq(k);
	pthread_mutex_unlock(&k->lock);
}

struct i8042 *i8042_new(struct aspace *io, struct wire irq, struct wire a20,
			void (*reset)(void *opaque), void *opaque)
{
	struct i8042 *k = g_new0(struct i8042, 1);

	pthread_mutex_init(&k->lock, NULL);
	k->io = io;
	k->irq = irq;
	k->a20 = a20;
	k->reset = reset;
	k->opaque = opaque;
	i8042_reset(k);
	region_init_io(&k->data, "i8042-data", 1, &data_ops, k);
	region_init_io(&k->command, "i8042-command", 1, &command_ops, k);
	k->data.lock = k->command.lock = &k->lock;
	k->data_map = aspace_map(io, &k->data, 0x60, 0, 1, 0);
	k->command_map = aspace_map(io, &k->command, 0x64, 0, 1, 0);
	return k;
}

void i8042_free(struct i8042 *k)
{
	if (!k)
		return;
	aspace_unmap(k->io, k->data_map);
	aspace_unmap(k->io, k->command_map);
	aspace_sync();
	pthread_mutex_destroy(&k->lock);
	g_free(k);
}
