/* SPDX-License-Identifier: MIT */
/* odbc_glue: which sign-in a string asks for, the kept credentials, the list of drivers. */
#include "base/mem.h"
#include "base/str.h"
#include "odbc_glue/auth.h"
#include "odbc_glue/registry.h"
#include "odbc_glue/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static entrasql_status read_auth(const char *text, conf_connstr *list, glue_auth *ret,
                                 entrasql_error *err)
{
    assert_int_equal(conf_connstr_parse(text, list, NULL), ENTRASQL_OK);
    return glue_auth_read(list, ret, err);
}

static void words_of_authentication(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        glue_auth_method method;
        const char *user;
    } cases[] = {
        {"Server=x", GLUE_AUTH_DEFAULT, NULL},
        {"Authentication=;Trusted_Connection=no;UID=", GLUE_AUTH_DEFAULT, NULL},
        {"Authentication=none", GLUE_AUTH_DEFAULT, NULL},
        {"UID=sa;PWD=x", GLUE_AUTH_STRING, "sa"},
        {"Trusted_Connection=yes", GLUE_AUTH_STRING, NULL},
        {"Authentication=SqlPassword;UID=sa;PWD=x", GLUE_AUTH_STRING, "sa"},
        {"authentication=activedirectorydefault", GLUE_AUTH_DEFAULT, NULL},
        {"Authentication={Active Directory Default};UID=id", GLUE_AUTH_DEFAULT, "id"},
        {"Authentication=DefaultAzureCredential", GLUE_AUTH_DEFAULT, NULL},
        {"Authentication=ActiveDirectoryMsi;UID=id", GLUE_AUTH_MANAGED_IDENTITY, "id"},
        {"Authentication=ActiveDirectoryManagedIdentity", GLUE_AUTH_MANAGED_IDENTITY, NULL},
        {"Authentication=ManagedIdentityCredential", GLUE_AUTH_MANAGED_IDENTITY, NULL},
        {"Authentication=ActiveDirectoryServicePrincipal;UID=id;PWD=s", GLUE_AUTH_SERVICE_PRINCIPAL,
         "id"},
        {"Authentication=ActiveDirectoryServicePrincipalCertificate;UID=id;ClientCertificate=/c",
         GLUE_AUTH_SERVICE_PRINCIPAL, "id"},
        {"Authentication=ActiveDirectoryWorkloadIdentity", GLUE_AUTH_WORKLOAD_IDENTITY, NULL},
        {"Authentication=ActiveDirectoryAzCli", GLUE_AUTH_AZURE_CLI, NULL},
        {"Authentication=ActiveDirectoryAzureCli;TenantId=t", GLUE_AUTH_AZURE_CLI, NULL},
        {"Authentication=ActiveDirectoryDeviceCodeFlow", GLUE_AUTH_DEVICE_CODE, NULL},
        {"Authentication=Active Directory Interactive;UID=me@x", GLUE_AUTH_INTERACTIVE, "me@x"},
        {"Authentication=ActiveDirectoryPassword;UID=u;PWD=p", GLUE_AUTH_STRING, "u"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
        glue_auth a;
        entrasql_error err;
        entrasql_status status = read_auth(cases[i].text, &list, &a, &err);
        assert_int_equal(status, ENTRASQL_OK);
        assert_int_equal(a.method, cases[i].method);
        assert_true(es_streq(a.user, cases[i].user));
        assert_int_equal(a.is_of_microsoft, strstr(cases[i].text, "ectoryPassword") != NULL);
    }
}

static void refusals_name_the_keyword(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"Authentication=ActiveDirectoryMagic", "Authentication=ActiveDirectoryMagic"},
        {"Authentication=ActiveDirectoryDefault;PWD=hidden", "PWD="},
        {"Authentication=ActiveDirectoryMsi;Password=hidden", "Password="},
        {"Authentication=ActiveDirectoryAzureCli;UID=x", "UID="},
        {"Authentication=ActiveDirectoryMsi;TenantId=x", "TenantId="},
        {"Authentication=ActiveDirectoryMsi;ClientCertificate=/x", "ClientCertificate="},
        {"Authentication=ActiveDirectoryDefault;Trusted_Connection=yes", "Trusted_Connection="},
        {"Authentication=ActiveDirectoryServicePrincipal;PWD=hidden", "UID="},
        {"Authentication=ActiveDirectoryServicePrincipalCertificate;UID=x;PWD=hidden", "PWD="},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
        glue_auth a;
        entrasql_error err;
        assert_int_equal(read_auth(cases[i].text, &list, &a, &err), ENTRASQL_CONFIG);
        assert_non_null(strstr(err.message, cases[i].part));
        assert_null(strstr(err.message, "hidden"));
        assert_true(err.hint[0] != '\0');
    }
}

static void removing_leaves_nothing_of_the_sign_in(void **state)
{
    (void)state;
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    assert_int_equal(conf_connstr_parse("Server=s;UID=u;PWD=p;User=u;Authentication=a;TenantId=t;"
                                        "ClientCertificate=c;ClientCertificatePassword=q;"
                                        "Trusted_Connection=no;Database=d",
                                        &list, NULL),
                     ENTRASQL_OK);
    glue_auth_remove(&list);
    assert_int_equal(list.count, 2);
    assert_non_null(conf_connstr_get(&list, "Server"));
    assert_non_null(conf_connstr_get(&list, "Database"));
    assert_true(glue_is_own_keyword("pwd") && glue_is_own_keyword("ClientCertificate") &&
                glue_is_own_keyword("UnderlyingDriver") && !glue_is_own_keyword("Server"));
}

