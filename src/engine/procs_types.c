/* SPDX-License-Identifier: MIT */
/* sp_datatype_info: the rows of SQLGetTypeInfo(). */
#include "engine/procs_impl.h"

static const engine_view_column type_columns[] = {
    {"TYPE_NAME", "sysname", false},
    {"DATA_TYPE", "smallint", false},
    {"PRECISION", "int", true},
    {"LITERAL_PREFIX", "varchar(32)", true},
    {"LITERAL_SUFFIX", "varchar(32)", true},
    {"CREATE_PARAMS", "varchar(32)", true},
    {"NULLABLE", "smallint", false},
    {"CASE_SENSITIVE", "smallint", false},
    {"SEARCHABLE", "smallint", false},
    {"UNSIGNED_ATTRIBUTE", "smallint", true},
    {"MONEY", "smallint", false},
    {"AUTO_INCREMENT", "smallint", true},
    {"LOCAL_TYPE_NAME", "sysname", true},
    {"MINIMUM_SCALE", "smallint", true},
    {"MAXIMUM_SCALE", "smallint", true},
    {"SQL_DATA_TYPE", "smallint", false},
    {"SQL_DATETIME_SUB", "smallint", true},
    {"NUM_PREC_RADIX", "int", true},
    {"INTERVAL_PRECISION", "smallint", true},
    {"USERTYPE", "smallint", true},
};

enum { DATA_TYPE, ODBC_VERSION };

static const engine_proc_param type_params[] = {
    {.name = "@data_type", .is_number = true},
    {.name = "@ODBCVer", .is_number = true, .number = 2},
};

enum { NONE = -1 };

typedef struct type_row {
    const char *name;
    int16_t data_type; /* ODBC 3 */
    int32_t precision;
    const char *prefix;
    const char *suffix;
    const char *params;
    int8_t nullable;
    int8_t searchable;
    int8_t is_unsigned;
    int8_t money;
    int8_t auto_increment;
    int8_t min_scale;
    int8_t max_scale;
    int8_t radix;
    int8_t user_type;
} type_row;

/* In the order of DATA_TYPE, AUTO_INCREMENT, MONEY, USERTYPE, as the server sorts them. */
static const type_row rows[] = {
    {"datetimeoffset", -155, 34, "'", "'", "scale", 1, 3, NONE, 0, NONE, 0, 7, NONE, 0},
    {"time", -154, 16, "'", "'", "scale", 1, 3, NONE, 0, NONE, 0, 7, NONE, 0},
    {"xml", -152, 0, "N'", "'", NULL, 1, 0, NONE, 0, NONE, NONE, NONE, NONE, 0},
    {"sql_variant", -150, 8000, NULL, NULL, NULL, 1, 2, NONE, 0, NONE, 0, 0, 10, 39},
    {"uniqueidentifier", -11, 36, "'", "'", NULL, 1, 2, NONE, 0, NONE, NONE, NONE, NONE, 37},
    {"ntext", -10, 1073741823, "N'", "'", NULL, 1, 1, NONE, 0, NONE, NONE, NONE, NONE, 0},
    {"nvarchar", -9, 4000, "N'", "'", "max length", 1, 3, NONE, 0, NONE, NONE, NONE, NONE, 0},
    {"sysname", -9, 128, "N'", "'", NULL, 0, 3, NONE, 0, NONE, NONE, NONE, NONE, 18},
    {"nchar", -8, 4000, "N'", "'", "length", 1, 3, NONE, 0, NONE, NONE, NONE, NONE, 0},
    {"bit", -7, 1, NULL, NULL, NULL, 1, 2, NONE, 0, NONE, 0, 0, NONE, 16},
    {"tinyint", -6, 3, NULL, NULL, NULL, 1, 2, 1, 0, 0, 0, 0, 10, 5},
    {"tinyint identity", -6, 3, NULL, NULL, NULL, 0, 2, 1, 0, 1, 0, 0, 10, 5},
    {"bigint", -5, 19, NULL, NULL, NULL, 1, 2, 0, 0, 0, 0, 0, 10, 0},
    {"bigint identity", -5, 19, NULL, NULL, NULL, 0, 2, 0, 0, 1, 0, 0, 10, 0},
    {"image", -4, 2147483647, "0x", NULL, NULL, 1, 0, NONE, 0, NONE, NONE, NONE, NONE, 20},
    {"varbinary", -3, 8000, "0x", NULL, "max length", 1, 2, NONE, 0, NONE, NONE, NONE, NONE, 4},
    {"binary", -2, 8000, "0x", NULL, "length", 1, 2, NONE, 0, NONE, NONE, NONE, NONE, 3},
    {"timestamp", -2, 8, "0x", NULL, NULL, 0, 2, NONE, 0, NONE, NONE, NONE, NONE, 80},
    {"text", -1, 2147483647, "'", "'", NULL, 1, 1, NONE, 0, NONE, NONE, NONE, NONE, 19},
    {"char", 1, 8000, "'", "'", "length", 1, 3, NONE, 0, NONE, NONE, NONE, NONE, 1},
    {"numeric", 2, 38, NULL, NULL, "precision,scale", 1, 2, 0, 0, 0, 0, 38, 10, 10},
    {"numeric() identity", 2, 38, NULL, NULL, "precision", 0, 2, 0, 0, 1, 0, 0, 10, 10},
    {"decimal", 3, 38, NULL, NULL, "precision,scale", 1, 2, 0, 0, 0, 0, 38, 10, 24},
    {"money", 3, 19, "$", NULL, NULL, 1, 2, 0, 1, 0, 4, 4, 10, 11},
    {"smallmoney", 3, 10, "$", NULL, NULL, 1, 2, 0, 1, 0, 4, 4, 10, 21},
    {"decimal() identity", 3, 38, NULL, NULL, "precision", 0, 2, 0, 0, 1, 0, 0, 10, 24},
    {"int", 4, 10, NULL, NULL, NULL, 1, 2, 0, 0, 0, 0, 0, 10, 7},
    {"int identity", 4, 10, NULL, NULL, NULL, 0, 2, 0, 0, 1, 0, 0, 10, 7},
    {"smallint", 5, 5, NULL, NULL, NULL, 1, 2, 0, 0, 0, 0, 0, 10, 6},
    {"smallint identity", 5, 5, NULL, NULL, NULL, 0, 2, 0, 0, 1, 0, 0, 10, 6},
    {"float", 6, 53, NULL, NULL, NULL, 1, 2, 0, 0, 0, NONE, NONE, 2, 8},
    {"real", 7, 24, NULL, NULL, NULL, 1, 2, 0, 0, 0, NONE, NONE, 2, 23},
    {"varchar", 12, 8000, "'", "'", "max length", 1, 3, NONE, 0, NONE, NONE, NONE, NONE, 2},
    {"date", 91, 10, "'", "'", NULL, 1, 3, NONE, 0, NONE, NONE, 0, NONE, 0},
    {"datetime2", 93, 27, "'", "'", "scale", 1, 3, NONE, 0, NONE, 0, 7, NONE, 0},
    {"datetime", 93, 23, "'", "'", NULL, 1, 3, NONE, 0, NONE, 3, 3, NONE, 12},
    {"smalldatetime", 93, 16, "'", "'", NULL, 1, 3, NONE, 0, NONE, 0, 0, NONE, 22},
};

