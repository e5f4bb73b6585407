// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns a 16550A: its registers, FIFOs, interrupt and the front end of its chardev.  Created by
 * vm/machine.c; entered by the address space (vCPU threads), the main loop (input, timers).  Never
 * paces output and never knows which pin its wire ends at.
 */
#include "hw/isa/serial.h"

#include <glib.h>
#include <string.h>

#define FIFO_SIZE 16
#define CLOCK_HZ 1843200
#define TX_RETRY_NS 1000000 /* chardev full: offer again after 1 ms, or when it says so */

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

enum { IER_RDI = 0x01, IER_THRI = 0x02, IER_RLSI = 0x04, IER_MSI = 0x08, IER_ALL = 0x0f };
enum { IIR_MSI = 0, IIR_NONE = 1, IIR_THRI = 2, IIR_RDI = 4, IIR_RLSI = 6, IIR_CTI = 0xc };
enum { FCR_ENABLE = 0x01, FCR_CLEAR_RX = 0x02, FCR_CLEAR_TX = 0x04, IIR_FIFO = 0xc0 };
enum { LCR_STOP = 0x04, LCR_PARITY = 0x08, LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 0x10, MCR_ALL = 0x1f };
enum {
	LSR_DR = 0x01,
	LSR_OE = 0x02,
	LSR_PE = 0x04,
	LSR_FE = 0x08,
	LSR_BI = 0x10,
	LSR_THRE = 0x20,
	LSR_TEMT = 0x40,
	LSR_FIFO_ERR = 0x80,
	LSR_CHAR_ERR = LSR_PE | LSR_FE | LSR_BI,
	LSR_ERRS = LSR_OE | LSR_CHAR_ERR
};
enum {
	MSR_DELTAS = 0x0f,
	MSR_TERI = 0x04,
	MSR_CTS = 0x10,
	MSR_DSR = 0x20,
	MSR_RI = 0x40,
	MSR_DCD = 0x80
};

struct rx_char {
	uint8_t byte;
	uint8_t errs; /* LSR_CHAR_ERR bits that show when it reaches the top */
};

struct serial {
	pthread_mutex_t lock;
	struct region region;
	struct mmapping *map;
	struct aspace *io;
	struct wire irq;
	struct chardev *chr;
	struct vclock *clk;
	struct vtimer rx_timeout, tx_retry;

	uint8_t ier, fcr, lcr, mcr, msr, scr;
	uint8_t errs; /* OE and the errors of characters that reached the top since LSR was read */
	uint16_t divisor;
	bool thr_ipending, timeout_ipending;
	bool starved; /* the chardev was told "no room" */
	bool level;   /* of the wire */

	struct rx_char rx[FIFO_SIZE];
	unsigned rx_head, rx_count;
	uint8_t tx[FIFO_SIZE];
	unsigned tx_count;
};

static unsigned fifo_depth(const struct serial *s)
{
	return s->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
}

static unsigned rx_trigger(const struct serial *s)
{
	static const uint8_t levels[] = {1, 4, 8, 14};

	return s->fcr & FCR_ENABLE ? levels[s->fcr >> 6] : 1;
}

/* Section 8.6.3: the source of highest priority, or IIR_NONE. */
static uint8_t iir_source(const struct serial *s)
{
	if ((s->ier & IER_RLSI) && s->errs)
		return IIR_RLSI;
	if ((s->ier & IER_RDI) && s->rx_count >= rx_trigger(s))
		return IIR_RDI;
	if ((s->ier & IER_RDI) && s->timeout_ipending)
		return IIR_CTI;
	if ((s->ier & IER_THRI) && s->thr_ipending)
		return IIR_THRI;
	if ((s->ier & IER_MSI) && (s->msr & MSR_DELTAS))
		return IIR_MSI;
	return IIR_NONE;
}

static void update_irq(struct serial *s)
{
	bool level = iir_source(s) != IIR_NONE;

	if (level == s->level)
		return;
	s->level = level;
	wire_set(&s->irq, level);
}

