/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front ends of a machine: monitors for people, QMP, the qtest server.
 *
 * Invariants: made before the machine, as its struct vm_ops; QMP greets its clients before the
 * machine is built, on a thread of its own.  Detached before the machine, whose chardevs it uses,
 * is freed, and freed after it.
 */
#ifndef CTL_CONTROL_H
#define CTL_CONTROL_H

struct control;
struct err;
struct vm;
struct vm_config;
struct vm_ops;

struct control *control_new(const struct vm_config *config);
const struct vm_ops *control_vm_ops(struct control *c); /* lives as long as c */
void control_attach(struct control *c, struct vm *vm);  /* vm_new() has returned: QMP listens */
/* Everything else listens, too: the machine is built, or waits to be (--preconfig). */
int control_serve(struct control *c, struct err **errp);
void control_detach(struct control *c); /* the machine is about to be freed: nobody listens */
void control_free(struct control *c);   /* NULL is accepted */

#endif
