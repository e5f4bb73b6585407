// SPDX-License-Identifier: GPL-2.0-or-later
/* What an IOMMU container maps of guest memory, and what is said where it cannot. */
#include "hw/vfio/dma.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vfio_util.h"

#define MIB (1ull << 20)

struct entry {
	uint64_t iova, size;
	void *host;
	bool write;
};

struct box {
	struct aspace *mem;
	struct region ram, rom, bar, io;
	uint8_t *host;
	struct vfio_dma dma;
	GArray *map; /* of struct entry: what the IOMMU holds */
	unsigned maps, unmaps, fatals, bad;
	unsigned fail_map; /* the n-th call of map fails with err, 0 = none */
	int err;
	bool fail_all;
	GString *fatal;
};

static int box_map(void *opaque, uint64_t iova, uint64_t size, void *host, bool write)
{
	struct box *b = opaque;
	struct entry e = {iova, size, host, write};

	if (++b->maps == b->fail_map || b->fail_all)
		return -b->err;
	b->bad += (iova | size) % b->dma.pgsize || !size;
	for (guint i = 0; i < b->map->len; i++) { /* the kernel's EEXIST, here a bug */
		struct entry *o = &g_array_index(b->map, struct entry, i);

		b->bad += iova < o->iova + o->size && o->iova < iova + size;
	}
	g_array_append_val(b->map, e);
	return 0;
}

static int box_unmap(void *opaque, uint64_t iova, uint64_t size)
{
	struct box *b = opaque;

	b->unmaps++;
	for (guint i = 0; i < b->map->len; i++) {
		struct entry *e = &g_array_index(b->map, struct entry, i);

		if (e->iova == iova && e->size == size) {
			g_array_remove_index(b->map, i);
			return 0;
		}
	}
	if (b->err == EBUSY)
		return 0;
	b->bad++;
	return -EINVAL;
}

static const struct vfio_dma_ops box_ops = {box_map, box_unmap};

static void box_fatal(void *opaque, const char *text)
{
	struct box *b = opaque;

	b->fatals++;
	g_string_append(b->fatal, text);
}

static void box_init(struct box *b)
{
	memset(b, 0, sizeof(*b));
	b->mem = aspace_new("memory", 0);
	b->map = g_array_new(FALSE, FALSE, sizeof(struct entry));
	b->fatal = g_string_new(NULL);
	b->host = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	b->dma = (struct vfio_dma){
		.ops = &box_ops,
		.opaque = b,
		.pgsize = 4096,
		.windows = g_array_new(FALSE, FALSE, sizeof(struct vfio_iova_range)),
		.fatal = box_fatal,
		.fatal_opaque = b,
	};
	region_init_ram(&b->ram, "ram", 8 * MIB, b->host, -1);
	region_init_ram(&b->rom, "bios", 64 << 10, b->host + 8 * MIB, -1);
	b->rom.kind = REGION_ROM;
	region_init_ram(&b->bar, "vfio-bar", MIB, b->host + 9 * MIB, -1);
	b->bar.device = true;
	region_init_io(&b->io, "io", MIB, NULL, NULL);
}

static void box_fini(struct box *b)
{
	vfio_dma_stop(&b->dma);
	g_assert_cmpuint(b->map->len, ==, 0);
	g_assert_cmpuint(b->bad, ==, 0);
	g_assert_cmpuint(b->dma.maps, ==, 0);
	g_assert_cmpuint(b->dma.ram_bytes, ==, 0);
	vfio_dma_stop(&b->dma);
	aspace_free(b->mem);
	g_array_free(b->map, TRUE);
	g_array_free(b->dma.windows, TRUE);
	g_string_free(b->fatal, TRUE);
	munmap(b->host, 16 * MIB);
}

static void has(struct box *b, guint i, uint64_t iova, uint64_t size, uint64_t off, bool write)
{
	struct entry *e = &g_array_index(b->map, struct entry, i);

	g_assert_cmpuint(i, <, b->map->len);
	g_assert_cmphex(e->iova, ==, iova);
	g_assert_cmphex(e->size, ==, size);
	g_assert_true(e->host == b->host + off);
	g_assert_true(e->write == write);
}

/* --- what is mapped ------------------------------------------------------------------------- */

