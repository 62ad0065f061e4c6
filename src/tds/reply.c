/* SPDX-License-Identifier: MIT */
/* A reply taken apart token by token while its bytes arrive. */
#include "base/mem.h"
#include "tds/row.h"
#include "tds/varchar.h"

#include <string.h>

#define NO_METADATA 0xFFFFU
#define TOKEN_MAX_BYTES (64U * 1024U * 1024U)
/* Below this a token cut short is tried again with each packet, above it less often. */
#define RETRY_ALWAYS_BYTES (256U * 1024U)

struct tds_reply {
    es_buf body;
    size_t used;     /* bytes of body already shown */
    size_t retry_at; /* no use in trying again with less than this */
    size_t value_limit;
    bool last; /* the message is complete in body */
    tds_column *columns;
    size_t column_count;
    sqlvalue *values; /* of the current row; one more for a return value */
    size_t value_count;
    tds_message message;
    char *name;
};

static void free_columns(tds_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *name;
        memcpy(&name, &columns[i].name, sizeof name); /* ours, const to others */
        es_free(name);
    }
    es_free(columns);
}

/* What the last event showed. */
static void drop_event(tds_reply *r)
{
    for (size_t i = 0; i < r->value_count; i++)
        sqlvalue_done(&r->values[i]);
    r->value_count = 0;
    tds_message_done(&r->message);
    es_free(r->name);
    r->name = NULL;
}

entrasql_status tds_reply_new(size_t value_limit, tds_reply **ret, entrasql_error *err)
{
    tds_reply *r = es_calloc(1, sizeof *r);

    if (r == NULL)
        return es_nomem(err);
    r->value_limit = value_limit;
    es_buf_init(&r->body, value_limit > SIZE_MAX - TOKEN_MAX_BYTES ? SIZE_MAX
                                                                   : value_limit + TOKEN_MAX_BYTES);
    r->values = es_calloc(1, sizeof *r->values);
    if (r->values == NULL) {
        es_free(r);
        return es_nomem(err);
    }
    *ret = r;
    return ENTRASQL_OK;
}

void tds_reply_free(tds_reply *r)
{
    if (r == NULL)
        return;
    drop_event(r);
    free_columns(r->columns, r->column_count);
    es_free(r->values);
    es_buf_done(&r->body);
    es_free(r);
}

entrasql_status tds_reply_feed(tds_reply *r, const void *p, size_t n, bool last,
                               entrasql_error *err)
{
    entrasql_status st;

    if (r->last)
        return es_fail(err, ENTRASQL_INTERNAL, "bytes for a reply that is complete already");
    if (r->used != 0) {
        es_buf_consume(&r->body, r->used);
        r->retry_at -= r->retry_at < r->used ? r->retry_at : r->used;
        r->used = 0;
    }
    st = es_buf_add(&r->body, p, n);
    if (st == ENTRASQL_LIMIT)
        return es_fail(err, st, "one token of the reply is larger than %zu bytes", r->body.ceiling);
    if (st != ENTRASQL_OK)
        return es_nomem(err);
    r->last = last;
    return ENTRASQL_OK;
}

/* ---- COLMETADATA ---- */

/* The table name of a text column, in parts. */
static entrasql_status skip_table_name(es_reader *r)
{
    uint8_t parts;
    es_reader part;

    ES_TRY(es_reader_u8(r, &parts));
    while (parts-- > 0)
        ES_TRY(tds_us_varchar_skip(r, &part));
    return ENTRASQL_OK;
}

static entrasql_status read_column(es_reader *r, tds_column *ret, entrasql_error *err)
{
    char *name;

    ES_TRY(es_reader_u32le(r, &ret->user_type));
    ES_TRY(es_reader_u16le(r, &ret->flags));
    ES_TRY(tds_type_read(r, TDS_IN_ROW, &ret->type, err));
    if (ret->type.id == TDS_TYPE_TEXT || ret->type.id == TDS_TYPE_NTEXT ||
        ret->type.id == TDS_TYPE_IMAGE)
        ES_TRY(skip_table_name(r));
    ES_TRY(tds_b_varchar_read(r, &name));
    ret->name = name;
    return ENTRASQL_OK;
}

