/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulated IOMMU: groups by isolation, domains with their translations, faults.
 *
 * Invariants: a domain is changed under host.lock and read by devices under its own rwlock, so that
 * when iommu_unmap returns no access to the memory is under way.  A group with no domain reaches
 * nothing.
 */
#ifndef VFIO_HOST_IOMMU_H
#define VFIO_HOST_IOMMU_H

#include <linux/vfio.h>

#include "vfio/host/private.h"

#define IOMMU_RANGES 2

struct iommu_domain *iommu_domain_new(struct host *h);
void iommu_domain_free(struct iommu_domain *d);
void iommu_attach(struct iommu_group *g, struct iommu_domain *d); /* NULL = detach */
/* [iova, iova + size) overlaps nothing in the domain: the caller knows. */
int iommu_map(struct iommu_domain *d, uint64_t iova, uint64_t size, void *host, bool write);
void iommu_unmap(struct iommu_domain *d, uint64_t iova, uint64_t size);

/* What can be mapped: the width of addresses less the window of MSI messages. */
unsigned iommu_iova_ranges(const struct host *h, struct vfio_iova_range r[IOMMU_RANGES]);
bool iommu_iova_ok(const struct host *h, uint64_t first, uint64_t last);

#endif
