/* SPDX-License-Identifier: MIT */
/* Names, object names of several parts, variables, data types. */
#include "tsql/parser_impl.h"

#include "base/str.h"

#include <string.h>

bool tsql_token_is_name(const tsql_token *token)
{
    return token->kind == TSQL_TOKEN_QUOTED ||
           (token->kind == TSQL_TOKEN_WORD && token->keyword == TSQL_KW_NONE);
}

bool tsql_is_name(tsql_parser *p)
{
    return tsql_token_is_name(tsql_at(p));
}

entrasql_status tsql_token_text(tsql_parser *p, const tsql_token *token, tsql_name *ret)
{
    char *text = tsql_alloc(p, (size_t)token->length + 1);
    if (text == NULL)
        return es_nomem(p->err);
    size_t n = tsql_token_decode(token, text);
    text[n] = '\0';
    *ret = (tsql_name){
        .text = text,
        .length = (uint32_t)n,
        .quoted = token->kind == TSQL_TOKEN_QUOTED,
        .span = token->span,
    };
    return ENTRASQL_OK;
}

entrasql_status tsql_read_name(tsql_parser *p, tsql_name *ret)
{
    if (!tsql_is_name(p))
        return tsql_unexpected(p);
    ES_TRY(tsql_token_text(p, tsql_at(p), ret));
    if (ret->length == 0)
        return tsql_sql_error(p->err, 1038, ret->span.line,
                              "An object or column name is missing or empty. For SELECT INTO "
                              "statements, verify each column has a name. For other statements, "
                              "look for empty alias names. Aliases defined as \"\" or [] are not "
                              "allowed. Change the alias to a valid name.");
    tsql_advance(p);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_any_word(tsql_parser *p, tsql_name *ret)
{
    if (!tsql_is(p, TSQL_TOKEN_WORD) && !tsql_is(p, TSQL_TOKEN_QUOTED))
        return tsql_unexpected(p);
    ES_TRY(tsql_token_text(p, tsql_at(p), ret));
    tsql_advance(p);
    return ENTRASQL_OK;
}

/* The part left out between two points. */
static tsql_name missing_part(tsql_parser *p)
{
    return (tsql_name){.text = "", .span = tsql_at(p)->span};
}

entrasql_status tsql_read_object(tsql_parser *p, tsql_object *ret)
{
    tsql_name parts[4];
    size_t count = 0;
    tsql_span span = tsql_span_begin(p);
    for (;;) {
        if (count == ES_COUNT_OF(parts)) {
            char near[256];
            while (tsql_is_name(p) || tsql_is(p, TSQL_TOKEN_DOT))
                tsql_advance(p);
            es_printable(near, sizeof near, p->batch->text + span.start,
                         p->last.span.end - span.start);
            return tsql_sql_error(p->err, 117, span.line,
                                  "The object name '%s' contains more than the maximum number of "
                                  "prefixes. The maximum is 3.",
                                  near);
        }
        if (tsql_is(p, TSQL_TOKEN_DOT))
            parts[count] = missing_part(p);
        else
            ES_TRY(tsql_read_name(p, &parts[count]));
        count++;
        if (!tsql_accept(p, TSQL_TOKEN_DOT))
            break;
    }
    *ret = (tsql_object){.name = parts[count - 1]};
    if (count > 1)
        ret->schema = parts[count - 2];
    if (count > 2)
        ret->database = parts[count - 3];
    if (count > 3)
        ret->server = parts[count - 4];
    ret->span = tsql_span_end(p, span);
    return ENTRASQL_OK;
}

entrasql_status tsql_read_name_list(tsql_parser *p, tsql_names *ret)
{
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    do {
        tsql_name name = {0};
        ES_TRY(tsql_read_name(p, &name));
        ES_TRY(tsql_push_name(p, ret, name));
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

entrasql_status tsql_read_variable(tsql_parser *p, const char **ret)
{
    if (!tsql_is(p, TSQL_TOKEN_VARIABLE))
        return tsql_unexpected(p);
    tsql_name name = {0};
    ES_TRY(tsql_token_text(p, tsql_at(p), &name));
    tsql_advance(p);
    *ret = name.text;
    return ENTRASQL_OK;
}

entrasql_status tsql_read_string(tsql_parser *p, const char **ret, uint32_t *ret_length)
{
    if (!tsql_is(p, TSQL_TOKEN_STRING))
        return tsql_unexpected(p);
    tsql_name name = {0};
    ES_TRY(tsql_token_text(p, tsql_at(p), &name));
    tsql_advance(p);
    *ret = name.text;
    if (ret_length != NULL)
        *ret_length = name.length;
    return ENTRASQL_OK;
}

entrasql_status tsql_read_u32(tsql_parser *p, uint32_t *ret)
{
    const tsql_token *token = tsql_at(p);
    uint64_t value;
    if (token->kind != TSQL_TOKEN_INTEGER ||
        es_parse_u64(token->text, token->length, UINT32_MAX, &value) != ENTRASQL_OK)
        return tsql_unexpected(p);
    tsql_advance(p);
    *ret = (uint32_t)value;
    return ENTRASQL_OK;
}

entrasql_status tsql_read_signed_integer(tsql_parser *p, const char **ret)
{
    bool minus = tsql_accept(p, TSQL_TOKEN_MINUS);
    if (!minus)
        (void)tsql_accept(p, TSQL_TOKEN_PLUS);
    const tsql_token *token = tsql_at(p);
    bool whole = token->kind == TSQL_TOKEN_INTEGER ||
                 (token->kind == TSQL_TOKEN_DECIMAL && token->text[token->length - 1] == '.');
    if (!whole)
        return tsql_unexpected(p);
    size_t digits = token->kind == TSQL_TOKEN_DECIMAL ? token->length - 1u : token->length;
    char *text = tsql_alloc(p, digits + 2);
    if (text == NULL)
        return es_nomem(p->err);
    text[0] = '-';
    memcpy(text + (minus ? 1 : 0), token->text, digits);
    tsql_advance(p);
    *ret = text;
    return ENTRASQL_OK;
}

entrasql_status tsql_skip_parens(tsql_parser *p)
{
    ES_TRY(tsql_expect(p, TSQL_TOKEN_LPAREN));
    for (size_t open = 1; open != 0; tsql_advance(p)) {
        if (tsql_is(p, TSQL_TOKEN_END) || tsql_is(p, TSQL_TOKEN_ERROR))
            return tsql_unexpected(p);
        if (tsql_is(p, TSQL_TOKEN_LPAREN))
            open++;
        else if (tsql_is(p, TSQL_TOKEN_RPAREN))
            open--;
    }
    return ENTRASQL_OK;
}

/* ---- data types ---- */

static entrasql_status type_args(tsql_parser *p, tsql_type *ret)
{
    if (!tsql_accept(p, TSQL_TOKEN_LPAREN))
        return ENTRASQL_OK;
    if (tsql_accept_word(p, "max")) {
        ret->is_max = true;
        return tsql_expect(p, TSQL_TOKEN_RPAREN);
    }
    do {
        if (ret->arg_count == ES_COUNT_OF(ret->args))
            return tsql_unexpected(p);
        ES_TRY(tsql_read_u32(p, &ret->args[ret->arg_count]));
        ret->arg_count++;
    } while (tsql_accept(p, TSQL_TOKEN_COMMA));
    return tsql_expect(p, TSQL_TOKEN_RPAREN);
}

/* The long names of the SQL standard. */
static const struct long_type {
    const char *words[3]; /* what stands there; NULL ends it */
    const char *name;
} long_types[] = {
    {{"double", "precision", NULL}, "float"},
    {{"national", "character", "varying"}, "nvarchar"},
    {{"national", "char", "varying"}, "nvarchar"},
    {{"national", "character", NULL}, "nchar"},
    {{"national", "char", NULL}, "nchar"},
    {{"national", "text", NULL}, "ntext"},
    {{"character", "varying", NULL}, "varchar"},
    {{"char", "varying", NULL}, "varchar"},
    {{"binary", "varying", NULL}, "varbinary"},
};

static bool long_type_is_here(tsql_parser *p, const struct long_type *type, size_t *ret_words)
{
    size_t n = 0;
    while (n < ES_COUNT_OF(type->words) && type->words[n] != NULL) {
        if (!tsql_token_is_word(tsql_ahead(p, n), type->words[n]))
            return false;
        n++;
    }
    *ret_words = n;
    return true;
}

static bool read_long_type(tsql_parser *p, tsql_type *ret)
{
    for (size_t i = 0; i < ES_COUNT_OF(long_types); i++) {
        size_t words;
        if (!long_type_is_here(p, &long_types[i], &words))
            continue;
        tsql_span span = tsql_span_begin(p);
        for (size_t w = 0; w < words; w++)
            tsql_advance(p);
        ret->name.name.text = long_types[i].name;
        ret->name.name.length = (uint32_t)strlen(long_types[i].name);
        ret->name.name.span = tsql_span_end(p, span);
        ret->name.span = ret->name.name.span;
        return true;
    }
    return false;
}

entrasql_status tsql_read_type(tsql_parser *p, tsql_type *ret)
{
    *ret = (tsql_type){0};
    tsql_span span = tsql_span_begin(p);
    if (!read_long_type(p, ret))
        ES_TRY(tsql_read_object(p, &ret->name));
    const tsql_name *schema = &ret->name.schema;
    bool of_system = schema->text == NULL || es_strcaseeq(schema->text, "sys");
    if (!of_system || !sqltype_by_name(ret->name.name.text, ret->name.name.length, &ret->id))
        ret->id = SQLTYPE_UNKNOWN;
    ES_TRY(type_args(p, ret));
    ret->span = tsql_span_end(p, span);
    return ENTRASQL_OK;
}
