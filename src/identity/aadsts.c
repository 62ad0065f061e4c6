/* SPDX-License-Identifier: MIT */
/* The table of Entra's error numbers. */
#include "identity/aadsts.h"

#include "base/compiler.h"
#include "base/str.h"

#include <stddef.h>
#include <string.h>

#define SIGN_IN_AGAIN "sign in again (az login)"
#define USE_A_SERVICE_IDENTITY                                                                     \
    "ask the administrator about the Conditional Access policy; a program is better served by a "  \
    "managed identity or service principal"
#define FEDERATION                                                                                 \
    "compare the app's federated credential with the token: issuer (also its trailing slash), "    \
    "subject (system:serviceaccount:namespace:name), audience api://AzureADTokenExchange"
#define CHECK_TENANT "check AZURE_TENANT_ID and, outside the public cloud, AZURE_AUTHORITY_HOST"
#define CHECK_RESOURCE                                                                             \
    "for Azure SQL in the public cloud the scope is https://database.windows.net/.default; other " \
    "clouds have their own"
#define NAME_A_TENANT "use the id of your own tenant instead of common, organizations or consumers"
#define TRY_LATER "it passes by itself: try again later"
#define CONSENT "an administrator must grant the app its permission"

static const identity_aadsts table[] = {
    {700016, "the application is not known in this tenant",
     "check AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_AUTHORITY_HOST"},
    {90002, "there is no such tenant", CHECK_TENANT},
    {900023, "the tenant is not written as a tenant", CHECK_TENANT},
    {7000215, "the client secret is wrong",
     "use the secret's value, not its id, and look for quotes or blanks around it in "
     "AZURE_CLIENT_SECRET"},
    {7000222, "the client secret has expired", "make a new client secret for the application"},
    {700027, "the signature of the assertion or its certificate is not registered",
     "upload the certificate to the application"},
    {700024, "the assertion is outside its time range",
     "set the clock of this machine (NTP) and use a fresh assertion"},
    {700021, "the assertion is of another application",
     "iss and sub of the assertion must be the client id that asks"},
    {700023, "the assertion is meant for somebody else",
     "its audience must be the token endpoint of the tenant that is asked"},
    {50027, "the assertion is not a token that Entra can read",
     "look at what is in the assertion or the token file: it must be a signed JWT"},
    {50013, "the signature of the assertion is not valid",
     "the issuer's keys may have changed: use a fresh assertion, and check its issuer"},
    {500131, "the user's token is meant for another application",
     "the user must ask for a token of the application that acts for them (api://<client id>)"},
    {70021, "no federated credential matches the token", FEDERATION},
    {700211, "no federated credential matches the issuer of the token", FEDERATION},
    {700212, "no federated credential matches the audience of the token", FEDERATION},
    {700213, "no federated credential matches the subject of the token", FEDERATION},
    {700229, "this kind of token cannot be exchanged",
     "the assertion must be a token of an app or of the federated issuer"},
    {500011, "the resource is not known in this tenant", CHECK_RESOURCE},
    {50001, "the resource is not known in this tenant", CHECK_RESOURCE},
    {650057, "the application does not list this resource", CHECK_RESOURCE},
    {70011, "the scope is malformed", CHECK_RESOURCE},
    {1002012, "the scope does not end in /.default", CHECK_RESOURCE},
    {7000218, "the application needs a secret or assertion",
     "set AZURE_CLIENT_SECRET, or allow public client flows for the application"},
    {700025, "the application is public and takes no secret", "leave AZURE_CLIENT_SECRET out"},
    {65001, "consent for the application is missing", CONSENT},
    {65002, "the application is not pre-authorised for this resource", CONSENT},
    {90094, "an administrator's consent is missing", CONSENT},
    {50076, "multi-factor authentication is asked for", SIGN_IN_AGAIN},
    {50079, "multi-factor authentication must be set up", SIGN_IN_AGAIN},
    {50074, "strong authentication is asked for", SIGN_IN_AGAIN},
    {50072, "multi-factor authentication must be set up", SIGN_IN_AGAIN},
    {50078, "the multi-factor authentication has expired", SIGN_IN_AGAIN},
    {53003, "a Conditional Access policy blocks this", USE_A_SERVICE_IDENTITY},
    {530032, "a security policy of the tenant blocks this", USE_A_SERVICE_IDENTITY},
    {53000, "Conditional Access asks for a compliant device", USE_A_SERVICE_IDENTITY},
    {53001, "Conditional Access asks for a device joined to the domain", USE_A_SERVICE_IDENTITY},
    {50005, "Conditional Access does not allow this platform", USE_A_SERVICE_IDENTITY},
    {50020, "the user does not belong to this tenant", CHECK_TENANT},
    {50034, "the user does not exist in this tenant", CHECK_TENANT},
    {16000, "several or no sessions fit", SIGN_IN_AGAIN},
    {50126, "user name or password is wrong", SIGN_IN_AGAIN},
    {50053, "the account is locked", "wait, or ask the administrator to unlock it"},
    {50055, "the password has expired", "change the password and sign in again (az login)"},
    {50056, "the account has no password", SIGN_IN_AGAIN},
    {50057, "the account is disabled", "ask the administrator to enable it"},
    {700082, "the sign-in has expired because it was not used", SIGN_IN_AGAIN},
    {70008, "the sign-in has expired", SIGN_IN_AGAIN},
    {70043, "the sign-in has expired by the tenant's policy", SIGN_IN_AGAIN},
    {50173, "the sign-in was revoked", SIGN_IN_AGAIN},
    {54005, "the code was redeemed already", SIGN_IN_AGAIN},
    {70000, "the grant is not valid any more", SIGN_IN_AGAIN},
    {501481, "the code verifier does not match", SIGN_IN_AGAIN},
    {50011, "the reply address is not registered",
     "add http://localhost as a redirect address of the desktop kind to the application"},
    {50194, "the application belongs to one tenant only", NAME_A_TENANT},
    {9001023, "this flow is not possible for consumers' accounts", NAME_A_TENANT},
    {90124, "this flow needs a tenant", NAME_A_TENANT},
    {90130, "this flow needs a tenant", NAME_A_TENANT},
    {7000112, "the application is disabled in the tenant",
     "enable the service principal in the tenant"},
    {7000114, "the application may not act on behalf of users",
     "allow the flow for the application"},
    {500133, "the user's assertion has expired", "use a fresh token of the user"},
    {50196, "the same request came too often in a row",
     "stop asking; find the loop in the program first"},
    {90055, "too many requests", TRY_LATER},
    {90033, "Entra has a passing problem", TRY_LATER},
    {50033, "Entra has a passing problem", TRY_LATER},
    {90024, "Entra has a passing problem", TRY_LATER},
    {90006, "Entra has a passing problem", TRY_LATER},
    {70016, "the device code is not confirmed yet", "finish the sign-in in the browser"},
    {70018, "the device code is wrong", SIGN_IN_AGAIN},
    {70019, "the device code has expired", SIGN_IN_AGAIN},
    {100007, "the application may not use a regional endpoint",
     "unset AZURE_REGIONAL_AUTHORITY_NAME"},
    {50058, "silent sign-in is not possible", SIGN_IN_AGAIN},
    {50097, "the device must be authenticated", USE_A_SERVICE_IDENTITY},
};

const identity_aadsts *identity_aadsts_find(uint32_t number)
{
    for (size_t i = 0; i < ES_COUNT_OF(table); i++) {
        if (table[i].number == number)
            return &table[i];
    }
    return NULL;
}

size_t identity_aadsts_count(void)
{
    return ES_COUNT_OF(table);
}

uint32_t identity_aadsts_in_text(const char *text)
{
    static const char mark[] = "AADSTS";
    const char *at = strstr(text, mark);
    if (at == NULL)
        return 0;
    at += sizeof mark - 1;
    size_t n = strspn(at, "0123456789");
    uint64_t number;
    return es_parse_u64(at, n, UINT32_MAX, &number) == ENTRASQL_OK ? (uint32_t)number : 0;
}
