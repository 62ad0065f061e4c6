/* SPDX-License-Identifier: MIT */
/*
 * The calls of entrasql/odbc.h by hand: reads commands from standard input, one
 * a line, and answers each with one line.
 *
 *   connect | connect_w | reconnect   "ok", or "failed CLASS NUMBER MESSAGE"
 *   dead                              "dead" or "alive"
 *   begin                             autocommit off, and a row that is not committed
 *   hold SQL                          the first row, with the others left on the wire
 *   rest                              how many others there were
 *   query SQL                         first column of the first row, or "failed SQLSTATE"
 *   disconnect
 *
 * AZURE_SQL_CONNECTIONSTRING says where, and who signs in; with the argument
 * --default, DefaultAzureCredential does, one credential for all commands.
 */
#include <entrasql/entrasql.h>
#include <entrasql/odbc.h>

#include <iconv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STRING 4096

typedef struct session {
    SQLHDBC dbc;
    const char *string;
    entrasql_credential *credential; /* NULL: the string says who signs in */
    SQLHSTMT held;
} session;

/* One line, so that the reader of the pipe sees it whole. */
static void answer(const char *text)
{
    puts(text);
    (void)fflush(stdout);
}

static void answer_status(entrasql_status status, const entrasql_error *err)
{
    char line[sizeof err->message + 64];
    if (status == ENTRASQL_OK) {
        answer("ok");
        return;
    }
    (void)snprintf(line, sizeof line, "failed %d %u %s", (int)err->error_class,
                   (unsigned)err->number, err->message);
    for (char *c = line; *c != '\0'; c++)
        *c = *c == '\n' ? ' ' : *c;
    answer(line);
}

static void answer_diag(SQLSMALLINT type, SQLHANDLE handle)
{
    char line[32];
    SQLCHAR state[6] = "?";
    (void)SQLGetDiagRec(type, handle, 1, state, NULL, NULL, 0, NULL);
    (void)snprintf(line, sizeof line, "failed %s", (const char *)state);
    answer(line);
}

/* UTF-8 as UTF-16 of this machine, ended by NUL. */
static bool to_wide(const char *text, SQLWCHAR *wide, size_t size)
{
    char *in = (char *)(size_t)text; /* iconv does not write to it */
    char *out = (char *)wide;
    size_t in_left = strlen(text);
    size_t out_left = size - sizeof *wide;
    iconv_t converter = iconv_open("UTF-16LE", "UTF-8");
    if (converter == (iconv_t)-1)
        return false;
    bool is_done = iconv(converter, &in, &in_left, &out, &out_left) != (size_t)-1;
    (void)iconv_close(converter);
    wide[(size - sizeof *wide - out_left) / sizeof *wide] = 0;
    return is_done;
}

static void connect_wide(const session *s)
{
    SQLWCHAR wide[MAX_STRING];
    entrasql_error err;
    if (!to_wide(s->string, wide, sizeof wide)) {
        answer("failed: the string is not UTF-8");
        return;
    }
    answer_status(entrasql_odbc_connect_w(s->dbc, wide, s->credential, NULL, &err), &err);
}

static void query(const session *s, char *text)
{
    SQLHSTMT stmt = SQL_NULL_HSTMT;
    SQLWCHAR wide[MAX_STRING];
    SQLCHAR value[512] = "";
    if (!to_wide(text, wide, sizeof wide) ||
        !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, s->dbc, &stmt))) {
        answer_diag(SQL_HANDLE_DBC, s->dbc);
        return;
    }
    SQLRETURN rc = SQLExecDirectW(stmt, wide, SQL_NTS);
    if (rc != SQL_NO_DATA && !SQL_SUCCEEDED(rc))
        answer_diag(SQL_HANDLE_STMT, stmt);
    else if (rc == SQL_NO_DATA || !SQL_SUCCEEDED(SQLFetch(stmt)))
        answer("none");
    else if (!SQL_SUCCEEDED(SQLGetData(stmt, 1, SQL_C_CHAR, value, sizeof value, NULL)))
        answer_diag(SQL_HANDLE_STMT, stmt);
    else
        answer((const char *)value);
    (void)SQLFreeHandle(SQL_HANDLE_STMT, stmt);
}

