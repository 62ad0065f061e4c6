/* SPDX-License-Identifier: MIT */
/* ODBC diagnostics into one error record. */
#include "odbc_glue/diag.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "tds/login_hints.h"

#include <string.h>

/* Fields of Microsoft's driver (msodbcsql.h): SQL_DIAG_SS_MSGSTATE, SQL_DIAG_SS_SEVERITY. */
#define DIAG_SS_MSGSTATE (-1150)
#define DIAG_SS_SEVERITY (-1151)

#define TEXT_UNITS 1024

/* Refusals of the login by SQL Server or by Azure's gateway. */
static const uint32_t login_numbers[] = {
    4060,  4064,  18401, 18451, 18452, 18456, 18461, 18462, 18463, 18464, 18465, 18466,
    18467, 18468, 18470, 18486, 18487, 18488, 33134, 37353, 40508, 40531, 40532, 40607,
    40613, 40615, 40914, 47044, 47073, 40501, 40197, 10928, 10929, 49918, 49919, 49920,
};

/* The wait that these ask for is seconds; all others will fail the same way again. */
static const uint32_t transient_numbers[] = {
    615,   926,   4221,  10928, 10929, 10936, 40020, 40143, 40166,
    40197, 40501, 40540, 40613, 42108, 42109, 49918, 49919, 49920,
};

static bool is_in(uint32_t number, const uint32_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == number)
            return true;
    }
    return false;
}

bool glue_is_transient(uint32_t number)
{
    return is_in(number, transient_numbers, ES_COUNT_OF(transient_numbers));
}

static bool is_login_number(int32_t native)
{
    return native > 0 && (is_in((uint32_t)native, login_numbers, ES_COUNT_OF(login_numbers)) ||
                          glue_is_transient((uint32_t)native));
}

static bool has_class(const glue_diag *d, const char *front)
{
    return strncmp(d->sqlstate, front, strlen(front)) == 0;
}

/* A driver's own failures carry its own numbers, or those of the system's sockets. */
static uint32_t server_number(const glue_diag *d)
{
    if (d->native <= 0)
        return 0;
    bool is_own = has_class(d, "08") || has_class(d, "01") || has_class(d, "HYT");
    return is_login_number(d->native) || !is_own ? (uint32_t)d->native : 0;
}

/* Microsoft's driver shows a refused connection as a timeout, with the socket's error behind it. */
static bool is_socket_error(const glue_diag *d)
{
    enum { FIRST = 10035, LAST = 11004, TIMED_OUT = 10060 };
    return has_class(d, "08") && d->native >= FIRST && d->native <= LAST &&
           d->native != TIMED_OUT && !is_login_number(d->native);
}

/* The record that tells why: a login's number, else the first that is no warning. */
static const glue_diag *main_record(const glue_diag *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_login_number(records[i].native))
            return &records[i];
    }
    for (size_t i = 0; i < count; i++) {
        if (is_socket_error(&records[i]))
            return &records[i];
    }
    for (size_t i = 0; i < count; i++) {
        if (!has_class(&records[i], "01"))
            return &records[i];
    }
    return &records[0];
}

static bool mentions(const glue_diag *d, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = d->text; *p != '\0'; p++) {
        if (es_strncaseeq(p, word, n))
            return true;
    }
    return false;
}

static bool any_mentions(const glue_diag *records, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (mentions(&records[i], word))
            return true;
    }
    return false;
}

static bool any_has_class(const glue_diag *records, size_t count, const char *front)
{
    for (size_t i = 0; i < count; i++) {
        if (has_class(&records[i], front))
            return true;
    }
    return false;
}

static entrasql_status classify_connect(const glue_diag *records, size_t count,
                                        const glue_diag *cause)
{
    if (is_login_number(cause->native) || has_class(cause, "28"))
        return ENTRASQL_LOGIN_FAILED;
    if (any_has_class(records, count, "IM") || any_mentions(records, count, "can't open lib"))
        return ENTRASQL_CONFIG;
    if (any_mentions(records, count, "certificate") || any_mentions(records, count, "SSL "))
        return ENTRASQL_TLS;
    if (any_has_class(records, count, "HYT") && !is_socket_error(cause))
        return ENTRASQL_TIMEOUT;
    if (has_class(cause, "08"))
        return ENTRASQL_NETWORK;
    if (has_class(cause, "HY001"))
        return ENTRASQL_NOMEM;
    return has_class(cause, "42") ? ENTRASQL_LOGIN_FAILED : ENTRASQL_NETWORK;
}

static entrasql_status classify_statement(const glue_diag *cause)
{
    if (has_class(cause, "08"))
        return ENTRASQL_NETWORK;
    if (has_class(cause, "HYT"))
        return ENTRASQL_TIMEOUT;
    if (has_class(cause, "HY008"))
        return ENTRASQL_CANCELLED;
    return ENTRASQL_SQL_ERROR;
}

static entrasql_status add_record(const glue_diag *d, es_buf *out)
{
    if (out->len != 0)
        ES_TRY(es_buf_add_str(out, "; "));
    ES_TRY(es_buf_add_str(out, d->text));
    ES_TRY(es_buf_printf(out, " (SQLSTATE %s", d->sqlstate));
    if (d->native != 0)
        ES_TRY(es_buf_printf(out, ", error %d", (int)d->native));
    return es_buf_u8(out, ')');
}

static bool was_said(const glue_diag *records, size_t i, const glue_diag *cause)
{
    for (size_t j = 0; j < i; j++) {
        if (es_streq(records[j].text, records[i].text))
            return true;
    }
    return es_streq(cause->text, records[i].text);
}

