/* SPDX-License-Identifier: MIT */
/*
 * The status page. Every text that is not ours goes through put_text(), which
 * escapes it; no script, no form, no secret.
 */
#include "admin.h"

#include "emulator/imds/imds.h"

#include <string.h>
#include <time.h>

const char admin_style[] =
    ":root{color-scheme:light dark}"
    "body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:92rem;padding:1.2rem}"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:1.8rem 0 .4rem}"
    "p{margin:.3rem 0}.note{opacity:.75}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #8884;overflow-wrap:break-word}"
    "th,.fix{white-space:nowrap}th{font-weight:600}"
    "code{font:13px ui-monospace,monospace;white-space:nowrap}"
    ".out{min-width:24rem}"
    ".ok{color:#187a3c;font-weight:600}.bad{color:#c02626;font-weight:600}"
    "@media(prefers-color-scheme:dark){.ok{color:#5fd38a}.bad{color:#ff8080}}"
    ".hint{font-style:italic}.wrap{overflow-x:auto}\n";

typedef struct page {
    es_buf *out;
    entrasql_status status; /* the first failure */
} page;

/* ---- writing ---- */

static void put(page *p, const char *html)
{
    if (p->status == ENTRASQL_OK)
        p->status = es_buf_add_str(p->out, html);
}

/* A text for the inside of an element or of a quoted attribute. */
static void put_text(page *p, const char *s)
{
    for (; *s != '\0' && p->status == ENTRASQL_OK; s++) {
        switch (*s) {
        case '&':
            put(p, "&amp;");
            break;
        case '<':
            put(p, "&lt;");
            break;
        case '>':
            put(p, "&gt;");
            break;
        case '"':
            put(p, "&quot;");
            break;
        case '\'':
            put(p, "&#39;");
            break;
        default:
            p->status = es_buf_add(p->out, s, 1);
        }
    }
}

static void put_number(page *p, uint64_t n)
{
    if (p->status == ENTRASQL_OK)
        p->status = es_buf_printf(p->out, "%llu", (unsigned long long)n);
}

static void begin_table(page *p, const char *title, const char *const *heads)
{
    put(p, "<h2>");
    put(p, title);
    put(p, "</h2>\n<div class=wrap><table><thead><tr>");
    for (; *heads != NULL; heads++) {
        put(p, "<th scope=col>");
        put(p, *heads);
    }
    put(p, "</thead><tbody>\n");
}

static void end_table(page *p)
{
    put(p, "</tbody></table></div>\n");
}

static void put_cell(page *p, const char *text)
{
    put(p, "<td>");
    put_text(p, text);
}

static void put_code_cell(page *p, const char *text)
{
    put(p, "<td><code>");
    put_text(p, text);
    put(p, "</code>");
}

/* ---- endpoints ---- */

static void put_endpoint(page *p, const char *what, const char *before, unsigned port,
                         const char *after)
{
    put(p, "<tr><th scope=row>");
    put(p, what);
    put(p, "<td><code>");
    put(p, before);
    put_number(p, port);
    put(p, after);
    put(p, "</code>\n");
}

static void put_endpoints(page *p, const admin_options *o)
{
    static const char *const heads[] = {"Endpoint", "Address", NULL};
    const emulator_info *i = &o->info;
    begin_table(p, "Endpoints", heads);
    put_endpoint(p, "SQL", "tcp:localhost,", i->sql_port, "");
    if (i->catalog_port != 0)
        put_endpoint(p, "SQL, the front's own catalog", "tcp:localhost,", i->catalog_port, "");
    put_endpoint(p, "Entra", "https://localhost:", i->entra_port, "/");
    put_endpoint(p, "Managed identity (IMDS)", "http://127.0.0.1:", i->identity_port, IMDS_VM_PATH);
    put_endpoint(p, "Managed identity (App Service)", "http://127.0.0.1:", i->identity_port,
                 IMDS_APP_SERVICE_PATH);
    put(p, "<tr><th scope=row>Certificate authority<td><code>");
    put_text(p, world_ca_file(o->world));
    put(p, "</code>\n<tr><th scope=row>Data directory<td><code>");
    put_text(p, o->data_dir);
    put(p, "</code>\n");
    end_table(p);
}

static void put_server(page *p, const admin_options *o)
{
    static const char *const heads[] = {"Server",     "Entra admin",         "Databases",
                                        "SQL logins", "Requests are served", NULL};
    const world *w = o->world;
    const world_principal *admin = world_server_admin(w);
    begin_table(p, "Server", heads);
    put(p, "<tr>");
    put_cell(p, world_server_name(w));
    put_cell(p, admin == NULL        ? "none: no token is taken"
                : admin->upn != NULL ? admin->upn
                                     : admin->name);
    put(p, "<td>master");
    for (size_t i = 0; i < world_database_count(w); i++) {
        put(p, ", ");
        put_text(p, world_database_name(w, i));
    }
    put_cell(p, world_is_entra_only(w)   ? "refused: Entra only"
                : world_has_sql_login(w) ? "on"
                                         : "off");
    put_cell(p, o->backend != NULL ? o->backend : "here");
    put(p, "\n");
    end_table(p);
}

/* ---- objects ---- */

static const char *kind_of(const world_principal *p)
{
    switch (p->kind) {
    case WORLD_USER:
        return "user";
    case WORLD_GROUP:
        return "group";
    case WORLD_APP:
        return "app";
    case WORLD_IDENTITY:
        return p->system_assigned ? "identity, system-assigned" : "identity, user-assigned";
    }
    return "";
}

