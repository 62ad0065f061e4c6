/* SPDX-License-Identifier: MIT */
/* The table of SQL Server's data types: names, precedence, groups, common types. */
#include "sqltype/type.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum group {
    GROUP_NONE,
    GROUP_INTEGER,
    GROUP_EXACT,
    GROUP_FLOAT,
    GROUP_DATE,
    GROUP_TEXT,
    GROUP_UNICODE,
    GROUP_BINARY
};

/* How the type is written with its arguments. */
enum arguments { ARGS_NONE, ARGS_DECIMAL, ARGS_SCALE, ARGS_LENGTH };

struct type_row {
    const char *name;
    uint8_t precedence; /* SQL Server's list, turned round: higher wins */
    uint8_t group;
    uint8_t arguments;
    uint8_t bytes; /* 0: depends on the arguments */
};

static const struct type_row type_table[SQLTYPE_COUNT] = {
    [SQLTYPE_UNKNOWN] = {"NULL", 0, GROUP_NONE, ARGS_NONE, 4},
    [SQLTYPE_BIT] = {"bit", 13, GROUP_INTEGER, ARGS_NONE, 1},
    [SQLTYPE_TINYINT] = {"tinyint", 14, GROUP_INTEGER, ARGS_NONE, 1},
    [SQLTYPE_SMALLINT] = {"smallint", 15, GROUP_INTEGER, ARGS_NONE, 2},
    [SQLTYPE_INT] = {"int", 16, GROUP_INTEGER, ARGS_NONE, 4},
    [SQLTYPE_BIGINT] = {"bigint", 17, GROUP_INTEGER, ARGS_NONE, 8},
    [SQLTYPE_DECIMAL] = {"decimal", 20, GROUP_EXACT, ARGS_DECIMAL, 0},
    [SQLTYPE_NUMERIC] = {"numeric", 20, GROUP_EXACT, ARGS_DECIMAL, 0},
    [SQLTYPE_MONEY] = {"money", 19, GROUP_EXACT, ARGS_NONE, 8},
    [SQLTYPE_SMALLMONEY] = {"smallmoney", 18, GROUP_EXACT, ARGS_NONE, 4},
    [SQLTYPE_REAL] = {"real", 21, GROUP_FLOAT, ARGS_NONE, 4},
    [SQLTYPE_FLOAT] = {"float", 22, GROUP_FLOAT, ARGS_NONE, 8},
    [SQLTYPE_DATE] = {"date", 24, GROUP_DATE, ARGS_NONE, 3},
    [SQLTYPE_TIME] = {"time", 23, GROUP_DATE, ARGS_SCALE, 0},
    [SQLTYPE_DATETIME] = {"datetime", 26, GROUP_DATE, ARGS_NONE, 8},
    [SQLTYPE_SMALLDATETIME] = {"smalldatetime", 25, GROUP_DATE, ARGS_NONE, 4},
    [SQLTYPE_DATETIME2] = {"datetime2", 27, GROUP_DATE, ARGS_SCALE, 0},
    [SQLTYPE_DATETIMEOFFSET] = {"datetimeoffset", 28, GROUP_DATE, ARGS_SCALE, 0},
    [SQLTYPE_CHAR] = {"char", 3, GROUP_TEXT, ARGS_LENGTH, 0},
    [SQLTYPE_VARCHAR] = {"varchar", 4, GROUP_TEXT, ARGS_LENGTH, 0},
    [SQLTYPE_TEXT] = {"text", 11, GROUP_TEXT, ARGS_NONE, 0},
    [SQLTYPE_NCHAR] = {"nchar", 5, GROUP_UNICODE, ARGS_LENGTH, 0},
    [SQLTYPE_NVARCHAR] = {"nvarchar", 6, GROUP_UNICODE, ARGS_LENGTH, 0},
    [SQLTYPE_NTEXT] = {"ntext", 12, GROUP_UNICODE, ARGS_NONE, 0},
    [SQLTYPE_BINARY] = {"binary", 1, GROUP_BINARY, ARGS_LENGTH, 0},
    [SQLTYPE_VARBINARY] = {"varbinary", 2, GROUP_BINARY, ARGS_LENGTH, 0},
    [SQLTYPE_IMAGE] = {"image", 10, GROUP_BINARY, ARGS_NONE, 0},
    [SQLTYPE_UNIQUEIDENTIFIER] = {"uniqueidentifier", 7, GROUP_NONE, ARGS_NONE, 16},
    [SQLTYPE_ROWVERSION] = {"timestamp", 9, GROUP_BINARY, ARGS_NONE, 8},
    [SQLTYPE_XML] = {"xml", 29, GROUP_UNICODE, ARGS_NONE, 0},
    [SQLTYPE_SQL_VARIANT] = {"sql_variant", 30, GROUP_NONE, ARGS_NONE, 0},
};

