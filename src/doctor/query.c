/* SPDX-License-Identifier: MIT */
/* Opening a connection, and reading rows. */
#include "doctor/inner.h"

#include "base/str.h"

#define LOGIN_MS 8000
#define QUERY_MS 4000

entrasql_status doctor_open(const doctor *d, entrasql_credential *credential, sql_conn **ret,
                            entrasql_error *err)
{
    const sql_open_options options = {
        .target = &d->target,
        .credential = credential,
        .ca_file = d->options->ca_file,
        .app_name = "entrasql doctor",
        .login_timeout_ms = doctor_time(d, LOGIN_MS),
    };
    return sql_open(&options, ret, err);
}

struct reading {
    doctor_row *row;
    void *ctx;
};

static entrasql_status on_row(void *ctx, const sqlvalue *values, size_t count)
{
    struct reading *r = ctx;
    r->row(r->ctx, values, count);
    return ENTRASQL_OK;
}

entrasql_status doctor_query(const doctor *d, sql_conn *conn, const char *sql, doctor_row *row,
                             void *ctx, entrasql_error *err)
{
    struct reading r = {row, ctx};
    const sql_handler handler = {.ctx = &r, .row = on_row};
    return sql_batch(conn, sql, &handler, doctor_time(d, QUERY_MS), err);
}

void doctor_text(const sqlvalue *values, size_t count, size_t at, char *ret, size_t size)
{
    ret[0] = '\0';
    if (at < count && !values[at].is_null && sqltype_is_string(values[at].type.id))
        es_printable(ret, size, values[at].u.s.data, values[at].u.s.len);
}
