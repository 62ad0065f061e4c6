/* SPDX-License-Identifier: MIT */
/*
 * Link: the environment, as far as it says who signs in and where: variables of identity hosts that
 * came without their fellows, Entra's address, the choice of credentials, ids that nobody reads.
 */
#include "doctor/inner.h"

#include "base/mem.h"
#include "base/nearest.h"
#include "base/str.h"
#include "conf/keys.h"
#include "identity/redact.h"
#include "identity/selection.h"
#include "identity/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AUTHORITY "AZURE_AUTHORITY_HOST"
#define SELECTION "AZURE_TOKEN_CREDENTIALS"

static bool is_set(const char *name)
{
    return !es_str_is_empty(getenv(name));
}

/* ---- halves of a pair ---- */

/* The second alone means nothing to src/identity/mi_source.c, nor the first without one of two. */
static const struct pair {
    const char *set;
    const char *missing;
    const char *instead; /* with it the first has a meaning of its own; NULL: never */
} pairs[] = {
    {"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT"},
    /* Container Instances set a header and a thumbprint, and mean IMDS. */
    {"IDENTITY_HEADER", "IDENTITY_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT"},
    {"MSI_SECRET", "MSI_ENDPOINT", NULL},
    {"IMDS_ENDPOINT", "IDENTITY_ENDPOINT", NULL},
};

static bool check_pairs(doctor *d)
{
    for (size_t i = 0; i < ES_COUNT_OF(pairs); i++) {
        const struct pair *p = &pairs[i];
        if (!is_set(p->set) || is_set(p->missing) || (p->instead != NULL && is_set(p->instead)))
            continue;
        doctor_line *line = doctor_add(d, "environment", DOCTOR_WARN, "identity-half-set",
                                       "%s is set without %s, and passed over", p->set, p->missing);
        doctor_evidence(line, "%s", "the managed identity is asked for at 169.254.169.254 then");
        return false;
    }
    return true;
}

/* ---- an id that is not read ---- */

/* "UID" of "UID|User ID|User". */
static const char *first_word(const char *words, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%.*s", (int)strcspn(words, "|"), words);
    return ret;
}

/*
 * AZURE_CLIENT_ID is DefaultAzureCredential's. The drivers' own mode takes the id from the string
 * alone, and asks for the system-assigned identity without one.
 */
static bool check_unread_id(doctor *d)
{
    const char *id = getenv("AZURE_CLIENT_ID");
    uint8_t guid[16];
    char word[40];
    if (!es_streq(conf_login_get(&d->login, CONF_KEY_AUTHENTICATION), "managed-identity") ||
        !es_str_is_empty(conf_login_get(&d->login, CONF_KEY_CLIENT_ID)) ||
        d->options->client_id != NULL || es_str_is_empty(id) ||
        es_guid_parse(id, guid) != ENTRASQL_OK)
        return true;
    conf_form words = d->options->login->words;
    const char *names = conf_key_word(CONF_KEY_CLIENT_ID, words);
    if (names == NULL)
        names = conf_key_word(CONF_KEY_USER, words);
    doctor_line *line = doctor_add(
        d, "environment", DOCTOR_WARN, "client-id-unread",
        "AZURE_CLIENT_ID is not read here: the string asks for the system-assigned identity");
    doctor_evidence(line, "Authentication of a managed identity, and no id in the string");
    doctor_fix(line,
               "For the identity of AZURE_CLIENT_ID write %s=%s into the string (Microsoft's ODBC "
               "driver on a virtual machine wants its object id there).",
               names != NULL ? first_word(names, word, sizeof word) : "UID", id);
    return false;
}

/* ---- Entra's address ---- */

static const struct cloud {
    const char *name;
    const char *suffix;         /* of servers */
    const char *authorities[2]; /* the first is the one to write */
} clouds[] = {
    {"Azure", ".database.windows.net", {"login.microsoftonline.com", "login.microsoft.com"}},
    {"Azure Government", ".database.usgovcloudapi.net", {"login.microsoftonline.us", NULL}},
    {"Azure in China",
     ".database.chinacloudapi.cn",
     {"login.chinacloudapi.cn", "login.partner.microsoftonline.cn"}},
};

