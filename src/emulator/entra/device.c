/* SPDX-License-Identifier: MIT */
/* The device code flow (RFC 8628): the endpoint that gives codes, and the page to type one into. */
#include "entra.h"
#include "page.h"
#include "user.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define MAX_TEXT 512

/* ---- the endpoint ---- */

static bool check_post(entra_call *c)
{
    if (es_streq(httpd_method(c->request), "POST"))
        return true;
    entra_error(c, 405, "invalid_request", 900561,
                "The endpoint only accepts POST requests. Received another request.");
    return false;
}

static void write_codes(entra_call *c, const char *device_code, const char *user_code)
{
    char uri[128];
    char message[320];
    json_writer j;
    (void)snprintf(uri, sizeof uri, "%.64s/common/" ENTRA_DEVICE_PAGE, world_authority(c->w));
    (void)snprintf(message, sizeof message,
                   "To sign in, use a web browser to open the page %s and enter the code %s to "
                   "authenticate.",
                   uri, user_code);
    json_writer_init(&j, &c->response->body);
    json_begin_object(&j);
    json_member_put_string(&j, "user_code", user_code);
    json_member_put_string(&j, "device_code", device_code);
    json_member_put_string(&j, "verification_uri", uri);
    json_member_put_i64(&j, "expires_in", GRANTS_DEVICE_LIFETIME_S);
    json_member_put_i64(&j, "interval", GRANTS_INTERVAL_S);
    json_member_put_string(&j, "message", message);
    json_end_object(&j);
    entra_finish(c, json_writer_end(&j));
}

void entra_device_code(entra_call *c)
{
    const char *client_id = NULL, *scope = NULL, *resource = NULL;
    char text[MAX_TEXT];
    if (!check_post(c) || !entra_need_field(c, "client_id", &client_id) ||
        !entra_need_field(c, "scope", &scope))
        return;
    uint32_t problem = entra_client_problem(c->w, client_id, text, sizeof text);
    if (problem != 0) {
        entra_error(c, problem == 7000218 ? 401 : 400,
                    problem == 7000218 ? "invalid_client" : "unauthorized_client", problem, "%s",
                    text);
        return;
    }
    problem = entra_user_resource(c->w, scope, &resource, text, sizeof text);
    if (problem == 0 && strlen(scope) >= sizeof((entra_grant *)0)->scope)
        problem = 70011;
    if (problem != 0) {
        entra_error(c, 400, problem == 500011 ? "invalid_resource" : "invalid_scope", problem, "%s",
                    text);
        return;
    }
    entra_grant grant = {.tenant = c->tenant};
    char device_code[GRANTS_CODE_SIZE], user_code[GRANTS_USER_CODE_SIZE];
    es_strlcpy_utf8(grant.client_id, sizeof grant.client_id, client_id);
    es_strlcpy_utf8(grant.scope, sizeof grant.scope, scope);
    if (grants_add_device(c->grants, &grant, device_code, user_code) != ENTRASQL_OK)
        entra_finish(c, ENTRASQL_NOMEM);
    else
        write_codes(c, device_code, user_code);
    es_wipe(device_code, sizeof device_code);
}

/* ---- the page ---- */

static void ask_code(entra_call *c, const char *typed, const char *problem)
{
    entra_page p;
    page_begin(&p, c, "Enter the code");
    page_html(&p, "<p>It stands where you started to sign in. Do not enter a code that somebody "
                  "sent you.</p>\n");
    if (problem != NULL)
        page_line(&p, "", problem, "");
    page_html(&p, "<form method=\"post\" action=\"deviceauth\"><div class=\"row\">"
                  "<input class=\"code\" name=\"code\" aria-label=\"Code\" maxlength=\"12\" "
                  "autocomplete=\"off\" spellcheck=\"false\" autofocus value=\"");
    page_text(&p, typed != NULL ? typed : "");
    page_html(&p, "\"><button class=\"main\">Next</button></div></form>\n");
    page_end(&p);
}

