/* SPDX-License-Identifier: MIT */
/* PRINT, RAISERROR and THROW. */
#include "engine/run.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/output.h"
#include "sqltype/convert.h"

#include <stdio.h>
#include <string.h>

enum { USER_ERROR = 50000, MESSAGE_MAX_BYTES = 3 * 2047, ARGS_MAX = 20 };

entrasql_status engine_run_print(engine_run *run, const tsql_expr_stmt *stmt)
{
    ES_CLEANUP(es_cleanup_free) char *text = NULL;
    ES_TRY(engine_run_string(run, stmt->expr, &text));
    return engine_output_info(run->s, 0, 1, run->stmt->span.line, text != NULL ? text : " ");
}

/* ---- RAISERROR ---- */

/* One value of RAISERROR's list as the text that its place asks for. */
static entrasql_status format_value(engine_run *run, const char *spec, size_t spec_length,
                                    const tsql_expr *arg, es_buf *out)
{
    char form[32];
    char kind = spec[spec_length - 1];
    if (spec_length >= sizeof form - 2)
        return engine_error(run->err, 2787, 1, "Invalid format specification: '%.20s'.", spec);
    ES_CLEANUP(sqlvalue_done) sqlvalue v = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    if (arg != NULL)
        ES_TRY(engine_run_value(run, arg, &v));
    if (v.is_null)
        return es_buf_add_str(out, "(null)");
    if (kind == 's') {
        ES_CLEANUP(sqlvalue_done) sqlvalue text = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
        ES_TRY(sqltype_convert(&v, sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX), NULL, &text,
                               run->err));
        return es_buf_add(out, text.u.s.data, text.u.s.len);
    }
    if (!sqltype_is_integer(v.type.id))
        return engine_error(run->err, 2786, 1,
                            "The data type of substitution parameter does not match the expected "
                            "type of the format specification.");
    /* "%5d" becomes "%5lld"; flags and width were checked by the caller. */
    memcpy(form, spec, spec_length - 1);
    memcpy(form + spec_length - 1, "ll", 2);
    form[spec_length + 1] = kind;
    form[spec_length + 2] = '\0';
    char digits[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(digits, sizeof digits, form, (long long)v.u.i);
#pragma GCC diagnostic pop
    return es_buf_add(out, digits, n > 0 && (size_t)n < sizeof digits ? (size_t)n : 0);
}

/* Length of "%...x" at s; 0: not one that RAISERROR knows. Widths have two digits at most. */
static size_t spec_length(const char *s)
{
    size_t n = 1;
    while (s[n] != '\0' && strchr("-+0# ", s[n]) != NULL && n < 6)
        n++;
    for (int digits = 0; es_is_digit(s[n]) && digits < 2; digits++)
        n++;
    return s[n] != '\0' && strchr("diouxXs", s[n]) != NULL ? n + 1 : 0;
}

static entrasql_status format_message(engine_run *run, const char *text, const tsql_exprs *args,
                                      es_buf *out)
{
    size_t used = 0;
    for (const char *s = text; *s != '\0'; s++) {
        if (*s != '%') {
            ES_TRY(es_buf_u8(out, (uint8_t)*s));
            continue;
        }
        if (s[1] == '%') {
            ES_TRY(es_buf_u8(out, '%'));
            s++;
            continue;
        }
        size_t n = spec_length(s);
        if (n == 0)
            return engine_error(run->err, 2787, 1, "Invalid format specification: '%.20s'.", s);
        const tsql_expr *arg = used < args->count ? args->items[used] : NULL;
        used++;
        ES_TRY(format_value(run, s, n, arg, out));
        s += n - 1;
    }
    return ENTRASQL_OK;
}

static entrasql_status small_number(engine_run *run, const tsql_expr *e, int64_t least,
                                    int64_t most, uint8_t *ret)
{
    ES_CLEANUP(sqlvalue_done) sqlvalue v = sqlvalue_null(sqltype_of(SQLTYPE_INT));
    ES_TRY(engine_run_value_as(run, e, sqltype_of(SQLTYPE_INT), &v));
    int64_t n = v.is_null || v.u.i < least ? least : v.u.i;
    *ret = (uint8_t)(n > most ? most : n);
    return ENTRASQL_OK;
}