/* Synonyms; the multi-word ones with single blanks. */
static const struct synonym {
    const char *name;
    sqltype_id id;
} synonyms[] = {
    {"rowversion", SQLTYPE_ROWVERSION},
    {"integer", SQLTYPE_INT},
    {"dec", SQLTYPE_DECIMAL},
    {"double precision", SQLTYPE_FLOAT},
    {"character", SQLTYPE_CHAR},
    {"char varying", SQLTYPE_VARCHAR},
    {"character varying", SQLTYPE_VARCHAR},
    {"national char", SQLTYPE_NCHAR},
    {"national character", SQLTYPE_NCHAR},
    {"national char varying", SQLTYPE_NVARCHAR},
    {"national character varying", SQLTYPE_NVARCHAR},
    {"national text", SQLTYPE_NTEXT},
    {"binary varying", SQLTYPE_VARBINARY},
    {"sysname", SQLTYPE_NVARCHAR},
};

static const struct type_row *row_of(sqltype_id id)
{
    return &type_table[(unsigned)id < SQLTYPE_COUNT ? id : SQLTYPE_UNKNOWN];
}

const char *sqltype_name(sqltype_id id)
{
    return row_of(id)->name;
}

static bool name_is(const char *name, size_t n, const char *wanted)
{
    return strlen(wanted) == n && es_strncaseeq(name, wanted, n);
}

bool sqltype_by_name(const char *name, size_t n, sqltype_id *ret)
{
    for (int id = SQLTYPE_UNKNOWN + 1; id < SQLTYPE_COUNT; id++) {
        if (name_is(name, n, type_table[id].name)) {
            *ret = (sqltype_id)id;
            return true;
        }
    }
    for (size_t i = 0; i < ES_COUNT_OF(synonyms); i++) {
        if (name_is(name, n, synonyms[i].name)) {
            *ret = synonyms[i].id;
            return true;
        }
    }
    return false;
}

void sqltype_format(sqltype type, char *dst, size_t size)
{
    const struct type_row *row = row_of(type.id);

    switch ((enum arguments)row->arguments) {
    case ARGS_DECIMAL:
        snprintf(dst, size, "%s(%u,%u)", row->name, type.precision, type.scale);
        break;
    case ARGS_SCALE:
        snprintf(dst, size, "%s(%u)", row->name, type.scale);
        break;
    case ARGS_LENGTH:
        if (type.length == SQLTYPE_MAX)
            snprintf(dst, size, "%s(max)", row->name);
        else
            snprintf(dst, size, "%s(%u)", row->name, type.length);
        break;
    case ARGS_NONE:
        snprintf(dst, size, "%s", row->name);
        break;
    }
}

bool sqltype_is_integer(sqltype_id id)
{
    return row_of(id)->group == GROUP_INTEGER;
}

bool sqltype_is_exact_numeric(sqltype_id id)
{
    return row_of(id)->group == GROUP_INTEGER || row_of(id)->group == GROUP_EXACT;
}

bool sqltype_is_number(sqltype_id id)
{
    return sqltype_is_exact_numeric(id) || row_of(id)->group == GROUP_FLOAT;
}

bool sqltype_is_string(sqltype_id id)
{
    return row_of(id)->group == GROUP_TEXT || row_of(id)->group == GROUP_UNICODE;
}

bool sqltype_is_unicode(sqltype_id id)
{
    return row_of(id)->group == GROUP_UNICODE;
}

bool sqltype_is_binary(sqltype_id id)
{
    return row_of(id)->group == GROUP_BINARY;
}

bool sqltype_is_datetime(sqltype_id id)
{
    return row_of(id)->group == GROUP_DATE;
}

bool sqltype_is_large(sqltype type)
{
    if (row_of(type.id)->arguments == ARGS_LENGTH)
        return type.length == SQLTYPE_MAX;
    return type.id == SQLTYPE_TEXT || type.id == SQLTYPE_NTEXT || type.id == SQLTYPE_IMAGE ||
           type.id == SQLTYPE_XML;
}

int sqltype_precedence(sqltype_id id)
{
    return row_of(id)->precedence;
}

/* ---- constructors ---- */

sqltype sqltype_of(sqltype_id id)
{
    return (sqltype){.id = id};
}

sqltype sqltype_decimal(uint8_t precision, uint8_t scale)
{
    return (sqltype){.id = SQLTYPE_DECIMAL, .precision = precision, .scale = scale};
}

sqltype sqltype_string(sqltype_id id, uint32_t length)
{
    return (sqltype){.id = id, .length = length};
}

sqltype sqltype_with_scale(sqltype_id id, uint8_t scale)
{
    return (sqltype){.id = id, .scale = scale};
}

bool sqltype_equal(sqltype a, sqltype b)
{
    return a.id == b.id && a.precision == b.precision && a.scale == b.scale && a.length == b.length;
}

/* ---- common type ---- */

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

