/* SPDX-License-Identifier: MIT */
/*
 * From evidence to diagnosis: the pure parts of the links, apart from the I/O that brings the
 * evidence. Ids are those of cases.h. Private to doctor and its tests.
 */
#ifndef DOCTOR_DECIDE_H
#define DOCTOR_DECIDE_H

#include "base/error.h"
#include "base/str.h"
#include "conf/form.h"

/* Which refusal of a login this is, by number and text; never NULL. */
const char *doctor_login_id(const entrasql_error *err);

/* What broke TLS to the server; never NULL. */
const char *doctor_tls_id(const entrasql_error *err);

/* Why no address took a connection; never NULL. */
const char *doctor_tcp_id(const entrasql_error *err);

/* Why the credential of that name gave no token; never NULL. */
const char *doctor_credential_id(const char *name, const entrasql_error *err);

/* NULL when some driver of the form knows the keyword; else ret: the one that was meant, or "". */
const char *doctor_keyword_meant(const char *keyword, conf_form words, char *ret, size_t size);

/* A variable's value is a connection string of SQL Server, by its look. */
bool doctor_looks_like_string(const char *value);

/* A message up to where it goes into particulars. */
void doctor_brief(const char *message, char *ret, size_t size);

/* The audience is that of the scope, with or without slashes at the end. */
bool doctor_is_audience(const char *aud, const char *scope);

/* The tenant at the end of an authority's URL; "" when there is no GUID. */
void doctor_tenant_of(const char *url, char ret[ES_GUID_TEXT_SIZE]);

/* A Date header (RFC 9110) in seconds since 1970; false when it is not of that form. */
bool doctor_date(const char *text, int64_t *ret);

/* What a peer that speaks no TDS says first, as far as it is text of one line; "" when it is not.
 */
void doctor_banner(const uint8_t *bytes, size_t n, char *ret, size_t size);

/* The client's address that a firewall's refusal names; false when there is none. */
bool doctor_client_address(const char *message, char *ret, size_t size);

/* Still as in a manual: <server-name>, ${SERVER}, {your server}. */
bool doctor_is_placeholder(const char *host);

#endif