static entrasql_status read_columns(es_reader *r, tds_column *columns, size_t count,
                                    entrasql_error *err)
{
    for (size_t i = 0; i < count; i++)
        ES_TRY(read_column(r, &columns[i], err));
    return ENTRASQL_OK;
}

static entrasql_status on_columns(tds_reply *reply, es_reader *r, tds_event *ret,
                                  entrasql_error *err)
{
    uint16_t count;
    tds_column *columns;
    sqlvalue *values;
    entrasql_status st;

    ES_TRY(es_reader_u16le(r, &count));
    ret->kind = TDS_EVENT_COLUMNS;
    if (count == NO_METADATA) /* rows, if any, are as before */
        return ENTRASQL_OK;
    if (count > TDS_COLUMNS_MAX)
        return es_fail(err, ENTRASQL_LIMIT, "the result has %u columns, more than %u", count,
                       TDS_COLUMNS_MAX);
    columns = es_calloc((size_t)count + 1, sizeof *columns);
    if (columns == NULL)
        return es_nomem(err);
    st = read_columns(r, columns, count, err);
    if (st != ENTRASQL_OK) {
        free_columns(columns, count);
        return st;
    }
    values = es_reallocarray(reply->values, (size_t)count + 1, sizeof *values);
    if (values == NULL) {
        free_columns(columns, count);
        return es_nomem(err);
    }
    free_columns(reply->columns, reply->column_count);
    reply->columns = columns;
    reply->column_count = count;
    reply->values = values;
    ret->columns = columns;
    ret->count = count;
    return ENTRASQL_OK;
}

/* ---- rows ---- */

static entrasql_status on_row(tds_reply *reply, es_reader *r, bool nbc, tds_event *ret,
                              entrasql_error *err)
{
    es_reader bits = {0};

    if (reply->column_count == 0)
        return es_fail(err, ENTRASQL_MALFORMED, "the reply has a row before its columns");
    if (nbc)
        ES_TRY(es_reader_sub(r, (reply->column_count + 7) / 8, &bits));
    for (size_t i = 0; i < reply->column_count; i++) {
        const tds_column *c = &reply->columns[i];
        reply->values[i] = sqlvalue_null(c->type.type);
        reply->value_count = i + 1;
        if (nbc && (bits.at[i / 8] >> (i % 8) & 1) != 0)
            continue;
        ES_TRY(tds_value_read(r, &c->type, TDS_IN_ROW, reply->value_limit, &reply->values[i], err));
    }
    ret->kind = TDS_EVENT_ROW;
    ret->columns = reply->columns;
    ret->values = reply->values;
    ret->count = reply->column_count;
    return ENTRASQL_OK;
}

static entrasql_status on_return_value(tds_reply *reply, es_reader *r, tds_event *ret,
                                       entrasql_error *err)
{
    tds_type type;

    ES_TRY(es_reader_u16le(r, &ret->ordinal));
    ES_TRY(tds_b_varchar_read(r, &reply->name));
    ES_TRY(es_reader_skip(r, 1 + 4 + 2)); /* status, user type, flags */
    ES_TRY(tds_type_read(r, TDS_IN_ROW, &type, err));
    reply->values[0] = sqlvalue_null(type.type);
    reply->value_count = 1;
    ES_TRY(tds_value_read(r, &type, TDS_IN_ROW, reply->value_limit, &reply->values[0], err));
    ret->kind = TDS_EVENT_RETURN_VALUE;
    ret->name = reply->name;
    ret->values = reply->values;
    ret->count = 1;
    return ENTRASQL_OK;
}

/* ---- tokens that tell their length ---- */

