/* SPDX-License-Identifier: MIT */
/*
 * The authorization endpoint: code with PKCE. Pages carry the request's parameters along in
 * their forms, so nothing is kept until the code is made.
 */
#include "page.h"
#include "user.h"

#include "base/mem.h"
#include "http/text.h"

#include <stdio.h>
#include <string.h>

#define MAX_TEXT 512

/* What a request may say; the pages hand it on. */
static const char *const carried[] = {
    "client_id", "redirect_uri",   "response_type", "response_mode",         "scope",  "state",
    "nonce",     "code_challenge", "login_hint",    "code_challenge_method", "prompt", "claims",
};

static const char *param(const entra_call *c, const char *name)
{
    const char *value = es_streq(httpd_method(c->request), "POST") ? httpd_form(c->request, name)
                                                                   : httpd_query(c->request, name);
    return es_str_is_empty(value) ? NULL : value;
}

/* ---- checks that end on a page: there is nobody yet whom an answer could be sent to ---- */

/* As registered for native apps: http://localhost on any port, and no path. */
static bool is_native_redirect(const char *uri)
{
    static const char base[] = "http://localhost";
    if (!es_starts_with(uri, base))
        return false;
    const char *rest = uri + sizeof base - 1;
    if (*rest == ':') {
        size_t digits = strspn(rest + 1, "0123456789");
        if (digits == 0 || digits > 5)
            return false;
        rest += 1 + digits;
    }
    return *rest == 0 || es_streq(rest, "/");
}

static bool check_client(entra_call *c)
{
    char text[MAX_TEXT];
    const char *client_id = param(c, "client_id");
    const char *redirect_uri = param(c, "redirect_uri");
    if (client_id == NULL) {
        page_refuse(c, 400, 900144,
                    "The request body must contain the following parameter: 'client_id'.");
        return false;
    }
    uint32_t problem = entra_client_problem(c->w, client_id, text, sizeof text);
    if (problem != 0) {
        page_refuse(c, 400, problem, text);
        return false;
    }
    if (redirect_uri == NULL || !is_native_redirect(redirect_uri)) {
        char shown[200];
        es_printable(shown, sizeof shown, redirect_uri != NULL ? redirect_uri : "",
                     redirect_uri != NULL ? strlen(redirect_uri) : 0);
        (void)snprintf(text, sizeof text,
                       "The redirect URI '%s' specified in the request does not match the redirect "
                       "URIs configured for the application '%.64s'.",
                       shown, client_id);
        page_refuse(c, 400, 50011, text);
        return false;
    }
    return true;
}

/* ---- the answer to the client ---- */

static entrasql_status add_query(es_buf *url, const char *redirect_uri, bool is_fragment,
                                 const char *const *fields)
{
    ES_CLEANUP(es_buf_done) es_buf form = ES_BUF_INIT_WIPE(8192);
    for (; *fields != NULL; fields += 2) {
        if (fields[1] != NULL)
            ES_TRY(http_form_add(&form, fields[0], fields[1]));
    }
    ES_TRY(es_buf_add_str(url, redirect_uri));
    ES_TRY(es_buf_add_str(url, is_fragment ? "#" : "?"));
    return es_buf_add(url, form.data, form.len);
}

static void answer_client(entra_call *c, const char *const *fields)
{
    const char *mode = param(c, "response_mode");
    const char *redirect_uri = param(c, "redirect_uri");
    if (es_streq(mode, "form_post")) {
        page_post_on(c, redirect_uri, fields);
        return;
    }
    ES_CLEANUP(es_buf_done) es_buf url = ES_BUF_INIT_WIPE(16384);
    const char *text = NULL;
    if (add_query(&url, redirect_uri, es_streq(mode, "fragment"), fields) != ENTRASQL_OK ||
        (text = es_buf_cstr(&url)) == NULL ||
        httpd_response_header(c->response, "Location", text) != ENTRASQL_OK) {
        entra_finish(c, ENTRASQL_NOMEM);
        return;
    }
    c->response->status = 302;
}

