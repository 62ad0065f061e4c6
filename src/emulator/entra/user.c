/* SPDX-License-Identifier: MIT */
/* Apps that sign people in, and the scopes they ask for. */
#include "user.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const entra_client clients[] = {
    {"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI"},
    {"1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell"},
    {"aebc6443-996d-45c2-90f0-388ff96faa56", "Visual Studio Code"},
    /* The drivers' own, for ActiveDirectoryPassword; as they send them. */
    {"2c1229aa-16c5-4ff5-b46b-4f7fe2a2a9c8", "Microsoft ODBC Driver for SQL Server"},
    {"7f98cb04-cd1e-40df-9140-3bf7e2cea4db", "Microsoft JDBC Driver for SQL Server"},
};

const entra_client *entra_client_find(const char *client_id)
{
    for (size_t i = 0; i < ES_COUNT_OF(clients); i++) {
        if (es_strcaseeq(clients[i].id, client_id))
            return &clients[i];
    }
    return NULL;
}

uint32_t entra_client_problem(const world *w, const char *client_id, char *text, size_t size)
{
    char shown[80];
    if (entra_client_find(client_id) != NULL)
        return 0;
    es_printable(shown, sizeof shown, client_id, strlen(client_id));
    if (world_app_find(w, client_id) != NULL) {
        (void)snprintf(text, size,
                       "The request body must contain the following parameter: "
                       "'client_assertion' or 'client_secret'. Application '%s' is not a public "
                       "client.",
                       shown);
        return 7000218;
    }
    (void)snprintf(text, size,
                   "Application with identifier '%s' was not found in the directory. This can "
                   "happen if the application has not been installed by the administrator of the "
                   "tenant or consented to by any user in the tenant.",
                   shown);
    return 700016;
}

static bool is_openid_word(const char *s, size_t n)
{
    static const char *const words[] = {"openid", "profile", "email", "offline_access"};
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (n == strlen(words[i]) && memcmp(s, words[i], n) == 0)
            return true;
    }
    return false;
}

bool entra_has_scope(const char *scope, const char *word)
{
    size_t wanted = strlen(word);
    while (*scope != 0) {
        size_t n = strcspn(scope, " ");
        if (n == wanted && memcmp(scope, word, n) == 0)
            return true;
        scope += n + strspn(scope + n, " ");
    }
    return false;
}

/* "<resource>/.default" or "<resource>/permission": the world's resource, NULL when unknown. */
static const char *resource_of(const world *w, const char *scope, size_t n)
{
    size_t end = n;
    while (end != 0 && scope[end - 1] != '/')
        end--;
    if (end < 2)
        return NULL;
    char resource[512];
    if (end > sizeof resource)
        return NULL;
    memcpy(resource, scope, end - 1);
    resource[end - 1] = 0;
    return world_resource_find(w, resource);
}

uint32_t entra_user_resource(const world *w, const char *scope, const char **ret, char *text,
                             size_t size)
{
    char shown[200];
    const char *found = NULL;
    for (const char *s = scope; *s != 0;) {
        size_t n = strcspn(s, " ");
        if (n != 0 && !is_openid_word(s, n)) {
            const char *resource = resource_of(w, s, n);
            es_printable(shown, sizeof shown, s, n);
            if (resource == NULL) {
                (void)snprintf(text, size,
                               "The resource principal named %s was not found in the tenant. This "
                               "can happen if the application has not been installed by the "
                               "administrator of the tenant.",
                               shown);
                return 500011;
            }
            if (found != NULL && found != resource) {
                (void)snprintf(text, size,
                               "The provided value for the input parameter 'scope' is not valid "
                               "because it contains more than one resource: %s.",
                               shown);
                return 28000;
            }
            found = resource;
        }
        s += n + strspn(s + n, " ");
    }
    if (found == NULL) {
        (void)snprintf(text, size,
                       "The provided request must include a 'scope' input parameter. The provided "
                       "value for the input parameter 'scope' names no resource.");
        return 70011;
    }
    *ret = found;
    return 0;
}
