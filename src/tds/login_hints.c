/* SPDX-License-Identifier: MIT */
/* What helps against a login error: the catalogue's word. */
#include "tds/login_hints.h"

#include "base/catalog.h"

#include <stddef.h>

void tds_login_hint(entrasql_error *err)
{
    if (err == NULL)
        return;
    const es_catalog_entry *row = es_catalog_find(ES_CATALOG_SQL, err->number, err->message);
    if (row != NULL)
        es_hint(err, "%s", row->hint);
}