static entrasql_status raise_info(engine_run *run, const char *text, uint8_t severity,
                                  uint8_t state)
{
    engine_message m = {
        .number = USER_ERROR,
        .state = state,
        .severity = severity,
        .text = text,
        .procedure = run->s->frame->procedure,
        .line = run->stmt->span.line,
    };
    return engine_output_message(run->s, &m);
}

static entrasql_status raise_error(engine_run *run, const char *text, uint8_t severity,
                                   uint8_t state)
{
    engine_error(run->err, USER_ERROR, state, "%s", text);
    run->err->severity = severity;
    run->raised = true;
    return ENTRASQL_SQL_ERROR;
}

entrasql_status engine_run_raiserror(engine_run *run, const tsql_raiserror_stmt *stmt)
{
    uint8_t severity = 0;
    uint8_t state = 1;
    if (stmt->args.count > ARGS_MAX)
        return engine_error(run->err, 2747, 1,
                            "Too many substitution parameters for RAISERROR. "
                            "Cannot exceed 20 substitution parameters.");
    ES_CLEANUP(sqlvalue_done) sqlvalue message = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    ES_TRY(engine_run_value(run, stmt->message, &message));
    if (sqltype_is_number(message.type.id))
        return engine_error(run->err, 18054, 1,
                            "Error %lld, severity %d, state %d was raised, but no message with "
                            "that error number was found in sys.messages.",
                            (long long)message.u.i, 16, 1);
    ES_CLEANUP(es_cleanup_free) char *text = NULL;
    ES_TRY(engine_run_string(run, stmt->message, &text));
    ES_TRY(small_number(run, stmt->severity, 0, 25, &severity));
    ES_TRY(small_number(run, stmt->state, 1, 255, &state));
    if (severity > 18)
        return engine_error(run->err, 2754, 1,
                            "Error severity levels greater than 18 can only be specified by "
                            "members of the sysadmin role, using the WITH LOG option.");
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(MESSAGE_MAX_BYTES);
    entrasql_status status = format_message(run, text != NULL ? text : "", &stmt->args, &out);
    /* A message beyond the limit is cut, as on the real server. */
    if (status != ENTRASQL_OK && status != ENTRASQL_LIMIT)
        return status == ENTRASQL_NOMEM ? es_nomem(run->err) : status;
    const char *formatted = es_buf_cstr(&out);
    if (formatted == NULL)
        return es_nomem(run->err);
    run->s->last_error = severity > 10 ? USER_ERROR : 0;
    return severity > 10 ? raise_error(run, formatted, severity, state)
                         : raise_info(run, formatted, severity, state);
}

/* ---- THROW ---- */

static entrasql_status rethrow(engine_run *run)
{
    const engine_caught *caught = run->s->frame->caught;
    if (caught == NULL)
        return engine_error(run->err, 10704, 1,
                            "To rethrow an error, a THROW statement must be used inside a CATCH "
                            "block. Insert the THROW statement inside a CATCH block, or add error "
                            "parameters to the THROW statement.");
    engine_error(run->err, caught->number, caught->state, "%s", caught->text);
    run->err->severity = caught->severity;
    run->err->line = caught->line;
    run->raised = true;
    run->ends_batch = true;
    return ENTRASQL_SQL_ERROR;
}

entrasql_status engine_run_throw(engine_run *run, const tsql_throw_stmt *stmt)
{
    if (stmt->number == NULL)
        return rethrow(run);
    ES_CLEANUP(sqlvalue_done) sqlvalue number = sqlvalue_null(sqltype_of(SQLTYPE_INT));
    ES_CLEANUP(es_cleanup_free) char *text = NULL;
    uint8_t state = 1;
    ES_TRY(engine_run_value_as(run, stmt->number, sqltype_of(SQLTYPE_INT), &number));
    ES_TRY(engine_run_string(run, stmt->message, &text));
    ES_TRY(small_number(run, stmt->state, 0, 255, &state));
    if (number.is_null || number.u.i < USER_ERROR)
        return engine_error(run->err, 35100, 1,
                            "Error number %lld in the THROW statement is outside the valid range. "
                            "Specify an error number in the valid range of 50000 to 2147483647.",
                            number.is_null ? 0LL : (long long)number.u.i);
    engine_error(run->err, (uint32_t)number.u.i, state, "%s", text != NULL ? text : "");
    run->err->severity = 16;
    run->raised = true;
    run->ends_batch = true;
    return ENTRASQL_SQL_ERROR;
}
