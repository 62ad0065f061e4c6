/* SPDX-License-Identifier: MIT */
/*
 * Drop-ins, cloud-init, manifests. A double-quoted JSON string is one of YAML 1.2 too, so the JSON
 * writer does the quoting there; systemd has rules of its own (systemd.syntax, systemd.exec).
 */
#include "azure/guest.h"

#include "base/str.h"

#include <string.h>

#define DROP_IN_MAX (256 * 1024)

/* ---- names ---- */

static bool is_name_of(const char *s, const char *more, size_t max)
{
    size_t n = s != NULL ? strlen(s) : 0;
    if (n == 0 || n > max)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = es_ascii_lower(s[i]);
        if (!((c >= 'a' && c <= 'z') || es_is_digit(c)) && strchr(more, s[i]) == NULL)
            return false;
    }
    return true;
}

/* RFC 1123, as Kubernetes has it: lower case, digits, '-' and (in subdomains) '.'. */
static bool is_kubernetes_name(const char *s, bool is_label)
{
    if (!is_name_of(s, is_label ? "-" : "-.", is_label ? 63 : 253))
        return false;
    for (const char *p = s; *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z')
            return false;
    }
    return s[0] != '-' && s[0] != '.' && s[strlen(s) - 1] != '-' && s[strlen(s) - 1] != '.';
}

static entrasql_status need_kubernetes_name(const char *s, const char *what, bool is_label,
                                            entrasql_error *err)
{
    if (is_kubernetes_name(s, is_label))
        return ENTRASQL_OK;
    char shown[80];
    es_printable(shown, sizeof shown, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
    es_fail(err, ENTRASQL_INVALID, "\"%s\" cannot be the name of a %s in Kubernetes", shown, what);
    es_hint(err, "lower-case letters, digits and '-', a letter or digit at both ends");
    return ENTRASQL_INVALID;
}

entrasql_status azure_guest_check_unit(const char *unit, entrasql_error *err)
{
    if (is_name_of(unit, ":_.-@", 255) && es_ends_with(unit, ".service") && unit[0] != '.' &&
        unit[0] != '-' && !es_streq(unit, ".service"))
        return ENTRASQL_OK;
    char shown[80];
    es_printable(shown, sizeof shown, unit != NULL ? unit : "", unit != NULL ? strlen(unit) : 0);
    es_fail(err, ENTRASQL_INVALID, "\"%s\" is not the name of a systemd service", shown);
    es_hint(err, "such as persons.service; systemctl list-units --type=service shows them");
    return ENTRASQL_INVALID;
}

static entrasql_status need_variable(const azure_change *change, entrasql_error *err)
{
    bool is_good = is_name_of(change->name, "_", 255) && !es_is_digit(change->name[0]);
    if (!is_good)
        return es_fail(err, ENTRASQL_INVALID, "a setting's name is not that of a variable");
    for (const char *p = change->value != NULL ? change->value : ""; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            return es_fail(err, ENTRASQL_INVALID,
                           "the value of %s holds a line break or control character", change->name);
    }
    return ENTRASQL_OK;
}

static entrasql_status done(entrasql_status status, entrasql_error *err)
{
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    return status == ENTRASQL_LIMIT
               ? es_fail(err, status, "the settings are too long to be printed")
               : status;
}

/* ---- systemd ---- */

static entrasql_status add_path(const char *unit, es_buf *out)
{
    return es_buf_printf(out, "/etc/systemd/system/%s.d/50-entrasql.conf", unit);
}

entrasql_status azure_guest_path(const char *unit, es_buf *out, entrasql_error *err)
{
    ES_TRY(azure_guest_check_unit(unit, err));
    return done(add_path(unit, out), err);
}

/* Inside double quotes: C escapes, and '%' begins a specifier. */
static entrasql_status add_systemd_text(const char *s, es_buf *out)
{
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            ES_TRY(es_buf_add(out, "\\", 1));
        if (*s == '%')
            ES_TRY(es_buf_add(out, "%", 1));
        ES_TRY(es_buf_add(out, s, 1));
    }
    return ENTRASQL_OK;
}

static entrasql_status add_variable(const azure_change *change, es_buf *out)
{
    if (change->value == NULL)
        return es_buf_printf(out, "UnsetEnvironment=%s\n", change->name);
    ES_TRY(es_buf_printf(out, "Environment=\"%s=", change->name));
    ES_TRY(add_systemd_text(change->value, out));
    return es_buf_add_str(out, "\"\n");
}

