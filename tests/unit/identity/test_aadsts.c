/* SPDX-License-Identifier: MIT */
/*
 * identity: every error number of Entra that people meet gives its cause and
 * what to do. The words are written down here once more, so that a row that
 * slips or swaps is seen.
 */
#include "base/str.h"
#include "common.h"
#include "identity/aadsts.h"
#include "identity/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
    uint32_t number;
    const char *cause;
    const char *hint;
} rows[] = {
    {700016, "not known in this tenant", "AZURE_CLIENT_ID"},
    {90002, "no such tenant", "AZURE_TENANT_ID"},
    {900023, "not written as a tenant", "AZURE_TENANT_ID"},
    {7000215, "secret is wrong", "not its id"},
    {7000222, "secret has expired", "new client secret"},
    {700027, "not registered", "upload the certificate"},
    {700024, "time range", "NTP"},
    {700021, "of another application", "iss and sub"},
    {700023, "meant for somebody else", "token endpoint"},
    {50027, "not a token", "signed JWT"},
    {50013, "signature", "fresh assertion"},
    {500131, "meant for another application", "api://"},
    {70021, "no federated credential", "api://AzureADTokenExchange"},
    {700211, "issuer", "trailing slash"},
    {700212, "audience", "api://AzureADTokenExchange"},
    {700213, "subject", "system:serviceaccount:"},
    {700229, "cannot be exchanged", "federated issuer"},
    {500011, "resource is not known", "https://database.windows.net/.default"},
    {50001, "resource is not known", "https://database.windows.net/.default"},
    {650057, "does not list this resource", "https://database.windows.net/.default"},
    {70011, "scope is malformed", "/.default"},
    {1002012, "does not end in /.default", "/.default"},
    {7000218, "needs a secret or assertion", "public client flows"},
    {700025, "takes no secret", "leave AZURE_CLIENT_SECRET out"},
    {65001, "consent", "administrator must grant"},
    {65002, "not pre-authorised", "administrator must grant"},
    {90094, "administrator's consent", "administrator must grant"},
    {50076, "multi-factor", "sign in again"},
    {50079, "multi-factor", "sign in again"},
    {50074, "strong authentication", "sign in again"},
    {50072, "multi-factor", "sign in again"},
    {50078, "expired", "sign in again"},
    {53003, "Conditional Access", "managed identity"},
    {530032, "security policy", "managed identity"},
    {53000, "compliant device", "managed identity"},
    {53001, "joined to the domain", "managed identity"},
    {50005, "platform", "managed identity"},
    {50020, "does not belong to this tenant", "AZURE_TENANT_ID"},
    {50034, "does not exist in this tenant", "AZURE_TENANT_ID"},
    {16000, "sessions", "sign in again"},
    {50126, "password is wrong", "sign in again"},
    {50053, "locked", "unlock"},
    {50055, "password has expired", "change the password"},
    {50056, "no password", "sign in again"},
    {50057, "account is disabled", "enable it"},
    {700082, "not used", "sign in again"},
    {70008, "expired", "sign in again"},
    {70043, "tenant's policy", "sign in again"},
    {50173, "revoked", "sign in again"},
    {54005, "redeemed already", "sign in again"},
    {70000, "not valid any more", "sign in again"},
    {501481, "verifier", "sign in again"},
    {50011, "reply address", "http://localhost"},
    {50194, "one tenant only", "instead of common"},
    {9001023, "consumers", "instead of common"},
    {90124, "needs a tenant", "instead of common"},
    {90130, "needs a tenant", "instead of common"},
    {7000112, "disabled in the tenant", "enable the service principal"},
    {7000114, "on behalf of users", "allow the flow"},
    {500133, "assertion has expired", "fresh token of the user"},
    {50196, "too often", "loop"},
    {90055, "too many requests", "try again later"},
    {90033, "passing problem", "try again later"},
    {50033, "passing problem", "try again later"},
    {90024, "passing problem", "try again later"},
    {90006, "passing problem", "try again later"},
    {70016, "not confirmed yet", "browser"},
    {70018, "device code is wrong", "sign in again"},
    {70019, "device code has expired", "sign in again"},
    {100007, "regional endpoint", "AZURE_REGIONAL_AUTHORITY_NAME"},
    {50058, "silent sign-in", "sign in again"},
    {50097, "device must be authenticated", "managed identity"},
    {50059, "which tenant is meant", "AZURE_TENANT_ID"},
    {50128, "none of a tenant", "AZURE_TENANT_ID"},
    {500113, "no reply address", "http://localhost"},
    {50105, "not assigned to the application", "enterprise application"},
    {50158, "further check", "sign in"},
    {530003, "managed device", "managed identity"},
    {90072, "does not exist in the tenant", "as a guest"},
    {700003, "does not know this device", "register"},
};

static void every_number_gives_cause_and_hint(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        http_response answer = {.status = 400, .body = ES_BUF_INIT(4096)};
        entrasql_error err;
        char shown[32];
        assert_int_equal(es_buf_printf(&answer.body,
                                       "{\"error\":\"invalid_grant\",\"error_codes\":[%u],"
                                       "\"error_description\":\"AADSTS%u: Entra's words.\\r\\nx\"}",
                                       (unsigned)rows[i].number, (unsigned)rows[i].number),
                         ENTRASQL_OK);
        assert_int_equal(identity_reply_entra_error(&answer, "https://login.example", NULL, &err),
                         ENTRASQL_AUTH_FAILED);
        snprintf(shown, sizeof shown, "(AADSTS%u, ", (unsigned)rows[i].number);
        assert_int_equal(err.number, rows[i].number);
        if (strstr(err.message, rows[i].cause) == NULL || strstr(err.message, shown) == NULL)
            fail_msg("AADSTS%u: %s", (unsigned)rows[i].number, err.message);
        if (strstr(err.hint, rows[i].hint) == NULL)
            fail_msg("AADSTS%u: hint: %s", (unsigned)rows[i].number, err.hint);
        common_expect_words(&err, "Entra's words.");
        es_buf_done(&answer.body);
    }
}

static void numbers_are_there_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(rows[i].number, rows[k].number);
        assert_non_null(identity_aadsts_find(rows[i].number));
    }
    assert_null(identity_aadsts_find(1));
    assert_null(identity_aadsts_find(0));
    assert_int_equal(identity_aadsts_count(), ES_COUNT_OF(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_gives_cause_and_hint),
        cmocka_unit_test(numbers_are_there_once),
    };
    return cmocka_run_group_tests_name("identity aadsts", tests, NULL, NULL);
}
