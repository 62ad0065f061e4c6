/* SPDX-License-Identifier: MIT */
/* The recording sink, the fixture and the people of the engine's tests. */
#include "engine_test.h"

#include "base/str.h"
#include "sqltype/convert.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

/* ---- recording ---- */

static void note(recording *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(recording *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (es_buf_vprintf(&r->text, fmt, ap) != ENTRASQL_OK)
        r->broken = "more text than a test should make";
    va_end(ap);
}

static entrasql_status on_columns(void *ctx, const engine_column *columns, size_t count)
{
    recording *r = ctx;
    r->result_sets++;
    r->columns = count;
    r->expects_more = false;
    if (count == 0)
        r->broken = "columns() without a column";
    for (size_t i = 0; i < count; i++) {
        char type[64];
        sqltype_format(columns[i].type, type, sizeof type);
        note(r, "%s%s %s", i == 0 ? "columns " : ", ",
             columns[i].name[0] != '\0' ? columns[i].name : "(none)", type);
        if (columns[i].table[0] != NULL)
            note(r, " of %s.%s.%s", columns[i].table[0], columns[i].table[1], columns[i].table[2]);
        if (i < ES_COUNT_OF(r->nullable)) {
            r->nullable[i] = columns[i].nullable;
            r->identity[i] = columns[i].identity;
            r->computed[i] = columns[i].computed;
        }
    }
    note(r, "\n");
    return ENTRASQL_OK;
}

static void note_value(recording *r, const sqlvalue *v)
{
    if (v->is_null)
        note(r, "NULL");
    else if (sqlvalue_print(v, &r->text) != ENTRASQL_OK)
        r->broken = "a value that cannot be printed";
}

static entrasql_status on_row(void *ctx, const sqlvalue *values, size_t count)
{
    recording *r = ctx;
    if (r->columns == 0 || count != r->columns)
        r->broken = "row() does not go with columns()";
    r->rows++;
    for (size_t i = 0; i < count; i++) {
        note(r, "|");
        size_t from = r->text.len;
        note_value(r, &values[i]);
        if (r->rows == 1 && i == 0)
            (void)snprintf(r->first_value, sizeof r->first_value, "%.*s", (int)(r->text.len - from),
                           (const char *)r->text.data + from);
    }
    note(r, "\n");
    return r->stop_after_rows != 0 && r->rows >= r->stop_after_rows ? ENTRASQL_CLOSED : ENTRASQL_OK;
}

static entrasql_status on_done(void *ctx, engine_command command, bool has_count, uint64_t rows,
                               bool failed, bool more)
{
    recording *r = ctx;
    (void)command;
    r->dones++;
    r->columns = 0;
    r->expects_more = more;
    if (failed && r->errors == 0)
        r->broken = "a failed DONE without an error before it";
    if (has_count)
        note(r, "count %llu\n", (unsigned long long)rows);
    return ENTRASQL_OK;
}

static entrasql_status on_message(void *ctx, const engine_message *m)
{
    recording *r = ctx;
    bool error = m->severity > 10;
    if (error) {
        r->errors++;
        if (r->first_error == 0)
            r->first_error = m->number;
    }
    r->expects_more = false;
    note(r, "%s %u %u %u %u ", error ? "error" : "info", m->number, m->severity, m->state, m->line);
    if (m->procedure != NULL && m->procedure[0] != '\0')
        note(r, "[%s] ", m->procedure);
    note(r, "%s\n", m->text);
    return ENTRASQL_OK;
}

static entrasql_status on_change(void *ctx, engine_change change, uint64_t id, const char *new_text,
                                 const char *old_text)
{
    recording *r = ctx;
    r->expects_more = false;
    switch (change) {
    case ENGINE_CHANGE_BEGIN:
        r->begun = id;
        note(r, "begin\n");
        break;
    case ENGINE_CHANGE_COMMIT:
        r->ended = id;
        note(r, "commit\n");
        break;
    case ENGINE_CHANGE_ROLLBACK:
        r->ended = id;
        note(r, "rollback\n");
        break;
    case ENGINE_CHANGE_RESET:
        note(r, "reset\n");
        break;
    case ENGINE_CHANGE_DATABASE:
        note(r, "database %s (%s)\n", new_text, old_text);
        break;
    case ENGINE_CHANGE_LANGUAGE:
        note(r, "language %s (%s)\n", new_text, old_text);
        break;
    }
    return ENTRASQL_OK;
}

static entrasql_status on_return_status(void *ctx, int32_t status)
{
    recording *r = ctx;
    r->return_status = status;
    note(r, "status %d\n", (int)status);
    return ENTRASQL_OK;
}

static entrasql_status on_return_value(void *ctx, uint16_t ordinal, const char *name,
                                       const sqlvalue *value)
{
    recording *r = ctx;
    if (r->out_value == 0 && !value->is_null && value->type.id == SQLTYPE_INT)
        r->out_value = (int32_t)value->u.i;
    note(r, "value %u %s ", ordinal, name != NULL && name[0] != '\0' ? name : "(none)");
    note_value(r, value);
    note(r, "\n");
    return ENTRASQL_OK;
}

void recording_init(recording *r)
{
    *r = (recording){.text = ES_BUF_INIT(1 << 24)};
}

void recording_done(recording *r)
{
    es_buf_done(&r->text);
}

void recording_clear(recording *r)
{
    es_buf text = r->text;
    size_t stop = r->stop_after_rows;
    es_buf_clear(&text);
    *r = (recording){.text = text, .stop_after_rows = stop};
}

const char *recording_text(recording *r)
{
    const char *text = es_buf_cstr(&r->text);
    return text != NULL ? text : "";
}

engine_sink recording_sink(recording *r)
{
    return (engine_sink){
        .ctx = r,
        .columns = on_columns,
        .row = on_row,
        .done = on_done,
        .message = on_message,
        .change = on_change,
        .return_status = on_return_status,
        .return_value = on_return_value,
    };
}

void recording_batch(recording *r, engine_session *s, const char *sql)
{
    recording_clear(r);
    engine_sink sink = recording_sink(r);
    entrasql_status status = engine_session_batch(s, sql, strlen(sql), &sink);
    if (status != ENTRASQL_OK)
        r->broken = entrasql_status_name(status);
    else if (r->expects_more)
        r->broken = "the last DONE promised more";
    else if (r->dones == 0)
        r->broken = "no DONE at all";
}

/* ---- people ---- */

static const struct entry {
    const char *name;
    engine_external external;
} directory[] = {
    {"admin@contoso.example", {.kind = ENGINE_EXTERNAL_USER, .object_id = {0xAD}}},
    {"ada@contoso.example", {.kind = ENGINE_EXTERNAL_USER, .object_id = {0xA0, 1, 2, 3}}},
    {"grace@contoso.example", {.kind = ENGINE_EXTERNAL_USER, .object_id = {0xA1, 1, 2, 3}}},
    {"MigrationIdentity",
     {.kind = ENGINE_EXTERNAL_APP, .object_id = {0xB0, 9}, .client_id = {0xB1, 9}}},
    {"Readers", {.kind = ENGINE_EXTERNAL_GROUP, .object_id = {0xC0, 7}}},
    {"Twin", {.kind = ENGINE_EXTERNAL_USER, .object_id = {0xD0}}},
    {"Twin", {.kind = ENGINE_EXTERNAL_USER, .object_id = {0xD1}}},
};

size_t people_find(void *ctx, const char *name, engine_external *ret)
{
    size_t count = 0;
    (void)ctx;
    for (size_t i = 0; i < ES_COUNT_OF(directory); i++) {
        if (!es_strcaseeq(directory[i].name, name))
            continue;
        *ret = directory[i].external;
        count++;
    }
    return count;
}

bool people_find_id(void *ctx, const uint8_t object_id[16], engine_external *ret, char *name,
                    size_t name_size)
{
    (void)ctx;
    for (size_t i = 0; i < ES_COUNT_OF(directory); i++) {
        if (memcmp(directory[i].external.object_id, object_id, 16) != 0)
            continue;
        *ret = directory[i].external;
        snprintf(name, name_size, "%s", directory[i].name);
        return true;
    }
    return false;
}

static engine_login token_login(const char *name, const char *login_name)
{
    engine_external who = {0};
    assert_int_equal(people_find(NULL, name, &who), 1);
    engine_login login = {.is_external = true, .kind = who.kind, .login_name = login_name};
    memcpy(login.object_id, who.object_id, sizeof login.object_id);
    memcpy(login.client_id, who.client_id, sizeof login.client_id);
    return login;
}

engine_login person_login(const char *name)
{
    static const uint8_t readers[1][16] = {{0xC0, 7}};
    if (strcmp(name, "admin") == 0) {
        engine_login login = token_login("admin@contoso.example", "admin@contoso.example");
        login.is_admin = true;
        return login;
    }
    if (strcmp(name, "sqladmin") == 0)
        return (engine_login){.is_admin = true, .login_name = "sqladmin", .sql_login = "sqladmin"};
    if (strcmp(name, "ada") == 0)
        return token_login("ada@contoso.example", "ada@contoso.example");
    if (strcmp(name, "grace") == 0) {
        engine_login login = token_login("grace@contoso.example", "grace@contoso.example");
        login.group_ids = readers;
        login.group_count = 1;
        return login;
    }
    if (strcmp(name, "MigrationIdentity") == 0)
        return token_login("MigrationIdentity", "000009b1-0000-0000-0000-000000000000@tenant");
    return (engine_login){.login_name = name, .sql_login = name};
}

/* ---- fixture ---- */

void fixture_make_dir(char *dir, size_t size)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(dir, size, "%s/test_engine_XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void fixture_remove_dir(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

engine_server *fixture_open_server(const char *dir)
{
    engine_server *server = NULL;
    entrasql_error err = {0};
    engine_options options = {.data_dir = dir,
                              .server_name = "contoso",
                              .directory_find = people_find,
                              .directory_find_id = people_find_id};
    if (engine_server_open(&options, &server, &err) != ENTRASQL_OK)
        fail_msg("engine_server_open: %s", err.message);
    return server;
}

fixture *fixture_new(void)
{
    entrasql_error err = {0};
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    fixture_make_dir(f->dir, sizeof f->dir);
    recording_init(&f->last);
    f->server = fixture_open_server(f->dir);
    if (engine_create_database(f->server, "persons", &err) != ENTRASQL_OK)
        fail_msg("engine_create_database: %s", err.message);
    return f;
}

void fixture_free(fixture *f)
{
    for (size_t i = 0; i < f->session_count; i++)
        engine_session_close(f->sessions[i].session);
    if (f->server != NULL)
        engine_server_close(f->server);
    recording_done(&f->last);
    fixture_remove_dir(f->dir);
    free(f);
}

int fixture_setup(void **state)
{
    *state = fixture_new();
    return 0;
}

int fixture_teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

entrasql_status open_session(engine_server *server, const char *name, const char *database,
                             engine_session **ret, entrasql_error *err)
{
    engine_login login = person_login(name);
    engine_session_options options = {
        .login = &login,
        .database = database,
        .host_name = "workstation",
        .app_name = "test",
        .spid = 51,
    };
    return engine_session_open(server, &options, ret, err);
}

engine_session *fixture_session(fixture *f, const char *name)
{
    entrasql_error err = {0};
    char who[64];
    for (size_t i = 0; i < f->session_count; i++) {
        if (strcmp(f->sessions[i].name, name) == 0)
            return f->sessions[i].session;
    }
    assert_true(f->session_count < FIXTURE_SESSIONS);
    (void)snprintf(who, sizeof who, "%s", name);
    who[strcspn(who, "#")] = '\0';
    size_t at = f->session_count;
    (void)snprintf(f->sessions[at].name, sizeof f->sessions[at].name, "%s", name);
    if (open_session(f->server, who, "persons", &f->sessions[at].session, &err) != ENTRASQL_OK)
        fail_msg("login of %s: %u %s", name, err.number, err.message);
    f->session_count++;
    return f->sessions[at].session;
}

void fixture_close_session(fixture *f, const char *name)
{
    for (size_t i = 0; i < f->session_count; i++) {
        if (strcmp(f->sessions[i].name, name) != 0)
            continue;
        engine_session_close(f->sessions[i].session);
        f->sessions[i] = f->sessions[--f->session_count];
        return;
    }
}

recording *fixture_run(fixture *f, const char *name, const char *sql)
{
    recording_batch(&f->last, fixture_session(f, name), sql);
    return &f->last;
}

static void fail_at(const char *file, int line, const char *sql, recording *r, const char *want)
{
    (void)fprintf(stderr, "%s\n-- wanted:\n%s\n-- got:\n%s", sql, want, recording_text(r));
    if (r->broken != NULL)
        (void)fprintf(stderr, "-- and: %s\n", r->broken);
    _fail(file, line);
}

void fixture_expect_at(fixture *f, const char *name, const char *sql, const char *lines,
                       const char *file, int line)
{
    recording *r = fixture_run(f, name, sql);
    if (r->broken != NULL || !transcript_matches(lines, recording_text(r)))
        fail_at(file, line, sql, r, lines);
}

void fixture_ok_at(fixture *f, const char *name, const char *sql, const char *file, int line)
{
    recording *r = fixture_run(f, name, sql);
    if (r->broken != NULL || r->errors != 0)
        fail_at(file, line, sql, r, "no error");
}

void fixture_fails_at(fixture *f, const char *name, const char *sql, uint32_t number,
                      const char *file, int line)
{
    recording *r = fixture_run(f, name, sql);
    char want[32];
    (void)snprintf(want, sizeof want, "error %u", number);
    if (r->broken != NULL || r->first_error != number)
        fail_at(file, line, sql, r, want);
}

const char *fixture_value(fixture *f, const char *name, const char *sql)
{
    recording *r = fixture_run(f, name, sql);
    if (r->broken != NULL || r->errors != 0 || r->rows == 0)
        fail_at(__FILE__, __LINE__, sql, r, "a row");
    return r->first_value;
}

/* ---- transcripts ---- */

/* Skips four fields, of which any may be '?' in `want`; false when one differs. */
static bool fields_match(const char **want, size_t *want_len, const char **got, size_t *got_len)
{
    for (int field = 0; field < 5; field++) {
        const char *w = memchr(*want, ' ', *want_len);
        const char *g = memchr(*got, ' ', *got_len);
        if (w == NULL || g == NULL)
            return false;
        size_t wn = (size_t)(w - *want);
        size_t gn = (size_t)(g - *got);
        bool any = wn == 1 && **want == '?';
        if (!any && (wn != gn || memcmp(*want, *got, wn) != 0))
            return false;
        *want_len -= wn + 1;
        *want = w + 1;
        *got_len -= gn + 1;
        *got = g + 1;
    }
    return true;
}

static bool begins(const char *line, size_t n, const char *prefix)
{
    return n >= strlen(prefix) && memcmp(line, prefix, strlen(prefix)) == 0;
}

bool line_matches(const char *want, size_t want_len, const char *got, size_t got_len)
{
    if ((begins(want, want_len, "error ") || begins(want, want_len, "info ")) &&
        !fields_match(&want, &want_len, &got, &got_len))
        return false;
    if (want_len >= 3 && memcmp(want + want_len - 3, "...", 3) == 0) {
        want_len -= 3;
        got_len = got_len < want_len ? got_len : want_len;
    }
    return want_len == got_len && memcmp(want, got, want_len) == 0;
}

/* Kinds of lines that a case may leave out. */
static unsigned kind_of(const char *line, size_t n)
{
    if (begins(line, n, "columns "))
        return 1;
    if (begins(line, n, "count "))
        return 2;
    if (begins(line, n, "begin") || begins(line, n, "commit") || begins(line, n, "rollback"))
        return 4;
    if (begins(line, n, "language ") || begins(line, n, "database "))
        return 8;
    return 0;
}

/* The next line of *text; false at the end. */
static bool next_line(const char **text, const char **ret, size_t *ret_len)
{
    if (**text == '\0')
        return false;
    *ret = *text;
    *ret_len = strcspn(*text, "\n");
    *text += *ret_len + ((*text)[*ret_len] == '\n' ? 1 : 0);
    return true;
}

bool transcript_matches(const char *want, const char *got)
{
    const char *w, *g;
    size_t wn, gn;
    unsigned kinds = 0;
    for (const char *t = want; next_line(&t, &w, &wn);)
        kinds |= kind_of(w, wn);
    if (strcmp(want, "nothing") == 0 || strcmp(want, "nothing\n") == 0)
        want = "";
    for (;;) {
        bool more = false;
        while ((more = next_line(&got, &g, &gn)) && kind_of(g, gn) != 0 &&
               (kind_of(g, gn) & kinds) == 0)
            continue;
        if (!next_line(&want, &w, &wn))
            return !more;
        if (wn == 3 && memcmp(w, "...", 3) == 0)
            return true;
        while (begins(w, wn, "?? ") && !(more && line_matches(w + 3, wn - 3, g, gn))) {
            if (!next_line(&want, &w, &wn))
                return !more;
        }
        if (begins(w, wn, "?? "))
            continue;
        if (!more || !line_matches(w, wn, g, gn))
            return false;
    }
}
