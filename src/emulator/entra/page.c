/* SPDX-License-Identifier: MIT */
/* HTML of the sign-in pages. */
#include "page.h"

#include "base/random.h"

#include <stdio.h>
#include <string.h>

/* More than this are not listed: a person's name can be typed. */
#define MAX_LISTED 12

/* clang-format off */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d1d9e0;--card:#fff;"
    "--back:#eef1f5;--main:#0b5cad;--over:#f3f6fa}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#3d444d;"
    "--card:#151b23;--back:#0d1117;--main:#2f81f7;--over:#1f262e}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;"
    "background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}"
    "main{width:100%;max-width:440px;background:var(--card);border:1px solid var(--line);"
    "border-radius:12px;padding:32px;box-shadow:0 8px 24px rgba(0,0,0,.08)}"
    "h1{font-size:22px;line-height:1.3;margin:0 0 12px}p{margin:0 0 16px;overflow-wrap:anywhere}"
    ".brand{display:flex;align-items:center;gap:8px;color:var(--soft);font-size:14px;"
    "margin-bottom:20px}"
    ".brand i{width:16px;height:16px;border-radius:4px;background:var(--main)}"
    "button{font:inherit;cursor:pointer;border-radius:8px;border:1px solid var(--line);"
    "background:transparent;color:inherit;padding:10px 18px}"
    "button:hover,button:focus-visible{background:var(--over)}"
    "button.main{background:var(--main);border-color:var(--main);color:#fff}"
    "button.user{display:block;width:100%;text-align:left;margin-bottom:8px}"
    "button small{display:block;color:var(--soft)}"
    ".row{display:flex;gap:8px;margin-top:8px}.row.end{justify-content:flex-end;margin-top:24px}"
    "input{font:inherit;flex:1;min-width:0;padding:10px 12px;border-radius:8px;"
    "border:1px solid var(--line);background:transparent;color:inherit}"
    "input.code{text-transform:uppercase;letter-spacing:.15em}"
    "ul{margin:0 0 16px;padding-left:20px}li{overflow-wrap:anywhere}"
    "label{display:block;color:var(--soft);font-size:14px;margin-top:16px}"
    "footer{color:var(--soft);font-size:13px;margin-top:24px;padding-top:16px;"
    "border-top:1px solid var(--line)}";
/* clang-format on */

void page_html(entra_page *p, const char *html)
{
    if (p->status == ENTRASQL_OK)
        p->status = es_buf_add_str(&p->c->response->body, html);
}

void page_text(entra_page *p, const char *text)
{
    for (; *text != 0; text++) {
        switch (*text) {
        case '&':
            page_html(p, "&amp;");
            break;
        case '<':
            page_html(p, "&lt;");
            break;
        case '>':
            page_html(p, "&gt;");
            break;
        case '"':
            page_html(p, "&quot;");
            break;
        case '\'':
            page_html(p, "&#39;");
            break;
        default:
            if (p->status == ENTRASQL_OK)
                p->status = es_buf_add(&p->c->response->body, text, 1);
        }
    }
}

static void header(entra_page *p, const char *name, const char *value)
{
    if (p->status == ENTRASQL_OK)
        p->status = httpd_response_header(p->c->response, name, value);
}

