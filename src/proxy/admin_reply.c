/* SPDX-License-Identifier: MIT */
/* Tokens of the admin database's replies ([MS-TDS] 2.2.7). */
#include "proxy/admin_reply.h"

#include "base/str.h"
#include "tds/row.h"

#include <string.h>

#define SERVER_NAME "entrasql proxy"
#define TEXT_MAX 1024
#define TEXTS_MAX ((size_t)64 * 1024)
#define COMMAND_SELECT 0xC1U
#define COMMAND_EXECUTE 0xE0U

void proxy_admin_reply_begin(proxy_admin_reply *r, bool rpc)
{
    *r = (proxy_admin_reply){.rpc = rpc};
    es_buf_init(&r->body, PROXY_ADMIN_REPLY_MAX);
    es_buf_init(&r->texts, TEXTS_MAX);
}

void proxy_admin_reply_done(proxy_admin_reply *r)
{
    es_buf_done(&r->body);
    es_buf_done(&r->texts);
}

static sqltype type_of(const proxy_admin_column *c)
{
    return c->width == 0 ? sqltype_of(SQLTYPE_BIGINT) : sqltype_string(SQLTYPE_NVARCHAR, c->width);
}

static void columns_of(const proxy_admin_reply *r, tds_column columns[PROXY_ADMIN_COLUMNS_MAX])
{
    for (size_t i = 0; i < r->column_count; i++)
        columns[i] = tds_column_of(r->columns[i].name, type_of(&r->columns[i]), true, false, false);
}

/* Something follows the last DONE. */
static void set_more(proxy_admin_reply *r, uint16_t status)
{
    if (r->last_done != 0)
        es_buf_set_u16le(&r->body, r->last_done, (uint16_t)(status | TDS_DONE_MORE));
}

static uint16_t last_status(const proxy_admin_reply *r)
{
    const uint8_t *p = r->body.data + r->last_done;
    return (uint16_t)(p[0] | p[1] << 8);
}

static entrasql_status add_done(proxy_admin_reply *r, tds_token_id id, uint16_t status,
                                uint16_t command, uint64_t rows)
{
    if (r->last_done != 0)
        set_more(r, last_status(r));
    size_t at = r->body.len + 1; /* behind the token's id */
    ES_TRY(tds_done_add(&r->body, id, status, command, rows));
    r->last_done = at;
    return ENTRASQL_OK;
}

entrasql_status proxy_admin_columns(proxy_admin_reply *r, const proxy_admin_column *columns,
                                    size_t count)
{
    tds_column wire[PROXY_ADMIN_COLUMNS_MAX];
    if (count > PROXY_ADMIN_COLUMNS_MAX)
        return ENTRASQL_LIMIT;
    r->columns = columns;
    r->column_count = count;
    r->rows = 0;
    columns_of(r, wire);
    return tds_colmetadata_add(&r->body, wire, count);
}

/* Room for every text of a row, which may be foreign. */
static entrasql_status reserve_texts(proxy_admin_reply *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->column_count; i++)
        n += r->columns[i].width + (size_t)1;
    es_buf_clear(&r->texts);
    return es_buf_reserve(&r->texts, n);
}

/* A character of UTF-16 takes a byte of UTF-8 at least: as many bytes as characters fit. */
static sqlvalue text_value(proxy_admin_reply *r, const proxy_admin_column *c, const char *text)
{
    char *space = (char *)r->texts.data + r->texts.len;
    es_printable(space, c->width + (size_t)1, text, strlen(text));
    size_t n = strlen(space);
    es_buf_commit(&r->texts, n + 1);
    return sqlvalue_lend(type_of(c), space, n);
}

entrasql_status proxy_admin_row(proxy_admin_reply *r, const proxy_admin_cell *cells)
{
    tds_column wire[PROXY_ADMIN_COLUMNS_MAX];
    sqlvalue values[PROXY_ADMIN_COLUMNS_MAX];
    columns_of(r, wire);
    ES_TRY(reserve_texts(r));
    for (size_t i = 0; i < r->column_count; i++) {
        const proxy_admin_column *c = &r->columns[i];
        if (c->width != 0 ? cells[i].text == NULL : cells[i].is_null)
            values[i] = sqlvalue_null(type_of(c));
        else
            values[i] =
                c->width == 0 ? sqlvalue_bigint(cells[i].number) : text_value(r, c, cells[i].text);
    }
    ES_TRY(tds_row_add(&r->body, wire, values, r->column_count));
    r->rows++;
    return ENTRASQL_OK;
}

entrasql_status proxy_admin_say(proxy_admin_reply *r, uint32_t number, uint8_t severity,
                                const char *text)
{
    char cut[TEXT_MAX];
    es_strlcpy_utf8(cut, sizeof cut, text);
    ES_TRY(tds_message_add(&r->body, number, 1, severity, cut, SERVER_NAME, "", 1));
    if (severity > 10)
        r->failed = true;
    return ENTRASQL_OK;
}

entrasql_status proxy_admin_end(proxy_admin_reply *r)
{
    bool has_rows = r->columns != NULL;
    uint16_t status =
        (uint16_t)((has_rows ? TDS_DONE_COUNT : 0U) | (r->failed ? TDS_DONE_ERROR : 0U));
    ES_TRY(add_done(r, r->rpc ? TDS_TOKEN_DONEINPROC : TDS_TOKEN_DONE, status,
                    has_rows ? COMMAND_SELECT : 0, has_rows ? r->rows : 0));
    r->columns = NULL;
    r->rows = 0;
    return ENTRASQL_OK;
}

entrasql_status proxy_admin_finish(proxy_admin_reply *r)
{
    if (r->rpc) {
        ES_TRY(tds_return_status_add(&r->body, r->failed ? 1 : 0));
        if (r->handle != 0) {
            sqlvalue handle = sqlvalue_int(r->handle);
            ES_TRY(tds_return_value_add(&r->body, 0, "", &handle));
        }
        return add_done(r, TDS_TOKEN_DONEPROC, r->failed ? TDS_DONE_ERROR : 0, COMMAND_EXECUTE, 0);
    }
    if (r->last_done != 0)
        return ENTRASQL_OK;
    return add_done(r, TDS_TOKEN_DONE, r->failed ? TDS_DONE_ERROR : 0, 0, 0);
}
