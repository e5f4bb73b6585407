// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the list of the devices that -device and device_add made, and their coming and going: into
 * any bus before the guest has run, afterwards into slots with native hotplug (hw/pci/slot.h).
 * Called by the board, by QMP and by passthrough; never decides what the guest does with a slot.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "hw/pci/slot.h"
#include "vm/board.h"

#define ASK_AGAIN_NS 5000000000 /* a guest that has not heard the button may be asked again */
#define REQUESTS 3 /* of the host for a device: then it is taken, whatever the guest does */

/* What the guest did to a slot, for the main loop. */
struct slot_note {
	struct pcidev *port;
	bool kept;
};

static void device_free(gpointer p)
{
	struct board_device *d = p;

	vm_device_free(d->conf);
	g_free(d->path);
	g_free(d);
}

void board_devices_init(struct board *b)
{
	b->plugged = g_ptr_array_new_with_free_func(device_free);
	b->slots = g_array_new(FALSE, FALSE, sizeof(struct slot_note));
	g_mutex_init(&b->slots_lock);
}

void board_devices_fini(struct board *b)
{
	if (!b->plugged)
		return;
	if (b->slots_source)
		g_source_remove(b->slots_source);
	g_array_free(b->slots, TRUE);
	g_ptr_array_free(b->plugged, TRUE);
	g_mutex_clear(&b->slots_lock);
}

struct board_device *board_device(struct board *b, const char *id)
{
	for (guint i = 0; b->plugged && i < b->plugged->len; i++) {
		struct board_device *d = b->plugged->pdata[i];

		if (!g_strcmp0(d->conf->id, id))
			return d;
	}
	return NULL;
}

static struct board_device *device_of(struct board *b, const struct pcidev *dev)
{
	for (guint i = 0; i < b->plugged->len; i++) {
		struct board_device *d = b->plugged->pdata[i];

		if (d->dev == dev)
			return d;
	}
	return NULL;
}

static void tell(struct board *b, enum board_told what, const struct board_device *d)
{
	b->ops.told(b->ops.opaque, what, d->conf->id, d->path);
}

/* --- coming --- */

static char *path_of(struct board *b, const char *id)
{
	if (id)
		return g_strdup_printf("/machine/peripheral/%s", id);
	return g_strdup_printf("/machine/peripheral-anon/device[%u]", b->anonymous++);
}

/* A slot shows what is in it when its function 0 is there; more functions come before. */
static int check_function(struct pcidev *dev, struct err **errp)
{
	const struct pcidev *first = dev->bus->dev[dev->devfn & ~7u];

	if (!PCI_FUNC(dev->devfn) || !first)
		return 0;
	return err_set(errp, -EBUSY,
		       "%s: function 0 of the slot is there already (%s): the guest would not "
		       "look for function %u; add function 0 last",
		       dev->name, first->name, PCI_FUNC(dev->devfn));
}

static int show(struct pcidev *dev, struct err **errp)
{
	int ret = check_function(dev, errp);

	if (ret < 0) {
		pcidev_unplug(dev);
		dev->ops->free(dev);
		return ret;
	}
	pcidev_silence(dev);
	if (!PCI_FUNC(dev->devfn))
		pcislot_inserted(dev->bus->bridge);
	return 0;
}

int board_add(struct board *b, const struct vm_device *conf, struct err **errp)
{
	struct board_device *d;
	struct pcidev *dev = NULL;
	int ret;

	if (board_is_none(b))
		return err_set(errp, -ENODEV, "machine 'none' has no bus for device '%s'",
			       conf->driver);
	if (conf->id && board_device(b, conf->id))
		return err_set(errp, -EEXIST, "Duplicate device ID '%s'", conf->id);
	ret = devs_create(b, conf, &dev, errp);
	if (ret >= 0 && dev && b->live)
		ret = show(dev, errp);
	if (ret < 0)
		return ret;
	d = g_new0(struct board_device, 1);
	d->conf = vm_device_copy(conf);
	d->dev = dev;
	d->path = path_of(b, conf->id);
	g_ptr_array_add(b->plugged, d);
	return 0;
}

/* --- going --- */

/* Out of its slot and gone; the slot itself is told by whoever has emptied it. */
static void take_out(struct board *b, struct board_device *d)
{
	b->ops.park(b->ops.opaque);
	pcidev_unplug(d->dev);
	aspace_sync();
	d->dev->ops->free(d->dev);
	b->ops.unpark(b->ops.opaque);
	d->dev = NULL;
	tell(b, BOARD_DELETED, d);
	g_ptr_array_remove(b->plugged, d);
}

/* All functions below a port; function 0 goes last. */
static void empty_slot(struct board *b, struct pcidev *port)
{
	for (int fn = 7; fn >= 0; fn--) {
		struct pcidev *dev = port->child->dev[fn];
		struct board_device *d = dev ? device_of(b, dev) : NULL;

		if (d)
			take_out(b, d);
	}
	pcislot_surprise_removed(port);
}

