/* SPDX-License-Identifier: MIT */
/* The tables of the catalogue. Private to base. */
#ifndef ES_BASE_CATALOG_ROWS_H
#define ES_BASE_CATALOG_ROWS_H

#include "catalog.h"

extern const es_catalog_entry es_catalog_sql[];
extern const size_t es_catalog_sql_count;
extern const es_catalog_entry es_catalog_aadsts[];
extern const size_t es_catalog_aadsts_count;
extern const es_catalog_message es_catalog_messages_rows[];
extern const size_t es_catalog_messages_count;

#endif
