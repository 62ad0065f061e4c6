/* SPDX-License-Identifier: MIT */
#include "migrate/explain.h"

#include "base/catalog.h"

#include <stddef.h>

static const es_catalog_entry *row_of(const entrasql_error *err)
{
    bool is_sql = err->status == ENTRASQL_SQL_ERROR || err->status == ENTRASQL_LOGIN_FAILED;
    return is_sql ? es_catalog_find(ES_CATALOG_SQL, err->number, err->message) : NULL;
}

void migrate_explain_sql(entrasql_error *err)
{
    const es_catalog_entry *row = row_of(err);
    if (row != NULL)
        es_hint(err, "%s", row->hint);
}

bool migrate_is_settling(const entrasql_error *err)
{
    if (err->status != ENTRASQL_SQL_ERROR && err->status != ENTRASQL_LOGIN_FAILED)
        return entrasql_status_class(err->status) == ENTRASQL_CLASS_NETWORK ||
               entrasql_status_class(err->status) == ENTRASQL_CLASS_RETRY;
    const es_catalog_entry *row = row_of(err);
    return row != NULL && row->passes;
}
