/* SPDX-License-Identifier: MIT */
/* Data types in catalog views and for ODBC. */
#include "engine/systype.h"

#include "base/compiler.h"

/* ---- sys.types and sys.columns ---- */

static const struct {
    uint8_t system_id;
    uint8_t max_length; /* of types with one size */
    uint8_t precision;
    uint8_t scale;
} sizes[SQLTYPE_COUNT] = {
    [SQLTYPE_UNKNOWN] = {56, 4, 10, 0},    [SQLTYPE_BIT] = {104, 1, 1, 0},
    [SQLTYPE_TINYINT] = {48, 1, 3, 0},     [SQLTYPE_SMALLINT] = {52, 2, 5, 0},
    [SQLTYPE_INT] = {56, 4, 10, 0},        [SQLTYPE_BIGINT] = {127, 8, 19, 0},
    [SQLTYPE_DECIMAL] = {106, 17, 38, 0},  [SQLTYPE_NUMERIC] = {108, 17, 38, 0},
    [SQLTYPE_MONEY] = {60, 8, 19, 4},      [SQLTYPE_SMALLMONEY] = {122, 4, 10, 4},
    [SQLTYPE_REAL] = {59, 4, 24, 0},       [SQLTYPE_FLOAT] = {62, 8, 53, 0},
    [SQLTYPE_DATE] = {40, 3, 10, 0},       [SQLTYPE_TIME] = {41, 5, 16, 7},
    [SQLTYPE_DATETIME] = {61, 8, 23, 3},   [SQLTYPE_SMALLDATETIME] = {58, 4, 16, 0},
    [SQLTYPE_DATETIME2] = {42, 8, 27, 7},  [SQLTYPE_DATETIMEOFFSET] = {43, 10, 34, 7},
    [SQLTYPE_CHAR] = {175, 0, 0, 0},       [SQLTYPE_VARCHAR] = {167, 0, 0, 0},
    [SQLTYPE_TEXT] = {35, 16, 0, 0},       [SQLTYPE_NCHAR] = {239, 0, 0, 0},
    [SQLTYPE_NVARCHAR] = {231, 0, 0, 0},   [SQLTYPE_NTEXT] = {99, 16, 0, 0},
    [SQLTYPE_BINARY] = {173, 0, 0, 0},     [SQLTYPE_VARBINARY] = {165, 0, 0, 0},
    [SQLTYPE_IMAGE] = {34, 16, 0, 0},      [SQLTYPE_UNIQUEIDENTIFIER] = {36, 16, 0, 0},
    [SQLTYPE_ROWVERSION] = {189, 8, 0, 0}, [SQLTYPE_XML] = {241, 0, 0, 0},
    [SQLTYPE_SQL_VARIANT] = {98, 0, 0, 0},
};

static bool has_length(sqltype_id id)
{
    return id == SQLTYPE_CHAR || id == SQLTYPE_VARCHAR || id == SQLTYPE_NCHAR ||
           id == SQLTYPE_NVARCHAR || id == SQLTYPE_BINARY || id == SQLTYPE_VARBINARY;
}

static int16_t decimal_bytes(uint8_t precision)
{
    if (precision <= 9)
        return 5;
    if (precision <= 19)
        return 9;
    return precision <= 28 ? 13 : 17;
}

/* "hh:mm:ss" and its fraction; the other date types have constant text before it. */
static uint8_t fraction_digits(uint8_t scale)
{
    return scale == 0 ? 0 : (uint8_t)(scale + 1);
}

static int16_t fraction_bytes(uint8_t scale)
{
    if (scale <= 2)
        return 3;
    return scale <= 4 ? 4 : 5;
}

engine_systype engine_systype_of(sqltype type)
{
    engine_systype t = {
        .system_id = sizes[type.id].system_id,
        .max_length = sizes[type.id].max_length,
        .precision = sizes[type.id].precision,
        .scale = sizes[type.id].scale,
        .has_collation = sqltype_is_string(type.id) && type.id != SQLTYPE_XML,
    };
    if (has_length(type.id)) {
        uint32_t bytes = sqltype_is_unicode(type.id) ? type.length * 2 : type.length;
        t.max_length = type.length == SQLTYPE_MAX ? -1 : (int16_t)bytes;
    } else if (type.id == SQLTYPE_XML) {
        t.max_length = -1;
    } else if (type.id == SQLTYPE_SQL_VARIANT) {
        t.max_length = 8016;
    } else if (type.id == SQLTYPE_DECIMAL || type.id == SQLTYPE_NUMERIC) {
        t.max_length = decimal_bytes(type.precision);
        t.precision = type.precision;
        t.scale = type.scale;
    } else if (type.id == SQLTYPE_TIME || type.id == SQLTYPE_DATETIME2 ||
               type.id == SQLTYPE_DATETIMEOFFSET) {
        uint8_t whole = type.id == SQLTYPE_TIME ? 8 : type.id == SQLTYPE_DATETIME2 ? 19 : 26;
        int16_t more = type.id == SQLTYPE_TIME ? 0 : type.id == SQLTYPE_DATETIME2 ? 3 : 5;
        t.precision = (uint8_t)(whole + fraction_digits(type.scale));
        t.scale = type.scale;
        t.max_length = (int16_t)(fraction_bytes(type.scale) + more);
    }
    return t;
}