static const struct cloud *cloud_of_server(const char *host)
{
    for (size_t i = 0; i < ES_COUNT_OF(clouds); i++) {
        size_t n = strlen(host);
        size_t m = strlen(clouds[i].suffix);
        if (n > m && es_strcaseeq(host + n - m, clouds[i].suffix))
            return &clouds[i];
    }
    return NULL;
}

/* "https://login.example": the host. */
static const struct cloud *cloud_of_authority(const char *url)
{
    const char *host = strstr(url, "://") != NULL ? strstr(url, "://") + 3 : url;
    size_t n = strcspn(host, ":/");
    for (size_t i = 0; i < ES_COUNT_OF(clouds); i++) {
        for (size_t k = 0; k < ES_COUNT_OF(clouds[i].authorities); k++) {
            const char *known = clouds[i].authorities[k];
            if (known != NULL && strlen(known) == n && es_strncaseeq(known, host, n))
                return &clouds[i];
        }
    }
    return NULL;
}

static bool check_cloud(doctor *d, const char *authority)
{
    const struct cloud *server = cloud_of_server(d->target.host);
    const struct cloud *asked = cloud_of_authority(authority);
    if (server == NULL || asked == NULL || server == asked)
        return true;
    doctor_line *line = doctor_add(d, "environment", DOCTOR_FAIL, "cloud-mismatch",
                                   "the server is of %s, and the tokens are asked for at %s",
                                   server->name, asked->name);
    doctor_evidence(line, "%s, " AUTHORITY " %s", d->target.host,
                    is_set(AUTHORITY) ? getenv(AUTHORITY) : "is not set");
    doctor_fix(line, AUTHORITY "=https://%s%s", server->authorities[0],
               is_set(AUTHORITY) && server == &clouds[0] ? ", or unset it" : "");
    return false;
}

static bool check_authority(doctor *d)
{
    const char *text = getenv(AUTHORITY);
    char *authority = NULL;
    char shown[200];
    entrasql_error err;
    if (es_str_is_empty(text))
        return check_cloud(d, clouds[0].authorities[0]);
    identity_show_url(shown, sizeof shown, text);
    if (identity_authority_parse(text, AUTHORITY, &authority, &err) != ENTRASQL_OK) {
        doctor_line *line = doctor_add(d, "environment", DOCTOR_FAIL, "authority-host",
                                       AUTHORITY " is not Entra's address");
        doctor_evidence(line, "%s", err.message);
        d->no_authority = true;
        return false;
    }
    bool good = check_cloud(d, authority);
    es_free(authority);
    if (es_strncaseeq(text, "https://", 8))
        return good;
    doctor_line *line = doctor_add(d, "environment", DOCTOR_WARN, "authority-host",
                                   AUTHORITY " does not begin with https://");
    doctor_evidence(line, "%s: entrasql takes it, other libraries may not", shown);
    doctor_fix(line, AUTHORITY "=https://%s", shown);
    return false;
}

/* ---- the choice of credentials ---- */

static bool check_selection(doctor *d)
{
    const identity_selection none = {{false}};
    identity_selection chosen;
    entrasql_error err;
    es_nearest near = {0};
    const char *text = getenv(SELECTION);
    if (d->options->credential != NULL || text == NULL || es_str_is_empty(text) ||
        identity_selection_parse(text, &none, &none, &chosen, &err) == ENTRASQL_OK)
        return true;
    for (size_t i = 0; i < IDENTITY_MEMBER_COUNT; i++)
        es_nearest_offer(&near, text, strlen(text), identity_member_name((identity_member)i));
    doctor_line *line =
        doctor_add(d, "environment", DOCTOR_FAIL, "selection-unknown", "%s", err.message);
    doctor_fix(line, "%s%s%s%s", near.word != NULL ? "Did you mean " : "",
               near.word != NULL ? near.word : "", near.word != NULL ? "? " : "", err.hint);
    d->no_selection = true;
    return false;
}

bool doctor_variables(doctor *d)
{
    bool good = check_unread_id(d);
    /* Nobody asks for a token: what leads there does not matter. */
    if (!d->by_token)
        return good;
    good = check_pairs(d) && good;
    good = check_authority(d) && good;
    return check_selection(d) && good;
}
