/* SPDX-License-Identifier: MIT */
/* The catalogue's rows for Entra. Source: reference-error-codes of Microsoft Entra. */
#include "catalog_rows.h"

#include <stddef.h>

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

const es_catalog_entry es_catalog_aadsts[] = {
    {700016, NULL, false, "the application is not known in this tenant",
     "check AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_AUTHORITY_HOST",
     "AADSTS700016: Application with identifier 'ID' was not found in the directory 'NAME'."},
    {90002, NULL, false, "there is no such tenant", CHECK_TENANT,
     "AADSTS90002: Tenant 'ID' not found."},
    {900023, NULL, false, "the tenant is not written as a tenant", CHECK_TENANT},
    {7000215, NULL, false, "the client secret is wrong",
     "use the secret's value, not its id, and look for quotes or blanks around it in "
     "AZURE_CLIENT_SECRET",
     "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request "
     "is the client secret value, not the client secret ID."},
    {7000222, NULL, false, "the client secret has expired",
     "make a new client secret for the application",
     "AADSTS7000222: The provided client secret keys for app 'ID' are expired."},
    {700027, NULL, false, "the signature of the assertion or its certificate is not registered",
     "upload the certificate to the application",
     "AADSTS700027: The certificate with identifier used to sign the client assertion is not "
     "registered on application."},
    {700024, NULL, false, "the assertion is outside its time range",
     "set the clock of this machine (NTP) and use a fresh assertion"},
    {700021, NULL, false, "the assertion is of another application",
     "iss and sub of the assertion must be the client id that asks"},
    {700023, NULL, false, "the assertion is meant for somebody else",
     "its audience must be the token endpoint of the tenant that is asked"},
    {50027, NULL, false, "the assertion is not a token that Entra can read",
     "look at what is in the assertion or the token file: it must be a signed JWT"},
    {50013, NULL, false, "the signature of the assertion is not valid",
     "the issuer's keys may have changed: use a fresh assertion, and check its issuer"},
    {500131, NULL, false, "the user's token is meant for another application",
     "the user must ask for a token of the application that acts for them (api://<client id>)"},
    {70021, NULL, false, "no federated credential matches the token", FEDERATION,
     "AADSTS70021: No matching federated identity record found for presented assertion."},
    {700211, NULL, false, "no federated credential matches the issuer of the token", FEDERATION,
     "AADSTS700211: No matching federated identity record found for presented assertion issuer "
     "'URL'."},
    {700212, NULL, false, "no federated credential matches the audience of the token", FEDERATION},
    {700213, NULL, false, "no federated credential matches the subject of the token", FEDERATION,
     "AADSTS700213: No matching federated identity record found for presented assertion subject "
     "'NAME'."},
    {700229, NULL, false, "this kind of token cannot be exchanged",
     "the assertion must be a token of an app or of the federated issuer"},
    {500011, NULL, false, "the resource is not known in this tenant", CHECK_RESOURCE,
     "AADSTS500011: The resource principal named NAME was not found in the tenant named NAME."},
    {50001, NULL, false, "the resource is not known in this tenant", CHECK_RESOURCE},
    {650057, NULL, false, "the application does not list this resource", CHECK_RESOURCE},
    {70011, NULL, false, "the scope is malformed", CHECK_RESOURCE},
    {1002012, NULL, false, "the scope does not end in /.default", CHECK_RESOURCE,
     "AADSTS1002012: The provided value for scope NAME is not valid. Client credential flows must "
     "have a scope value with /.default suffixed to the resource identifier (application ID URI)."},
    {7000218, NULL, false, "the application needs a secret or assertion",
     "set AZURE_CLIENT_SECRET, or allow public client flows for the application",
     "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or "
     "'client_secret'."},
    {700025, NULL, false, "the application is public and takes no secret",
     "leave AZURE_CLIENT_SECRET out"},
    {65001, NULL, false, "consent for the application is missing", CONSENT,
     "AADSTS65001: The user or administrator has not consented to use the application with ID "
     "'ID'."},
    {65002, NULL, false, "the application is not pre-authorised for this resource", CONSENT},
    {90094, NULL, false, "an administrator's consent is missing", CONSENT},
    {50076, NULL, false, "multi-factor authentication is asked for", SIGN_IN_AGAIN,
     "AADSTS50076: Due to a configuration change made by your administrator, or because you moved "
     "to a new location, you must use multi-factor authentication to access 'ID'."},
    {50079, NULL, false, "multi-factor authentication must be set up", SIGN_IN_AGAIN,
     "AADSTS50079: Due to a configuration change made by your administrator, or because you moved "
     "to a new location, you must enroll in multi-factor authentication to access 'ID'."},
    {50074, NULL, false, "strong authentication is asked for", SIGN_IN_AGAIN},
    {50072, NULL, false, "multi-factor authentication must be set up", SIGN_IN_AGAIN},
    {50078, NULL, false, "the multi-factor authentication has expired", SIGN_IN_AGAIN},
    {53003, NULL, false, "a Conditional Access policy blocks this", USE_A_SERVICE_IDENTITY,
     "AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does "
     "not allow token issuance."},
    {530032, NULL, false, "a security policy of the tenant blocks this", USE_A_SERVICE_IDENTITY},
    {53000, NULL, false, "Conditional Access asks for a compliant device", USE_A_SERVICE_IDENTITY},
    {53001, NULL, false, "Conditional Access asks for a device joined to the domain",
     USE_A_SERVICE_IDENTITY},
    {50005, NULL, false, "Conditional Access does not allow this platform", USE_A_SERVICE_IDENTITY},
    {50020, NULL, false, "the user does not belong to this tenant", CHECK_TENANT,
     "AADSTS50020: User account 'NAME' from identity provider 'URL' does not exist in tenant "
     "'NAME' and cannot access the application 'ID' in that tenant."},
    {50034, NULL, false, "the user does not exist in this tenant", CHECK_TENANT,
     "AADSTS50034: The user account NAME does not exist in the NAME directory."},
    {16000, NULL, false, "several or no sessions fit", SIGN_IN_AGAIN},
    {50126, NULL, false, "user name or password is wrong", SIGN_IN_AGAIN,
     "AADSTS50126: Error validating credentials due to invalid username or password."},
    {50053, NULL, false, "the account is locked", "wait, or ask the administrator to unlock it"},
    {50055, NULL, false, "the password has expired",
     "change the password and sign in again (az login)"},
    {50056, NULL, false, "the account has no password", SIGN_IN_AGAIN},
    {50057, NULL, false, "the account is disabled", "ask the administrator to enable it"},
    {700082, NULL, false, "the sign-in has expired because it was not used", SIGN_IN_AGAIN,
     "AADSTS700082: The refresh token has expired due to inactivity."},
    {70008, NULL, false, "the sign-in has expired", SIGN_IN_AGAIN},
    {70043, NULL, false, "the sign-in has expired by the tenant's policy", SIGN_IN_AGAIN,
     "AADSTS70043: The refresh token has expired or is invalid due to sign-in frequency checks by "
     "conditional access."},
    {50173, NULL, false, "the sign-in was revoked", SIGN_IN_AGAIN,
     "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is "
     "needed."},
    {54005, NULL, false, "the code was redeemed already", SIGN_IN_AGAIN},
    {70000, NULL, false, "the grant is not valid any more", SIGN_IN_AGAIN},
    {501481, NULL, false, "the code verifier does not match", SIGN_IN_AGAIN},
    {50011, NULL, false, "the reply address is not registered",
     "add http://localhost as a redirect address of the desktop kind to the application",
     "AADSTS50011: The redirect URI 'URL' specified in the request does not match the redirect "
     "URIs configured for the application 'ID'."},
    {50194, NULL, false, "the application belongs to one tenant only", NAME_A_TENANT,
     "AADSTS50194: Application 'ID' is not configured as a multi-tenant application."},
    {9001023, NULL, false, "this flow is not possible for consumers' accounts", NAME_A_TENANT},
    {90124, NULL, false, "this flow needs a tenant", NAME_A_TENANT},
    {90130, NULL, false, "this flow needs a tenant", NAME_A_TENANT},
    {7000112, NULL, false, "the application is disabled in the tenant",
     "enable the service principal in the tenant"},
    {7000114, NULL, false, "the application may not act on behalf of users",
     "allow the flow for the application"},
    {500133, NULL, false, "the user's assertion has expired", "use a fresh token of the user"},
    {50196, NULL, false, "the same request came too often in a row",
     "stop asking; find the loop in the program first"},
    {90055, NULL, true, "too many requests", TRY_LATER},
    {90033, NULL, true, "Entra has a passing problem", TRY_LATER},
    {50033, NULL, true, "Entra has a passing problem", TRY_LATER},
    {90024, NULL, true, "Entra has a passing problem", TRY_LATER},
    {90006, NULL, true, "Entra has a passing problem", TRY_LATER},
    {70016, NULL, false, "the device code is not confirmed yet",
     "finish the sign-in in the browser"},
    {70018, NULL, false, "the device code is wrong", SIGN_IN_AGAIN},
    {70019, NULL, false, "the device code has expired", SIGN_IN_AGAIN},
    {100007, NULL, false, "the application may not use a regional endpoint",
     "unset AZURE_REGIONAL_AUTHORITY_NAME"},
    {50058, NULL, false, "silent sign-in is not possible", SIGN_IN_AGAIN},
    {50059, NULL, false, "the request does not say which tenant is meant", CHECK_TENANT,
     "AADSTS50059: No tenant-identifying information found in either the request or implied by any "
     "provided credentials."},
    {50128, NULL, false, "the domain is none of a tenant, or the tenant is not said", CHECK_TENANT},
    {500113, NULL, false, "the application has no reply address",
     "add http://localhost as a redirect address of the desktop kind to the application",
     "AADSTS500113: No reply address is registered for the application."},
    {50105, NULL, false, "the user is not assigned to the application",
     "an administrator must assign the user, or a group of theirs, to the enterprise application"},
    {50158, NULL, false, "a further check outside of Entra was not passed", SIGN_IN_AGAIN},
    {530003, NULL, false, "Conditional Access asks for a managed device", USE_A_SERVICE_IDENTITY},
    {90072, NULL, false, "the account does not exist in the tenant that was asked",
     "sign in with an account of that tenant, or have it invited there as a guest; check "
     "AZURE_TENANT_ID",
     "AADSTS90072: User account 'NAME' from identity provider 'URL' does not exist in tenant "
     "'NAME' "
     "and cannot access the application 'ID' in that tenant."},
    {700003, NULL, false, "the tenant does not know this device, or not any more",
     "register the device again, or ask the administrator"},
    {50097, NULL, false, "the device must be authenticated", USE_A_SERVICE_IDENTITY},
};
const size_t es_catalog_aadsts_count = ES_COUNT_OF(es_catalog_aadsts);