static void refuse_client(entra_call *c, const char *error, uint32_t aadsts, const char *text)
{
    char description[MAX_TEXT + 200];
    (void)snprintf(description, sizeof description,
                   "AADSTS%u: %.*s Trace ID: %s Correlation ID: %s", (unsigned)aadsts, MAX_TEXT,
                   text, c->trace_id, c->correlation_id);
    const char *const fields[] = {
        "error", error, "error_description", description, "state", param(c, "state"), NULL};
    answer_client(c, fields);
}

/* ---- checks that the client is told of ---- */

static bool check_mode(entra_call *c)
{
    const char *mode = param(c, "response_mode");
    if (mode == NULL || es_streq(mode, "query") || es_streq(mode, "fragment") ||
        es_streq(mode, "form_post"))
        return true;
    page_refuse(c, 400, 700055,
                "The provided value for the input parameter 'response_mode' is "
                "not allowed. Expected are query, fragment and form_post.");
    return false;
}

static bool check_challenge(entra_call *c)
{
    const char *challenge = param(c, "code_challenge");
    if (challenge == NULL)
        return true;
    if (!es_streq(param(c, "code_challenge_method"), "S256")) {
        refuse_client(c, "invalid_request", 501491,
                      "The emulator takes the code_challenge_method S256 only.");
        return false;
    }
    if (strlen(challenge) != 43) {
        refuse_client(c, "invalid_request", 501491, "Invalid size of Code_Challenge parameter.");
        return false;
    }
    return true;
}

static bool check_sizes(entra_call *c)
{
    static const struct {
        const char *name;
        size_t max;
    } limits[] = {{"scope", sizeof((entra_grant *)0)->scope},
                  {"redirect_uri", sizeof((entra_grant *)0)->redirect_uri},
                  {"nonce", sizeof((entra_grant *)0)->nonce},
                  {"state", 2048}};
    for (size_t i = 0; i < ES_COUNT_OF(limits); i++) {
        const char *value = param(c, limits[i].name);
        if (value != NULL && strlen(value) >= limits[i].max) {
            page_refuse(c, 400, 90015, "A parameter of the request is too long.");
            return false;
        }
    }
    return true;
}

static bool check_request(entra_call *c)
{
    char text[MAX_TEXT];
    const char *resource = NULL;
    if (!check_client(c) || !check_mode(c) || !check_sizes(c))
        return false;
    if (!es_streq(param(c, "response_type"), "code")) {
        refuse_client(c, "unsupported_response_type", 700054,
                      "The response_type is not enabled for the application: the emulator knows "
                      "'code' only.");
        return false;
    }
    if (param(c, "scope") == NULL) {
        refuse_client(c, "invalid_request", 900144,
                      "The request body must contain the following parameter: 'scope'.");
        return false;
    }
    uint32_t problem = entra_user_resource(c->w, param(c, "scope"), &resource, text, sizeof text);
    if (problem != 0) {
        refuse_client(c, problem == 500011 ? "invalid_resource" : "invalid_scope", problem, text);
        return false;
    }
    if (es_streq(param(c, "prompt"), "none")) {
        refuse_client(c, "login_required", 50058,
                      "A silent sign-in request was sent but no user is signed in.");
        return false;
    }
    return check_challenge(c);
}

/* ---- pages ---- */

static void begin_form(entra_page *p)
{
    page_html(p, "<form method=\"post\" action=\"authorize\">\n");
    for (size_t i = 0; i < ES_COUNT_OF(carried); i++)
        page_hidden(p, carried[i], param(p->c, carried[i]));
}

static void show_users(entra_call *c, const char *unknown)
{
    entra_page p;
    page_begin(&p, c, "Who is signing in?");
    page_line(&p, "", entra_client_find(param(c, "client_id"))->name, " asks for it.");
    if (unknown != NULL)
        page_line(&p, "There is no account ", unknown, " here (AADSTS50034).");
    begin_form(&p);
    page_users(&p, param(c, "login_hint"));
    page_html(&p, "<div class=\"row end\">");
    page_button(&p, "", "answer", "refuse", "Cancel", NULL);
    page_html(&p, "</div></form>\n");
    page_end(&p);
}

