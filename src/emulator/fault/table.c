/* SPDX-License-Identifier: MIT */
/* The faults, one row each. A row's name begins with its place. */
#include "fault.h"

#include "base/mem.h"

/* clang-format off */
const fault fault_table[] = {
    /* ---- Entra: the token endpoints ---- */
    {.name = "token-delay", .place = FAULT_AT_TOKEN, .effect = FAULT_DELAY, .value = 3000,
     .help = "token endpoints answer after VALUE ms"},
    {.name = "token-throttle", .place = FAULT_AT_TOKEN, .effect = FAULT_HTTP, .value = 1,
     .http_status = 429,
     .body = "{\"error\":\"temporarily_unavailable\",\"error_description\":\"AADSTS90055: The "
             "server is terminating the request because of an excessive request rate.\","
             "\"error_codes\":[90055]}",
     .help = "token endpoints answer 429 with Retry-After: VALUE"},
    {.name = "token-unavailable", .place = FAULT_AT_TOKEN, .effect = FAULT_HTTP,
     .http_status = 503,
     .body = "{\"error\":\"temporarily_unavailable\",\"error_description\":\"AADSTS90033: A "
             "transient error has occurred. Please try again.\",\"error_codes\":[90033]}",
     .help = "token endpoints answer 503"},
    {.name = "token-error", .place = FAULT_AT_TOKEN, .effect = FAULT_HTTP, .http_status = 500,
     .body = "{\"error\":\"server_error\",\"error_description\":\"AADSTS90006: A server error "
             "occurred.\",\"error_codes\":[90006]}",
     .help = "token endpoints answer 500"},
    {.name = "token-html", .place = FAULT_AT_TOKEN, .effect = FAULT_HTTP, .http_status = 200,
     .body = "<!DOCTYPE html><title>Sign in to this network</title><p>Please log in.</p>",
     .content_type = "text/html; charset=utf-8",
     .help = "token endpoints answer 200 with a page, as a captive portal does"},
    {.name = "token-drop", .place = FAULT_AT_TOKEN, .effect = FAULT_DROP,
     .help = "token endpoints close the connection without an answer"},
    {.name = "token-mfa", .place = FAULT_AT_TOKEN, .effect = FAULT_HTTP, .http_status = 400,
     .body = "{\"error\":\"interaction_required\",\"error_description\":\"AADSTS50076: Due to a "
             "configuration change made by your administrator, or because you moved to a new "
             "location, you must use multi-factor authentication.\",\"error_codes\":[50076],"
             "\"suberror\":\"basic_action\",\"claims\":\"{\\\"access_token\\\":{\\\"capolids\\\":{"
             "\\\"essential\\\":true,\\\"values\\\":[\\\"00000000-0000-0000-0000-000000000001\\\"]}}}\"}",
     .help = "token endpoints ask for multi-factor authentication, with a claims challenge"},

    /* ---- the rest of Entra ---- */
    {.name = "entra-delay", .place = FAULT_AT_ENTRA, .effect = FAULT_DELAY, .value = 3000,
     .help = "discovery and keys answer after VALUE ms"},
    {.name = "entra-unavailable", .place = FAULT_AT_ENTRA, .effect = FAULT_HTTP,
     .http_status = 503, .body = "{\"error\":\"temporarily_unavailable\"}",
     .help = "discovery and keys answer 503"},
    {.name = "entra-drop", .place = FAULT_AT_ENTRA, .effect = FAULT_DROP,
     .help = "discovery and keys close the connection"},

    /* ---- managed identity ---- */
    {.name = "identity-delay", .place = FAULT_AT_IDENTITY, .effect = FAULT_DELAY, .value = 3000,
     .help = "managed identity endpoints answer after VALUE ms"},
    {.name = "identity-throttle", .place = FAULT_AT_IDENTITY, .effect = FAULT_HTTP, .value = 1,
     .http_status = 429,
     .body = "{\"error\":\"too_many_requests\",\"error_description\":\"Temporarily throttled, too "
             "many requests\"}",
     .help = "managed identity endpoints answer 429 with Retry-After: VALUE"},
    {.name = "identity-gone", .place = FAULT_AT_IDENTITY, .effect = FAULT_HTTP, .count = 2,
     .http_status = 410,
     .body = "{\"error\":\"gone\",\"error_description\":\"The identity endpoint is being "
             "updated\"}",
     .help = "they answer 410, as IMDS does while it is updated (default: twice)"},
    {.name = "identity-not-ready", .place = FAULT_AT_IDENTITY, .effect = FAULT_HTTP, .count = 2,
     .http_status = 404,
     .body = "{\"error\":\"not_found\",\"error_description\":\"IMDS is not ready\"}",
     .help = "they answer 404, as IMDS does while a machine boots (default: twice)"},
    {.name = "identity-error", .place = FAULT_AT_IDENTITY, .effect = FAULT_HTTP,
     .http_status = 500,
     .body = "{\"error\":\"unknown\",\"error_description\":\"Failed to retrieve token from the "
             "Active directory\"}",
     .help = "managed identity endpoints answer 500"},
    {.name = "identity-unreachable", .place = FAULT_AT_IDENTITY, .effect = FAULT_HTTP,
     .http_status = 403,
     .body = "A socket operation was attempted to an unreachable network.",
     .content_type = "text/plain; charset=utf-8",
     .help = "they answer 403 \"unreachable\", as a desktop's container proxy does"},
    {.name = "identity-gateway", .place = FAULT_AT_IDENTITY, .effect = FAULT_HTTP,
     .http_status = 502, .body = "<html><h1>502 Bad Gateway</h1></html>",
     .content_type = "text/html; charset=utf-8",
     .help = "they answer 502, as a proxy before them does"},
    {.name = "identity-not-found", .place = FAULT_AT_IDENTITY, .effect = FAULT_HTTP,
     .http_status = 400,
     .body = "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}",
     .help = "they answer 400: the identity is not assigned"},
    {.name = "identity-several", .place = FAULT_AT_IDENTITY, .effect = FAULT_HTTP,
     .http_status = 400,
     .body = "{\"error\":\"invalid_request\",\"error_description\":\"Multiple user assigned "
             "identities exist, please specify the clientId / resourceId of the identity in the "
             "token request\"}",
     .help = "they answer 400: several identities, and none was named"},
    {.name = "identity-html", .place = FAULT_AT_IDENTITY, .effect = FAULT_HTTP,
     .http_status = 200, .body = "<!DOCTYPE html><title>Welcome</title>",
     .content_type = "text/html; charset=utf-8",
     .help = "they answer 200 with a page: something else is at that address"},
    {.name = "identity-drop", .place = FAULT_AT_IDENTITY, .effect = FAULT_DROP,
     .help = "managed identity endpoints close the connection without an answer"},

    /* ---- Azure Resource Manager ---- */
    {.name = "arm-delay", .place = FAULT_AT_ARM, .effect = FAULT_DELAY, .value = 3000,
     .help = "Azure Resource Manager answers after VALUE ms"},
    {.name = "arm-throttle", .place = FAULT_AT_ARM, .effect = FAULT_HTTP, .value = 1,
     .http_status = 429,
     .body = "{\"error\":{\"code\":\"SubscriptionRequestsThrottled\",\"message\":\"Number of "
             "requests for the subscription exceeded. Please try again after the time in "
             "Retry-After.\"}}",
     .help = "it answers 429 with Retry-After: VALUE"},
    {.name = "arm-unavailable", .place = FAULT_AT_ARM, .effect = FAULT_HTTP, .http_status = 503,
     .body = "{\"error\":{\"code\":\"ServerTimeout\",\"message\":\"The request timed out. "
             "Diagnostic information: timestamp, subscription and tracking id.\"}}",
     .help = "it answers 503"},
    {.name = "arm-gateway", .place = FAULT_AT_ARM, .effect = FAULT_HTTP, .http_status = 504,
     .body = "{\"error\":{\"code\":\"GatewayTimeout\",\"message\":\"The gateway did not receive "
             "a response from the resource provider within the specified time period.\"}}",
     .help = "it answers 504"},
    {.name = "arm-html", .place = FAULT_AT_ARM, .effect = FAULT_HTTP, .http_status = 200,
     .body = "<!DOCTYPE html><title>Welcome</title>", .content_type = "text/html; charset=utf-8",
     .help = "it answers 200 with a page: something else is at that address"},
    {.name = "arm-drop", .place = FAULT_AT_ARM, .effect = FAULT_DROP,
     .help = "it closes the connection without an answer, and nothing is done"},
    {.name = "arm-drop-after", .place = FAULT_AT_ARM_ANSWER, .effect = FAULT_DROP,
     .help = "what was asked is done, and the connection is closed without an answer"},
    {.name = "arm-slow", .place = FAULT_AT_ARM_SLOW, .effect = FAULT_DELAY, .value = 5000,
     .help = "its operations take VALUE ms; a second write meanwhile is refused with 409"},
    {.name = "arm-operation-fails", .place = FAULT_AT_ARM_OPERATION, .effect = FAULT_DROP,
     .help = "its operations end as Failed, without effect"},
    {.name = "arm-replication", .place = FAULT_AT_ARM_REPLICATION, .effect = FAULT_DROP, .count = 3,
     .help = "reading a managed identity answers 404, three times by default, as just after its "
             "creation"},
    {.name = "arm-patch-replaces", .place = FAULT_AT_ARM_SLOW, .effect = FAULT_DROP,
     .help = "PATCH takes the map of identities as the whole of it, as PUT does"},

    /* ---- SQL logins ---- */
    {.name = "sql-delay", .place = FAULT_AT_LOGIN, .effect = FAULT_DELAY, .value = 3000,
     .help = "logins are answered after VALUE ms"},
    {.name = "sql-drop", .place = FAULT_AT_LOGIN, .effect = FAULT_DROP,
     .help = "the connection is closed after the login was sent"},
    {.name = "sql-firewall", .place = FAULT_AT_LOGIN, .effect = FAULT_SQL,
     .number = 40615, .state = 1, .severity = 14,
     .text = "Cannot open server '{server}' requested by the login. Client with IP address "
             "'{address}' is not allowed to access the server.  To enable access, use the Azure "
             "Management Portal or run sp_set_firewall_rule on the master database to create a "
             "firewall rule for this IP address or address range.  It may take up to five minutes "
             "for this change to take effect.",
     .help = "40615: no firewall rule for the client's address"},
    {.name = "sql-firewall-rules", .place = FAULT_AT_FIREWALL, .effect = FAULT_SQL,
     .number = 40615, .state = 1, .severity = 14,
     .text = "Cannot open server '{server}' requested by the login. Client with IP address "
             "'{address}' is not allowed to access the server.  To enable access, use the Azure "
             "Management Portal or run sp_set_firewall_rule on the master database to create a "
             "firewall rule for this IP address or address range.  It may take up to five minutes "
             "for this change to take effect.",
     .help = "40615, unless a firewall rule in Azure Resource Manager is for the client's address"},
    {.name = "sql-paused", .place = FAULT_AT_LOGIN, .effect = FAULT_SQL, .count = 2,
     .number = 40613, .state = 1, .severity = 17,
     .text = "Database '{database}' on server '{server}' is not currently available.  Please "
             "retry the connection later.  If the problem persists, contact customer support, and "
             "provide them the session tracing ID of '00000000-0000-0000-0000-000000000000'.",
     .help = "40613: a serverless database resumes (default: two logins, then it is up)"},
    {.name = "sql-transient", .place = FAULT_AT_LOGIN, .effect = FAULT_SQL, .value = 4060,
     .number = 40197, .state = 1, .severity = 17,
     .text = "The service has encountered an error processing your request. Please try again. "
             "Error code {value}.",
     .help = "40197 with error code VALUE: a failover"},
    {.name = "sql-busy", .place = FAULT_AT_LOGIN, .effect = FAULT_SQL, .value = 10,
     .number = 40501, .state = 1, .severity = 20,
     .text = "The service is currently busy. Retry the request after {value} seconds. Incident "
             "ID: 00000000-0000-0000-0000-000000000000. Code: 131075.",
     .help = "40501: the service is busy for VALUE seconds"},
    {.name = "sql-sessions", .place = FAULT_AT_LOGIN, .effect = FAULT_SQL, .value = 300,
     .number = 10928, .state = 1, .severity = 20,
     .text = "Resource ID : 2. The session limit for the database is {value} and has been "
             "reached. See 'http://go.microsoft.com/fwlink/?LinkId=267637' for assistance.",
     .help = "10928: the session limit VALUE is reached"},
    {.name = "sql-private", .place = FAULT_AT_LOGIN, .effect = FAULT_SQL,
     .number = 47073, .state = 1, .severity = 14,
     .text = "Deny Public Network Access is set to Yes on server '{server}'. Connect through the "
             "private endpoint from inside the virtual network.",
     .help = "47073: public network access is disabled"},
    {.name = "sql-network", .place = FAULT_AT_LOGIN, .effect = FAULT_SQL,
     .number = 40914, .state = 1, .severity = 14,
     .text = "Cannot open server '{server}' requested by the login. Client is not allowed to "
             "access the server.",
     .help = "40914: the client's virtual network has no rule"},
    {.name = "sql-login-error", .place = FAULT_AT_LOGIN, .effect = FAULT_SQL, .value = 42101,
     .state = 1, .severity = 14, .text = "Error {value} of server '{server}': {cause}.",
     .help = "any number: VALUE, with what the catalogue says that it means"},
    {.name = "sql-redirect", .place = FAULT_AT_LOGIN, .effect = FAULT_ROUTE,
     .help = "logins are redirected to the front's second port, where they are served; with VALUE 1 "
             "to the first one again, in a circle"},

    /* ---- requests of SQL sessions ---- */
    {.name = "request-delay", .place = FAULT_AT_REQUEST, .effect = FAULT_DELAY, .value = 3000,
     .help = "requests are answered after VALUE ms"},
    {.name = "request-drop", .place = FAULT_AT_REQUEST, .effect = FAULT_DROP,
     .help = "the connection is closed instead of an answer"},
    {.name = "request-failover", .place = FAULT_AT_REQUEST, .effect = FAULT_SQL, .value = 4060,
     .number = 40197, .state = 1, .severity = 20,
     .text = "The service has encountered an error processing your request. Please try again. "
             "Error code {value}.",
     .help = "40197, and the session ends, as in a failover"},

    /* ---- the server's questions to Entra ---- */
    {.name = "sql-graph", .place = FAULT_AT_DIRECTORY, .effect = FAULT_SQL,
     .number = 33134, .state = 1, .severity = 16,
     .text = "Principal could not be resolved.",
     .help = "33134: the server may not look principals up (no identity with Directory Readers)"},
};
/* clang-format on */
const size_t fault_table_count = ES_COUNT_OF(fault_table);