static void ask_user(entra_call *c, const char *code, const entra_grant *grant, const char *unknown)
{
    entra_page p;
    page_begin(&p, c, "Who is signing in?");
    page_line(&p, "A device that runs ", entra_client_find(grant->client_id)->name,
              " asks for it.");
    if (unknown != NULL)
        page_line(&p, "There is no account ", unknown, " here (AADSTS50034).");
    page_html(&p, "<form method=\"post\" action=\"deviceauth\">\n");
    page_hidden(&p, "code", code);
    page_users(&p, NULL);
    page_html(&p, "<div class=\"row end\">");
    page_button(&p, "", "answer", "refuse", "Cancel", NULL);
    page_html(&p, "</div></form>\n");
    page_end(&p);
}

static void ask_consent(entra_call *c, const char *code, const entra_grant *grant,
                        const world_principal *user)
{
    entra_page p;
    page_begin(&p, c, "Are you trying to sign in?");
    page_line(&p, "A device that runs ", entra_client_find(grant->client_id)->name,
              " will be signed in");
    page_line(&p, "as ", user->upn, ".");
    page_html(&p, "<form method=\"post\" action=\"deviceauth\">\n");
    page_hidden(&p, "code", code);
    page_hidden(&p, "user", user->upn);
    page_html(&p, "<div class=\"row end\">");
    page_button(&p, "", "answer", "refuse", "Refuse", NULL);
    page_button(&p, "main", "answer", "accept", "Accept", NULL);
    page_html(&p, "</div></form>\n");
    page_end(&p);
}

static const char *problem_of(grants_state state)
{
    if (state == GRANTS_EXPIRED)
        return "This code has expired. Start again where you got it.";
    if (state == GRANTS_DECLINED || state == GRANTS_REDEEMED || state == GRANTS_ALLOWED)
        return "This code was used already. Start again where you got it.";
    return "There is no such code. Look at it again.";
}

static void decide(entra_call *c, const char *code, const world_principal *user)
{
    entra_page p;
    grants_state state = grants_decide_device(c->grants, code, user);
    if (state != GRANTS_PENDING) {
        c->response->status = 400;
        ask_code(c, code, problem_of(state));
        return;
    }
    page_begin(&p, c, user != NULL ? "The device is signed in" : "The sign-in was refused");
    page_html(&p, "<p>You can close this window.</p>\n");
    page_end(&p);
}

void entra_device_page(entra_call *c)
{
    const char *name = NULL;
    entra_grant grant;
    bool is_post = es_streq(httpd_method(c->request), "POST");
    if (!is_post) {
        ask_code(c, httpd_query(c->request, "otc"), NULL);
        return;
    }
    const char *code = httpd_form(c->request, "code");
    const char *answer = httpd_form(c->request, "answer");
    if (es_str_is_empty(code)) {
        ask_code(c, NULL, NULL);
        return;
    }
    if (answer != NULL && entra_is_cross_site(c)) {
        page_refuse(c, 403, 90015, "The answer came from a page of another site.");
        return;
    }
    grants_state state = grants_find_device(c->grants, code, &grant);
    const world_principal *user = entra_chosen_user(c, &name);
    if (state != GRANTS_PENDING) {
        c->response->status = 400;
        ask_code(c, code, problem_of(state));
    } else if (es_streq(answer, "refuse")) {
        decide(c, code, NULL);
    } else if (user != NULL && grant.tenant != NULL &&
               !world_same_tenant(user->tenant, grant.tenant)) {
        ask_user(c, code, &grant, name);
    } else if (user == NULL) {
        if (name != NULL)
            c->response->status = 400;
        ask_user(c, code, &grant, name);
    } else if (es_streq(answer, "accept")) {
        decide(c, code, user);
    } else {
        ask_consent(c, code, &grant, user);
    }
}