static void show_consent(entra_call *c, const world_principal *user)
{
    entra_page p;
    const char *resource = NULL;
    char text[MAX_TEXT];
    page_begin(&p, c, "Permissions requested");
    page_line(&p, "", entra_client_find(param(c, "client_id"))->name, " would like to");
    page_html(&p, "<ul><li>access ");
    if (entra_user_resource(c->w, param(c, "scope"), &resource, text, sizeof text) == 0)
        page_text(&p, resource);
    page_html(&p, " as you</li>");
    if (entra_has_scope(param(c, "scope"), "openid"))
        page_html(&p, "<li>see who you are</li>");
    if (entra_has_scope(param(c, "scope"), "offline_access"))
        page_html(&p, "<li>keep that access until you sign out</li>");
    page_html(&p, "</ul>\n");
    page_line(&p, "You are ", user->upn, ".");
    begin_form(&p);
    page_hidden(&p, "user", user->upn);
    page_html(&p, "<div class=\"row end\">");
    page_button(&p, "", "answer", "refuse", "Refuse", NULL);
    page_button(&p, "main", "answer", "accept", "Accept", NULL);
    page_html(&p, "</div></form>\n");
    page_end(&p);
}

static void give_code(entra_call *c, const world_principal *user)
{
    entra_grant grant = {.tenant = c->tenant, .user = user};
    char code[GRANTS_CODE_SIZE];
    const char *nonce = param(c, "nonce");
    const char *challenge = param(c, "code_challenge");
    es_strlcpy_utf8(grant.client_id, sizeof grant.client_id, param(c, "client_id"));
    es_strlcpy_utf8(grant.scope, sizeof grant.scope, param(c, "scope"));
    es_strlcpy_utf8(grant.redirect_uri, sizeof grant.redirect_uri, param(c, "redirect_uri"));
    es_strlcpy_utf8(grant.nonce, sizeof grant.nonce, nonce != NULL ? nonce : "");
    es_strlcpy_utf8(grant.challenge, sizeof grant.challenge, challenge != NULL ? challenge : "");
    if (grants_add_code(c->grants, &grant, code) != ENTRASQL_OK) {
        entra_finish(c, ENTRASQL_NOMEM);
        return;
    }
    const char *const fields[] = {"code",          code,        "state", param(c, "state"),
                                  "session_state", c->trace_id, NULL};
    answer_client(c, fields);
    es_wipe(code, sizeof code);
}

/* Another site's page may not answer in the person's place. */
bool entra_is_cross_site(const entra_call *c)
{
    return es_streq(httpd_header(c->request, "Sec-Fetch-Site"), "cross-site");
}

const world_principal *entra_chosen_user(const entra_call *c, const char **ret_name)
{
    const char *name = httpd_form(c->request, "user");
    if (es_str_is_empty(name))
        name = httpd_form(c->request, "other");
    *ret_name = es_str_is_empty(name) ? NULL : name;
    const world_principal *user = *ret_name != NULL ? world_user_find(c->w, name) : NULL;
    return user != NULL && c->tenant != NULL && !world_same_tenant(user->tenant, c->tenant) ? NULL
                                                                                            : user;
}

void entra_authorize(entra_call *c)
{
    const char *name = NULL;
    bool is_post = es_streq(httpd_method(c->request), "POST");
    if (!is_post && !es_streq(httpd_method(c->request), "GET")) {
        page_refuse(c, 405, 900561, "The endpoint only accepts GET and POST requests.");
        return;
    }
    if (!check_request(c))
        return;
    const char *answer = is_post ? httpd_form(c->request, "answer") : NULL;
    if (answer != NULL && entra_is_cross_site(c)) {
        page_refuse(c, 403, 90015, "The answer came from a page of another site.");
        return;
    }
    if (es_streq(answer, "refuse")) {
        refuse_client(c, "access_denied", 65004, "User declined to consent to access the app.");
        return;
    }
    const world_principal *user = is_post ? entra_chosen_user(c, &name) : NULL;
    if (user == NULL)
        show_users(c, name);
    else if (es_streq(answer, "accept"))
        give_code(c, user);
    else
        show_consent(c, user);
}
