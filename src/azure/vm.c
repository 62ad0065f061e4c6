/* SPDX-License-Identifier: MIT */
/*
 * Virtual machines and scale sets. Azure attaches the identity; the application's environment is
 * inside the machine, out of its reach but for run-command (guest.h has what is to be written). A
 * scale set with the upgrade policy Manual keeps its instances as they are until it is told.
 */
#include "azure/vm.h"

#include "azure/fields.h"
#include "azure/host_inner.h"

#include <string.h>

#define SCRIPT_MAX (256 * 1024)
#define DONE_WORD "entrasql-script-done"

static const azure_need vm_read_needs[] = {
    {"Microsoft.Compute/virtualMachines/read", "to see the machine and its identities"},
    {NULL, NULL},
};
static const azure_need vm_assign_needs[] = {
    {"Microsoft.Compute/virtualMachines/write", "to attach the identity to the machine"},
    {"Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
     "to attach this identity to anything"},
    {NULL, NULL},
};
static const azure_need vm_write_needs[] = {
    {"Microsoft.Compute/virtualMachines/runCommand/action",
     "to write the service's environment inside the machine, when asked to"},
    {NULL, NULL},
};
static const azure_need vmss_read_needs[] = {
    {"Microsoft.Compute/virtualMachineScaleSets/read", "to see the scale set and its identities"},
    {NULL, NULL},
};
static const azure_need vmss_assign_needs[] = {
    {"Microsoft.Compute/virtualMachineScaleSets/write", "to attach the identity to the scale set"},
    {"Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
     "to attach this identity to anything"},
    {NULL, NULL},
};
static const azure_need vmss_restart_needs[] = {
    {"Microsoft.Compute/virtualMachineScaleSets/manualupgrade/action",
     "to have the instances take the identity over"},
    {NULL, NULL},
};
static const azure_need no_needs[] = {{NULL, NULL}};
/* Tokens come from http://169.254.169.254 without any variable. */
static const azure_variable no_environment[] = {{NULL, NULL}};

static bool is_set(const azure_host_ref *ref)
{
    return ref->host == &azure_host_vmss;
}

static entrasql_status read_machine(azure_arm *arm, const azure_host_ref *ref,
                                    azure_host_state *ret, entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    char what[AZURE_WHAT_SIZE];
    const azure_request request =
        azure_host_request(ref, is_set(ref) ? AZURE_VMSS_GET : AZURE_VM_GET, "reading", what);
    ES_TRY(azure_arm_call(arm, &request, &reply, err));
    const json_node *root = azure_reply_root(&reply);
    const json_node *policy = json_member(json_member(root, "properties"), "upgradePolicy");
    ES_TRY(azure_resource_read(root, ret, err));
    ret->needs_upgrade = is_set(ref) && es_strcaseeq(azure_text(policy, "mode"), "Manual");
    return azure_identity_read(root, ret, err);
}

static entrasql_status set_identity(azure_arm *arm, const azure_host_ref *ref,
                                    const es_buf *identity, entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    azure_request request = azure_host_request(ref, is_set(ref) ? AZURE_VMSS_PATCH : AZURE_VM_PATCH,
                                               "changing the identities of", what);
    request.body = identity;
    request.may_lag = true; /* the identity may be new */
    return azure_arm_call(arm, &request, NULL, err);
}

static entrasql_status upgrade_instances(azure_arm *arm, const azure_host_ref *ref,
                                         entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(64);
    if (es_buf_add_str(&body, "{\"instanceIds\":[\"*\"]}") != ENTRASQL_OK)
        return es_nomem(err);
    char what[AZURE_WHAT_SIZE];
    azure_request request =
        azure_host_request(ref, AZURE_VMSS_UPGRADE, "bringing up to date the instances of", what);
    request.body = &body;
    return azure_arm_call(arm, &request, NULL, err);
}

/* ---- run-command ---- */

/* Lines, as the call wants them. */
static entrasql_status put_script(const char *script, es_buf *out, entrasql_error *err)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_member_put_string(&w, "commandId", "RunShellScript");
    json_name(&w, "script");
    json_begin_array(&w);
    for (const char *p = script; *p != '\0';) {
        size_t n = strcspn(p, "\n");
        json_put_text(&w, p, n);
        p += n + (p[n] == '\n' ? 1 : 0);
    }
    json_put_string(&w, "echo " DONE_WORD);
    json_end_array(&w);
    json_end_object(&w);
    return azure_written(&w, err);
}

/* The result stands at the top, or, read from the status of the operation, in its output. */
static const json_node *messages_of(const azure_reply *reply)
{
    const json_node *root = azure_reply_root(reply);
    const json_node *value = json_member(root, "value");
    if (value != NULL)
        return value;
    const json_node *output = json_member(json_member(root, "properties"), "output");
    return json_member(output, "value");
}

static entrasql_status judge_run(const azure_host_ref *ref, const azure_reply *reply,
                                 char ret_output[AZURE_RUN_OUTPUT_SIZE], entrasql_error *err)
{
    const json_node *messages = messages_of(reply);
    const char *text = azure_text(json_element(messages, 0), "message");
    const char *end = strstr(text, DONE_WORD);
    es_printable(ret_output, AZURE_RUN_OUTPUT_SIZE, text, strlen(text));
    if (end != NULL)
        return ENTRASQL_OK;
    char title[AZURE_TITLE_SIZE];
    azure_host_title(ref, title, sizeof title);
    es_fail(err, ENTRASQL_INVALID, "%s: the script did not come to its end: %s", title, ret_output);
    es_hint(err, "what it had done until then stays done; it can be run again");
    return ENTRASQL_INVALID;
}

entrasql_status azure_vm_run(azure_arm *arm, const azure_host_ref *ref, const char *script,
                             char ret_output[AZURE_RUN_OUTPUT_SIZE], entrasql_error *err)
{
    ES_TRY(azure_host_ref_check(ref, err));
    if (ref->host != &azure_host_vm)
        return es_fail(err, ENTRASQL_UNSUPPORTED, "scripts are run on single virtual machines");
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT_WIPE(SCRIPT_MAX);
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    ES_TRY(put_script(script, &body, err));
    char what[AZURE_WHAT_SIZE];
    azure_request request =
        azure_host_request(ref, AZURE_VM_RUN_COMMAND, "running a script on", what);
    request.body = &body;
    ES_TRY(azure_arm_call(arm, &request, &reply, err));
    return judge_run(ref, &reply, ret_output, err);
}

const azure_host azure_host_vm = {
    .name = "vm",
    .title = "virtual machine",
    .features = AZURE_HOST_HAS_SYSTEM_IDENTITY | AZURE_HOST_ASSIGNS,
    .read_needs = vm_read_needs,
    .assign_needs = vm_assign_needs,
    .write_needs = vm_write_needs,
    .restart_needs = no_needs,
    .environment = no_environment,
    .read = read_machine,
    .set_identity = set_identity,
};

const azure_host azure_host_vmss = {
    .name = "vmss",
    .title = "scale set",
    .features = AZURE_HOST_HAS_SYSTEM_IDENTITY | AZURE_HOST_ASSIGNS,
    .read_needs = vmss_read_needs,
    .assign_needs = vmss_assign_needs,
    .write_needs = no_needs,
    .restart_needs = vmss_restart_needs,
    .environment = no_environment,
    .read = read_machine,
    .set_identity = set_identity,
    .restart = upgrade_instances,
};
