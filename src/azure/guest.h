/* SPDX-License-Identifier: MIT */
/*
 * What Azure Resource Manager cannot write, as text for people and their tools: the environment of
 * a service inside a virtual machine (systemd drop-in, cloud-init, a script for run-command), and
 * Kubernetes manifests for AKS. Pure; any thread.
 *
 * Everything that goes in is checked and quoted: names of units and objects by their own rules,
 * values for the language around them. INVALID for what cannot be written there (a line break in
 * a variable, a name that is none). NOMEM.
 */
#ifndef AZURE_GUEST_H
#define AZURE_GUEST_H

#include "azure/host.h"

typedef struct azure_guest {
    const char *unit;             /* systemd: "persons.service" */
    const char *namespace_name;   /* Kubernetes; NULL: "default" */
    const char *deployment;       /* Kubernetes: whose pods get the environment */
    const char *container;        /* in its pods */
    const char *service_account;  /* NULL: no workload identity, the nodes' identity is used */
    const char *client_id;        /* of the identity */
    const char *tenant_id;        /* NULL: the cluster's own */
    const azure_change *settings; /* value NULL: the variable is taken away */
    size_t count;
} azure_guest;

/* INVALID: not the name of a systemd service ("persons.service"). */
entrasql_status azure_guest_check_unit(const char *unit, entrasql_error *err) ES_MUST_USE;

/* "/etc/systemd/system/persons.service.d/50-entrasql.conf". INVALID: no unit's name. */
entrasql_status azure_guest_path(const char *unit, es_buf *out, entrasql_error *err) ES_MUST_USE;
entrasql_status azure_guest_drop_in(const azure_guest *guest, es_buf *out,
                                    entrasql_error *err) ES_MUST_USE;
/* "#cloud-config" that puts the drop-in there on a machine's first start. */
entrasql_status azure_guest_cloud_init(const azure_guest *guest, es_buf *out,
                                       entrasql_error *err) ES_MUST_USE;
/* POSIX shell, as root: the same on a running machine, with a restart of the unit at the end. */
entrasql_status azure_guest_script(const azure_guest *guest, es_buf *out,
                                   entrasql_error *err) ES_MUST_USE;
/* And back. */
entrasql_status azure_guest_undo_script(const azure_guest *guest, es_buf *out,
                                        entrasql_error *err) ES_MUST_USE;

/* "system:serviceaccount:NAMESPACE:ACCOUNT": the subject of the federated credential. */
entrasql_status azure_guest_subject(const azure_guest *guest, es_buf *out,
                                    entrasql_error *err) ES_MUST_USE;
/* The service account, for kubectl apply. */
entrasql_status azure_guest_service_account(const azure_guest *guest, es_buf *out,
                                            entrasql_error *err) ES_MUST_USE;
/* A strategic merge patch of the deployment, for kubectl patch --patch-file. */
entrasql_status azure_guest_deployment(const azure_guest *guest, es_buf *out,
                                       entrasql_error *err) ES_MUST_USE;

#endif