static void put_groups(page *p, const world *w, const world_principal *who)
{
    const char *ids[32];
    size_t count = world_groups_of(w, who, ids, ES_COUNT_OF(ids));
    put(p, "<td>");
    for (size_t i = 0; i < count; i++) {
        const world_principal *group = world_object_find(w, ids[i]);
        put(p, i != 0 ? ", " : "");
        put_text(p, group != NULL ? group->name : ids[i]);
    }
}

static void put_hosts_of(page *p, const world *w, const world_principal *who)
{
    const world_host *h;
    bool any = false;
    put(p, "<td>");
    for (size_t i = 0; (h = world_host_at(w, i)) != NULL; i++) {
        for (size_t k = 0; k < h->identity_count; k++) {
            if (h->identities[k] != who)
                continue;
            put(p, any ? ", " : "");
            put_text(p, h->name);
            any = true;
        }
    }
}

static void put_objects(page *p, const world *w)
{
    static const char *const heads[] = {"Kind",      "Name",  "Object id", "Client id",
                                        "In groups", "Hosts", NULL};
    const world_principal *who;
    begin_table(p, "Objects", heads);
    for (size_t i = 0; (who = world_principal_at(w, i)) != NULL; i++) {
        put(p, "<tr>");
        put_cell(p, kind_of(who));
        put_cell(p, who->upn != NULL ? who->upn : who->name);
        put_code_cell(p, who->object_id);
        put_code_cell(p, who->client_id);
        put_groups(p, w, who);
        put_hosts_of(p, w, who);
        put(p, "\n");
    }
    end_table(p);
}

/* ---- faults ---- */

static void put_faults(page *p, faults *f)
{
    bool any = false;
    put(p, "<h2>Faults</h2>\n<p>");
    for (size_t i = 0; i < fault_table_count; i++) {
        if (!faults_is_on(f, fault_table[i].name))
            continue;
        put(p, any ? "<br><b>" : "<b>");
        put_text(p, fault_table[i].name);
        put(p, "</b>: ");
        put_text(p, fault_table[i].help);
        any = true;
    }
    put(p, any ? "</p>\n" : "None is on.</p>\n");
}

/* ---- logins ---- */

static void put_time(page *p, int64_t at_s)
{
    char text[32] = "";
    time_t t = (time_t)at_s;
    struct tm tm;
    if (gmtime_r(&t, &tm) == NULL || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
        text[0] = '\0';
    put(p, "<td class=fix>");
    put_text(p, text);
}

static void put_who(page *p, const journal_entry *e)
{
    put(p, "<td>");
    put_text(p, e->principal[0] == '\0' ? "not looked at"
                : e->name[0] != '\0'    ? e->name
                                        : e->principal);
    if (e->name[0] != '\0' && e->principal[0] != '\0') {
        put(p, "<br><span class=note>");
        put_text(p, e->principal);
        put(p, "</span>");
    }
}

static void put_outcome(page *p, const journal_entry *e)
{
    if (e->accepted) {
        put(p, "<td class=out><span class=ok>let in</span>");
        return;
    }
    put(p, "<td class=out><span class=bad>refused</span>");
    if (e->number != 0) {
        put(p, " ");
        put_number(p, e->number);
    }
    put(p, "<br>");
    put_text(p, e->text);
    if (e->why[0] != '\0') {
        put(p, "<br><b>Why:</b> ");
        put_text(p, e->why);
    }
    if (e->hint[0] != '\0') {
        put(p, "<br><span class=hint>");
        put_text(p, e->hint);
        put(p, "</span>");
    }
}

static void put_login(page *p, const journal_entry *e)
{
    put(p, "<tr>");
    put_time(p, e->at_s);
    put_who(p, e);
    put_cell(p, e->database);
    put_outcome(p, e);
    put(p, "<td>");
    put_text(p, e->method);
    put(p, ", ");
    put_text(p, e->encryption);
    put(p, "<td>");
    put_text(p, e->app);
    put(p, e->app[0] != '\0' && e->library[0] != '\0' ? ", " : "");
    put_text(p, e->library);
    put(p, "<br>");
    put_text(p, e->host);
    put(p, " ");
    put_text(p, e->address);
    put(p, "\n");
}

static void put_logins(page *p, journal *log)
{
    static const char *const heads[] = {"Time", "Who",    "Database", "Outcome",
                                        "How",  "Client", NULL};
    journal_entry e;
    uint64_t accepted = 0, refused = 0;
    journal_counts(log, &accepted, &refused);
    begin_table(p, "Last logins", heads);
    for (size_t i = 0; journal_get(log, i, &e); i++)
        put_login(p, &e);
    end_table(p);
    put(p, "<p class=note>");
    put_number(p, accepted);
    put(p, " let in, ");
    put_number(p, refused);
    put(p, " refused since the start.</p>\n");
}

entrasql_status admin_write_page(admin_site *a, bool refreshing, es_buf *out)
{
    const admin_options *o = admin_get(a);
    page p = {.out = out};
    put(&p, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
            "<meta name=viewport content=\"width=device-width,initial-scale=1\">");
    if (refreshing)
        put(&p, "<meta http-equiv=refresh content=5>");
    put(&p,
        "<title>entrasql emulator</title>"
        "<link rel=stylesheet href=\"" ADMIN_PREFIX "style.css\"></head>\n<body>"
        "<h1>entrasql emulator</h1>\n<p class=note>For development only, never for real data. ");
    put(&p, refreshing ? "Refreshes every 5 seconds; <a href=\"/\">stop</a>.</p>\n"
                       : "<a href=\"/?refresh=1\">Refresh every 5 seconds</a>.</p>\n");
    put_logins(&p, o->journal);
    put_faults(&p, world_faults(o->world));
    world_hold(o->world);
    put_endpoints(&p, o);
    put_server(&p, o);
    put_objects(&p, o->world);
    world_let_go(o->world);
    put(&p, "</body></html>\n");
    return p.status;
}