/*
 * The cause first, then the others as the driver ordered them, each text once;
 * what does not fit is left out.
 */
static void write_message(const glue_diag *records, size_t count, const glue_diag *cause,
                          entrasql_status status, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(ENTRASQL_ERROR_MESSAGE_SIZE - 1);
    bool fits = add_record(cause, &text) == ENTRASQL_OK;
    for (size_t i = 0; i < count && fits; i++) {
        if (!was_said(records, i, cause))
            fits = add_record(&records[i], &text) == ENTRASQL_OK;
    }
    const char *shown = es_buf_cstr(&text);
    es_fail(err, status, "%s", shown != NULL ? shown : cause->text);
}

static void write_hint(entrasql_status status, const glue_diag *cause, entrasql_error *err)
{
    tds_login_hint(err);
    if (status == ENTRASQL_CONFIG)
        es_hint(err, "odbcinst -q -d lists the registered drivers; Driver= also takes the full "
                     "path of a driver's library");
    else if (cause->native == 229 || cause->native == 262)
        es_hint(err, "The principal lacks a role: as an administrator run ALTER ROLE "
                     "db_datawriter ADD MEMBER [name]; (db_ddladmin for tables)");
    else if (status == ENTRASQL_TLS)
        es_hint(err, "SSL_CERT_FILE names a file of trusted certificates; HostNameInCertificate= "
                     "names the host that the certificate is for");
}

entrasql_status glue_diag_fail(const glue_diag *records, size_t count, bool is_connect,
                               entrasql_error *err)
{
    if (count == 0)
        return es_fail(err, is_connect ? ENTRASQL_NETWORK : ENTRASQL_SQL_ERROR,
                       "the ODBC driver failed without saying why");
    const glue_diag *cause = main_record(records, count);
    entrasql_status status =
        is_connect ? classify_connect(records, count, cause) : classify_statement(cause);
    write_message(records, count, cause, status, err);
    if (err != NULL) {
        err->number = server_number(cause);
        err->state = cause->state;
        err->severity = cause->severity;
    }
    write_hint(status, cause, err);
    return status;
}

/* Skips "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]" in front of the text. */
static const char *skip_origin(const char *text)
{
    while (*text == '[') {
        const char *end = strchr(text, ']');
        if (end == NULL)
            break;
        text = end + 1;
    }
    return text;
}

static uint8_t read_byte_field(const glue_calls *calls, SQLSMALLINT type, SQLHANDLE handle,
                               SQLSMALLINT record, SQLSMALLINT field)
{
    SQLINTEGER value = 0;
    if (!SQL_SUCCEEDED(
            calls->get_diag_field_w(type, handle, record, field, &value, SQL_IS_INTEGER, NULL)))
        return 0;
    return value > 0 && value <= UINT8_MAX ? (uint8_t)value : 0;
}

/* UTF-16 of a driver's, cut where it was too long, as text to show. */
static void to_text(const SQLWCHAR *wide, size_t max_units, char *ret, size_t size)
{
    ES_CLEANUP(es_buf_done) es_buf utf8 = ES_BUF_INIT(4 * TEXT_UNITS);
    size_t units = 0;
    ret[0] = '\0';
    while (units < max_units && wide[units] != 0)
        units++;
    if (es_utf16le_to_utf8((const uint8_t *)wide, 2 * units, &utf8) != ENTRASQL_OK)
        return;
    const char *text = es_buf_cstr(&utf8);
    if (text == NULL)
        return;
    const char *plain = skip_origin(text);
    es_printable(ret, size, plain, strlen(plain));
}

static bool read_record(const glue_calls *calls, SQLSMALLINT type, SQLHANDLE handle,
                        SQLSMALLINT number, glue_diag *d)
{
    SQLWCHAR sqlstate[6] = {0};
    SQLWCHAR text[TEXT_UNITS] = {0};
    SQLINTEGER native = 0;
    SQLSMALLINT length = 0;
    if (!SQL_SUCCEEDED(calls->get_diag_rec_w(type, handle, number, sqlstate, &native, text,
                                             TEXT_UNITS, &length)))
        return false;
    to_text(sqlstate, ES_COUNT_OF(sqlstate), d->sqlstate, sizeof d->sqlstate);
    to_text(text, TEXT_UNITS, d->text, sizeof d->text);
    d->native = native;
    d->state = read_byte_field(calls, type, handle, number, DIAG_SS_MSGSTATE);
    d->severity = read_byte_field(calls, type, handle, number, DIAG_SS_SEVERITY);
    return true;
}

size_t glue_diag_read(const glue_calls *calls, SQLSMALLINT handle_type, SQLHANDLE handle,
                      glue_diag *records, size_t max)
{
    size_t count = 0;
    while (count < max &&
           read_record(calls, handle_type, handle, (SQLSMALLINT)(count + 1), &records[count]))
        count++;
    return count;
}

entrasql_status glue_diag_take(const glue_calls *calls, SQLSMALLINT handle_type, SQLHANDLE handle,
                               bool is_connect, entrasql_error *err)
{
    glue_diag *records = es_calloc(GLUE_DIAG_MAX, sizeof *records);
    if (records == NULL)
        return es_nomem(err);
    size_t count = glue_diag_read(calls, handle_type, handle, records, GLUE_DIAG_MAX);
    entrasql_status status = glue_diag_fail(records, count, is_connect, err);
    es_free(records);
    return status;
}
