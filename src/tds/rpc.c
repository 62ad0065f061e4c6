/* SPDX-License-Identifier: MIT */
/* RPC requests: one or more calls with their parameters. */
#include "base/mem.h"
#include "tds/request.h"
#include "tds/varchar.h"

#define BY_NUMBER 0xFFFFU
#define NAME_MAX_UNITS 1046U /* four parts of a name with brackets, [MS-TDS] 2.2.6.6 */
#define SEPARATOR 0xFFU
#define SEPARATOR_NO_EXECUTE 0xFEU
#define SEPARATOR_OLD 0x80U /* before TDS 7.2; as a length it is that of the longest name */

const char *tds_proc_name(uint16_t proc_id)
{
    static const char *const names[] = {
        [TDS_PROC_CURSOR] = "sp_cursor",
        [TDS_PROC_CURSOROPEN] = "sp_cursoropen",
        [TDS_PROC_CURSORPREPARE] = "sp_cursorprepare",
        [TDS_PROC_CURSOREXECUTE] = "sp_cursorexecute",
        [TDS_PROC_CURSORPREPEXEC] = "sp_cursorprepexec",
        [TDS_PROC_CURSORUNPREPARE] = "sp_cursorunprepare",
        [TDS_PROC_CURSORFETCH] = "sp_cursorfetch",
        [TDS_PROC_CURSOROPTION] = "sp_cursoroption",
        [TDS_PROC_CURSORCLOSE] = "sp_cursorclose",
        [TDS_PROC_EXECUTESQL] = "sp_executesql",
        [TDS_PROC_PREPARE] = "sp_prepare",
        [TDS_PROC_EXECUTE] = "sp_execute",
        [TDS_PROC_PREPEXEC] = "sp_prepexec",
        [TDS_PROC_PREPEXECRPC] = "sp_prepexecrpc",
        [TDS_PROC_UNPREPARE] = "sp_unprepare",
    };

    return proc_id < ES_COUNT_OF(names) ? names[proc_id] : NULL;
}

/* ---- freeing ---- */

static void param_done(tds_param *p)
{
    es_free(p->name);
    sqlvalue_done(&p->value);
}

static void call_done(tds_call *c)
{
    for (size_t i = 0; i < c->param_count; i++)
        param_done(&c->params[i]);
    es_free(c->params);
    es_free(c->name);
}

void tds_rpc_done(tds_rpc *r)
{
    for (size_t i = 0; i < r->call_count; i++)
        call_done(&r->calls[i]);
    es_free(r->calls);
    *r = (tds_rpc){0};
}

/* ---- parsing ---- */

/* Room for one more element, zeroed; the array doubles when it is full. */
static void *grow(void *array, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    return es_reallocarray(array, count == 0 ? 1 : 2 * count, size);
}