static void follow(void)
{
	struct mmapping *bar, *hole;
	struct box b;

	box_init(&b);
	aspace_map(b.mem, &b.ram, 0, 0, 4 * MIB, 0);
	aspace_map(b.mem, &b.rom, 0xf0000000, 0, 64 << 10, 0);
	aspace_map(b.mem, &b.io, 0xe0000000, 0, MIB, 0);
	g_assert_cmpint(vfio_dma_start(&b.dma, b.mem, NULL), ==, 0);
	g_assert_cmpuint(b.map->len, ==, 2);
	has(&b, 0, 0, 4 * MIB, 0, true);
	has(&b, 1, 0xf0000000, 64 << 10, 8 * MIB, false); /* read only */
	g_assert_cmphex(b.dma.ram_bytes, ==, 4 * MIB + (64 << 10));
	/* High memory, whose host address goes on where the low part ended. */
	aspace_map(b.mem, &b.ram, 1ull << 32, 4 * MIB, 4 * MIB, 0);
	has(&b, 2, 1ull << 32, 4 * MIB, 4 * MIB, true);
	/* A BAR comes and goes; something in the way splits RAM. */
	bar = aspace_map(b.mem, &b.bar, 0xc0000000, 0, MIB, -1);
	has(&b, 3, 0xc0000000, MIB, 9 * MIB, true);
	aspace_unmap(b.mem, bar);
	g_assert_cmpuint(b.map->len, ==, 3);
	hole = aspace_map(b.mem, &b.io, MIB, 0, MIB, 1);
	g_assert_cmpuint(b.map->len, ==, 4);
	has(&b, 2, 0, MIB, 0, true);
	has(&b, 3, 2 * MIB, 2 * MIB, 2 * MIB, true);
	aspace_unmap(b.mem, hole);
	g_assert_cmpuint(b.map->len, ==, 3);
	g_assert_cmpuint(b.fatals, ==, 0);
	box_fini(&b);
}

static void rounding(void)
{
	struct mmapping *m;
	struct box b;

	box_init(&b);
	g_assert_cmpint(vfio_dma_start(&b.dma, b.mem, NULL), ==, 0);
	/* Whole pages inside only; less than one is nothing. */
	m = aspace_map(b.mem, &b.ram, 0x10800, 0x800, 0x2000, 0);
	has(&b, 0, 0x11000, 0x1000, 0x1000, true);
	aspace_unmap(b.mem, m);
	m = aspace_map(b.mem, &b.ram, 0x10800, 0x800, 0x400, 0);
	g_assert_cmpuint(b.map->len, ==, 0);
	aspace_unmap(b.mem, m);
	m = aspace_map(b.mem, &b.ram, 0x10800, 0x800, 0x1000, 0);
	g_assert_cmpuint(b.map->len, ==, 0);
	aspace_unmap(b.mem, m);
	/* Up to the last byte of the space. */
	m = aspace_map(b.mem, &b.ram, -0x2000ull, 0, 0x2000, 0);
	g_assert_cmpuint(b.map->len, <=, 1);
	aspace_unmap(b.mem, m);
	g_assert_cmpuint(b.map->len, ==, 0);
	/* Rounded up, the start would wrap round. */
	m = aspace_map(b.mem, &b.ram, -0x800ull, 0x800, 0x100, 0);
	g_assert_cmpuint(b.map->len, ==, 0);
	aspace_unmap(b.mem, m);
	/* An IOMMU of larger pages. */
	b.dma.pgsize = 65536;
	m = aspace_map(b.mem, &b.ram, 0x1000, 0x1000, 0x30000, 0);
	has(&b, 0, 0x10000, 0x20000, 0x10000, true);
	aspace_unmap(b.mem, m);
	box_fini(&b);
}

/* RAM whose host pages do not lie under the guest's: it cannot be mapped, and that is said. */
static void misaligned(void)
{
	struct box b;

	box_init(&b);
	g_assert_cmpint(vfio_dma_start(&b.dma, b.mem, NULL), ==, 0);
	aspace_map(b.mem, &b.bar, 0x20000, 0x800, 0x3000, 0);
	g_assert_cmpuint(b.maps, ==, 0);
	g_assert_cmpuint(b.fatals, ==, 0);
	aspace_map(b.mem, &b.ram, 0x10000, 0x800, 0x3000, 0);
	g_assert_cmpuint(b.maps, ==, 0);
	g_assert_cmpuint(b.fatals, ==, 1);
	assert_contains(b.fatal->str, "0x10000-0x12fff (ram");
	box_fini(&b);
}