static entrasql_status add_drop_in(const azure_guest *guest, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "# Passwordless connections to Azure SQL (entrasql migrate).\n"
                               "[Service]\n"));
    for (size_t i = 0; i < guest->count; i++)
        ES_TRY(add_variable(&guest->settings[i], out));
    return ENTRASQL_OK;
}

static entrasql_status check_systemd(const azure_guest *guest, entrasql_error *err)
{
    ES_TRY(azure_guest_check_unit(guest->unit, err));
    for (size_t i = 0; i < guest->count; i++)
        ES_TRY(need_variable(&guest->settings[i], err));
    return ENTRASQL_OK;
}

entrasql_status azure_guest_drop_in(const azure_guest *guest, es_buf *out, entrasql_error *err)
{
    ES_TRY(check_systemd(guest, err));
    return done(add_drop_in(guest, out), err);
}

static entrasql_status add_yaml(const char *before, const char *text, const char *after,
                                es_buf *out)
{
    json_writer w;
    ES_TRY(es_buf_add_str(out, before));
    json_writer_init(&w, out);
    json_put_string(&w, text);
    ES_TRY(json_writer_end(&w));
    return es_buf_add_str(out, after);
}

static entrasql_status add_cloud_init(const azure_guest *guest, const char *drop_in, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "#cloud-config\nwrite_files:\n  - path: "));
    ES_TRY(add_path(guest->unit, out));
    ES_TRY(es_buf_add_str(out, "\n    owner: root:root\n    permissions: \"0644\"\n"));
    ES_TRY(add_yaml("    content: ", drop_in, "\n", out));
    ES_TRY(es_buf_add_str(out, "runcmd:\n  - [systemctl, daemon-reload]\n"));
    return add_yaml("  - [systemctl, try-restart, ", guest->unit, "]\n", out);
}

entrasql_status azure_guest_cloud_init(const azure_guest *guest, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf drop_in = ES_BUF_INIT_WIPE(DROP_IN_MAX);
    ES_TRY(azure_guest_drop_in(guest, &drop_in, err));
    const char *text = es_buf_cstr(&drop_in);
    if (text == NULL)
        return es_nomem(err);
    entrasql_status status = add_cloud_init(guest, text, out);
    if (status == ENTRASQL_MALFORMED)
        return es_fail(err, ENTRASQL_INVALID, "the value of a setting is no UTF-8");
    return done(status, err);
}

/* 'text' with ' as '\''. */
static entrasql_status add_shell(const char *s, size_t n, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "'"));
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\'')
            ES_TRY(es_buf_add_str(out, "'\\''"));
        else
            ES_TRY(es_buf_add(out, &s[i], 1));
    }
    return es_buf_add_str(out, "'");
}

static entrasql_status add_script(const azure_guest *guest, const char *drop_in, es_buf *out)
{
    ES_TRY(es_buf_printf(out,
                         "set -eu\numask 022\nmkdir -p /etc/systemd/system/%s.d\nprintf '%%s\\n'",
                         guest->unit));
    for (const char *p = drop_in; *p != '\0';) {
        size_t n = strcspn(p, "\n");
        ES_TRY(es_buf_add_str(out, " "));
        ES_TRY(add_shell(p, n, out));
        p += n + (p[n] == '\n' ? 1 : 0);
    }
    ES_TRY(es_buf_add_str(out, " > "));
    ES_TRY(add_path(guest->unit, out));
    return es_buf_printf(out, "\nsystemctl daemon-reload\nsystemctl restart %s\n", guest->unit);
}

entrasql_status azure_guest_script(const azure_guest *guest, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf drop_in = ES_BUF_INIT_WIPE(DROP_IN_MAX);
    ES_TRY(azure_guest_drop_in(guest, &drop_in, err));
    const char *text = es_buf_cstr(&drop_in);
    return text != NULL ? done(add_script(guest, text, out), err) : es_nomem(err);
}

static entrasql_status add_undo(const azure_guest *guest, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "set -eu\nrm -f "));
    ES_TRY(add_path(guest->unit, out));
    return es_buf_printf(out, "\nsystemctl daemon-reload\nsystemctl restart %s\n", guest->unit);
}

entrasql_status azure_guest_undo_script(const azure_guest *guest, es_buf *out, entrasql_error *err)
{
    ES_TRY(azure_guest_check_unit(guest->unit, err));
    return done(add_undo(guest, out), err);
}

/* ---- Kubernetes ---- */

