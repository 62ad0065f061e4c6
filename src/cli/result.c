/* SPDX-License-Identifier: MIT */
/* The three forms of a result set. */
#include "cli/result.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "cli/text.h"
#include "sqltype/convert.h"
#include "json/json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define LINE_MAX_BYTES (1024U * 1024 * 1024)
#define CELL_WIDTH_MAX 65536
#define NULL_CELL UINT32_MAX
#define NULL_WIDTH 4U
#define GAP 2U
#define FIT_LEAST 8U /* text is not cut below this */

void cli_result_init(cli_result *r, cli_result_form form, FILE *out, bool on_terminal)
{
    *r = (cli_result){
        .form = form,
        .out = out,
        .on_terminal = on_terminal,
        .held = ES_BUF_INIT(2 * CLI_RESULT_HOLD_BYTES + LINE_MAX_BYTES),
        .line = ES_BUF_INIT(LINE_MAX_BYTES),
    };
}

static void drop_columns(cli_result *r)
{
    for (size_t i = 0; i < r->count; i++)
        es_free(r->columns[i].name);
    es_free(r->columns);
    r->columns = NULL;
    r->count = 0;
}

void cli_result_done(cli_result *r)
{
    drop_columns(r);
    es_buf_done(&r->held);
    es_buf_done(&r->line);
}

static entrasql_status failed(entrasql_status status, entrasql_error *err)
{
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    return es_fail(err, status, "a row of the result cannot be shown");
}

/* Writes the line buffer out and empties it. */
static entrasql_status flush_line(cli_result *r, entrasql_error *err)
{
    size_t n = r->line.len;
    if (n != 0 && fwrite(r->line.data, 1, n, r->out) != n)
        return es_fail_errno(err, errno, "cannot write to standard output");
    es_buf_clear(&r->line);
    return ENTRASQL_OK;
}

/* ---- columns ---- */

static bool name_is_taken(const cli_result *r, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (es_streq(r->columns[i].name, name))
            return true;
    }
    return false;
}

/*
 * Names as they are, but for JSON: there a column without a name is "column2"
 * and the second "a" is "a_2", since an object has each name once.
 */