/* --- what fails ----------------------------------------------------------------------------- */

static void retry(void)
{
	struct box b;

	box_init(&b);
	b.err = EBUSY;
	b.fail_map = 1;
	aspace_map(b.mem, &b.ram, 0, 0, MIB, 0);
	g_assert_cmpint(vfio_dma_start(&b.dma, b.mem, NULL), ==, 0);
	g_assert_cmpuint(b.maps, ==, 2);
	g_assert_cmpuint(b.unmaps, ==, 1);
	has(&b, 0, 0, MIB, 0, true);
	box_fini(&b);
	/* Once, not for ever. */
	box_init(&b);
	b.err = EBUSY;
	b.fail_all = true;
	aspace_map(b.mem, &b.ram, 0, 0, MIB, 0);
	g_assert_cmpint(vfio_dma_start(&b.dma, b.mem, NULL), ==, -EBUSY);
	g_assert_cmpuint(b.maps, ==, 2);
	box_fini(&b);
}

/* Run fn without the right to lock without limit, and with that limit. */
static void with_memlock(rlim_t bytes, bool right, void (*fn)(struct err **errp), struct err **errp)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct old[2], now[2];
	struct rlimit was, lim;

	g_assert_cmpint(syscall(SYS_capget, &head, old), ==, 0);
	memcpy(now, old, sizeof(now));
	if (!right)
		now[0].effective &= ~(1u << CAP_IPC_LOCK);
	g_assert_cmpint(syscall(SYS_capset, &head, now), ==, 0);
	getrlimit(RLIMIT_MEMLOCK, &was);
	lim = was;
	lim.rlim_cur = MIN(bytes, was.rlim_max);
	setrlimit(RLIMIT_MEMLOCK, &lim);
	fn(errp);
	setrlimit(RLIMIT_MEMLOCK, &was);
	syscall(SYS_capset, &head, old);
}

static int enomem_code = ENOMEM;
static uint32_t enomem_avail;

static void second_fails(struct err **errp)
{
	struct box b;

	box_init(&b);
	b.err = enomem_code;
	b.fail_map = 2;
	b.dma.avail = enomem_avail;
	aspace_map(b.mem, &b.ram, 0, 0, 4 * MIB, 0);
	aspace_map(b.mem, &b.ram, 1ull << 32, 4 * MIB, 4 * MIB, 0);
	g_assert_cmpint(vfio_dma_start(&b.dma, b.mem, errp), ==, -enomem_code);
	g_assert_cmpuint(b.fatals, ==, 0);
	g_assert_cmpuint(b.map->len, ==, 1); /* the rest is kept until it stops */
	box_fini(&b);
}

static void memlock(void)
{
	struct err *e = NULL;

	with_memlock(64 << 10, false, second_fails, &e);
	assert_contains(err_text(e),
			"map guest memory 0x100000000-0x1003fffff (ram, 4 MiB) for DMA: "
			"Cannot allocate memory");
	assert_contains(err_hints(e), "at least 8 MiB must be lockable");
	assert_contains(err_hints(e), "(memlock) is 64 KiB");
	assert_contains(err_hints(e), "ulimit -l 73728");
	assert_contains(err_hints(e), "LimitMEMLOCK=");
	g_clear_pointer(&e, err_free);
	/* With the right to lock, the limit is no reason, however small. */
	if (geteuid() == 0) {
		with_memlock(64 << 10, true, second_fails, &e);
		assert_contains(err_hints(e), "memlock limit is not the cause");
		g_clear_pointer(&e, err_free);
	}
}

static void entries(void)
{
	struct err *e = NULL;

	enomem_avail = 65535;
	with_memlock(RLIM_INFINITY, geteuid() == 0, second_fails, &e);
	if (strstr(err_hints(e), "not the cause"))
		assert_contains(err_hints(e), "65535 DMA entries left at the start, 1 are in use");
	g_clear_pointer(&e, err_free);
	/* How the kernel tells that dma_entry_limit is reached. */
	enomem_code = ENOSPC;
	enomem_avail = 1;
	second_fails(&e);
	assert_contains(err_hints(e), "1 DMA entries left at the start, 1 are in use");
	assert_contains(err_hints(e), "dma_entry_limit");
	g_clear_pointer(&e, err_free);
	enomem_avail = 0;
	second_fails(&e);
	assert_contains(err_hints(e), "unknown number");
	g_clear_pointer(&e, err_free);
	second_fails(NULL);
	enomem_code = ENOMEM;
}

