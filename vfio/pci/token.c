// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the name by which a user asks for a device, and the token that makes a PF's user and its
 * VFs' users agree.  Called by GROUP_GET_DEVICE_FD.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "vfio/pci/vpci.h"

#define TOKEN_ARG "vf_token="
#define UUID_CHARS 36

void vpci_token_init(struct vfio_pci_device *v)
{
	v->has_token = v->pci->sriov_cap && !v->pci->physfn;
	if (v->has_token && getrandom(v->token, sizeof(v->token), 0) < 0)
		memset(v->token, 0xa5, sizeof(v->token));
	if (v->pci->physfn)
		v->pf = v->pci->physfn->vfio;
}

static int parse_uuid(const char *s, uint8_t uuid[16])
{
	unsigned n = 0;

	for (unsigned i = 0; i < UUID_CHARS; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !g_ascii_isxdigit(s[i]))
			return -EINVAL;
		if (dash)
			continue;
		if (n & 1)
			uuid[n / 2] |= (uint8_t)g_ascii_xdigit_value(s[i]);
		else
			uuid[n / 2] = (uint8_t)(g_ascii_xdigit_value(s[i]) << 4);
		n++;
	}
	return 0;
}

static bool equal(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, 16);
}

/* uuid: NULL = the user gave none. */
static int validate(struct vfio_pci_device *v, const uint8_t *uuid)
{
	if (v->pci->physfn) {
		if (!v->pf)
			return uuid ? -EINVAL : 0; /* the PF's driver is the host's own */
		return uuid && equal(uuid, v->pf->token) ? 0 : -EACCES;
	}
	if (!v->has_token)
		return uuid ? -EINVAL : 0;
	if (v->token_users)
		return uuid && equal(uuid, v->token) ? 0 : -EACCES;
	if (uuid)
		memcpy(v->token, uuid, sizeof(v->token));
	return 0;
}

/* "0000:01:00.0", and after a space perhaps vf_token=UUID, once. */
int vpci_match(struct vfio_device *d, const char *name)
{
	struct vfio_pci_device *v = vpci_of(d);
	size_t n = strlen(v->pci->bdf);
	uint8_t uuid[16];
	bool given = false;
	int ret;

	if (strncmp(name, v->pci->bdf, n) || (name[n] && name[n] != ' '))
		return 0;
	for (name += n; *name;) {
		if (*name == ' ') {
			name++;
			continue;
		}
		if (given || strncmp(name, TOKEN_ARG, strlen(TOKEN_ARG)))
			return -EINVAL;
		name += strlen(TOKEN_ARG);
		if (strlen(name) < UUID_CHARS || parse_uuid(name, uuid) < 0)
			return -EINVAL;
		name += UUID_CHARS;
		given = true;
	}
	ret = validate(v, given ? uuid : NULL);
	return ret < 0 ? ret : 1;
}
