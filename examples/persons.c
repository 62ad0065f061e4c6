/* SPDX-License-Identifier: MIT */
/*
 * The tutorial's get_conn() and get_all() in C: a passwordless connection to
 * Azure SQL, and the rows of Persons. One source for Microsoft's ODBC driver
 * and for FreeTDS's; the connection string says which.
 *
 *   persons                    prints the rows
 *   persons add FIRST LAST     adds one
 *   --token                    before the word: sign in with a token in any case
 *
 * AZURE_SQL_CONNECTIONSTRING says where, DefaultAzureCredential says as whom:
 * a managed identity on Azure, the signed-in developer elsewhere. A string that
 * still holds UID and PWD works as before, so that a program can be changed
 * before its configuration is.
 *
 * The exit code is 0 or the class of the error (entrasql/status.h).
 */
#include <entrasql/entrasql.h>
#include <entrasql/odbc.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_UNITS 1024 /* UTF-16 code units of a value or a name */

static int report(const entrasql_error *err)
{
    fprintf(stderr, "persons: %s\n", err->message);
    if (err->number != 0)
        fprintf(stderr, "error: %u\n", (unsigned)err->number);
    if (err->hint[0] != '\0')
        fprintf(stderr, "hint: %s\n", err->hint);
    return (int)err->error_class;
}

static int fail_statement(SQLHSTMT stmt)
{
    entrasql_error err;
    entrasql_odbc_failure(SQL_HANDLE_STMT, stmt, &err);
    return report(&err);
}

static void warn(void *context, const char *message)
{
    (void)context;
    fprintf(stderr, "persons: warning: %s\n", message);
}

/* Connects dbc; with a token, unless the string brings a sign-in of its own. */
static entrasql_status get_conn(SQLHDBC dbc, bool force_token, entrasql_error *err)
{
    const char *connection_string = getenv("AZURE_SQL_CONNECTIONSTRING");
    const entrasql_odbc_options options = {.size = sizeof options, .warning = warn};
    entrasql_credential *credential = NULL;

    if (force_token || !entrasql_odbc_has_own_login(connection_string)) {
        entrasql_status status = entrasql_default_azure_credential_new(NULL, &credential, err);
        if (status != ENTRASQL_OK)
            return status;
    }
    entrasql_status status =
        entrasql_odbc_connect(dbc, connection_string, credential, &options, err);
    entrasql_credential_unref(credential);
    return status;
}

/*
 * Text goes through ODBC as UTF-16, so that it does not depend on the locale.
 * dst has room for three bytes a unit and a NUL.
 */
static void to_utf8(const SQLWCHAR *src, size_t units, char *dst)
{
    unsigned char *out = (unsigned char *)dst;
    for (size_t i = 0; i < units; i++) {
        unsigned long c = src[i];
        if (c >= 0xD800 && c < 0xDC00 && i + 1 < units && (src[i + 1] & 0xFC00) == 0xDC00)
            c = 0x10000 + ((c - 0xD800) << 10) + (src[++i] - 0xDC00UL);
        if (c < 0x80) {
            *out++ = (unsigned char)c;
            continue;
        }
        if (c >= 0x10000) {
            *out++ = (unsigned char)(0xF0 | c >> 18);
            *out++ = (unsigned char)(0x80 | (c >> 12 & 0x3F));
        } else if (c >= 0x800) {
            *out++ = (unsigned char)(0xE0 | c >> 12);
        }
        if (c >= 0x800)
            *out++ = (unsigned char)(0x80 | (c >> 6 & 0x3F));
        else
            *out++ = (unsigned char)(0xC0 | c >> 6);
        *out++ = (unsigned char)(0x80 | (c & 0x3F));
    }
    *out = '\0';
}

/* UTF-8 of an argument as UTF-16; false when it is not UTF-8 or too long. */
static bool from_utf8(const char *src, SQLWCHAR *dst, size_t size, size_t *ret_units)
{
    static const unsigned long least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *in = (const unsigned char *)src;
    size_t n = 0;
    while (*in != '\0') {
        unsigned long c = *in++;
        int more = c < 0x80 ? 0 : (c & 0xE0) == 0xC0 ? 1 : (c & 0xF0) == 0xE0 ? 2 : 3;
        if ((c >= 0x80 && c < 0xC2) || c > 0xF4)
            return false;
        if (more != 0)
            c &= 0x3FU >> more;
        for (int i = 0; i < more; i++) {
            if ((*in & 0xC0) != 0x80)
                return false;
            c = c << 6 | (*in++ & 0x3FU);
        }
        if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) || n + 2 > size)
            return false;
        if (c >= 0x10000)
            dst[n++] = (SQLWCHAR)(0xD7C0 + (c >> 10));
        dst[n++] = (SQLWCHAR)(c >= 0x10000 ? 0xDC00 + (c & 0x3FF) : c);
    }
    *ret_units = n;
    return true;
}

static int print_names(SQLHSTMT stmt, SQLSMALLINT columns)
{
    for (SQLSMALLINT i = 1; i <= columns; i++) {
        SQLWCHAR name[CELL_UNITS];
        char text[3 * CELL_UNITS + 1];
        SQLSMALLINT units = 0;
        if (!SQL_SUCCEEDED(SQLDescribeColW(stmt, (SQLUSMALLINT)i, name, CELL_UNITS, &units, NULL,
                                           NULL, NULL, NULL)))
            return fail_statement(stmt);
        to_utf8(name, units < CELL_UNITS ? (size_t)units : CELL_UNITS - 1, text);
        printf("%s%s", i == 1 ? "" : "\t", text);
    }
    putchar('\n');
    return 0;
}