static entrasql_status make_name(cli_result *r, size_t i, const char *name)
{
    ES_CLEANUP(es_buf_done) es_buf made = ES_BUF_INIT(4096);
    size_t n = strlen(name);

    ES_TRY(
        cli_text_add(&made, name, n, r->form == CLI_RESULT_TABLE ? CLI_TEXT_LINE : CLI_TEXT_RAW));
    if (r->form == CLI_RESULT_JSON) {
        if (made.len == 0)
            ES_TRY(es_buf_printf(&made, "column%zu", i + 1));
        size_t base = made.len;
        for (unsigned again = 2;; again++) {
            const char *text = es_buf_cstr(&made);
            if (text == NULL)
                return ENTRASQL_NOMEM;
            if (!name_is_taken(r, i, text))
                break;
            es_buf_truncate(&made, base);
            ES_TRY(es_buf_printf(&made, "_%u", again));
        }
    }
    r->columns[i].name = es_buf_take(&made, NULL);
    return r->columns[i].name != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status make_columns(cli_result *r, const char *const *names, const sqltype *types,
                                    size_t count)
{
    r->columns = es_calloc(count != 0 ? count : 1, sizeof *r->columns);
    if (r->columns == NULL)
        return ENTRASQL_NOMEM;
    r->count = count;
    for (size_t i = 0; i < count; i++) {
        ES_TRY(make_name(r, i, names[i]));
        r->columns[i].is_number = sqltype_is_number(types[i].id);
        r->columns[i].width = cli_text_width(r->columns[i].name, strlen(r->columns[i].name));
    }
    return ENTRASQL_OK;
}

/* ---- tables ---- */

static entrasql_status add_null(cli_result *r)
{
    return es_buf_add_str(&r->line, r->has_colour ? "\033[2mNULL\033[0m" : "NULL");
}

/* A cell: text of n bytes; NULL_CELL for a NULL. */
static entrasql_status add_cell(cli_result *r, size_t i, const char *text, size_t n, bool is_head)
{
    const cli_result_column *c = &r->columns[i];
    bool is_null = n == NULL_CELL;
    size_t width = is_null ? NULL_WIDTH : cli_text_width(text, n);
    bool cut = r->fit_width != 0 && width > c->width && (is_head || !c->is_number) && !is_null;
    size_t pad = c->width > width ? c->width - width : 0;
    bool is_last = i + 1 == r->count;

    if (i != 0)
        ES_TRY(es_buf_fill(&r->line, ' ', GAP));
    if (c->is_number)
        ES_TRY(es_buf_fill(&r->line, ' ', pad));
    if (is_null)
        ES_TRY(add_null(r));
    else if (cut)
        ES_TRY(cli_text_add_cut(&r->line, text, n, c->width));
    else
        ES_TRY(es_buf_add(&r->line, text, n));
    r->is_cut = r->is_cut || cut;
    if (!c->is_number && !is_last)
        ES_TRY(es_buf_fill(&r->line, ' ', pad));
    return is_last ? es_buf_u8(&r->line, '\n') : ENTRASQL_OK;
}

static entrasql_status print_head(cli_result *r)
{
    for (size_t i = 0; i < r->count; i++)
        ES_TRY(add_cell(r, i, r->columns[i].name, strlen(r->columns[i].name), true));
    for (size_t i = 0; i < r->count; i++) {
        if (i != 0)
            ES_TRY(es_buf_fill(&r->line, ' ', GAP));
        ES_TRY(es_buf_fill(&r->line, '-', r->columns[i].width != 0 ? r->columns[i].width : 1));
    }
    return es_buf_u8(&r->line, '\n');
}

/* ---- fitting ---- */

/* What a column has when no text may be wider than `most`. */
static size_t capped(const cli_result_column *c, size_t most)
{
    size_t least = c->is_number ? c->data_width : 0; /* half a number is another number */
    if (most < least)
        most = least;
    return c->width < most ? c->width : most;
}

static bool fits(const cli_result *r, size_t most)
{
    size_t total = 0;
    for (size_t i = 0; i < r->count; i++) {
        total += capped(&r->columns[i], most) + (i != 0 ? GAP : 0);
        if (total > r->fit_width)
            return false;
    }
    return true;
}

/* Gives the widest columns up to the same width, the greatest that fits. */
static void fit_columns(cli_result *r)
{
    size_t most = FIT_LEAST;

    if (r->fit_width == 0 || fits(r, CELL_WIDTH_MAX))
        return;
    if (!fits(r, FIT_LEAST)) {
        if (r->layout == CLI_RESULT_FIT) {
            r->vertical = true;
            return;
        }
    } else {
        while (fits(r, most + 1))
            most++;
    }
    for (size_t i = 0; i < r->count; i++)
        r->columns[i].width = capped(&r->columns[i], most);
}

/* ---- vertical ---- */

static size_t widest_name(const cli_result *r)
{
    size_t width = 0;
    for (size_t i = 0; i < r->count; i++) {
        size_t n = cli_text_width(r->columns[i].name, strlen(r->columns[i].name));
        width = n > width ? n : width;
    }
    return width;
}

static entrasql_status begin_record(cli_result *r)
{
    if (++r->records != 1)
        ES_TRY(es_buf_u8(&r->line, '\n'));
    if (r->is_quiet)
        return ENTRASQL_OK;
    return es_buf_printf(&r->line, "-- row %" PRIu64 " --\n", r->records);
}

/* "name  value"; further lines of the value stand below the first. */
static entrasql_status add_value(cli_result *r, size_t i, size_t names, const char *text, size_t n)
{
    const char *name = r->columns[i].name;
    size_t length = strlen(name);

    ES_TRY(es_buf_add(&r->line, name, length));
    ES_TRY(es_buf_fill(&r->line, ' ', names - cli_text_width(name, length) + GAP));
    if (n == NULL_CELL)
        ES_TRY(add_null(r));
    while (n != NULL_CELL && n != 0) {
        const char *end = memchr(text, '\n', n);
        size_t line = end != NULL ? (size_t)(end - text) + 1 : n;
        ES_TRY(es_buf_add(&r->line, text, line));
        if (end != NULL)
            ES_TRY(es_buf_fill(&r->line, ' ', names + GAP));
        text += line;
        n -= line;
    }
    return es_buf_u8(&r->line, '\n');
}

/* ---- rows of both ---- */

static entrasql_status put_cell(cli_result *r, size_t i, size_t names, const char *text, size_t n)
{
    if (!r->vertical)
        return add_cell(r, i, text, n, false);
    if (i == 0)
        ES_TRY(begin_record(r));
    return add_value(r, i, names, text, n);
}

/* Prints what was held back; from here on rows go out at once, in the widths found so far. */
static entrasql_status release_table(cli_result *r, entrasql_error *err)
{
    entrasql_status status = ENTRASQL_OK;

    if (!r->holding)
        return ENTRASQL_OK;
    r->holding = false;
    fit_columns(r);
    if (r->sets != 0)
        status = es_buf_u8(&r->line, '\n');
    if (status == ENTRASQL_OK && !r->vertical)
        status = print_head(r);
    if (status != ENTRASQL_OK)
        return failed(status, err);
    ES_TRY(flush_line(r, err));
    size_t at = 0;
    size_t names = widest_name(r);
    for (size_t row = 0; row < r->held_rows; row++) {
        for (size_t i = 0; i < r->count && status == ENTRASQL_OK; i++) {
            uint32_t n = 0;
            memcpy(&n, r->held.data + at, sizeof n);
            at += sizeof n;
            status = put_cell(r, i, names, (const char *)r->held.data + at, n);
            at += n != NULL_CELL ? n : 0;
        }
        if (status != ENTRASQL_OK)
            return failed(status, err);
        ES_TRY(flush_line(r, err));
    }
    es_buf_clear(&r->held);
    r->held_rows = 0;
    return ENTRASQL_OK;
}

/* The value as it stands in a cell; *ret_n: its bytes, NULL_CELL for a NULL. */
static entrasql_status cell_text(const cli_result *r, const sqlvalue *v, es_buf *ret, size_t *ret_n)
{
    ES_CLEANUP(es_buf_done) es_buf raw = ES_BUF_INIT(LINE_MAX_BYTES);
    *ret_n = NULL_CELL;
    if (v->is_null)
        return ENTRASQL_OK;
    ES_TRY(sqlvalue_print(v, &raw));
    ES_TRY(cli_text_add(ret, (const char *)raw.data, raw.len,
                        r->vertical ? CLI_TEXT_PRINTABLE : CLI_TEXT_LINE));
    *ret_n = ret->len;
    return ENTRASQL_OK;
}

static entrasql_status hold_cell(cli_result *r, size_t i, const char *text, size_t n)
{
    size_t width = n == NULL_CELL ? NULL_WIDTH : cli_text_width(text, n);
    cli_result_column *c = &r->columns[i];
    uint32_t stored = (uint32_t)n;

    width = width < CELL_WIDTH_MAX ? width : CELL_WIDTH_MAX;
    c->data_width = width > c->data_width ? width : c->data_width;
    c->width = width > c->width ? width : c->width;
    ES_TRY(es_buf_add(&r->held, &stored, sizeof stored));
    return n != NULL_CELL ? es_buf_add(&r->held, text, n) : ENTRASQL_OK;
}

static entrasql_status table_row(cli_result *r, const sqlvalue *values)
{
    ES_CLEANUP(es_buf_done) es_buf cell = ES_BUF_INIT(LINE_MAX_BYTES);
    size_t names = widest_name(r);

    for (size_t i = 0; i < r->count; i++) {
        size_t n = 0;
        es_buf_clear(&cell);
        ES_TRY(cell_text(r, &values[i], &cell, &n));
        if (r->holding)
            ES_TRY(hold_cell(r, i, (const char *)cell.data, n));
        else
            ES_TRY(put_cell(r, i, names, (const char *)cell.data, n));
    }
    r->held_rows += r->holding ? 1 : 0;
    return ENTRASQL_OK;
}

/* ---- CSV ---- */

static entrasql_status csv_head(cli_result *r)
{
    cli_text_form form = r->on_terminal ? CLI_TEXT_PRINTABLE : CLI_TEXT_RAW;
    if (r->sets != 0)
        ES_TRY(es_buf_add_str(&r->line, "\r\n"));
    for (size_t i = 0; i < r->count; i++) {
        if (i != 0)
            ES_TRY(es_buf_u8(&r->line, ','));
        ES_TRY(cli_text_add_csv(&r->line, r->columns[i].name, strlen(r->columns[i].name), form));
    }
    return es_buf_add_str(&r->line, "\r\n");
}

static entrasql_status csv_row(cli_result *r, const sqlvalue *values)
{
    ES_CLEANUP(es_buf_done) es_buf raw = ES_BUF_INIT(LINE_MAX_BYTES);
    cli_text_form form = r->on_terminal ? CLI_TEXT_PRINTABLE : CLI_TEXT_RAW;

    for (size_t i = 0; i < r->count; i++) {
        if (i != 0)
            ES_TRY(es_buf_u8(&r->line, ','));
        if (values[i].is_null)
            continue;
        es_buf_clear(&raw);
        ES_TRY(sqlvalue_print(&values[i], &raw));
        ES_TRY(cli_text_add_csv(&r->line, (const char *)raw.data, raw.len, form));
    }
    return es_buf_add_str(&r->line, "\r\n");
}

/* ---- JSON ---- */

/* SQL Server leaves the 0 of 0.5 away in some types, JSON does not allow it. */
static entrasql_status json_number(json_writer *w, const es_buf *text)
{
    ES_CLEANUP(es_buf_done) es_buf number = ES_BUF_INIT(512);
    const char *p = (const char *)text->data;
    size_t n = text->len;

    if (n != 0 && *p == '-') {
        ES_TRY(es_buf_u8(&number, '-'));
        p++;
        n--;
    }
    if (n != 0 && *p == '.')
        ES_TRY(es_buf_u8(&number, '0'));
    ES_TRY(es_buf_add(&number, p, n));
    json_put_raw(w, (const char *)number.data, number.len);
    return ENTRASQL_OK;
}

static entrasql_status json_value(json_writer *w, const sqlvalue *v, bool is_number)
{
    ES_CLEANUP(es_buf_done) es_buf raw = ES_BUF_INIT(LINE_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf valid = ES_BUF_INIT(LINE_MAX_BYTES);

    if (v->is_null) {
        json_put_null(w);
        return ENTRASQL_OK;
    }
    if (v->type.id == SQLTYPE_BIT) {
        json_put_bool(w, v->u.i != 0);
        return ENTRASQL_OK;
    }
    ES_TRY(sqlvalue_print(v, &raw));
    if (is_number)
        return json_number(w, &raw);
    ES_TRY(cli_text_add(&valid, (const char *)raw.data, raw.len, CLI_TEXT_RAW));
    json_put_text(w, (const char *)valid.data, valid.len);
    return ENTRASQL_OK;
}

static entrasql_status json_row(cli_result *r, const sqlvalue *values)
{
    json_writer w;

    ES_TRY(es_buf_add_str(&r->line, r->rows == 0 ? "[\n" : ",\n"));
    json_writer_init(&w, &r->line);
    json_begin_object(&w);
    for (size_t i = 0; i < r->count; i++) {
        json_name(&w, r->columns[i].name);
        ES_TRY(json_value(&w, &values[i], r->columns[i].is_number));
    }
    json_end_object(&w);
    return json_writer_end(&w);
}

/* ---- the printer ---- */

entrasql_status cli_result_begin(cli_result *r, const char *const *names, const sqltype *types,
                                 size_t count, entrasql_error *err)
{
    ES_TRY(cli_result_end(r, err));
    entrasql_status status = make_columns(r, names, types, count);
    if (status == ENTRASQL_OK && r->form == CLI_RESULT_CSV)
        status = csv_head(r);
    if (status != ENTRASQL_OK)
        return failed(status, err);
    r->rows = 0;
    r->records = 0;
    r->is_cut = false;
    r->vertical = r->form == CLI_RESULT_TABLE && r->layout == CLI_RESULT_VERTICAL;
    r->holding = r->form == CLI_RESULT_TABLE && !r->vertical;
    if (r->vertical && r->sets != 0 && es_buf_u8(&r->line, '\n') != ENTRASQL_OK)
        return es_nomem(err);
    return flush_line(r, err);
}

entrasql_status cli_result_row(cli_result *r, const sqlvalue *values, size_t count,
                               entrasql_error *err)
{
    entrasql_status status = ENTRASQL_INTERNAL;

    if (r->columns == NULL || count != r->count)
        return es_fail(err, ENTRASQL_INTERNAL, "a row of %zu values for %zu columns", count,
                       r->count);
    switch (r->form) {
    case CLI_RESULT_TABLE:
        status = table_row(r, values);
        break;
    case CLI_RESULT_CSV:
        status = csv_row(r, values);
        break;
    case CLI_RESULT_JSON:
        status = json_row(r, values);
        break;
    }
    if (status != ENTRASQL_OK)
        return failed(status, err);
    r->rows++;
    if (r->holding && (r->held_rows >= CLI_RESULT_HOLD_ROWS || r->held.len > CLI_RESULT_HOLD_BYTES))
        return release_table(r, err);
    return flush_line(r, err);
}

entrasql_status cli_result_end(cli_result *r, entrasql_error *err)
{
    if (r->columns == NULL)
        return ENTRASQL_OK;
    ES_TRY(release_table(r, err));
    if (r->form == CLI_RESULT_JSON &&
        es_buf_add_str(&r->line, r->rows == 0 ? "[]\n" : "\n]\n") != ENTRASQL_OK)
        return es_nomem(err);
    if (r->is_cut && r->cut_note != NULL &&
        es_buf_printf(&r->line, "(%s)\n", r->cut_note) != ENTRASQL_OK)
        return es_nomem(err);
    drop_columns(r);
    r->sets++;
    return flush_line(r, err);
}

entrasql_status cli_result_affected(cli_result *r, uint64_t rows, entrasql_error *err)
{
    if (r->form != CLI_RESULT_TABLE || r->is_quiet)
        return ENTRASQL_OK;
    if (fprintf(r->out, "\n(%" PRIu64 " row%s affected)\n", rows, rows == 1 ? "" : "s") < 0)
        return es_fail_errno(err, errno, "cannot write to standard output");
    return ENTRASQL_OK;
}
