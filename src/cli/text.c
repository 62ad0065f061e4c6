/* SPDX-License-Identifier: MIT */
/* Widths and safe forms of text. */
#include "cli/text.h"

#include "base/utf16.h"

#include <string.h>

typedef struct range {
    uint32_t first;
    uint32_t last;
} range;

/* Marks that stand on the character before, and characters of no width (the common blocks). */
static const range zero_width[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489},   {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x06D6, 0x06DC}, {0x0900, 0x0902},   {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D},
    {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},   {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x200B, 0x200F}, {0x2060, 0x2064},   {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
    {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
};

/* East Asian Wide and Fullwidth, and emoji. */
static const range double_width[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},
    {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},
    {0xA000, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};

static bool is_in(uint32_t c, const range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

static size_t character_width(uint32_t c)
{
    if (c < 0x0300 || (c < 0x1100 && !is_in(c, zero_width, ES_COUNT_OF(zero_width))))
        return 1;
    if (is_in(c, double_width, ES_COUNT_OF(double_width)))
        return 2;
    return is_in(c, zero_width, ES_COUNT_OF(zero_width)) ? 0 : 1;
}

size_t cli_text_width(const char *s, size_t n)
{
    size_t width = 0;
    while (n != 0) {
        uint32_t c = 0;
        size_t used = es_utf8_decode(s, n, &c);
        if (used == 0)
            used = 1;
        width += character_width(c);
        s += used;
        n -= used;
    }
    return width;
}

/* C0, DEL, C1, and what turns the direction of text around. */
static bool steers_terminal(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

static entrasql_status add_character(es_buf *out, const char *s, size_t used, uint32_t c,
                                     cli_text_form form)
{
    if (used == 0 || (c >= 0xD800 && c <= 0xDFFF))
        return es_buf_add_str(out, "\xEF\xBF\xBD");
    if (form == CLI_TEXT_RAW || !steers_terminal(c))
        return es_buf_add(out, s, used);
    if (c == '\n' || c == '\t' || c == '\r')
        return form == CLI_TEXT_LINE ? es_buf_u8(out, ' ') : es_buf_add(out, s, used);
    return es_buf_u8(out, '?');
}

entrasql_status cli_text_add(es_buf *out, const char *s, size_t n, cli_text_form form)
{
    while (n != 0) {
        uint32_t c = 0;
        size_t used = es_utf8_decode(s, n, &c);
        ES_TRY(add_character(out, s, used, c, form));
        s += used != 0 ? used : 1;
        n -= used != 0 ? used : 1;
    }
    return ENTRASQL_OK;
}

static bool needs_quotes(const char *s, size_t n)
{
    if (n == 0)
        return true; /* a NULL is the field without quotes */
    for (size_t i = 0; i < n; i++) {
        if (s[i] == ',' || s[i] == '"' || s[i] == '\n' || s[i] == '\r')
            return true;
    }
    return s[0] == ' ' || s[n - 1] == ' ';
}

entrasql_status cli_text_add_csv(es_buf *out, const char *s, size_t n, cli_text_form form)
{
    if (!needs_quotes(s, n))
        return cli_text_add(out, s, n, form);
    ES_TRY(es_buf_u8(out, '"'));
    while (n != 0) {
        const char *quote = memchr(s, '"', n);
        size_t plain = quote != NULL ? (size_t)(quote - s) : n;
        ES_TRY(cli_text_add(out, s, plain, form));
        s += plain;
        n -= plain;
        if (quote != NULL) {
            ES_TRY(es_buf_add_str(out, "\"\""));
            s++;
            n--;
        }
    }
    return es_buf_u8(out, '"');
}
