/* SPDX-License-Identifier: MIT */
/* HTML of the page after a sign-in. */
#include "identity/landing.h"

#include <string.h>

/* clang-format off */
static const char before_title[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
    "<link rel=\"icon\" href=\"data:,\"><title>";
static const char style[] =
    "</title><style>"
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d1d9e0;--card:#fff;"
    "--back:#eef1f5;--good:#1a7f37;--bad:#c0362c}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#3d444d;"
    "--card:#151b23;--back:#0d1117;--good:#3fb950;--bad:#f85149}}"
    "body{margin:0;min-height:100vh;box-sizing:border-box;display:grid;place-items:center;"
    "padding:24px;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}"
    "main{max-width:440px;background:var(--card);border:1px solid var(--line);border-radius:12px;"
    "padding:40px;text-align:center;box-shadow:0 8px 24px rgba(0,0,0,.08)}"
    "svg{width:56px;height:56px;fill:none;stroke:currentColor;stroke-width:2;"
    "stroke-linecap:round;stroke-linejoin:round}"
    ".good{color:var(--good)}.bad{color:var(--bad)}"
    "h1{font-size:22px;line-height:1.3;margin:16px 0 8px}"
    "p{margin:0 0 8px;color:var(--soft);overflow-wrap:anywhere}</style></head><body><main>";
static const char good[] =
    "<svg class=\"good\" viewBox=\"0 0 24 24\" aria-hidden=\"true\"><circle cx=\"12\" cy=\"12\" "
    "r=\"10\"/><path d=\"M7.5 12.5l3 3 6-6.5\"/></svg><h1>";
static const char bad[] =
    "<svg class=\"bad\" viewBox=\"0 0 24 24\" aria-hidden=\"true\"><circle cx=\"12\" cy=\"12\" "
    "r=\"10\"/><path d=\"M12 7v6M12 16.5v.1\"/></svg><h1>";
/* clang-format on */

static entrasql_status add_escaped(es_buf *out, const char *text)
{
    static const struct {
        char c;
        const char *html;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (; *text != '\0'; text++) {
        const char *html = NULL;
        for (size_t i = 0; i < ES_COUNT_OF(escapes); i++) {
            if (*text == escapes[i].c)
                html = escapes[i].html;
        }
        ES_TRY(html != NULL ? es_buf_add_str(out, html) : es_buf_add(out, text, 1));
    }
    return ENTRASQL_OK;
}

entrasql_status identity_landing_page(es_buf *out, bool is_success, const char *title,
                                      const char *text)
{
    ES_TRY(es_buf_add_str(out, before_title));
    ES_TRY(add_escaped(out, title));
    ES_TRY(es_buf_add_str(out, style));
    ES_TRY(es_buf_add_str(out, is_success ? good : bad));
    ES_TRY(add_escaped(out, title));
    ES_TRY(es_buf_add_str(out, "</h1><p>"));
    ES_TRY(add_escaped(out, text));
    return es_buf_add_str(out, "</p><p>You can close this window.</p></main></body></html>\n");
}
