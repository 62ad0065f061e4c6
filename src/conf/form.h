/* SPDX-License-Identifier: MIT */
/*
 * The forms in which drivers take connection strings, each with its own rules
 * of quoting, read into and printed from a list of keywords in the form's own
 * words.
 *
 *   odbc        Driver={...};Server=tcp:h,1433;UID=u   braces, '}}'; first wins
 *   ado         Server=h;User ID=u                     '...' or "...", doubled; '==' in a keyword
 *   jdbc        jdbc:sqlserver://h:1433;user=u         braces, '}}'; last wins
 *   go          sqlserver://u:p@h:1433?database=d      percent signs (RFC 3986)
 *   sqlalchemy  mssql+pyodbc://u:p@h:1433/d?k=v        percent signs
 *   pymssql     server='h', user='u'                   Python's literals; also pymssql.connect(...)
 *
 * The pieces of a URL come first in the list, under the words that the driver
 * itself has for them: jdbc serverName, instanceName, portNumber; go user id,
 * password, server, port, instance; sqlalchemy drivername, username, password,
 * host, port, database. Printing puts those back into the URL when they stand
 * in front in that order and can be written there.
 *
 * For every list that can be printed, parse(print(list)) is the same list.
 * Any value may be a password: no message quotes a piece of the text. Any
 * thread; everything belongs to the caller.
 */
#ifndef CONF_FORM_H
#define CONF_FORM_H

#include "conf/connstr.h"

typedef enum conf_form {
    CONF_FORM_ODBC,
    CONF_FORM_ADO,
    CONF_FORM_JDBC,
    CONF_FORM_GO,
    CONF_FORM_SQLALCHEMY,
    CONF_FORM_PYMSSQL
} conf_form;

#define CONF_FORM_COUNT 6

/* "odbc|ado|...": the choices of an option. */
extern const char conf_form_names[];
const char *conf_form_name(conf_form form);  /* "ado" */
const char *conf_form_title(conf_form form); /* "ADO.NET" */
/* False for a name that is none of them. */
bool conf_form_find(const char *name, conf_form *ret);

/* Which form a text has, by its front and its keywords. A guess: parsing is the proof. */
conf_form conf_form_detect(const char *s);

/* CONFIG with the place (character counted from 1) when malformed; *ret is then untouched. NOMEM.
 */
entrasql_status conf_form_parse(conf_form form, const char *s, conf_connstr *ret,
                                entrasql_error *err) ES_MUST_USE;
/*
 * INVALID, naming it, for a keyword that the form cannot write, or one that
 * occurs twice where the driver refuses that. Use a wiping buffer.
 */
entrasql_status conf_form_print(conf_form form, const conf_connstr *list, es_buf *out,
                                entrasql_error *err) ES_MUST_USE;

/* True for keywords whose values are secrets in any form: password, pwd, secret, token ... */
bool conf_keyword_is_secret(const char *keyword);

#endif