sqltype sqltype_as_decimal(sqltype type)
{
    switch ((int)type.id) {
    case SQLTYPE_BIT:
        return sqltype_decimal(1, 0);
    case SQLTYPE_TINYINT:
        return sqltype_decimal(3, 0);
    case SQLTYPE_SMALLINT:
        return sqltype_decimal(5, 0);
    case SQLTYPE_INT:
        return sqltype_decimal(10, 0);
    case SQLTYPE_BIGINT:
        return sqltype_decimal(19, 0);
    case SQLTYPE_MONEY:
        return sqltype_decimal(19, 4);
    case SQLTYPE_SMALLMONEY:
        return sqltype_decimal(10, 4);
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC:
        return type;
    default: /* strings take part as the other side */
        return sqltype_decimal(38, 0);
    }
}

static sqltype common_decimal(sqltype winner, sqltype other)
{
    sqltype o = sqltype_is_exact_numeric(other.id) ? sqltype_as_decimal(other) : winner;
    uint32_t scale = max_u32(winner.scale, o.scale);
    uint32_t integral =
        max_u32((uint32_t)(winner.precision - winner.scale), (uint32_t)(o.precision - o.scale));

    if (integral + scale > 38) /* digits before the point are kept */
        scale = 38 - integral;
    return (sqltype){
        .id = winner.id, .precision = (uint8_t)(integral + scale), .scale = (uint8_t)scale};
}

/* Digits of the second that the type can tell apart. */
static uint8_t time_scale(sqltype type)
{
    if (type.id == SQLTYPE_DATETIME)
        return 3;
    return row_of(type.id)->arguments == ARGS_SCALE ? type.scale : 0;
}

static bool is_short_text(sqltype_id id)
{
    return sqltype_is_string(id) && row_of(id)->arguments == ARGS_LENGTH;
}

/* char, varchar, nchar, nvarchar: unicode and variable length win each for itself. */
static sqltype common_text(sqltype a, sqltype b)
{
    bool unicode = sqltype_is_unicode(a.id) || sqltype_is_unicode(b.id);
    bool fixed = (a.id == SQLTYPE_CHAR || a.id == SQLTYPE_NCHAR) &&
                 (b.id == SQLTYPE_CHAR || b.id == SQLTYPE_NCHAR);
    uint32_t length = max_u32(a.length, b.length);
    sqltype_id id;

    if (unicode)
        id = fixed ? SQLTYPE_NCHAR : SQLTYPE_NVARCHAR;
    else
        id = fixed ? SQLTYPE_CHAR : SQLTYPE_VARCHAR;
    if (unicode && length != SQLTYPE_MAX && length > 4000)
        length = 4000;
    return sqltype_string(id, length);
}

sqltype sqltype_common(sqltype a, sqltype b)
{
    sqltype winner;
    sqltype other;

    if (a.id == SQLTYPE_UNKNOWN)
        return b;
    if (b.id == SQLTYPE_UNKNOWN)
        return a;
    if (is_short_text(a.id) && is_short_text(b.id))
        return common_text(a, b);
    winner = sqltype_precedence(b.id) > sqltype_precedence(a.id) ? b : a;
    other = sqltype_precedence(b.id) > sqltype_precedence(a.id) ? a : b;
    switch ((enum arguments)row_of(winner.id)->arguments) {
    case ARGS_DECIMAL:
        return common_decimal(winner, other);
    case ARGS_SCALE:
        if (sqltype_is_datetime(other.id) && time_scale(other) > winner.scale)
            winner.scale = time_scale(other);
        return winner;
    case ARGS_LENGTH:
        if (row_of(other.id)->arguments == ARGS_LENGTH)
            winner.length = max_u32(winner.length, other.length);
        return winner;
    case ARGS_NONE:
        break;
    }
    return winner;
}

/* ---- sizes ---- */

uint32_t sqltype_bytes(sqltype type)
{
    const struct type_row *row = row_of(type.id);
    uint32_t time = type.scale <= 2 ? 3U : type.scale <= 4 ? 4U : 5U;

    if (row->bytes != 0)
        return row->bytes;
    switch ((int)type.id) {
    case SQLTYPE_DECIMAL:
    case SQLTYPE_NUMERIC:
        return type.precision <= 9    ? 5U
               : type.precision <= 19 ? 9U
               : type.precision <= 28 ? 13U
                                      : 17U;
    case SQLTYPE_TIME:
        return time;
    case SQLTYPE_DATETIME2:
        return time + 3;
    case SQLTYPE_DATETIMEOFFSET:
        return time + 5;
    case SQLTYPE_CHAR:
    case SQLTYPE_VARCHAR:
    case SQLTYPE_BINARY:
    case SQLTYPE_VARBINARY:
        return type.length;
    case SQLTYPE_NCHAR:
    case SQLTYPE_NVARCHAR:
        return type.length == SQLTYPE_MAX ? SQLTYPE_MAX : type.length * 2;
    case SQLTYPE_SQL_VARIANT:
        return 8016;
    default:
        return SQLTYPE_MAX;
    }
}