static int print_row(SQLHSTMT stmt, SQLSMALLINT columns)
{
    for (SQLSMALLINT i = 1; i <= columns; i++) {
        SQLWCHAR value[CELL_UNITS];
        char text[3 * CELL_UNITS + 1] = "NULL";
        SQLLEN bytes = 0;
        if (!SQL_SUCCEEDED(
                SQLGetData(stmt, (SQLUSMALLINT)i, SQL_C_WCHAR, value, sizeof value, &bytes)))
            return fail_statement(stmt);
        if (bytes != SQL_NULL_DATA) {
            size_t units = CELL_UNITS - 1; /* what fits when the value is longer */
            if (bytes >= 0 && (size_t)bytes / sizeof value[0] < units)
                units = (size_t)bytes / sizeof value[0];
            to_utf8(value, units, text);
        }
        printf("%s%s", i == 1 ? "" : "\t", text);
    }
    putchar('\n');
    return 0;
}

static int get_all(SQLHSTMT stmt)
{
    SQLCHAR query[] = "SELECT * FROM Persons";
    SQLSMALLINT columns = 0;

    if (!SQL_SUCCEEDED(SQLExecDirect(stmt, query, SQL_NTS)) ||
        !SQL_SUCCEEDED(SQLNumResultCols(stmt, &columns)))
        return fail_statement(stmt);
    int exit_code = print_names(stmt, columns);
    while (exit_code == 0) {
        SQLRETURN rc = SQLFetch(stmt);
        if (rc == SQL_NO_DATA)
            break;
        exit_code = SQL_SUCCEEDED(rc) ? print_row(stmt, columns) : fail_statement(stmt);
    }
    return exit_code;
}

static int add(SQLHSTMT stmt, const char *const names[2])
{
    SQLCHAR query[] = "INSERT INTO Persons (FirstName, LastName) VALUES (?, ?)";
    SQLWCHAR values[2][256];
    SQLLEN bytes[2];

    for (int i = 0; i < 2; i++) {
        size_t units = 0;
        if (!from_utf8(names[i], values[i], 255, &units)) {
            fprintf(stderr, "persons: a name is at most 255 characters of UTF-8\n");
            return ENTRASQL_CLASS_USAGE;
        }
        bytes[i] = (SQLLEN)(units * sizeof(SQLWCHAR));
        if (!SQL_SUCCEEDED(SQLBindParameter(stmt, (SQLUSMALLINT)(i + 1), SQL_PARAM_INPUT,
                                            SQL_C_WCHAR, SQL_WVARCHAR, 255, 0, values[i],
                                            sizeof values[i], &bytes[i])))
            return fail_statement(stmt);
    }
    if (!SQL_SUCCEEDED(SQLExecDirect(stmt, query, SQL_NTS)))
        return fail_statement(stmt);
    printf("added\n");
    return 0;
}

static int run(SQLHDBC dbc, const char *const *names)
{
    SQLHSTMT stmt = SQL_NULL_HSTMT;
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, dbc, &stmt))) {
        entrasql_error err;
        entrasql_odbc_failure(SQL_HANDLE_DBC, dbc, &err);
        return report(&err);
    }
    int exit_code = names != NULL ? add(stmt, names) : get_all(stmt);
    SQLFreeHandle(SQL_HANDLE_STMT, stmt);
    return exit_code;
}

int main(int argc, char **argv)
{
    SQLHENV env = SQL_NULL_HENV;
    SQLHDBC dbc = SQL_NULL_HDBC;
    entrasql_error err;
    int at = 1;

    bool force_token = at < argc && strcmp(argv[at], "--token") == 0;
    at += force_token ? 1 : 0;
    bool is_add = argc - at == 3 && strcmp(argv[at], "add") == 0;
    if (argc != at && !is_add) {
        fprintf(stderr, "usage: persons [--token] [add FIRST LAST]\n");
        return ENTRASQL_CLASS_USAGE;
    }
    if (getenv("AZURE_SQL_CONNECTIONSTRING") == NULL) {
        fprintf(stderr, "persons: AZURE_SQL_CONNECTIONSTRING is not set\n");
        return ENTRASQL_CLASS_USAGE;
    }
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &env)) ||
        !SQL_SUCCEEDED(SQLSetEnvAttr(env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0)) ||
        !SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, env, &dbc))) {
        fprintf(stderr, "persons: ODBC cannot be set up\n");
        return ENTRASQL_CLASS_SYSTEM;
    }
    int exit_code = 0;
    if (get_conn(dbc, force_token, &err) != ENTRASQL_OK) {
        exit_code = report(&err);
    } else {
        const char *const names[2] = {is_add ? argv[at + 1] : "", is_add ? argv[at + 2] : ""};
        exit_code = run(dbc, is_add ? names : NULL);
        SQLDisconnect(dbc);
    }
    SQLFreeHandle(SQL_HANDLE_DBC, dbc);
    SQLFreeHandle(SQL_HANDLE_ENV, env);
    return exit_code;
}