#define ROW(type_name, number, type_id, ...)                                                       \
    {                                                                                              \
        type_name, number,                                                                         \
        {                                                                                          \
            .id = SQLTYPE_##type_id, __VA_ARGS__                                                   \
        }                                                                                          \
    }

const engine_systype_row engine_systype_rows[] = {
    ROW("image", 34, IMAGE, ),
    ROW("text", 35, TEXT, ),
    ROW("uniqueidentifier", 36, UNIQUEIDENTIFIER, ),
    ROW("date", 40, DATE, ),
    ROW("time", 41, TIME, .scale = 7),
    ROW("datetime2", 42, DATETIME2, .scale = 7),
    ROW("datetimeoffset", 43, DATETIMEOFFSET, .scale = 7),
    ROW("tinyint", 48, TINYINT, ),
    ROW("smallint", 52, SMALLINT, ),
    ROW("int", 56, INT, ),
    ROW("smalldatetime", 58, SMALLDATETIME, ),
    ROW("real", 59, REAL, ),
    ROW("money", 60, MONEY, ),
    ROW("datetime", 61, DATETIME, ),
    ROW("float", 62, FLOAT, ),
    ROW("sql_variant", 98, SQL_VARIANT, ),
    ROW("ntext", 99, NTEXT, ),
    ROW("bit", 104, BIT, ),
    ROW("decimal", 106, DECIMAL, .precision = 38, .scale = 38),
    ROW("numeric", 108, NUMERIC, .precision = 38, .scale = 38),
    ROW("smallmoney", 122, SMALLMONEY, ),
    ROW("bigint", 127, BIGINT, ),
    ROW("varbinary", 165, VARBINARY, .length = 8000),
    ROW("varchar", 167, VARCHAR, .length = 8000),
    ROW("binary", 173, BINARY, .length = 8000),
    ROW("char", 175, CHAR, .length = 8000),
    ROW("timestamp", 189, ROWVERSION, ),
    ROW("nvarchar", 231, NVARCHAR, .length = 4000),
    ROW("nchar", 239, NCHAR, .length = 4000),
    ROW("xml", 241, XML, ),
    ROW("sysname", ENGINE_SYSNAME_TYPE, NVARCHAR, .length = 128),
};
const size_t engine_systype_row_count = ES_COUNT_OF(engine_systype_rows);

/* ---- ODBC ---- */

enum { NONE = -1 };

/* precision, length, scale, radix of types with one size. */
static const struct {
    int16_t data_type;
    int32_t precision;
    int32_t length;
    int16_t scale;
    int16_t radix;
    uint8_t byte;          /* in TDS, not nullable */
    uint8_t nullable_byte; /* and nullable */
} odbc[SQLTYPE_COUNT] = {
    [SQLTYPE_UNKNOWN] = {4, 10, 4, 0, 10, 56, 38},
    [SQLTYPE_BIT] = {-7, 1, 1, NONE, NONE, 50, 50},
    [SQLTYPE_TINYINT] = {-6, 3, 1, 0, 10, 48, 38},
    [SQLTYPE_SMALLINT] = {5, 5, 2, 0, 10, 52, 38},
    [SQLTYPE_INT] = {4, 10, 4, 0, 10, 56, 38},
    [SQLTYPE_BIGINT] = {-5, 19, 8, 0, 10, 63, 108},
    [SQLTYPE_DECIMAL] = {3, 0, 0, 0, 10, 55, 106},
    [SQLTYPE_NUMERIC] = {2, 0, 0, 0, 10, 63, 108},
    [SQLTYPE_MONEY] = {3, 19, 21, 4, 10, 60, 110},
    [SQLTYPE_SMALLMONEY] = {3, 10, 12, 4, 10, 122, 110},
    [SQLTYPE_REAL] = {7, 24, 4, NONE, 2, 59, 109},
    [SQLTYPE_FLOAT] = {6, 53, 8, NONE, 2, 62, 109},
    [SQLTYPE_DATE] = {91, 10, 6, 0, NONE, 0, 0},
    [SQLTYPE_TIME] = {-154, 8, 12, 0, NONE, 0, 0},
    [SQLTYPE_DATETIME] = {93, 23, 16, 3, NONE, 61, 111},
    [SQLTYPE_SMALLDATETIME] = {93, 16, 16, 0, NONE, 58, 111},
    [SQLTYPE_DATETIME2] = {93, 19, 16, 0, NONE, 0, 0},
    [SQLTYPE_DATETIMEOFFSET] = {-155, 26, 20, 0, NONE, 0, 0},
    [SQLTYPE_CHAR] = {1, 0, 0, NONE, NONE, 47, 39},
    [SQLTYPE_VARCHAR] = {12, 0, 0, NONE, NONE, 39, 39},
    [SQLTYPE_TEXT] = {-1, INT32_MAX, INT32_MAX, NONE, NONE, 35, 35},
    [SQLTYPE_NCHAR] = {-8, 0, 0, NONE, NONE, 47, 39},
    [SQLTYPE_NVARCHAR] = {-9, 0, 0, NONE, NONE, 39, 39},
    [SQLTYPE_NTEXT] = {-10, INT32_MAX / 2, INT32_MAX - 1, NONE, NONE, 99, 99},
    [SQLTYPE_BINARY] = {-2, 0, 0, NONE, NONE, 45, 37},
    [SQLTYPE_VARBINARY] = {-3, 0, 0, NONE, NONE, 37, 37},
    [SQLTYPE_IMAGE] = {-4, INT32_MAX, INT32_MAX, NONE, NONE, 34, 34},
    [SQLTYPE_UNIQUEIDENTIFIER] = {-11, 36, 16, NONE, NONE, 37, 37},
    [SQLTYPE_ROWVERSION] = {-2, 8, 8, NONE, NONE, 45, 37},
    [SQLTYPE_XML] = {-152, 0, 0, NONE, NONE, 0, 0},
    [SQLTYPE_SQL_VARIANT] = {-150, 8000, 8000, 0, 10, 39, 39},
};