/* The plain readers give no text of their own. */
static entrasql_status bad_request(entrasql_status st, entrasql_error *err)
{
    if (st == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (st == ENTRASQL_TRUNCATED)
        return es_fail(err, st, "the RPC request ends early");
    return es_fail(err, st, "a name in the RPC request is not well formed");
}

static entrasql_status read_param_head(es_reader *r, tds_param *p)
{
    ES_TRY(tds_b_varchar_read(r, &p->name));
    return es_reader_u8(r, &p->status);
}

static entrasql_status read_param(es_reader *r, size_t value_limit, tds_param *p,
                                  entrasql_error *err)
{
    const uint8_t *start;
    entrasql_status st = read_param_head(r, p);

    if (st != ENTRASQL_OK)
        return bad_request(st, err);
    if ((p->status & TDS_PARAM_ENCRYPTED) != 0)
        return es_fail(err, ENTRASQL_UNSUPPORTED, "encrypted parameters are not supported");
    ES_TRY(tds_type_read(r, TDS_IN_PARAM, &p->type, err));
    start = r->at;
    ES_TRY(tds_value_read(r, &p->type, TDS_IN_PARAM, value_limit, &p->value, err));
    p->raw = start;
    p->raw_len = (size_t)(r->at - start);
    return ENTRASQL_OK;
}

/* SQL Server's words for a value that is none of its type; the stream itself is in order. */
static entrasql_status bad_param(size_t number, const tds_param *p, entrasql_error *err)
{
    entrasql_status st =
        es_fail(err, ENTRASQL_MALFORMED,
                "The incoming tabular data stream (TDS) remote procedure call (RPC) protocol "
                "stream is incorrect. Parameter %zu (\"%s\"): The supplied value is not a valid "
                "instance of data type %s. Check the source data for invalid values. An example of "
                "an invalid value is data of numeric type with scale greater than precision.",
                number, p->name, tds_type_name(p->type.id));
    if (err != NULL)
        err->number = TDS_BAD_VALUE;
    return st;
}

static bool at_separator(const es_reader *r)
{
    uint8_t first = *r->at;

    if (first == SEPARATOR || first == SEPARATOR_NO_EXECUTE)
        return true;
    /* a name of 128 characters begins with '@' */
    return first == SEPARATOR_OLD && !(r->left >= 3 && r->at[1] == '@' && r->at[2] == 0);
}

static entrasql_status read_params(es_reader *r, size_t value_limit, tds_call *c,
                                   entrasql_error *err)
{
    while (r->left != 0) {
        tds_param *params;
        if (at_separator(r))
            return es_reader_u8(r, &c->separator);
        if (c->param_count == TDS_PARAMS_MAX)
            return es_fail(err, ENTRASQL_LIMIT, "the request has more than %u parameters",
                           TDS_PARAMS_MAX);
        params = grow(c->params, c->param_count, sizeof *params);
        if (params == NULL)
            return ENTRASQL_NOMEM;
        c->params = params;
        params[c->param_count] = (tds_param){0};
        entrasql_status st = read_param(r, value_limit, &params[c->param_count++], err);
        if (st == ENTRASQL_MALFORMED && err != NULL && err->number == TDS_BAD_VALUE)
            return bad_param(c->param_count, &params[c->param_count - 1], err);
        ES_TRY(st);
    }
    return ENTRASQL_OK;
}

static entrasql_status read_name(es_reader *r, uint16_t units, tds_call *c)
{
    es_reader name;

    ES_TRY(es_reader_sub(r, 2 * (size_t)units, &name));
    ES_TRY(tds_utf16_text(&name, &c->name));
    return *c->name != '\0' ? ENTRASQL_OK : ENTRASQL_MALFORMED;
}

static entrasql_status read_call(es_reader *r, size_t value_limit, tds_call *c, entrasql_error *err)
{
    uint16_t units;
    entrasql_status st = es_reader_u16le(r, &units);

    if (st == ENTRASQL_OK && units == BY_NUMBER) {
        st = es_reader_u16le(r, &c->proc_id);
        if (st == ENTRASQL_OK && tds_proc_name(c->proc_id) == NULL)
            return es_fail(err, ENTRASQL_MALFORMED, "there is no procedure number %u", c->proc_id);
    } else if (st == ENTRASQL_OK) {
        if (units == 0 || units > NAME_MAX_UNITS)
            return es_fail(err, ENTRASQL_MALFORMED,
                           "a procedure name cannot have a length of %u characters", units);
        st = read_name(r, units, c);
    }
    if (st == ENTRASQL_OK)
        st = es_reader_u16le(r, &c->options);
    if (st != ENTRASQL_OK)
        return bad_request(st, err);
    return read_params(r, value_limit, c, err);
}

static entrasql_status read_calls(es_reader *r, size_t value_limit, tds_rpc *rpc,
                                  entrasql_error *err)
{
    do {
        tds_call *calls;
        if (rpc->call_count == TDS_CALLS_MAX)
            return es_fail(err, ENTRASQL_LIMIT, "the request has more than %u calls",
                           TDS_CALLS_MAX);
        calls = grow(rpc->calls, rpc->call_count, sizeof *calls);
        if (calls == NULL)
            return ENTRASQL_NOMEM;
        rpc->calls = calls;
        calls[rpc->call_count] = (tds_call){0};
        ES_TRY(read_call(r, value_limit, &calls[rpc->call_count++], err));
    } while (r->left != 0);
    return ENTRASQL_OK;
}

entrasql_status tds_rpc_parse(const uint8_t *p, size_t n, size_t value_limit, tds_rpc *ret,
                              entrasql_error *err)
{
    es_reader r = es_reader_of(p, n);
    tds_rpc rpc = {0};
    entrasql_status st;

    ES_TRY(tds_headers_read(&r, &rpc.headers, err));
    st = read_calls(&r, value_limit, &rpc, err);
    if (st == ENTRASQL_OK) {
        *ret = rpc;
        return ENTRASQL_OK;
    }
    tds_rpc_done(&rpc);
    return st == ENTRASQL_NOMEM ? es_nomem(err) : st;
}

/* ---- building ---- */

static entrasql_status add_call(es_buf *out, const tds_call *c)
{
    if (c->name != NULL) {
        ES_TRY(tds_us_varchar_add(out, c->name, NAME_MAX_UNITS));
    } else {
        ES_TRY(es_buf_u16le(out, BY_NUMBER));
        ES_TRY(es_buf_u16le(out, c->proc_id));
    }
    ES_TRY(es_buf_u16le(out, c->options));
    for (size_t i = 0; i < c->param_count; i++) {
        const tds_param *p = &c->params[i];
        ES_TRY(tds_b_varchar_add(out, p->name));
        ES_TRY(es_buf_u8(out, p->status));
        ES_TRY(tds_type_add(out, &p->type));
        ES_TRY(tds_value_add(out, &p->type, TDS_IN_PARAM, &p->value));
    }
    return ENTRASQL_OK;
}

entrasql_status tds_rpc_build(const tds_rpc *rpc, es_buf *out)
{
    ES_TRY(tds_headers_add(out, rpc->headers.transaction));
    for (size_t i = 0; i < rpc->call_count; i++) {
        if (i != 0)
            ES_TRY(es_buf_u8(out, SEPARATOR));
        ES_TRY(add_call(out, &rpc->calls[i]));
    }
    return ENTRASQL_OK;
}
