/* SPDX-License-Identifier: MIT */
/* The parser's ways in: a batch, an expression, parameters, a name. */
#include "tsql/parser.h"

#include "base/mem.h"
#include "tsql/parser_impl.h"

/* A tree is larger than its text; this many bytes of it a byte of text are plenty. */
enum { ARENA_FACTOR = 256, ARENA_MIN = 1024 * 1024 };

void tsql_batch_free(tsql_batch *batch)
{
    if (batch == NULL)
        return;
    tsql_arena_done(&batch->arena);
    es_free(batch);
}

const tsql_stmts *tsql_batch_statements(const tsql_batch *batch)
{
    return &batch->statements;
}

const char *tsql_batch_text(const tsql_batch *batch, size_t *ret_length)
{
    if (ret_length != NULL)
        *ret_length = batch->length;
    return batch->text;
}

static void cleanup_batch(tsql_batch **batch)
{
    tsql_batch_free(*batch);
}

/* Makes an empty batch with a copy of the text, and a parser at its start. */
static entrasql_status start(const char *text, size_t n, const tsql_options *options,
                             entrasql_error *err, tsql_batch **ret, tsql_parser *parser)
{
    if (n > TSQL_MAX_TEXT)
        return es_fail(err, ENTRASQL_LIMIT, "The batch is larger than %u MiB.",
                       TSQL_MAX_TEXT >> 20);
    tsql_batch *batch = es_calloc(1, sizeof *batch);
    if (batch == NULL)
        return es_nomem(err);
    tsql_arena_init(&batch->arena, ARENA_MIN + n * ARENA_FACTOR);
    batch->text = tsql_arena_strndup(&batch->arena, text, n);
    batch->length = n;
    if (batch->text == NULL) {
        tsql_batch_free(batch);
        return es_nomem(err);
    }
    *parser = (tsql_parser){.batch = batch, .err = err};
    bool off = options != NULL && options->quoted_identifier_off;
    tsql_lexer_init(&parser->lexer, batch->text, n, off, err);
    *ret = batch;
    return ENTRASQL_OK;
}

static entrasql_status expect_end(tsql_parser *p)
{
    return tsql_is(p, TSQL_TOKEN_END) ? ENTRASQL_OK : tsql_unexpected(p);
}

/* What each way in reads; ret points to the caller's pointer of the right type. */
typedef entrasql_status body_reader(tsql_parser *p, void *ret);

static entrasql_status parse(const char *text, size_t n, const tsql_options *options,
                             body_reader *read, void *ret_body, tsql_batch **ret,
                             entrasql_error *err)
{
    entrasql_error local;
    entrasql_error *where = err != NULL ? err : &local;
    ES_CLEANUP(cleanup_batch) tsql_batch *batch = NULL;
    tsql_parser parser;
    ES_TRY(start(text, n, options, where, &batch, &parser));
    ES_TRY(read(&parser, ret_body));
    ES_TRY(expect_end(&parser));
    *ret = batch;
    batch = NULL;
    return ENTRASQL_OK;
}

static entrasql_status read_batch(tsql_parser *p, void *ret)
{
    (void)ret;
    return tsql_read_statements(p, &p->batch->statements);
}

entrasql_status tsql_parse(const char *text, size_t n, const tsql_options *options,
                           tsql_batch **ret, entrasql_error *err)
{
    return parse(text, n, options, read_batch, NULL, ret, err);
}

static entrasql_status read_whole_expr(tsql_parser *p, void *ret)
{
    return tsql_read_expr(p, ret);
}

entrasql_status tsql_parse_expr(const char *text, size_t n, tsql_batch **ret, tsql_expr **ret_expr,
                                entrasql_error *err)
{
    return parse(text, n, NULL, read_whole_expr, ret_expr, ret, err);
}

static entrasql_status read_whole_cond(tsql_parser *p, void *ret)
{
    return tsql_read_cond(p, ret);
}

entrasql_status tsql_parse_cond(const char *text, size_t n, tsql_batch **ret, tsql_cond **ret_cond,
                                entrasql_error *err)
{
    return parse(text, n, NULL, read_whole_cond, ret_cond, ret, err);
}

static entrasql_status read_whole_params(tsql_parser *p, void *ret)
{
    tsql_params *params = tsql_alloc(p, sizeof *params);
    if (params == NULL)
        return es_nomem(p->err);
    if (!tsql_is(p, TSQL_TOKEN_END)) {
        do {
            ES_TRY(tsql_read_param(p, params));
        } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    }
    *(const tsql_params **)ret = params;
    return ENTRASQL_OK;
}

entrasql_status tsql_parse_params(const char *text, size_t n, tsql_batch **ret,
                                  const tsql_params **ret_params, entrasql_error *err)
{
    return parse(text, n, NULL, read_whole_params, ret_params, ret, err);
}

static entrasql_status read_whole_object(tsql_parser *p, void *ret)
{
    tsql_object *object = tsql_alloc(p, sizeof *object);
    if (object == NULL)
        return es_nomem(p->err);
    ES_TRY(tsql_read_object(p, object));
    *(const tsql_object **)ret = object;
    return ENTRASQL_OK;
}

entrasql_status tsql_parse_object(const char *text, size_t n, tsql_batch **ret,
                                  const tsql_object **ret_object, entrasql_error *err)
{
    return parse(text, n, NULL, read_whole_object, ret_object, ret, err);
}
