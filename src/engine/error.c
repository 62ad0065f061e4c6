/* SPDX-License-Identifier: MIT */
/* Severities of SQL Server's errors and what they do to a batch. */
#include "engine/error.h"
#undef engine_error
#undef engine_unsupported

#include <stdarg.h>

struct number_row {
    uint16_t number;
    uint8_t value;
};

/* Everything that is not listed has severity 16. */
static const struct number_row severities[] = {
    {102, 15},   {103, 15},   {104, 15},   {105, 15},   {109, 15},   {110, 15},  {111, 15},
    {128, 15},   {134, 15},   {135, 15},   {136, 15},   {137, 15},   {141, 15},  {145, 15},
    {147, 15},   {153, 15},   {156, 15},   {174, 15},   {178, 15},   {189, 15},  {191, 15},
    {195, 15},   {229, 14},   {230, 14},   {262, 14},   {300, 14},   {319, 15},  {916, 14},
    {1033, 15},  {1035, 15},  {1087, 15},  {1205, 13},  {2601, 14},  {2627, 14}, {3701, 11},
    {4145, 15},  {9002, 17},  {10713, 15}, {18456, 14}, {40615, 14}, {155, 15},  {1001, 15},
    {1002, 15},  {1007, 15},  {1060, 15},  {1062, 15},  {2716, 16},  {2717, 15}, {8155, 16},
    {40613, 17}, {4060, 11},  {8631, 17},  {3728, 16},  {106, 15},   {142, 15},  {144, 15},
    {10727, 15}, {10700, 16}, {10716, 15}, {10739, 15}, {4108, 15},  {4112, 15}, {10753, 15},
    {127, 15},   {15600, 15},
};

uint8_t engine_error_severity(uint32_t number)
{
    for (size_t i = 0; i < ES_COUNT_OF(severities); i++) {
        if (severities[i].number == number)
            return severities[i].value;
    }
    return 16;
}

entrasql_status(engine_error)(entrasql_error *err, uint32_t number, uint8_t state, const char *fmt,
                              ...)
{
    va_list ap;
    va_start(ap, fmt);
    es_failv(err, ENTRASQL_SQL_ERROR, fmt, ap);
    va_end(ap);
    if (err != NULL) {
        err->number = number;
        err->state = state;
        err->severity = engine_error_severity(number);
    }
    return ENTRASQL_SQL_ERROR;
}

entrasql_status(engine_unsupported)(entrasql_error *err, const char *what)
{
    return engine_error(err, 40510, 1, "Statement '%s' is not supported by the emulator.", what);
}

/*
 * Run-time errors of one row or statement leave the batch running; conversions
 * end it and the transaction; what the compiler finds ends the batch alone.
 */
