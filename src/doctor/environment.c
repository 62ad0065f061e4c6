/* SPDX-License-Identifier: MIT */
/* Link: the environment. Which host it looks like, and variables that disagree. */
#include "doctor/inner.h"

#include "base/str.h"
#include "tls/tls.h"

#include <stdlib.h>
#include <string.h>

static bool is_set(const char *name)
{
    return !es_str_is_empty(getenv(name));
}

/* In the order in which ManagedIdentityCredential looks. */
static const struct host {
    const char *name;
    const char *variables[3]; /* all are set */
} hosts[] = {
    {"Service Fabric", {"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"}},
    {"App Service", {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"}},
    {"Azure Arc", {"IDENTITY_ENDPOINT", "IMDS_ENDPOINT"}},
    {"Azure ML", {"MSI_ENDPOINT", "MSI_SECRET"}},
    {"Cloud Shell", {"MSI_ENDPOINT"}},
    {"workload identity (AKS)", {"AZURE_FEDERATED_TOKEN_FILE"}},
    {"a Kubernetes pod", {"KUBERNETES_SERVICE_HOST"}},
};

static bool fits(const struct host *host)
{
    for (size_t i = 0; i < ES_COUNT_OF(host->variables) && host->variables[i] != NULL; i++) {
        if (!is_set(host->variables[i]))
            return false;
    }
    return true;
}

static const char *host_name(void)
{
    for (size_t i = 0; i < ES_COUNT_OF(hosts); i++) {
        if (fits(&hosts[i]))
            return hosts[i].name;
    }
    return "a virtual machine, or outside Azure";
}

static bool check_ids(doctor *d)
{
    static const char *const names[] = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID"};
    bool good = true;
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        const char *value = getenv(names[i]);
        uint8_t guid[16];
        /* A tenant may be a domain's name. */
        bool domain =
            i == 1 && value != NULL && strchr(value, '.') != NULL && strpbrk(value, " \"'") == NULL;
        if (value == NULL || *value == 0 || domain || es_guid_parse(value, guid) == ENTRASQL_OK)
            continue;
        doctor_line *line = doctor_add(d, "environment", DOCTOR_FAIL, "variable-not-guid",
                                       "%s is not a GUID", names[i]);
        /* Not the value: people paste secrets into the wrong variable. */
        doctor_evidence(line, "it has %zu characters%s", strlen(value),
                        strpbrk(value, "\"' ") != NULL ? ", quotes or blanks among them" : "");
        good = false;
    }
    return good;
}

static bool check_service_principal(doctor *d)
{
    bool secret = is_set("AZURE_CLIENT_SECRET") || is_set("AZURE_CLIENT_CERTIFICATE_PATH");
    if (!secret || (is_set("AZURE_TENANT_ID") && is_set("AZURE_CLIENT_ID")))
        return true;
    (void)doctor_add(d, "environment", DOCTOR_WARN, "variables-incomplete", "%s is set without %s",
                     is_set("AZURE_CLIENT_SECRET") ? "AZURE_CLIENT_SECRET"
                                                   : "AZURE_CLIENT_CERTIFICATE_PATH",
                     is_set("AZURE_TENANT_ID") ? "AZURE_CLIENT_ID" : "AZURE_TENANT_ID");
    return false;
}

static bool check_hosts(doctor *d)
{
    static const char *const endpoints[] = {"IDENTITY_ENDPOINT", "MSI_ENDPOINT",
                                            "AZURE_FEDERATED_TOKEN_FILE"};
    const char *set[ES_COUNT_OF(endpoints)];
    size_t count = 0;
    for (size_t i = 0; i < ES_COUNT_OF(endpoints); i++) {
        if (is_set(endpoints[i]))
            set[count++] = endpoints[i];
    }
    /* App Service sets both of the first two, to the same place. */
    bool same = count == 2 && is_set("IDENTITY_ENDPOINT") && is_set("MSI_ENDPOINT") &&
                es_streq(getenv("IDENTITY_ENDPOINT"), getenv("MSI_ENDPOINT"));
    if (count < 2 || same)
        return true;
    (void)doctor_add(d, "environment", DOCTOR_WARN, "hosts-disagree",
                     "%s and %s are both set: they belong to different hosts", set[0], set[1]);
    return false;
}

static bool check_string_id(doctor *d)
{
    const char *id = conf_login_get(&d->login, CONF_KEY_CLIENT_ID);
    const char *variable = getenv("AZURE_CLIENT_ID");
    uint8_t guid[16];
    if (!es_str_is_empty(id) && es_guid_parse(id, guid) != ENTRASQL_OK) {
        doctor_line *line =
            doctor_add(d, "environment", DOCTOR_FAIL, "variable-not-guid",
                       "the client id in the connection string (its user) is not a GUID");
        doctor_evidence(line, "it has %zu characters", strlen(id));
        return false;
    }
    if (es_str_is_empty(id) || es_str_is_empty(variable) || es_strcaseeq(id, variable))
        return true;
    doctor_line *line =
        doctor_add(d, "environment", DOCTOR_WARN, "ids-disagree",
                   "the connection string and AZURE_CLIENT_ID name different identities");
    doctor_evidence(line, "string %s, variable %s", id, variable);
    return false;
}

static bool check_string(doctor *d)
{
    if (!d->options->is_quoted)
        return true;
    doctor_line *line = doctor_add(d, "environment", DOCTOR_FAIL, "string-quoted",
                                   "%s begins and ends with a quote", d->options->source);
    doctor_evidence(line, "drivers take it for a part of the string; the other links are looked at "
                          "without it");
    return false;
}

/* Before Entra and the server are blamed for it. */
static bool check_trust(doctor *d)
{
    tls_context *tls = NULL;
    entrasql_error err;
    if (tls_client_context_new(&(tls_client_options){.ca_file = d->options->ca_file}, &tls, &err) ==
        ENTRASQL_OK) {
        tls_context_unref(tls);
        return true;
    }
    d->no_trust = true;
    doctor_line *line = doctor_add(d, "environment", DOCTOR_FAIL, "trust-file",
                                   "there are no trusted certificates");
    doctor_evidence(line, "%s", err.message);
    return false;
}

void doctor_environment(doctor *d)
{
    bool good = check_string(d);
    good = check_ids(d) && good;
    good = check_service_principal(d) && good;
    good = check_hosts(d) && good;
    good = check_string_id(d) && good;
    good = doctor_words(d) && good;
    good = doctor_variables(d) && good;
    good = check_trust(d) && good;
    if (!good)
        return;
    doctor_line *line = doctor_add(d, "environment", DOCTOR_OK, NULL, "looks like %s", host_name());
    if (is_set("AZURE_CLIENT_ID"))
        doctor_evidence(line, "AZURE_CLIENT_ID=%s", getenv("AZURE_CLIENT_ID"));
}
