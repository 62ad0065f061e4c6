/* SPDX-License-Identifier: MIT */
/* Answers in ARM's shape. */
#include "internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

void arm_header(arm_call *c, const char *name, const char *value)
{
    if (value == NULL || httpd_response_header(c->response, name, value) != ENTRASQL_OK)
        c->pool.failed = true;
}

void arm_reply(arm_call *c, unsigned status, const arm_value *body)
{
    json_writer j;
    c->answered = true;
    c->response->status = status;
    es_buf_clear(&c->response->body);
    if (body == NULL)
        return;
    json_writer_init(&j, &c->response->body);
    arm_put(&j, body);
    if (json_writer_end(&j) != ENTRASQL_OK)
        c->pool.failed = true;
}

void arm_reply_list(arm_call *c, arm_value *list)
{
    arm_value *body = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set(&c->pool, body, "value", list);
    arm_reply(c, 200, body);
}

static bool error(arm_call *c, unsigned status, const char *code, const char *member,
                  arm_value *value, const char *text)
{
    arm_value *body = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_value *inner = arm_need_object(&c->pool, body, "error");
    arm_set_text(&c->pool, inner, "code", code);
    arm_set_text(&c->pool, inner, "message", text);
    if (member != NULL)
        arm_set(&c->pool, inner, member, value);
    c->changed = false;
    arm_reply(c, status, body);
    return false;
}

bool arm_error(arm_call *c, unsigned status, const char *code, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    es_utf8_trim_end(text);
    return error(c, status, code, NULL, NULL, text);
}

bool arm_error_with(arm_call *c, unsigned status, const char *code, const char *member,
                    arm_value *value, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    es_utf8_trim_end(text);
    return error(c, status, code, member, value, text);
}

const char *arm_base_url(arm_call *c)
{
    return arm_pool_printf(&c->pool, "https://localhost:%u", (unsigned)arm_port(c->a));
}

const char *arm_now(arm_call *c)
{
    time_t now = (time_t)es_clock_wall_s();
    struct tm tm;
    char text[32] = "";
    if (gmtime_r(&now, &tm) != NULL)
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return arm_pool_printf(&c->pool, "%s", text);
}