/* Four character times, section 8.4 ("FIFO interrupt mode operation"). */
static int64_t timeout_ns(const struct serial *s)
{
	unsigned bits = 1 + 5 + (s->lcr & 3) + !!(s->lcr & LCR_PARITY) + 1 + !!(s->lcr & LCR_STOP);
	int64_t divisor = s->divisor ? s->divisor : 1;

	return 4 * bits * divisor * 16 * 1000000000 / CLOCK_HZ;
}

static void restart_timeout(struct serial *s)
{
	s->timeout_ipending = false;
	if (s->rx_count && (s->fcr & FCR_ENABLE))
		vtimer_arm(&s->rx_timeout, vclock_now(s->clk) + timeout_ns(s));
	else
		vtimer_disarm(&s->rx_timeout);
}

static void rx_timed_out(void *opaque)
{
	struct serial *s = opaque;

	pthread_mutex_lock(&s->lock);
	s->timeout_ipending = s->rx_count && (s->fcr & FCR_ENABLE);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

static void rx_push(struct serial *s, uint8_t byte, uint8_t errs)
{
	struct rx_char ch = {byte, errs};

	if (s->rx_count == fifo_depth(s)) {
		s->errs |= LSR_OE;
		if (s->fcr & FCR_ENABLE)
			return; /* the FIFO keeps what it has; without it the newcomer wins */
		s->rx_count = 0;
	}
	s->rx[(s->rx_head + s->rx_count) % FIFO_SIZE] = ch;
	if (s->rx_count++ == 0)
		s->errs |= errs;
	restart_timeout(s);
}

static uint8_t rx_pop(struct serial *s)
{
	uint8_t byte = s->rx[s->rx_head].byte;

	if (!s->rx_count)
		return byte; /* the buffer keeps its last character */
	if (s->rx_count > 1) {
		s->rx_head = (s->rx_head + 1) % FIFO_SIZE;
		s->errs |= s->rx[s->rx_head].errs;
	}
	s->rx_count--;
	restart_timeout(s);
	return byte;
}

static bool rx_holds_error(const struct serial *s)
{
	for (unsigned i = 0; i < s->rx_count; i++)
		if (s->rx[(s->rx_head + i) % FIFO_SIZE].errs)
			return true;
	return false;
}

static void rx_clear(struct serial *s)
{
	s->rx_head = s->rx_count = 0;
	restart_timeout(s);
}

/* Tell the chardev of room that it was refused before. */
static void offer_room(struct serial *s)
{
	if (!s->starved || (s->mcr & MCR_LOOP) || s->rx_count == fifo_depth(s))
		return;
	s->starved = false;
	chardev_accept_input(s->chr);
}

static void tx_empty(struct serial *s)
{
	s->tx_count = 0;
	s->thr_ipending = true;
	vtimer_disarm(&s->tx_retry);
}

static void tx_drain(struct serial *s)
{
	size_t n = s->chr ? chardev_write(s->chr, s->tx, s->tx_count) : s->tx_count;

	if (n >= s->tx_count) {
		tx_empty(s);
		return;
	}
	memmove(s->tx, s->tx + n, s->tx_count - n);
	s->tx_count -= n;
	vtimer_arm(&s->tx_retry, vclock_now(s->clk) + TX_RETRY_NS);
}

static void tx_again(void *opaque)
{
	struct serial *s = opaque;

	pthread_mutex_lock(&s->lock);
	if (s->tx_count)
		tx_drain(s);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

static void thr_write(struct serial *s, uint8_t val)
{
	s->thr_ipending = false;
	if (s->mcr & MCR_LOOP) {
		rx_push(s, val, 0);
		s->thr_ipending = true;
		return;
	}
	if (s->tx_count == fifo_depth(s))
		return; /* the guest did not wait for THRE: the character is lost */
	s->tx[s->tx_count++] = val;
	tx_drain(s);
}

static void ier_write(struct serial *s, uint8_t val)
{
	bool thri_on = (val & ~s->ier) & IER_THRI;

	s->ier = val & IER_ALL;
	if (thri_on && !s->tx_count)
		s->thr_ipending = true;
}

static void fcr_write(struct serial *s, uint8_t val)
{
	bool toggled = (val ^ s->fcr) & FCR_ENABLE;

	if (toggled || (val & FCR_CLEAR_RX)) {
		s->fcr = val & FCR_ENABLE ? val : 0;
		rx_clear(s);
	}
	if ((toggled || (val & FCR_CLEAR_TX)) && s->tx_count)
		tx_empty(s);
	/* Bit 0 must be 1 for the other bits to be programmed (section 8.5). */
	s->fcr = val & FCR_ENABLE ? val & ~(FCR_CLEAR_RX | FCR_CLEAR_TX) : 0;
	offer_room(s);
}

/* Modem inputs: the peer's, or in loopback our own outputs (section 8.7, bit 4). */
static uint8_t modem_lines(const struct serial *s)
{
	uint8_t lines = 0;

	if (!(s->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (s->mcr & MCR_RTS)
		lines |= MSR_CTS;
	if (s->mcr & MCR_DTR)
		lines |= MSR_DSR;
	if (s->mcr & MCR_OUT1)
		lines |= MSR_RI;
	if (s->mcr & MCR_OUT2)
		lines |= MSR_DCD;
	return lines;
}

static void update_modem(struct serial *s)
{
	uint8_t old = s->msr & ~MSR_DELTAS, lines = modem_lines(s);
	uint8_t deltas = (old ^ lines) >> 4 & ~MSR_TERI;

	if (old & ~lines & MSR_RI)
		deltas |= MSR_TERI; /* only the trailing edge of RI counts */
	s->msr = lines | (s->msr & MSR_DELTAS) | deltas;
}

static void mcr_write(struct serial *s, uint8_t val)
{
	s->mcr = val & MCR_ALL;
	update_modem(s);
	offer_room(s);
}

static void lcr_write(struct serial *s, uint8_t val)
{
	bool break_on = val & ~s->lcr & LCR_BREAK;

	s->lcr = val;
	if (break_on && (s->mcr & MCR_LOOP))
		rx_push(s, 0, LSR_BI);
}

static void set_divisor(struct serial *s, unsigned reg, uint8_t val)
{
	if (reg == 0)
		s->divisor = (s->divisor & 0xff00) | val;
	else
		s->divisor = (s->divisor & 0x00ff) | val << 8;
}

static void serial_write(void *opaque, uint64_t off, uint64_t val, unsigned len)
{
	struct serial *s = opaque;

	if ((s->lcr & LCR_DLAB) && off <= IER) {
		set_divisor(s, off, val);
		return;
	}
	switch (off) {
	case RBR_THR:
		thr_write(s, val);
		break;
	case IER:
		ier_write(s, val);
		break;
	case IIR_FCR:
		fcr_write(s, val);
		break;
	case LCR:
		lcr_write(s, val);
		break;
	case MCR:
		mcr_write(s, val);
		break;
	case SCR:
		s->scr = val;
		break;
	default: /* LSR and MSR are not to be written */
		break;
	}
	update_irq(s);
}

static uint8_t rbr_read(struct serial *s)
{
	uint8_t val = rx_pop(s);

	offer_room(s);
	return val;
}

static uint8_t iir_read(struct serial *s)
{
	uint8_t source = iir_source(s);

	if (source == IIR_THRI)
		s->thr_ipending = false;
	return source | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t lsr_read(struct serial *s)
{
	uint8_t val = s->errs;

	if (s->rx_count)
		val |= LSR_DR;
	if (!s->tx_count)
		val |= LSR_THRE | LSR_TEMT;
	if ((s->fcr & FCR_ENABLE) && rx_holds_error(s))
		val |= LSR_FIFO_ERR;
	s->errs = 0;
	if (s->rx_count)
		s->rx[s->rx_head].errs = 0; /* shown now */
	return val;
}

static uint8_t msr_read(struct serial *s)
{
	uint8_t val = s->msr;

	s->msr &= ~MSR_DELTAS;
	return val;
}

static uint8_t read_reg(struct serial *s, unsigned reg)
{
	if ((s->lcr & LCR_DLAB) && reg <= IER)
		return s->divisor >> 8 * reg;
	switch (reg) {
	case RBR_THR:
		return rbr_read(s);
	case IER:
		return s->ier;
	case IIR_FCR:
		return iir_read(s);
	case LCR:
		return s->lcr;
	case MCR:
		return s->mcr;
	case LSR:
		return lsr_read(s);
	case MSR:
		return msr_read(s);
	default:
		return s->scr;
	}
}

static uint64_t serial_read(void *opaque, uint64_t off, unsigned len)
{
	struct serial *s = opaque;
	uint8_t val = read_reg(s, off);

	update_irq(s);
	return val;
}

static const struct region_ops serial_ops = {
	.read = serial_read, .write = serial_write, .min = 1, .max = 1};

static size_t fe_can_read(void *opaque)
{
	struct serial *s = opaque;
	size_t room = 0;

	pthread_mutex_lock(&s->lock);
	if (!(s->mcr & MCR_LOOP))
		room = fifo_depth(s) - s->rx_count;
	s->starved = room == 0;
	pthread_mutex_unlock(&s->lock);
	return room;
}

static void fe_read(void *opaque, const uint8_t *buf, size_t len)
{
	struct serial *s = opaque;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < len; i++)
		rx_push(s, buf[i], 0);
	if (s->rx_count == fifo_depth(s))
		s->starved = true; /* more may wait behind what came */
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

static void fe_event(void *opaque, int event)
{
	struct serial *s = opaque;

	if (event != CHARDEV_EV_BREAK)
		return;
	pthread_mutex_lock(&s->lock);
	if (!(s->mcr & MCR_LOOP))
		rx_push(s, 0, LSR_BI);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

static void reset_locked(struct serial *s)
{
	s->ier = s->fcr = s->lcr = s->mcr = s->errs = 0;
	s->divisor = 12;
	s->msr = modem_lines(s);
	rx_clear(s);
	tx_empty(s);
	s->thr_ipending = false;
	update_irq(s);
	offer_room(s);
}

void serial_reset(struct serial *s)
{
	pthread_mutex_lock(&s->lock);
	reset_locked(s);
	pthread_mutex_unlock(&s->lock);
}

struct serial *serial_new(struct aspace *io, uint16_t base, struct wire irq, struct chardev *c,
			  struct vclock *clk)
{
	struct serial *s = g_new0(struct serial, 1);
	struct chardev_fe fe = {
		.can_read = fe_can_read,
		.read = fe_read,
		.event = fe_event,
		.drained = tx_again,
		.opaque = s,
	};

	pthread_mutex_init(&s->lock, NULL);
	s->io = io;
	s->irq = irq;
	s->chr = c;
	s->clk = clk;
	vtimer_init(&s->rx_timeout, clk, rx_timed_out, s);
	vtimer_init(&s->tx_retry, clk, tx_again, s);
	serial_reset(s);
	region_init_io(&s->region, "serial", 8, &serial_ops, s);
	s->region.lock = &s->lock;
	s->map = aspace_map(io, &s->region, base, 0, 8, 0);
	if (c)
		chardev_attach(c, &fe);
	return s;
}

void serial_free(struct serial *s)
{
	if (!s)
		return;
	if (s->chr)
		chardev_attach(s->chr, NULL);
	aspace_unmap(s->io, s->map);
	aspace_sync();
	vtimer_disarm(&s->rx_timeout);
	vtimer_disarm(&s->tx_retry);
	pthread_mutex_destroy(&s->lock);
	g_free(s);
}