/* TYPE_NAME of identity columns. */
static const char *type_name(sqltype_id id, bool identity)
{
    static const char *const identities[SQLTYPE_COUNT] = {
        [SQLTYPE_TINYINT] = "tinyint identity",   [SQLTYPE_SMALLINT] = "smallint identity",
        [SQLTYPE_INT] = "int identity",           [SQLTYPE_BIGINT] = "bigint identity",
        [SQLTYPE_DECIMAL] = "decimal() identity", [SQLTYPE_NUMERIC] = "numeric() identity",
    };
    if (identity && identities[id] != NULL)
        return identities[id];
    return id == SQLTYPE_ROWVERSION ? "timestamp" : sqltype_name(id);
}

static void set_length(sqltype type, bool unlimited, engine_odbctype *t)
{
    bool wide = sqltype_is_unicode(type.id);
    if (type.length != SQLTYPE_MAX) {
        t->precision = (int32_t)type.length;
        t->length = (int32_t)(wide ? type.length * 2 : type.length);
    } else if (!unlimited) {
        t->precision = wide ? INT32_MAX / 2 : INT32_MAX;
        t->length = wide ? INT32_MAX - 1 : INT32_MAX;
    }
    t->octet_length = t->length;
}

static void set_date(sqltype type, int odbc_version, engine_odbctype *t)
{
    if (type.id == SQLTYPE_TIME || type.id == SQLTYPE_DATETIME2 ||
        type.id == SQLTYPE_DATETIMEOFFSET) {
        t->precision += fraction_digits(type.scale);
        t->scale = type.scale;
    }
    if (t->data_type == 91 || t->data_type == 93) {
        t->sql_data_type = 9;
        t->datetime_sub = t->data_type == 91 ? 1 : 3;
        if (odbc_version < 3)
            t->data_type = t->data_type == 91 ? 9 : 11;
    } else {
        t->datetime_sub = 0;
    }
}

engine_odbctype engine_odbctype_of(sqltype type, bool nullable, bool identity, int odbc_version,
                                   bool unlimited)
{
    engine_odbctype t = {
        .data_type = odbc[type.id].data_type,
        .name = type_name(type.id, identity),
        .precision = odbc[type.id].precision,
        .length = odbc[type.id].length,
        .scale = odbc[type.id].scale,
        .radix = odbc[type.id].radix,
        .sql_data_type = odbc[type.id].data_type,
        .datetime_sub = NONE,
        .octet_length = NONE,
        .ss_data_type = nullable ? odbc[type.id].nullable_byte : odbc[type.id].byte,
    };
    if (has_length(type.id)) {
        set_length(type, unlimited, &t);
    } else if (type.id == SQLTYPE_DECIMAL || type.id == SQLTYPE_NUMERIC) {
        t.precision = type.precision;
        t.length = type.precision + 2;
        t.scale = type.scale;
    } else if (sqltype_is_datetime(type.id)) {
        set_date(type, odbc_version, &t);
    } else if (type.id == SQLTYPE_TEXT || type.id == SQLTYPE_NTEXT || type.id == SQLTYPE_IMAGE ||
               type.id == SQLTYPE_ROWVERSION || type.id == SQLTYPE_XML) {
        t.octet_length = t.length;
    }
    return t;
}