static entrasql_credential *credential_for(const char *text)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    glue_auth a;
    entrasql_credential *credential = NULL;
    assert_int_equal(read_auth(text, &list, &a, NULL), ENTRASQL_OK);
    assert_int_equal(glue_auth_credential(&a, NULL, NULL, &credential, NULL), ENTRASQL_OK);
    return credential;
}

#define PRINCIPAL "Authentication=ActiveDirectoryServicePrincipal;TenantId=t;"

static void equal_settings_share_a_credential(void **state)
{
    (void)state;
    entrasql_credential *a = credential_for(PRINCIPAL "UID=one;PWD=s");
    entrasql_credential *b = credential_for("PWD=s;" PRINCIPAL "UID=one;Server=other");
    entrasql_credential *secret = credential_for(PRINCIPAL "UID=one;PWD=t");
    entrasql_credential *user = credential_for(PRINCIPAL "UID=two;PWD=s");
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, secret);
    assert_ptr_not_equal(a, user);
    setenv("AZURE_AUTHORITY_HOST", "https://localhost:1", 1);
    entrasql_credential *elsewhere = credential_for(PRINCIPAL "UID=one;PWD=s");
    unsetenv("AZURE_AUTHORITY_HOST");
    assert_ptr_not_equal(a, elsewhere);
    entrasql_credential *again = credential_for(PRINCIPAL "UID=one;PWD=s");
    assert_ptr_equal(a, again);
    entrasql_credential *const all[] = {a, b, secret, user, elsewhere, again};
    for (size_t i = 0; i < ES_COUNT_OF(all); i++)
        entrasql_credential_unref(all[i]);
    glue_auth_forget();
}

static void the_used_ones_stay(void **state)
{
    (void)state;
    entrasql_credential *first = credential_for(PRINCIPAL "UID=first;PWD=s");
    for (int i = 0; i < 100; i++) {
        char text[200];
        snprintf(text, sizeof text, PRINCIPAL "UID=user%d;PWD=s", i);
        entrasql_credential_unref(credential_for(text));
        if (i % 10 == 0) {
            entrasql_credential *again = credential_for(PRINCIPAL "UID=first;PWD=s");
            assert_ptr_equal(again, first);
            entrasql_credential_unref(again);
        }
    }
    entrasql_credential_unref(first);
    glue_auth_forget();
}

/* A credential of the parent may be in the middle of a request: the child makes its own. */
static void a_forked_child_starts_anew(void **state)
{
    (void)state;
    entrasql_credential *mine = credential_for(PRINCIPAL "UID=one;PWD=s");
    pid_t child = fork();
    if (child == 0) {
        entrasql_credential *own = credential_for(PRINCIPAL "UID=one;PWD=s");
        _exit(own != mine ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    entrasql_credential_unref(mine);
    glue_auth_forget();
}

static void a_principal_needs_tenant_and_secret(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"Authentication=ActiveDirectoryServicePrincipal;UID=one;PWD=s", "TenantId="},
        {PRINCIPAL "UID=one", "PWD="},
        {PRINCIPAL "UID=one;PWD=s;ClientCertificate=/c", "ClientCertificate="},
    };
    unsetenv("AZURE_TENANT_ID");
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
        glue_auth a;
        entrasql_error err;
        entrasql_credential *credential = NULL;
        assert_int_equal(read_auth(cases[i].text, &list, &a, NULL), ENTRASQL_OK);
        assert_int_equal(glue_auth_credential(&a, NULL, NULL, &credential, &err), ENTRASQL_CONFIG);
        assert_non_null(strstr(err.message, cases[i].part));
    }
    entrasql_credential_unref(
        credential_for("Authentication=ActiveDirectoryServicePrincipal;UID=one@tenant;PWD=s"));
    glue_auth_forget();
}

/* ---- odbcinst.ini ---- */

static void check_edit(const char *text, const char *body, const char *expected, bool found)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(4096);
    bool was = !found;
    assert_int_equal(glue_registry_edit(text, "entrasql", body, &out, &was), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out), expected);
    assert_int_equal(was, found);
}

static void the_list_of_drivers_is_edited_in_place(void **state)
{
    (void)state;
    check_edit("", "Driver=x\n", "[entrasql]\nDriver=x\n", false);
    check_edit("", NULL, "", false);
    check_edit("[A]\nDriver=a", "Driver=x\n", "[A]\nDriver=a\n\n[entrasql]\nDriver=x\n", false);
    check_edit("# note\n[A]\nDriver=a\n[EntraSQL]\nDriver=old\nMore=1\n[B]\n\tDriver = b\n",
               "Driver=x\n", "# note\n[A]\nDriver=a\n[entrasql]\nDriver=x\n[B]\n\tDriver = b\n",
               true);
    check_edit("[A]\nDriver=a\n[entrasql]\nDriver=old\n", NULL, "[A]\nDriver=a\n", true);
    check_edit("[entrasql]\nDriver=1\n[entrasql]\nDriver=2\n", "Driver=x\n",
               "[entrasql]\nDriver=x\n", true);
    check_edit("[entrasql2]\nDriver=1\n", NULL, "[entrasql2]\nDriver=1\n", false);
    check_edit("[entrasql", NULL, "[entrasql", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_authentication),
        cmocka_unit_test(refusals_name_the_keyword),
        cmocka_unit_test(removing_leaves_nothing_of_the_sign_in),
        cmocka_unit_test(equal_settings_share_a_credential),
        cmocka_unit_test(the_used_ones_stay),
        cmocka_unit_test(a_forked_child_starts_anew),
        cmocka_unit_test(a_principal_needs_tenant_and_secret),
        cmocka_unit_test(the_list_of_drivers_is_edited_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