/* form-action covers the redirect that follows a form as well: clients listen on localhost. */
static void begin(entra_page *p, entra_call *c, const char *title, const char *script_nonce)
{
    char policy[256];
    *p = (entra_page){.c = c, .status = ENTRASQL_OK};
    c->response->content_type = "text/html; charset=utf-8";
    (void)snprintf(policy, sizeof policy,
                   "default-src 'none'; style-src 'unsafe-inline'; script-src %s%s%s; form-action "
                   "'self' http://localhost:*; frame-ancestors 'none'; base-uri 'none'",
                   script_nonce != NULL ? "'nonce-" : "'none'",
                   script_nonce != NULL ? script_nonce : "", script_nonce != NULL ? "'" : "");
    header(p, "Content-Security-Policy", policy);
    header(p, "Referrer-Policy", "no-referrer");
    page_html(p, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                 "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
    page_text(p, title);
    page_html(p, "</title><style>");
    page_html(p, style);
    page_html(p, "</style></head><body><main><div class=\"brand\"><i></i>entrasql emulator</div>"
                 "<h1>");
    page_text(p, title);
    page_html(p, "</h1>\n");
}

void page_begin(entra_page *p, entra_call *c, const char *title)
{
    begin(p, c, title, NULL);
}

void page_end(entra_page *p)
{
    page_html(p, "<footer>For development only: nobody's password is asked here.</footer>"
                 "</main></body></html>\n");
    entra_finish(p->c, p->status);
}

void page_line(entra_page *p, const char *before, const char *text, const char *after)
{
    page_html(p, "<p>");
    page_text(p, before);
    page_html(p, "<strong>");
    page_text(p, text);
    page_html(p, "</strong>");
    page_text(p, after);
    page_html(p, "</p>\n");
}

void page_hidden(entra_page *p, const char *name, const char *value)
{
    if (value == NULL)
        return;
    page_html(p, "<input type=\"hidden\" name=\"");
    page_text(p, name);
    page_html(p, "\" value=\"");
    page_text(p, value);
    page_html(p, "\">\n");
}

void page_button(entra_page *p, const char *kind, const char *name, const char *value,
                 const char *label, const char *second_label)
{
    page_html(p, "<button class=\"");
    page_html(p, kind);
    page_html(p, "\" name=\"");
    page_html(p, name);
    page_html(p, "\" value=\"");
    page_text(p, value);
    page_html(p, "\">");
    page_text(p, label);
    if (second_label != NULL) {
        page_html(p, "<small>");
        page_text(p, second_label);
        page_html(p, "</small>");
    }
    page_html(p, "</button>\n");
}

void page_users(entra_page *p, const char *hint)
{
    const world *w = p->c->w;
    const world_principal *hinted = hint != NULL ? world_user_find(w, hint) : NULL;
    size_t listed = 0;
    if (hinted != NULL)
        page_button(p, "user", "user", hinted->upn, hinted->name, hinted->upn);
    for (size_t i = 0; listed < MAX_LISTED; i++) {
        const world_principal *user = world_user_at(w, i);
        if (user == NULL)
            break;
        if (user == hinted || (p->c->tenant != NULL && user->tenant != p->c->tenant))
            continue;
        page_button(p, "user", "user", user->upn, user->name, user->upn);
        listed++;
    }
    page_html(p, "<label for=\"other\">Somebody else</label><div class=\"row\">"
                 "<input id=\"other\" name=\"other\" autocomplete=\"off\" spellcheck=\"false\" "
                 "placeholder=\"name@example\"><button>Next</button></div>\n");
}

void page_refuse(entra_call *c, unsigned status, uint32_t aadsts, const char *text)
{
    entra_page p;
    char number[32];
    (void)snprintf(number, sizeof number, "AADSTS%u", (unsigned)aadsts);
    page_begin(&p, c, "This sign-in cannot go on");
    page_line(&p, "", number, "");
    page_html(&p, "<p>");
    page_text(&p, text);
    page_html(&p, "</p>\n<p>Close this window and look at the program that opened it.</p>\n");
    c->response->status = status;
    page_end(&p);
}

void page_post_on(entra_call *c, const char *url, const char *const *fields)
{
    entra_page p;
    char nonce[ES_GUID_TEXT_SIZE];
    es_random_uuid(nonce);
    begin(&p, c, "Back to the program", nonce);
    page_html(&p, "<form method=\"post\" action=\"");
    page_text(&p, url);
    page_html(&p, "\">\n");
    for (; *fields != NULL; fields += 2)
        page_hidden(&p, fields[0], fields[1]);
    page_html(&p, "<noscript><button class=\"main\">Continue</button></noscript></form>\n"
                  "<script nonce=\"");
    page_html(&p, nonce);
    page_html(&p, "\">document.forms[0].submit()</script>\n");
    page_end(&p);
}
