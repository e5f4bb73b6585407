// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the expansion ROM that the guest sees: the device's, read on first use, or a file
 * (romfile=).  Called through its region; never writes to the device.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "hw/vfio/vdev.h"
#include "mem/access.h"

static void load(struct vdev *v)
{
	struct vdev_rom *rom = &v->rom;
	uint64_t done = 0;

	rom->data = g_malloc(rom->size);
	memset(rom->data, 0xff, rom->size);
	while (done < rom->size) {
		ssize_t n = v->be->ops->read(v->be, VFIO_PCI_ROM_REGION_INDEX, done,
					     rom->data + done, rom->size - done);

		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	if (done < 2 || pci_get16(rom->data) != 0xaa55)
		g_message(
			VDEV_FMT
			": the ROM reads 0x%04x, not 0xaa55 (shadowed, or powered down).  It is not needed to "
			"boot a kernel: rombar=0 hides it, romfile= replaces it.",
			VDEV_ARG(v), pci_get16(rom->data));
}

static uint64_t rom_read(void *opaque, uint64_t off, unsigned len)
{
	struct vdev *v = opaque;

	v->rom.reads++;
	if (!v->rom.data)
		load(v);
	return le_load(v->rom.data + off, len);
}

static const struct region_ops rom_ops = {rom_read, NULL, 1, 8, true};

static int load_file(struct vdev *v, struct err **errp)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	gsize len;

	if (!g_file_get_contents(v->conf.romfile, &text, &len, &error))
		return err_set(errp, -ENOENT, "romfile=%s: %s", v->conf.romfile, error->message);
	if (!len || len > 16 << 20)
		return err_set(errp, -EINVAL, "romfile=%s has %zu bytes; a ROM has 1 to 16 MiB",
			       v->conf.romfile, (size_t)len);
	for (v->rom.size = 2048; v->rom.size < len; v->rom.size *= 2)
		;
	v->rom.data = g_malloc(v->rom.size);
	memset(v->rom.data, 0xff, v->rom.size);
	memcpy(v->rom.data, text, len);
	return 0;
}

int vdev_rom_init(struct vdev *v, struct err **errp)
{
	struct vfio_region info;
	int ret = 0;

	memset(v->emu + PCI_ROM_ADDRESS, 0xff, 4);
	pci_set32(v->dev.cfg + PCI_ROM_ADDRESS, 0);
	if (v->conf.romfile) {
		ret = load_file(v, errp);
	} else if (v->conf.rombar != 0 &&
		   v->be->ops->region_info(v->be, VFIO_PCI_ROM_REGION_INDEX, &info) >= 0 &&
		   info.size) {
		for (v->rom.size = 2048; v->rom.size < info.size && v->rom.size < 16 << 20;
		     v->rom.size *= 2)
			;
	}
	if (ret < 0 || !v->rom.size)
		return ret;
	region_init_io(&v->rom.region, "vfio-rom", v->rom.size, &rom_ops, v);
	v->rom.region.lock = &v->lock;
	pcidev_set_bar(&v->dev, PCI_ROM_BAR, &v->rom.region, v->rom.size, 0);
	return 0;
}

void vdev_rom_fini(struct vdev *v)
{
	g_free(v->rom.data);
	v->rom.data = NULL;
}
