/* SPDX-License-Identifier: MIT */
/*
 * A data type as the catalog shows it: numbers of sys.types, sizes of
 * sys.columns, and what ODBC says of it. Constants; any thread.
 */
#ifndef ENGINE_SYSTYPE_H
#define ENGINE_SYSTYPE_H

#include "sqltype/type.h"

#define ENGINE_SYSNAME_TYPE 256 /* user_type_id of sysname */

typedef struct engine_systype {
    uint8_t system_id;  /* system_type_id */
    int16_t max_length; /* bytes; -1: (max) */
    uint8_t precision;
    uint8_t scale;
    bool has_collation;
} engine_systype;

engine_systype engine_systype_of(sqltype type);

/* The rows of sys.types. */
typedef struct engine_systype_row {
    const char *name;
    int32_t user_id;
    sqltype type; /* of the largest size */
} engine_systype_row;
extern const engine_systype_row engine_systype_rows[];
extern const size_t engine_systype_row_count;

/* -1 where the field is NULL. */
typedef struct engine_odbctype {
    int16_t data_type;
    const char *name; /* TYPE_NAME */
    int32_t precision;
    int32_t length;
    int16_t scale;
    int16_t radix;
    int16_t sql_data_type;
    int16_t datetime_sub;
    int32_t octet_length;
    uint8_t ss_data_type; /* the type's byte in TDS */
} engine_odbctype;

/*
 * odbc_version 2 gives the old numbers of date types; unlimited: (max) types
 * have length 0, as drivers since 2005 want it, else the largest number.
 */
engine_odbctype engine_odbctype_of(sqltype type, bool nullable, bool identity, int odbc_version,
                                   bool unlimited);

#endif