static void windows(void)
{
	const struct vfio_iova_range w[] = {{0, 0xfedfffff}, {0xfef00000, (1ull << 39) - 1}};
	struct err *e = NULL;
	struct box b;

	box_init(&b);
	g_array_append_vals(b.dma.windows, w, 2);
	aspace_map(b.mem, &b.ram, 0, 0, 2 * MIB, 0);
	aspace_map(b.mem, &b.ram, (1ull << 39) - MIB, 2 * MIB, MIB, 0);
	g_assert_cmpint(vfio_dma_start(&b.dma, b.mem, NULL), ==, 0);
	g_assert_cmpuint(b.map->len, ==, 2);
	/* A BAR above the window: noted, nothing else. */
	aspace_map(b.mem, &b.bar, 1ull << 40, 0, MIB, -1);
	g_assert_cmpuint(b.maps, ==, 2);
	g_assert_cmpuint(b.fatals, ==, 0);
	box_fini(&b);

	box_init(&b);
	g_array_append_vals(b.dma.windows, w, 2);
	aspace_map(b.mem, &b.ram, 0xfed80000, 0, MIB, 0); /* from one window to the reserved one */
	g_assert_cmpint(vfio_dma_start(&b.dma, b.mem, &e), ==, -EINVAL);
	g_assert_cmpuint(b.maps, ==, 0);
	assert_contains(err_text(e), "0xfed80000-0xfee7ffff");
	assert_contains(err_hints(e), "0x0-0xfedfffff 0xfef00000-0x7fffffffff");
	err_free(e);
	box_fini(&b);
}

static void peer_to_peer(void)
{
	struct mmapping *bar;
	struct box b;

	box_init(&b);
	aspace_map(b.mem, &b.ram, 0, 0, MIB, 0);
	b.err = EFAULT;
	b.fail_map = 2;
	bar = aspace_map(b.mem, &b.bar, 0xc0000000, 0, MIB, -1);
	g_assert_cmpint(vfio_dma_start(&b.dma, b.mem, NULL), ==, 0);
	g_assert_cmpuint(b.map->len, ==, 1);
	/* What was not mapped is not unmapped; and the next one may work. */
	aspace_unmap(b.mem, bar);
	g_assert_cmpuint(b.unmaps, ==, 0);
	aspace_map(b.mem, &b.bar, 0xc0000000, 0, MIB, -1);
	g_assert_cmpuint(b.map->len, ==, 2);
	g_assert_cmpuint(b.fatals, ==, 0);
	box_fini(&b);
	g_assert_cmpuint(b.unmaps, ==, 2);
}

static void later(void)
{
	struct mmapping *m;
	struct box b;

	box_init(&b);
	g_assert_cmpint(vfio_dma_start(&b.dma, b.mem, NULL), ==, 0);
	b.err = EINVAL;
	b.fail_map = 1;
	m = aspace_map(b.mem, &b.ram, 0x100000, 0, MIB, 0);
	g_assert_cmpuint(b.fatals, ==, 1);
	assert_contains(b.fatal->str, "map guest memory 0x100000-0x1fffff (ram, 1 MiB) for DMA: "
				      "Invalid argument");
	aspace_unmap(b.mem, m);
	g_assert_cmpuint(b.unmaps, ==, 0);
	box_fini(&b);
}

/* Every call of map fails once: whatever was mapped is unmapped, nothing else is. */
static void fault_loop(void)
{
	unsigned n = 0, failed = 0;
	bool done = false;

	while (!done) {
		struct box b;

		box_init(&b);
		b.err = ENOMEM;
		b.fail_map = ++n;
		aspace_map(b.mem, &b.ram, 0, 0, 2 * MIB, 0);
		aspace_map(b.mem, &b.rom, 0xf0000000, 0, 64 << 10, 0);
		aspace_map(b.mem, &b.bar, 0xc0000000, 0, MIB, -1);
		failed += vfio_dma_start(&b.dma, b.mem, NULL) < 0;
		aspace_map(b.mem, &b.ram, 1ull << 32, 2 * MIB, 2 * MIB, 0);
		aspace_map(b.mem, &b.io, MIB, 0, MIB / 2, 1);
		done = b.maps < n;
		box_fini(&b);
	}
	g_assert_cmpuint(failed, ==, 2); /* RAM and ROM; not the BAR, not what came later */
	g_assert_cmpuint(n, ==, 7);
}

