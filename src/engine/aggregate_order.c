/* SPDX-License-Identifier: MIT */
/*
 * STRING_AGG ... WITHIN GROUP (ORDER BY ...): keeps texts and keys, sorts them
 * at the end. es_string_agg_by(text, separator, 'how', key, key ...); `how` has
 * one letter a key (engine_aggregate_key).
 */
#include "engine/function.h"

#include "base/buf.h"
#include "base/mem.h"
#include "engine/store.h"
#include "sqltype/collation.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_CEILING = 512 * 1024 * 1024, KEYS_MAX = 32, FIRST_KEY = 3 };

typedef struct ordered_row {
    sqlite3_value *text;
    sqlite3_value *between;
    size_t place; /* rows with equal keys keep the order in which they came */
    size_t key_count;
    const char *how;
    sqlite3_value *keys[];
} ordered_row;

typedef struct ordered_state {
    ordered_row **rows;
    size_t count;
    char how[KEYS_MAX + 1];
    bool failed;
} ordered_state;

char engine_aggregate_key(const char *collation, bool descending)
{
    if (collation == NULL || strcmp(collation, "BINARY") == 0)
        return descending ? 'd' : 'a';
    if (strcmp(collation, ENGINE_COLLATION_OFFSET) == 0)
        return descending ? 'O' : 'o';
    return descending ? 'T' : 't';
}

static void free_row(ordered_row *row)
{
    sqlite3_value_free(row->text);
    sqlite3_value_free(row->between);
    for (size_t i = 0; i < row->key_count; i++)
        sqlite3_value_free(row->keys[i]);
    es_free(row);
}

static ordered_row *new_row(size_t key_count, sqlite3_value **argv)
{
    ordered_row *row = es_calloc(1, sizeof *row + key_count * sizeof(sqlite3_value *));
    if (row == NULL)
        return NULL;
    row->text = sqlite3_value_dup(argv[0]);
    row->between = sqlite3_value_dup(argv[1]);
    bool failed = row->text == NULL || row->between == NULL;
    for (size_t i = 0; i < key_count; i++) {
        row->keys[i] = sqlite3_value_dup(argv[FIRST_KEY + i]);
        row->key_count++;
        failed = failed || row->keys[i] == NULL;
    }
    if (!failed)
        return row;
    free_row(row);
    return NULL;
}

static bool add_row(ordered_state *state, size_t key_count, sqlite3_value **argv)
{
    if ((state->count & (state->count - 1)) == 0) {
        size_t room = state->count == 0 ? 1 : state->count * 2;
        ordered_row **grown = es_reallocarray(state->rows, room, sizeof *grown);
        if (grown == NULL)
            return false;
        state->rows = grown;
    }
    ordered_row *row = new_row(key_count, argv);
    if (row == NULL)
        return false;
    row->place = state->count;
    row->how = state->how;
    state->rows[state->count++] = row;
    return true;
}

static void on_step(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    ordered_state *state = sqlite3_aggregate_context(context, sizeof *state);
    if (state == NULL || argc < FIRST_KEY || sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return;
    size_t key_count = (size_t)(argc - FIRST_KEY);
    const char *how = (const char *)sqlite3_value_text(argv[2]);
    if (how == NULL || strlen(how) != key_count || key_count > KEYS_MAX) {
        state->failed = true;
        return;
    }
    memcpy(state->how, how, key_count);
    state->failed = state->failed || !add_row(state, key_count, argv);
}

/* ---- comparing: NULL first, as SQL Server and SQLite both have it ---- */

static int compare_bytes(sqlite3_value *a, sqlite3_value *b, char how)
{
    const void *left = sqlite3_value_blob(a);
    const void *right = sqlite3_value_blob(b);
    size_t left_length = (size_t)sqlite3_value_bytes(a);
    size_t right_length = (size_t)sqlite3_value_bytes(b);
    if (how == 't' || how == 'T')
        return sqlcollation_compare(left != NULL ? left : "", left_length,
                                    right != NULL ? right : "", right_length);
    size_t n = left_length < right_length ? left_length : right_length;
    if (how == 'o' || how == 'O')
        n = n < ENGINE_OFFSET_KEY ? n : ENGINE_OFFSET_KEY;
    int order = n != 0 ? memcmp(left, right, n) : 0;
    if (order != 0 || how == 'o' || how == 'O')
        return order;
    return (left_length > right_length) - (left_length < right_length);
}

static int compare_values(sqlite3_value *a, sqlite3_value *b, char how)
{
    int left = sqlite3_value_type(a);
    int right = sqlite3_value_type(b);
    if (left == SQLITE_NULL || right == SQLITE_NULL)
        return (left != SQLITE_NULL) - (right != SQLITE_NULL);
    if (left == SQLITE_INTEGER && right == SQLITE_INTEGER) {
        int64_t x = sqlite3_value_int64(a);
        int64_t y = sqlite3_value_int64(b);
        return (x > y) - (x < y);
    }
    if (left == SQLITE_FLOAT || right == SQLITE_FLOAT) {
        double x = sqlite3_value_double(a);
        double y = sqlite3_value_double(b);
        return (x > y) - (x < y);
    }
    return compare_bytes(a, b, how);
}

static int compare_rows(const void *left, const void *right)
{
    const ordered_row *a = *(ordered_row *const *)left;
    const ordered_row *b = *(ordered_row *const *)right;
    for (size_t i = 0; i < a->key_count; i++) {
        char how = a->how[i];
        int order = compare_values(a->keys[i], b->keys[i], how);
        bool descending = how == 'd' || how == 'O' || how == 'T';
        if (order != 0)
            return descending ? -order : order;
    }
    return (a->place > b->place) - (a->place < b->place);
}

static bool join(const ordered_state *state, es_buf *ret)
{
    for (size_t i = 0; i < state->count; i++) {
        ordered_row *row = state->rows[i];
        const void *between = sqlite3_value_text(row->between);
        if (i != 0 && between != NULL &&
            es_buf_add(ret, between, (size_t)sqlite3_value_bytes(row->between)) != ENTRASQL_OK)
            return false;
        const void *text = sqlite3_value_text(row->text);
        if (text != NULL &&
            es_buf_add(ret, text, (size_t)sqlite3_value_bytes(row->text)) != ENTRASQL_OK)
            return false;
    }
    return true;
}

static void on_final(sqlite3_context *context)
{
    ordered_state *state = sqlite3_aggregate_context(context, 0);
    if (state == NULL || (state->count == 0 && !state->failed)) {
        sqlite3_result_null(context);
        return;
    }
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(TEXT_CEILING);
    if (state->count != 0)
        qsort(state->rows, state->count, sizeof(ordered_row *), compare_rows);
    if (state->failed || !join(state, &text))
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text64(context, text.data != NULL ? (char *)text.data : "", text.len,
                              SQLITE_TRANSIENT, SQLITE_UTF8);
    for (size_t i = 0; i < state->count; i++)
        free_row(state->rows[i]);
    es_free(state->rows);
    state->rows = NULL;
    state->count = 0;
}

int engine_aggregate_order_register(engine_session *s)
{
    return sqlite3_create_function_v2(s->db, "es_string_agg_by", -1,
                                      SQLITE_UTF8 | SQLITE_DIRECTONLY, s, NULL, on_step, on_final,
                                      NULL);
}
