/* SPDX-License-Identifier: MIT */
/*
 * AKS. Pods get an identity of their own by workload identity: the cluster issues tokens (OIDC), a
 * federated credential of the identity trusts them (identity.h), and the manifests of guest.h tie
 * a service account to it. The tutorial's way, the nodes' (kubelet) identity, gives every pod of
 * the cluster the same rights and reimages all nodes.
 *
 * A cluster's identity and profiles are changed by a PUT of the whole cluster; all that is not
 * changed goes back as it was read. Blocking; the client's thread.
 */
#ifndef AZURE_AKS_H
#define AZURE_AKS_H

#include "azure/host.h"
#include "azure/identity.h"

/* Switches the OIDC issuer and the webhook on. *ret_changed false: both are on. */
entrasql_status azure_aks_enable(azure_arm *arm, const azure_host_ref *ref, bool *ret_changed,
                                 entrasql_error *err) ES_MUST_USE;

/*
 * Makes the identity that of the control plane and of the kubelet, as the tutorial does, with the
 * role assignment that this takes. Cordons, drains and reimages every node pool, takes away what
 * the old kubelet identity could reach (image registries), and lets every pod use it: say so
 * before.
 */
entrasql_status azure_aks_use_kubelet(azure_arm *arm, const azure_host_ref *ref,
                                      const azure_identity *identity, bool *ret_changed,
                                      entrasql_error *err) ES_MUST_USE;

#endif
