/* SPDX-License-Identifier: MIT */
/*
 * SQLBrowseConnect: asks for what a connection needs, one round at a time. Our
 * own, so that it is the same whatever the driver underneath can do: the
 * server has to be named; the database and the sign-in may be.
 */
#include "base/mem.h"
#include "base/str.h"
#include "connect.h"
#include "text.h"

static const char need_driver[] = "DRIVER:Driver=?;";
static const char need_server[] =
    "SERVER:Server=?;*DATABASE:Database=?;"
    "*AUTHENTICATION:Authentication={ActiveDirectoryDefault,ActiveDirectoryManagedIdentity,"
    "ActiveDirectoryServicePrincipal,ActiveDirectoryWorkloadIdentity,ActiveDirectoryAzureCli,"
    "ActiveDirectoryDeviceCode,ActiveDirectoryInteractive,SqlPassword};*UID:UID=?;*PWD:PWD=?;";

static SQLRETURN need(drv_dbc *d, const char *what, drv_out *out)
{
    d->browsing = true;
    return drv_out_put(d, out, what, SQL_NEED_DATA);
}

/* Adds what this round brought to what the rounds before did. */
static entrasql_status collect(drv_dbc *d, const char *text, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(conf_connstr_parse(text, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        if (conf_connstr_set(&d->browsed, list.pairs[i].keyword, list.pairs[i].value) ==
            ENTRASQL_NOMEM)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}

static bool names_server(const drv_dbc *d)
{
    return conf_connstr_get_any(&d->browsed, conf_keywords_server, NULL) != NULL ||
           conf_connstr_get(&d->browsed, "DSN") != NULL ||
           conf_connstr_get(&d->browsed, "FILEDSN") != NULL;
}

/* text: taken over. */
static SQLRETURN browse(drv_dbc *d, entrasql_status status, char *text, bool narrow, drv_out *out)
{
    entrasql_error err;
    if (status != ENTRASQL_OK || text == NULL) {
        es_free_wipe_str(text);
        return drv_fail_state(&d->head, "HY000", "the text cannot be converted");
    }
    status = collect(d, text, &err);
    es_free_wipe_str(text);
    if (status != ENTRASQL_OK)
        return drv_fail(&d->head, &err);
    if (conf_connstr_get(&d->browsed, "Driver") == NULL &&
        conf_connstr_get(&d->browsed, "DSN") == NULL &&
        conf_connstr_get(&d->browsed, "FILEDSN") == NULL)
        return need(d, need_driver, out);
    if (!names_server(d))
        return need(d, need_server, out);
    SQLRETURN rc = drv_connect_list(d, &d->browsed, narrow, out);
    conf_connstr_done(&d->browsed);
    d->browsing = false;
    return rc;
}

SQLRETURN SQL_API SQLBrowseConnectW(SQLHDBC dbc, SQLWCHAR *in, SQLSMALLINT in_length, SQLWCHAR *out,
                                    SQLSMALLINT out_size, SQLSMALLINT *out_length)
{
    drv_dbc *d = (drv_dbc *)drv_check(dbc, DRV_DBC);
    char *text = NULL;
    drv_out o = {.wide = out, .size = out_size, .length = out_length};
    if (d == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&d->head);
    entrasql_status status = drv_text_from_wide(in, in_length, &text);
    return browse(d, status, text, false, &o);
}

SQLRETURN SQL_API SQLBrowseConnect(SQLHDBC dbc, SQLCHAR *in, SQLSMALLINT in_length, SQLCHAR *out,
                                   SQLSMALLINT out_size, SQLSMALLINT *out_length)
{
    drv_dbc *d = (drv_dbc *)drv_check(dbc, DRV_DBC);
    char *text = NULL;
    drv_out o = {.ansi = out, .size = out_size, .length = out_length};
    if (d == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&d->head);
    entrasql_status status = drv_text_from_ansi(in, in_length, &text);
    return browse(d, status, text, true, &o);
}
