/* SPDX-License-Identifier: MIT */
/*
 * SQL Server's data types as the wire (tds), the client (sql) and the engine
 * share them. Pure data; copy freely.
 */
#ifndef SQLTYPE_TYPE_H
#define SQLTYPE_TYPE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum sqltype_id {
    SQLTYPE_UNKNOWN = 0, /* the type of a bare NULL before it is inferred */
    SQLTYPE_BIT,
    SQLTYPE_TINYINT,
    SQLTYPE_SMALLINT,
    SQLTYPE_INT,
    SQLTYPE_BIGINT,
    SQLTYPE_DECIMAL,
    SQLTYPE_NUMERIC,
    SQLTYPE_MONEY,
    SQLTYPE_SMALLMONEY,
    SQLTYPE_REAL,
    SQLTYPE_FLOAT,
    SQLTYPE_DATE,
    SQLTYPE_TIME,
    SQLTYPE_DATETIME,
    SQLTYPE_SMALLDATETIME,
    SQLTYPE_DATETIME2,
    SQLTYPE_DATETIMEOFFSET,
    SQLTYPE_CHAR,
    SQLTYPE_VARCHAR,
    SQLTYPE_TEXT,
    SQLTYPE_NCHAR,
    SQLTYPE_NVARCHAR,
    SQLTYPE_NTEXT,
    SQLTYPE_BINARY,
    SQLTYPE_VARBINARY,
    SQLTYPE_IMAGE,
    SQLTYPE_UNIQUEIDENTIFIER,
    SQLTYPE_ROWVERSION,
    SQLTYPE_XML,
    SQLTYPE_SQL_VARIANT,
    SQLTYPE_COUNT
} sqltype_id;

/* `length` of varchar(max), nvarchar(max), varbinary(max). */
#define SQLTYPE_MAX UINT32_MAX

typedef struct sqltype {
    sqltype_id id;
    uint8_t precision; /* decimal, numeric: 1-38; else 0 */
    uint8_t scale;     /* decimal, numeric: digits; time, datetime2, datetimeoffset: 0-7 */
    uint32_t length; /* bytes for char, varchar, binary, varbinary; UTF-16 units for the n-types */
} sqltype;

/* "nvarchar", "int" ...: the T-SQL name without its arguments. Static storage. */
const char *sqltype_name(sqltype_id id);
/* By its T-SQL name or synonym ("integer", "dec", "sysname", "timestamp" ...), case ignored. */
bool sqltype_by_name(const char *name, size_t n, sqltype_id *ret);
/* "decimal(10,2)", "nvarchar(max)", "varchar(255)" into a buffer of at least 48 bytes. */
void sqltype_format(sqltype type, char *dst, size_t size);

bool sqltype_is_integer(sqltype_id id);       /* bit .. bigint */
bool sqltype_is_exact_numeric(sqltype_id id); /* integers, decimal, numeric, money */
bool sqltype_is_number(sqltype_id id);
bool sqltype_is_string(sqltype_id id);  /* char .. ntext, xml */
bool sqltype_is_unicode(sqltype_id id); /* nchar, nvarchar, ntext, xml */
bool sqltype_is_binary(sqltype_id id);  /* binary, varbinary, image, rowversion */
bool sqltype_is_datetime(sqltype_id id);
bool sqltype_is_large(sqltype type); /* (max), text, ntext, image, xml */

/* Constructors of the types that have arguments; the rest is sqltype_of(id). */
sqltype sqltype_of(sqltype_id id);
sqltype sqltype_decimal(uint8_t precision, uint8_t scale);
sqltype sqltype_string(sqltype_id id, uint32_t length); /* also binaries */
sqltype sqltype_with_scale(sqltype_id id, uint8_t scale);
bool sqltype_equal(sqltype a, sqltype b);

/*
 * The type of a mixed operation (CASE, UNION, COALESCE, comparison): the
 * higher precedence wins; lengths, precisions and scales grow so that both
 * sides fit. SQLTYPE_UNKNOWN gives way to anything.
 */
sqltype sqltype_common(sqltype a, sqltype b);
/* The precision and scale that an integer or money type counts as in decimal arithmetic. */
sqltype sqltype_as_decimal(sqltype type);
/* Bytes that a value takes on the wire and for DATALENGTH; SQLTYPE_MAX for large types. */
uint32_t sqltype_bytes(sqltype type);

/* Data type precedence: the higher number wins in mixed operations. */
int sqltype_precedence(sqltype_id id);

#endif