/* --- the container's own account ------------------------------------------------------------ */

static void put(uint8_t *p, const void *what, size_t len)
{
	memcpy(p, what, len);
}

static size_t info_answer(uint8_t *buf)
{
	const struct vfio_iommu_type1_info info = {
		.argsz = 256,
		.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
		.iova_pgsizes = 0x40201000,
		.cap_offset = 32,
	};
	const struct vfio_iommu_type1_info_cap_iova_range range = {
		.header = {VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 2, 96}, .nr_iovas = 2};
	const struct vfio_iova_range w[] = {{0, 0xfedfffff}, {0xfef00000, 0x7fffffffff}};
	const struct vfio_iommu_type1_info_dma_avail avail = {
		.header = {VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 1, 0}, .avail = 65535};

	memset(buf, 0, 256);
	put(buf, &info, sizeof(info));
	put(buf + 32, &range, sizeof(range));
	put(buf + 32 + sizeof(range), w, sizeof(w));
	put(buf + 96, &avail, sizeof(avail));
	return 96 + sizeof(avail);
}

static void parse(void)
{
	uint8_t buf[256];
	size_t len = info_answer(buf);
	struct box b;

	box_init(&b);
	vfio_dma_parse_info(&b.dma, buf, len);
	g_assert_cmphex(b.dma.pgsize, ==, 4096);
	g_assert_cmpuint(b.dma.avail, ==, 65535);
	g_assert_cmpuint(b.dma.windows->len, ==, 2);
	g_assert_cmphex(g_array_index(b.dma.windows, struct vfio_iova_range, 1).end, ==,
			0x7fffffffff);
	box_fini(&b);
	/* Larger pages only; pages below ours. */
	box_init(&b);
	pci_set32(buf + 8, 0x40200000);
	vfio_dma_parse_info(&b.dma, buf, len);
	g_assert_cmphex(b.dma.pgsize, ==, 2 * MIB);
	pci_set32(buf + 8, 0x200);
	vfio_dma_parse_info(&b.dma, buf, len);
	g_assert_cmphex(b.dma.pgsize, ==, 4096);
	box_fini(&b);
}

/*
 * Cut at each length, with hostile counts and offsets: under a sanitizer nothing outside is read.
 */
static void parse_hostile(void)
{
	uint8_t buf[256];
	size_t len = info_answer(buf);

	for (size_t n = 1; n <= len; n++) {
		uint8_t *exact = g_memdup2(buf, n);
		struct box b;

		box_init(&b);
		vfio_dma_parse_info(&b.dma, exact, n);
		g_assert_cmpuint(b.dma.windows->len, <=, 2);
		if (n < len)
			g_assert_cmpuint(b.dma.avail, ==, 0);
		g_free(exact);
		box_fini(&b);
	}
	for (unsigned next = 0; next < 256; next++) {
		struct box b;

		box_init(&b);
		pci_set32(buf + 32 + 4, next);       /* also loops: 32 and 96 */
		pci_set32(buf + 32 + 8, UINT32_MAX); /* nr_iovas */
		pci_set32(buf + 96 + 4, 32);
		vfio_dma_parse_info(&b.dma, buf, len);
		box_fini(&b);
	}
}

int main(int argc, char **argv)
{
	vt_test_init(&argc, &argv);
	g_test_add_func("/vfio-dma/follow", follow);
	g_test_add_func("/vfio-dma/rounding", rounding);
	g_test_add_func("/vfio-dma/misaligned", misaligned);
	g_test_add_func("/vfio-dma/retry", retry);
	g_test_add_func("/vfio-dma/memlock", memlock);
	g_test_add_func("/vfio-dma/entries", entries);
	g_test_add_func("/vfio-dma/windows", windows);
	g_test_add_func("/vfio-dma/peer-to-peer", peer_to_peer);
	g_test_add_func("/vfio-dma/later", later);
	g_test_add_func("/vfio-dma/fault-loop", fault_loop);
	g_test_add_func("/vfio-dma/parse", parse);
	g_test_add_func("/vfio-dma/parse-hostile", parse_hostile);
	return g_test_run();
}