/* The guest was asked and has turned the slot on again instead of off. */
static void keep_slot(struct board *b, struct pcidev *port)
{
	for (unsigned fn = 0; fn < 8; fn++) {
		struct pcidev *dev = port->child->dev[fn];
		struct board_device *d = dev ? device_of(b, dev) : NULL;

		if (!d || !d->leaving)
			continue;
		d->leaving = false;
		tell(b, BOARD_UNPLUG_REFUSED, d);
	}
}

static gboolean read_notes(gpointer opaque)
{
	struct board *b = opaque;

	for (;;) {
		struct slot_note note = {};

		g_mutex_lock(&b->slots_lock);
		if (b->slots->len) {
			note = g_array_index(b->slots, struct slot_note, 0);
			g_array_remove_index(b->slots, 0);
		} else {
			b->slots_source = 0;
		}
		g_mutex_unlock(&b->slots_lock);
		if (!note.port)
			return G_SOURCE_REMOVE;
		if (note.kept)
			keep_slot(b, note.port);
		else
			empty_slot(b, note.port);
	}
}

static void leave_note(struct board *b, struct slot_note note)
{
	g_mutex_lock(&b->slots_lock);
	g_array_append_val(b->slots, note);
	if (!b->slots_source)
		b->slots_source = g_idle_add_full(G_PRIORITY_HIGH, read_notes, b, NULL);
	g_mutex_unlock(&b->slots_lock);
}

void board_slot_off(void *opaque, struct pcidev *port)
{
	leave_note(opaque, (struct slot_note){port, false});
}

void board_slot_kept(void *opaque, struct pcidev *port)
{
	leave_note(opaque, (struct slot_note){port, true});
}

bool board_slots_busy(struct board *b)
{
	bool busy;

	if (!b->plugged)
		return false;
	g_mutex_lock(&b->slots_lock);
	busy = b->slots_source;
	g_mutex_unlock(&b->slots_lock);
	return busy;
}

static int check_leaves(struct board *b, const struct board_device *d, struct err **errp)
{
	if (!d->dev)
		return err_set(errp, -ENOTSUP, "Device '%s' (%s) does not support hotplugging",
			       d->conf->id, d->conf->driver);
	if (!d->dev->child)
		return 0;
	for (unsigned i = 0; i < 256; i++)
		if (d->dev->child->dev[i])
			return err_set(errp, -EBUSY,
				       "Device '%s' has %s below it: remove that first",
				       d->conf->id, d->dev->child->dev[i]->name);
	return 0;
}

static int ask(struct board *b, struct board_device *d, struct err **errp)
{
	int ret = pcislot_ask_eject(d->dev->bus->bridge, errp);

	if (ret >= 0) {
		d->leaving = true;
		d->asked = vclock_now(b->clock);
	}
	return ret;
}

int board_del(struct board *b, const char *id, struct err **errp)
{
	struct board_device *d = board_device(b, id);
	int ret;

	if (!d)
		return err_set(errp, -ENODEV, "Device '%s' not found", id);
	ret = check_leaves(b, d, errp);
	if (ret < 0)
		return ret;
	if (!b->live) {
		take_out(b, d);
		return 0;
	}
	if (!pcislot_hotpluggable(d->dev->bus))
		return err_set(errp, -ENOTSUP, "Bus '%s' does not support hotplugging",
			       d->dev->bus->bridge ? d->dev->bus->bridge->name : "pcie.0");
	if (d->leaving && vclock_now(b->clock) - d->asked < ASK_AGAIN_NS)
		return err_set(errp, -EBUSY, "Device %s is already in the process of unplug", id);
	return ask(b, d, errp);
}

/* A reset ends what the guest has not: what was to leave is not there any more after it. */
void board_end_unplugs(struct board *b)
{
	for (guint i = 0; i < b->plugged->len;) {
		struct board_device *d = b->plugged->pdata[i];

		if (d->leaving)
			take_out(b, d);
		else
			i++;
	}
}

/* --- the host wants it back --- */

static void take_back(struct board *b, struct board_device *d, const char *why)
{
	struct pcidev *port = d->dev->bus->bridge;

	g_message("vfio-pci '%s': the host wants the device back; it is taken from the guest: %s",
		  d->dev->name, why);
	take_out(b, d);
	if (port)
		pcislot_surprise_removed(port);
}

void board_request(struct board *b, struct pcidev *dev, bool running)
{
	struct board_device *d = device_of(b, dev);
	struct err *e = NULL;

	d->requests++;
	if (!pcislot_hotpluggable(dev->bus))
		take_back(b, d, "its bus has no hotplug, so the guest cannot be asked");
	else if (!running)
		take_back(b, d, "the guest does not run, so it cannot be asked");
	else if (d->requests >= REQUESTS)
		take_back(b, d, "it was asked and did not give it");
	else if (d->leaving)
		g_message("vfio-pci '%s': the host wants the device back; the guest is asked "
			  "already",
			  dev->name);
	else if (ask(b, d, &e) < 0)
		take_back(b, d, err_text(e));
	err_free(e);
}