/* Leaves a transaction open, and its statement with it. */
static void begin(const session *s)
{
    SQLCHAR insert[] = "INSERT INTO Persons (FirstName, LastName) VALUES ('left', 'open')";
    SQLHSTMT stmt = SQL_NULL_HSTMT;
    if (!SQL_SUCCEEDED(SQLSetConnectAttr(s->dbc, SQL_ATTR_AUTOCOMMIT,
                                         (SQLPOINTER)SQL_AUTOCOMMIT_OFF, SQL_IS_UINTEGER)) ||
        !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, s->dbc, &stmt)))
        answer_diag(SQL_HANDLE_DBC, s->dbc);
    else if (!SQL_SUCCEEDED(SQLExecDirect(stmt, insert, SQL_NTS)))
        answer_diag(SQL_HANDLE_STMT, stmt);
    else
        answer("ok");
}

static void hold(session *s, char *text)
{
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, s->dbc, &s->held)))
        answer_diag(SQL_HANDLE_DBC, s->dbc);
    else if (!SQL_SUCCEEDED(SQLExecDirect(s->held, (SQLCHAR *)text, SQL_NTS)) ||
             !SQL_SUCCEEDED(SQLFetch(s->held)))
        answer_diag(SQL_HANDLE_STMT, s->held);
    else
        answer("ok");
}

static void count_rest(session *s)
{
    char line[32];
    SQLRETURN rc;
    int count = 0;
    while (SQL_SUCCEEDED(rc = SQLFetch(s->held)))
        count++;
    (void)snprintf(line, sizeof line, "%d", count);
    if (rc == SQL_NO_DATA)
        answer(line);
    else
        answer_diag(SQL_HANDLE_STMT, s->held);
    (void)SQLFreeHandle(SQL_HANDLE_STMT, s->held);
}

static void obey(session *s, char *line)
{
    entrasql_error err;
    if (strcmp(line, "connect") == 0)
        answer_status(entrasql_odbc_connect(s->dbc, s->string, s->credential, NULL, &err), &err);
    else if (strcmp(line, "connect_w") == 0)
        connect_wide(s);
    else if (strcmp(line, "reconnect") == 0)
        answer_status(entrasql_odbc_reconnect(s->dbc, s->string, s->credential, NULL, &err), &err);
    else if (strcmp(line, "dead") == 0)
        answer(entrasql_odbc_is_dead(s->dbc) ? "dead" : "alive");
    else if (strcmp(line, "begin") == 0)
        begin(s);
    else if (strcmp(line, "disconnect") == 0)
        answer(SQL_SUCCEEDED(SQLDisconnect(s->dbc)) ? "ok" : "failed");
    else if (strncmp(line, "hold ", 5) == 0)
        hold(s, line + 5);
    else if (strcmp(line, "rest") == 0)
        count_rest(s);
    else if (strncmp(line, "query ", 6) == 0)
        query(s, line + 6);
    else
        answer("unknown command");
}

int main(int argc, char **argv)
{
    SQLHENV env = SQL_NULL_HENV;
    session s = {.string = getenv("AZURE_SQL_CONNECTIONSTRING")};
    char line[MAX_STRING];
    entrasql_error err;

    if (s.string == NULL || argc > 2 || (argc == 2 && strcmp(argv[1], "--default") != 0)) {
        (void)fprintf(stderr, "usage: AZURE_SQL_CONNECTIONSTRING=... glue_calls [--default]\n");
        return 2;
    }
    if (argc == 2 &&
        entrasql_default_azure_credential_new(NULL, &s.credential, &err) != ENTRASQL_OK) {
        (void)fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &env)) ||
        !SQL_SUCCEEDED(SQLSetEnvAttr(env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0)) ||
        !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, env, &s.dbc)))
        return 1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        obey(&s, line);
    }
    if (!SQL_SUCCEEDED(SQLDisconnect(s.dbc))) {
        (void)SQLEndTran(SQL_HANDLE_DBC, s.dbc, SQL_ROLLBACK);
        (void)SQLDisconnect(s.dbc);
    }
    (void)SQLFreeHandle(SQL_HANDLE_DBC, s.dbc);
    (void)SQLFreeHandle(SQL_HANDLE_ENV, env);
    entrasql_credential_unref(s.credential);
    return 0;
}
