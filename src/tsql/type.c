/* SPDX-License-Identifier: MIT */
/* Lengths, precision and scale of a written data type, with SQL Server's limits. */
#include "tsql/type.h"

#include "tsql/lexer.h"

enum { MAX_BYTES = 8000, MAX_UNITS = 4000, MAX_PRECISION = 38, MAX_FRACTION = 7 };

/* What is wrong with a type that parses is severity 16. */
static entrasql_status type_error(entrasql_status status, uint8_t state, entrasql_error *err)
{
    if (err != NULL) {
        err->severity = 16;
        err->state = state;
    }
    return status;
}

static entrasql_status bad_length(const tsql_type *type, uint32_t max, entrasql_error *err)
{
    if (type->args[0] == 0)
        return tsql_sql_error(err, 1001, type->span.line,
                              "Line %u: Length or precision specification 0 is invalid.",
                              type->span.line);
    return tsql_sql_error(err, 131, type->span.line,
                          "The size (%u) given to the type '%s' exceeds the maximum allowed for "
                          "any data type (%u).",
                          type->args[0], type->name.name.text, max);
}

static entrasql_status resolve_length(const tsql_type *type, uint32_t default_length, uint32_t max,
                                      bool may_be_max, sqltype *ret, entrasql_error *err)
{
    ret->length = default_length;
    if (type->is_max && may_be_max) {
        ret->length = SQLTYPE_MAX;
        return ENTRASQL_OK;
    }
    if (type->is_max || type->arg_count > 1)
        return tsql_sql_error(err, 102, type->span.line, "Incorrect syntax near '%s'.",
                              type->is_max ? "max" : ",");
    if (type->arg_count == 0)
        return ENTRASQL_OK;
    if (type->args[0] == 0 || type->args[0] > max)
        return bad_length(type, max, err);
    ret->length = type->args[0];
    return ENTRASQL_OK;
}

static entrasql_status resolve_decimal(const tsql_type *type, sqltype *ret, entrasql_error *err)
{
    ret->precision = 18;
    ret->scale = 0;
    if (type->arg_count > 0) {
        if (type->args[0] == 0)
            return bad_length(type, MAX_PRECISION, err);
        if (type->args[0] > MAX_PRECISION)
            return tsql_sql_error(err, 1007, type->span.line,
                                  "The number '%u' is out of the range for numeric representation "
                                  "(maximum precision 38).",
                                  type->args[0]);
        ret->precision = (uint8_t)type->args[0];
    }
    if (type->arg_count > 1) {
        if (type->args[1] > ret->precision)
            return tsql_sql_error(err, 192, type->span.line,
                                  "The scale must be less than or equal to the precision.");
        ret->scale = (uint8_t)type->args[1];
    }
    return ENTRASQL_OK;
}

/* float(1..24) is real. */
static entrasql_status resolve_float(const tsql_type *type, sqltype *ret, entrasql_error *err)
{
    if (type->arg_count == 0)
        return ENTRASQL_OK;
    if (type->arg_count > 1 || type->args[0] == 0 || type->args[0] > 53)
        return type_error(tsql_sql_error(err, 2750, type->span.line,
                                         "Column or parameter #1: Specified column precision %u is "
                                         "greater than the maximum precision of 53.",
                                         type->args[0]),
                          1, err);
    if (type->args[0] <= 24)
        ret->id = SQLTYPE_REAL;
    return ENTRASQL_OK;
}

static entrasql_status resolve_fraction(const tsql_type *type, sqltype *ret, entrasql_error *err)
{
    ret->scale = MAX_FRACTION;
    if (type->arg_count == 0)
        return ENTRASQL_OK;
    if (type->arg_count > 1 || type->args[0] > MAX_FRACTION)
        return tsql_sql_error(err, 1002, type->span.line, "Line %u: Specified scale %u is invalid.",
                              type->span.line, type->args[0]);
    ret->scale = (uint8_t)type->args[0];
    return ENTRASQL_OK;
}

static entrasql_status resolve_plain(const tsql_type *type, entrasql_error *err)
{
    if (type->arg_count == 0 && !type->is_max)
        return ENTRASQL_OK;
    return type_error(tsql_sql_error(err, 2716, type->span.line,
                                     "Column, parameter, or variable #1: Cannot specify a column "
                                     "width on data type %s.",
                                     type->name.name.text),
                      1, err);
}

/* sysname is nvarchar(128) by another name. */
static bool is_sysname(const tsql_type *type)
{
    const char *text = type->name.name.text;
    return text != NULL && type->name.name.length == 7 && (text[0] | 0x20) == 's' &&
           (text[1] | 0x20) == 'y' && type->id == SQLTYPE_NVARCHAR;
}

static entrasql_status unknown_type(const tsql_type *type, uint32_t ordinal, entrasql_error *err)
{
    const char *name = type->name.name.text != NULL ? type->name.name.text : "";
    if (ordinal == 0)
        return type_error(tsql_sql_error(err, 243, type->span.line,
                                         "Type %s is not a defined system type.", name),
                          1, err);
    return type_error(tsql_sql_error(err, 2715, type->span.line,
                                     "Column, parameter, or variable #%u: Cannot find data type "
                                     "%s.",
                                     ordinal, name),
                      3, err);
}

entrasql_status tsql_type_resolve(const tsql_type *type, uint32_t default_length, uint32_t ordinal,
                                  sqltype *ret, entrasql_error *err)
{
    sqltype t = {.id = type->id};
    entrasql_status status = ENTRASQL_OK;
    switch (type->id) {
    case SQLTYPE_UNKNOWN:
    case SQLTYPE_COUNT:
        return unknown_type(type, ordinal, err);
    case SQLTYPE_CHAR:
    case SQLTYPE_BINARY:
        status = resolve_length(type, default_length, MAX_BYTES, false, &t, err);
        break;
    case SQLTYPE_VARCHAR:
    case SQLTYPE_VARBINARY:
        status = resolve_length(type, default_length, MAX_BYTES, true, &t, err);
        break;
    case SQLTYPE_NCHAR:
        status = resolve_length(type, default_length, MAX_UNITS, false, &t, err);
        break;
    case SQLTYPE_NVARCHAR:
        status = is_sysname(type) ? resolve_plain(type, err)
                                  : resolve_length(type, default_length, MAX_UNITS, true, &t, err);
        if (is_sysname(type))
            t.length = 128;
        break;
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC:
        status = resolve_decimal(type, &t, err);
        break;
    case SQLTYPE_FLOAT:
        status = resolve_float(type, &t, err);
        break;
    case SQLTYPE_TIME:
    case SQLTYPE_DATETIME2:
    case SQLTYPE_DATETIMEOFFSET:
        status = resolve_fraction(type, &t, err);
        break;
    case SQLTYPE_BIT:
    case SQLTYPE_TINYINT:
    case SQLTYPE_SMALLINT:
    case SQLTYPE_INT:
    case SQLTYPE_BIGINT:
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY:
    case SQLTYPE_REAL:
    case SQLTYPE_DATE:
    case SQLTYPE_DATETIME:
    case SQLTYPE_SMALLDATETIME:
    case SQLTYPE_TEXT:
    case SQLTYPE_NTEXT:
    case SQLTYPE_IMAGE:
    case SQLTYPE_UNIQUEIDENTIFIER:
    case SQLTYPE_ROWVERSION:
    case SQLTYPE_XML:
    case SQLTYPE_SQL_VARIANT:
        status = resolve_plain(type, err);
        break;
    }
    if (status == ENTRASQL_OK)
        *ret = t;
    return status;
}
