/* SPDX-License-Identifier: MIT */
/* What is printed for the inside of machines and clusters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "azure/guest.h"

#include <string.h>

static const azure_change settings[] = {
    {.name = "AZURE_CLIENT_ID", .value = "11111111-2222-3333-4444-555555555555"},
    {.name = "CS", .value = "Driver={x};App=50% \"it's\" a\\b $HOME"},
    {.name = "OLD"},
};
static const azure_guest guest = {
    .unit = "persons.service",
    .namespace_name = "shop",
    .deployment = "persons",
    .container = "app",
    .service_account = "persons-sa",
    .client_id = "11111111-2222-3333-4444-555555555555",
    .settings = settings,
    .count = 3,
};

typedef entrasql_status printer(const azure_guest *guest, es_buf *out, entrasql_error *err);

static void expect(printer *print, const char *text)
{
    es_buf out = ES_BUF_INIT(65536);
    entrasql_error err;
    assert_int_equal(print(&guest, &out, &err), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out), text);
    es_buf_done(&out);
}

static void test_systemd(void **state)
{
    (void)state;
    expect(azure_guest_drop_in,
           "# Passwordless connections to Azure SQL (entrasql migrate).\n[Service]\n"
           "Environment=\"AZURE_CLIENT_ID=11111111-2222-3333-4444-555555555555\"\n"
           "Environment=\"CS=Driver={x};App=50%% \\\"it's\\\" a\\\\b $HOME\"\n"
           "UnsetEnvironment=OLD\n");
    expect(azure_guest_undo_script,
           "set -eu\nrm -f /etc/systemd/system/persons.service.d/50-entrasql.conf\n"
           "systemctl daemon-reload\nsystemctl restart persons.service\n");
    expect(azure_guest_script,
           "set -eu\numask 022\nmkdir -p /etc/systemd/system/persons.service.d\nprintf '%s\\n'"
           " '# Passwordless connections to Azure SQL (entrasql migrate).' '[Service]'"
           " 'Environment=\"AZURE_CLIENT_ID=11111111-2222-3333-4444-555555555555\"'"
           " 'Environment=\"CS=Driver={x};App=50%% \\\"it'\\''s\\\" a\\\\b $HOME\"'"
           " 'UnsetEnvironment=OLD'"
           " > /etc/systemd/system/persons.service.d/50-entrasql.conf\n"
           "systemctl daemon-reload\nsystemctl restart persons.service\n");
}

static void test_cloud_init(void **state)
{
    (void)state;
    expect(azure_guest_cloud_init,
           "#cloud-config\nwrite_files:\n"
           "  - path: /etc/systemd/system/persons.service.d/50-entrasql.conf\n"
           "    owner: root:root\n    permissions: \"0644\"\n"
           "    content: \"# Passwordless connections to Azure SQL (entrasql migrate).\\n"
           "[Service]\\nEnvironment=\\\"AZURE_CLIENT_ID=11111111-2222-3333-4444-555555555555\\\""
           "\\nEnvironment=\\\"CS=Driver={x};App=50%% \\\\\\\"it's\\\\\\\" a\\\\\\\\b $HOME\\\"\\n"
           "UnsetEnvironment=OLD\\n\"\n"
           "runcmd:\n  - [systemctl, daemon-reload]\n"
           "  - [systemctl, try-restart, \"persons.service\"]\n");
}

static void test_kubernetes(void **state)
{
    (void)state;
    expect(azure_guest_subject, "system:serviceaccount:shop:persons-sa");
    expect(azure_guest_service_account,
           "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: \"persons-sa\"\n"
           "  namespace: \"shop\"\n  annotations:\n"
           "    azure.workload.identity/client-id: \"11111111-2222-3333-4444-555555555555\"\n");
    expect(azure_guest_deployment,
           "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: \"persons\"\n"
           "  namespace: \"shop\"\nspec:\n  template:\n    metadata:\n      labels:\n"
           "        azure.workload.identity/use: \"true\"\n    spec:\n"
           "      serviceAccountName: \"persons-sa\"\n      containers:\n"
           "        - name: \"app\"\n          env:\n"
           "            - name: \"AZURE_CLIENT_ID\"\n"
           "              value: \"11111111-2222-3333-4444-555555555555\"\n"
           "              valueFrom: null\n"
           "            - name: \"CS\"\n"
           "              value: \"Driver={x};App=50% \\\"it's\\\" a\\\\b $HOME\"\n"
           "              valueFrom: null\n"
           "            - name: \"OLD\"\n              $patch: delete\n");
}

static void refuse(printer *print, azure_guest g)
{
    es_buf out = ES_BUF_INIT(65536);
    entrasql_error err;
    assert_int_equal(print(&g, &out, &err), ENTRASQL_INVALID);
    assert_int_equal(out.len, 0);
    es_buf_done(&out);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const units[] = {
        NULL, "", "x", "a b.service", "../x.service", "x\n.service", "$(id).service", ".service"};
    static const char *const names[] = {NULL, "", "Upper", "-a", "a-", "a b", "a\nb", "a/b", "a_b"};
    azure_guest g = guest;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        g.unit = units[i];
        refuse(azure_guest_drop_in, g);
        refuse(azure_guest_undo_script, g);
        refuse(azure_guest_script, g);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        g = guest;
        g.service_account = names[i];
        refuse(azure_guest_service_account, g);
        g = guest;
        g.container = names[i];
        refuse(azure_guest_deployment, g);
    }
    g = guest;
    g.client_id = "x\ny";
    refuse(azure_guest_service_account, g);
}

static void test_values(void **state)
{
    (void)state;
    static const azure_change bad[] = {{.name = "A", .value = "x\nExecStartPre=/bin/sh"},
                                       {.name = "A B", .value = "x"},
                                       {.name = "1A", .value = "x"},
                                       {.name = "", .value = "x"}};
    azure_guest g = guest;
    g.count = 1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        g.settings = &bad[i];
        refuse(azure_guest_drop_in, g);
        refuse(azure_guest_cloud_init, g);
        refuse(azure_guest_script, g);
        refuse(azure_guest_deployment, g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_systemd),    cmocka_unit_test(test_cloud_init),
        cmocka_unit_test(test_kubernetes), cmocka_unit_test(test_names),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