/* Old drivers know 9 and 11 for dates and times. */
static int16_t data_type_of(const type_row *row, int64_t odbc_version)
{
    if (odbc_version >= 3 || (row->data_type != 91 && row->data_type != 93))
        return row->data_type;
    return row->data_type == 91 ? 9 : 11;
}

static bool is_date(const type_row *row)
{
    return row->data_type == 91 || row->data_type == 93;
}

static void add_row(engine_rows *r, const type_row *row, int16_t data_type)
{
    int16_t sub = row->data_type == 91 ? 1 : 3;
    bool timed = row->data_type == -154 || row->data_type == -155;
    engine_row_text(r, row->name);
    engine_row_int(r, data_type);
    engine_row_int(r, row->precision);
    engine_row_text(r, row->prefix);
    engine_row_text(r, row->suffix);
    engine_row_text(r, row->params);
    engine_row_int(r, row->nullable);
    engine_row_int(r, 0);
    engine_row_int(r, row->searchable);
    engine_row_or_null(r, row->is_unsigned);
    engine_row_int(r, row->money);
    engine_row_or_null(r, row->auto_increment);
    engine_row_text(r, row->name);
    engine_row_or_null(r, row->min_scale);
    engine_row_or_null(r, row->max_scale);
    engine_row_int(r, is_date(row) ? 9 : row->data_type);
    engine_row_or_null(r, is_date(row) ? sub : timed ? 0 : NONE);
    engine_row_or_null(r, row->radix);
    engine_row_null(r);
    engine_row_int(r, row->user_type);
}

static entrasql_status run_types(engine_proc_call *call)
{
    int64_t wanted = call->number[DATA_TYPE];
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        int16_t data_type = data_type_of(&rows[i], call->number[ODBC_VERSION]);
        if (wanted == 0 || wanted == data_type || wanted == rows[i].data_type)
            add_row(&call->rows, &rows[i], data_type);
    }
    return ENTRASQL_OK;
}

#define TYPES_PROC(proc_name)                                                                      \
    {                                                                                              \
        .name = (proc_name), .params = type_params, .param_count = ES_COUNT_OF(type_params),       \
        .result = ENGINE_PROC_RESULT(type_columns), .run = run_types                               \
    }

static const engine_proc procs[] = {
    TYPES_PROC("sp_datatype_info"),
    TYPES_PROC("sp_datatype_info_90"),
    TYPES_PROC("sp_datatype_info_100"),
    TYPES_PROC("sp_datatype_info_170"),
};

const engine_procs engine_procs_types = {procs, ES_COUNT_OF(procs)};