static const char *namespace_of(const azure_guest *guest)
{
    return guest->namespace_name != NULL ? guest->namespace_name : "default";
}

static entrasql_status check_account(const azure_guest *guest, entrasql_error *err)
{
    ES_TRY(need_kubernetes_name(namespace_of(guest), "namespace", true, err));
    return need_kubernetes_name(guest->service_account, "service account", false, err);
}

entrasql_status azure_guest_subject(const azure_guest *guest, es_buf *out, entrasql_error *err)
{
    ES_TRY(check_account(guest, err));
    return done(es_buf_printf(out, "system:serviceaccount:%s:%s", namespace_of(guest),
                              guest->service_account),
                err);
}

static entrasql_status add_account(const azure_guest *guest, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n"));
    ES_TRY(add_yaml("  name: ", guest->service_account, "\n", out));
    ES_TRY(add_yaml("  namespace: ", namespace_of(guest), "\n", out));
    ES_TRY(add_yaml("  annotations:\n    azure.workload.identity/client-id: ", guest->client_id,
                    "\n", out));
    if (guest->tenant_id == NULL)
        return ENTRASQL_OK;
    return add_yaml("    azure.workload.identity/tenant-id: ", guest->tenant_id, "\n", out);
}

static entrasql_status need_guid(const char *s, const char *what, entrasql_error *err)
{
    uint8_t bytes[16];
    if (s != NULL && es_guid_parse(s, bytes) == ENTRASQL_OK)
        return ENTRASQL_OK;
    return es_fail(err, ENTRASQL_INVALID, "the %s is missing or no GUID", what);
}

entrasql_status azure_guest_service_account(const azure_guest *guest, es_buf *out,
                                            entrasql_error *err)
{
    ES_TRY(check_account(guest, err));
    ES_TRY(need_guid(guest->client_id, "client id", err));
    if (guest->tenant_id != NULL)
        ES_TRY(need_guid(guest->tenant_id, "tenant's id", err));
    return done(add_account(guest, out), err);
}

/* valueFrom goes when a value comes: both at once are refused. */
static entrasql_status add_env(const azure_change *change, es_buf *out)
{
    ES_TRY(add_yaml("            - name: ", change->name, "\n", out));
    if (change->value == NULL)
        return es_buf_add_str(out, "              $patch: delete\n");
    ES_TRY(add_yaml("              value: ", change->value, "\n", out));
    return es_buf_add_str(out, "              valueFrom: null\n");
}

static entrasql_status add_deployment(const azure_guest *guest, es_buf *out)
{
    ES_TRY(es_buf_add_str(out, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n"));
    ES_TRY(add_yaml("  name: ", guest->deployment, "\n", out));
    ES_TRY(add_yaml("  namespace: ", namespace_of(guest), "\n", out));
    ES_TRY(es_buf_add_str(out, "spec:\n  template:\n"));
    if (guest->service_account != NULL)
        ES_TRY(es_buf_add_str(out, "    metadata:\n      labels:\n"
                                   "        azure.workload.identity/use: \"true\"\n"));
    ES_TRY(es_buf_add_str(out, "    spec:\n"));
    if (guest->service_account != NULL)
        ES_TRY(add_yaml("      serviceAccountName: ", guest->service_account, "\n", out));
    ES_TRY(add_yaml("      containers:\n        - name: ", guest->container, "\n", out));
    if (guest->count == 0)
        return ENTRASQL_OK;
    ES_TRY(es_buf_add_str(out, "          env:\n"));
    for (size_t i = 0; i < guest->count; i++)
        ES_TRY(add_env(&guest->settings[i], out));
    return ENTRASQL_OK;
}

entrasql_status azure_guest_deployment(const azure_guest *guest, es_buf *out, entrasql_error *err)
{
    ES_TRY(need_kubernetes_name(namespace_of(guest), "namespace", true, err));
    ES_TRY(need_kubernetes_name(guest->deployment, "deployment", false, err));
    ES_TRY(need_kubernetes_name(guest->container, "container", true, err));
    if (guest->service_account != NULL)
        ES_TRY(need_kubernetes_name(guest->service_account, "service account", false, err));
    for (size_t i = 0; i < guest->count; i++)
        ES_TRY(need_variable(&guest->settings[i], err));
    entrasql_status status = add_deployment(guest, out);
    if (status == ENTRASQL_MALFORMED)
        return es_fail(err, ENTRASQL_INVALID, "the value of a setting is no UTF-8");
    return done(status, err);
}