static entrasql_status on_token(tds_reply *reply, es_reader *r, tds_event *ret, entrasql_error *err)
{
    uint32_t status;

    ES_TRY(tds_token_next(r, &ret->token, err));
    switch (ret->token.id) {
    case TDS_TOKEN_DONE:
    case TDS_TOKEN_DONEPROC:
    case TDS_TOKEN_DONEINPROC:
        ret->kind = TDS_EVENT_DONE;
        return tds_done_parse(&ret->token, &ret->done, err);
    case TDS_TOKEN_INFO:
    case TDS_TOKEN_ERROR:
        ret->kind = TDS_EVENT_MESSAGE;
        ES_TRY(tds_message_parse(&ret->token, &reply->message, err));
        ret->message = &reply->message;
        return ENTRASQL_OK;
    case TDS_TOKEN_ENVCHANGE:
        ret->kind = TDS_EVENT_ENVCHANGE;
        return tds_envchange_parse(&ret->token, &ret->env, err);
    case TDS_TOKEN_RETURNSTATUS: {
        es_reader body = ret->token.body;
        ret->kind = TDS_EVENT_RETURN_STATUS;
        ES_TRY(es_reader_u32le(&body, &status));
        ret->status = (int32_t)status;
        return ENTRASQL_OK;
    }
    default:
        ret->kind = TDS_EVENT_TOKEN;
        return ENTRASQL_OK;
    }
}

static entrasql_status read_event(tds_reply *reply, es_reader *r, tds_event *ret,
                                  entrasql_error *err)
{
    uint8_t id = *r->at;
    entrasql_status st;

    switch (id) {
    case TDS_TOKEN_COLMETADATA:
    case TDS_TOKEN_ROW:
    case TDS_TOKEN_NBCROW:
    case TDS_TOKEN_RETURNVALUE:
        break;
    default:
        return on_token(reply, r, ret, err);
    }
    ES_TRY(es_reader_skip(r, 1));
    if (id == TDS_TOKEN_COLMETADATA)
        st = on_columns(reply, r, ret, err);
    else if (id == TDS_TOKEN_RETURNVALUE)
        st = on_return_value(reply, r, ret, err);
    else
        st = on_row(reply, r, id == TDS_TOKEN_NBCROW, ret, err);
    if (st == ENTRASQL_TRUNCATED)
        return es_fail(err, st, "the reply ends inside a %s token", tds_token_name(id));
    return st == ENTRASQL_NOMEM ? es_nomem(err) : st;
}

/* Everything was shown: the end of the message, or a wait for more. */
static entrasql_status at_end(tds_reply *r, tds_event *ret)
{
    if (!r->last)
        return ENTRASQL_AGAIN;
    es_buf_clear(&r->body);
    r->used = 0;
    r->retry_at = 0;
    r->last = false;
    *ret = (tds_event){.kind = TDS_EVENT_END};
    return ENTRASQL_OK;
}

entrasql_status tds_reply_next(tds_reply *r, tds_event *ret, entrasql_error *err)
{
    es_reader rest = es_reader_of(r->body.data, r->body.len);
    tds_event event = {0};
    entrasql_status st;

    drop_event(r);
    if (r->used == r->body.len)
        return at_end(r, ret);
    if (!r->last && r->body.len < r->retry_at)
        return ENTRASQL_AGAIN;
    ES_TRY(es_reader_skip(&rest, r->used));
    st = read_event(r, &rest, &event, err);
    if (st == ENTRASQL_TRUNCATED && !r->last) {
        size_t have = r->body.len - r->used;
        r->retry_at = r->body.len + (have > RETRY_ALWAYS_BYTES ? have / 4 : 1);
        return ENTRASQL_AGAIN;
    }
    ES_TRY(st);
    r->used = r->body.len - rest.left;
    r->retry_at = 0;
    *ret = event;
    return ENTRASQL_OK;
}