static const struct number_row effects[] = {
    {220, ENGINE_EFFECT_STATEMENT},   {229, ENGINE_EFFECT_STATEMENT},
    {230, ENGINE_EFFECT_STATEMENT},   {262, ENGINE_EFFECT_STATEMENT},
    {297, ENGINE_EFFECT_STATEMENT},   {300, ENGINE_EFFECT_STATEMENT},
    {512, ENGINE_EFFECT_STATEMENT},   {515, ENGINE_EFFECT_STATEMENT},
    {530, ENGINE_EFFECT_STATEMENT},   {1505, ENGINE_EFFECT_STATEMENT},
    {544, ENGINE_EFFECT_STATEMENT},   {545, ENGINE_EFFECT_STATEMENT},
    {547, ENGINE_EFFECT_STATEMENT},   {2601, ENGINE_EFFECT_STATEMENT},
    {2627, ENGINE_EFFECT_STATEMENT},  {2628, ENGINE_EFFECT_STATEMENT},
    {8115, ENGINE_EFFECT_STATEMENT},  {8134, ENGINE_EFFECT_STATEMENT},
    {8152, ENGINE_EFFECT_STATEMENT},  {8672, ENGINE_EFFECT_STATEMENT},
    {2812, ENGINE_EFFECT_STATEMENT},  {3701, ENGINE_EFFECT_STATEMENT},
    {3726, ENGINE_EFFECT_STATEMENT},  {3902, ENGINE_EFFECT_STATEMENT},
    {3903, ENGINE_EFFECT_STATEMENT},  {3930, ENGINE_EFFECT_BATCH},
    {8107, ENGINE_EFFECT_STATEMENT},  {15023, ENGINE_EFFECT_STATEMENT},
    {15151, ENGINE_EFFECT_STATEMENT}, {15247, ENGINE_EFFECT_STATEMENT},
    {33130, ENGINE_EFFECT_STATEMENT}, {33131, ENGINE_EFFECT_STATEMENT},
    {33132, ENGINE_EFFECT_STATEMENT}, {33171, ENGINE_EFFECT_STATEMENT},
    {33134, ENGINE_EFFECT_STATEMENT}, {33159, ENGINE_EFFECT_STATEMENT},
    {33162, ENGINE_EFFECT_STATEMENT}, {33163, ENGINE_EFFECT_STATEMENT},
    {33168, ENGINE_EFFECT_STATEMENT}, {33169, ENGINE_EFFECT_STATEMENT},
    {33170, ENGINE_EFFECT_STATEMENT}, {37545, ENGINE_EFFECT_STATEMENT},
    {15063, ENGINE_EFFECT_STATEMENT}, {15405, ENGINE_EFFECT_STATEMENT},
    {15410, ENGINE_EFFECT_STATEMENT}, {15150, ENGINE_EFFECT_STATEMENT},
    {15138, ENGINE_EFFECT_STATEMENT}, {15009, ENGINE_EFFECT_STATEMENT},
    {15197, ENGINE_EFFECT_STATEMENT}, {15225, ENGINE_EFFECT_STATEMENT},
    {15248, ENGINE_EFFECT_STATEMENT}, {15249, ENGINE_EFFECT_STATEMENT},
    {15335, ENGINE_EFFECT_STATEMENT}, {15336, ENGINE_EFFECT_STATEMENT},
    {15135, ENGINE_EFFECT_STATEMENT}, {15217, ENGINE_EFFECT_STATEMENT},
    {15233, ENGINE_EFFECT_STATEMENT}, {15097, ENGINE_EFFECT_STATEMENT},
    {15600, ENGINE_EFFECT_STATEMENT}, {1223, ENGINE_EFFECT_STATEMENT},
    {15144, ENGINE_EFFECT_STATEMENT}, {1222, ENGINE_EFFECT_STATEMENT},
    {6401, ENGINE_EFFECT_STATEMENT},  {201, ENGINE_EFFECT_STATEMENT},
    {8144, ENGINE_EFFECT_STATEMENT},  {8145, ENGINE_EFFECT_STATEMENT},
    {1088, ENGINE_EFFECT_STATEMENT},  {4712, ENGINE_EFFECT_STATEMENT},
    {40508, ENGINE_EFFECT_STATEMENT}, {241, ENGINE_EFFECT_ROLLBACK},
    {242, ENGINE_EFFECT_ROLLBACK},    {245, ENGINE_EFFECT_ROLLBACK},
    {248, ENGINE_EFFECT_ROLLBACK},    {295, ENGINE_EFFECT_ROLLBACK},
    {8114, ENGINE_EFFECT_ROLLBACK},   {8169, ENGINE_EFFECT_ROLLBACK},
    {1205, ENGINE_EFFECT_ROLLBACK},   {3960, ENGINE_EFFECT_ROLLBACK},
};

engine_error_effect engine_error_effect_of(uint32_t number)
{
    for (size_t i = 0; i < ES_COUNT_OF(effects); i++) {
        if (effects[i].number == number)
            return (engine_error_effect)effects[i].value;
    }
    return ENGINE_EFFECT_BATCH;
}

bool engine_error_terminates(uint32_t number)
{
    static const uint16_t numbers[] = {220,  512,  515,  547,  1505, 2601,
                                       2627, 2628, 8115, 8134, 8152, 8672};
    for (size_t i = 0; i < ES_COUNT_OF(numbers); i++) {
        if (numbers[i] == number)
            return true;
    }
    return false;
}

bool engine_error_is_deferred(uint32_t number)
{
    return number == 208 || number == 4121;
}

bool engine_error_is_compiler(uint32_t number)
{
    static const uint16_t numbers[] = {102, 107, 109, 110,  120,  121,  137,  156,  174,
                                       189, 195, 205, 206,  207,  208,  209,  213,  257,
                                       271, 402, 408, 1087, 4104, 4121, 8117, 8120, 8121};
    for (size_t i = 0; i < ES_COUNT_OF(numbers); i++) {
        if (numbers[i] == number)
            return true;
    }
    return false;
}
