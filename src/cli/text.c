/* SPDX-License-Identifier: MIT */
/* Widths and safe forms of text. */
#include "cli/text.h"

#include "base/utf16.h"

#include <string.h>

#define WRAP_INDENT 2U
#define LAYOUT_INDENT 10U
#define LEAST_INDENT 2U

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

entrasql_status cli_text_add_cut(es_buf *out, const char *s, size_t n, size_t width)
{
    size_t used = 0;
    size_t at = 0;
    while (at < n) {
        uint32_t c = 0;
        size_t bytes = es_utf8_decode(s + at, n - at, &c);
        bytes = bytes != 0 ? bytes : 1;
        size_t wide = character_width(c);
        if (used + wide + 1 > width)
            break;
        used += wide;
        at += bytes;
    }
    ES_TRY(es_buf_add(out, s, at));
    ES_TRY(es_buf_add_str(out, "\xE2\x80\xA6"));
    return used + 1 < width ? es_buf_fill(out, ' ', width - used - 1) : ENTRASQL_OK;
}

/* The bytes of the word at s, blanks before it included, up to a blank or line end. */
static size_t word_length(const char *s, size_t n)
{
    size_t at = 0;
    while (at < n && s[at] == ' ')
        at++;
    while (at < n && s[at] != ' ' && s[at] != '\n')
        at++;
    return at;
}

/* A word that just does not fit behind the indent (a GUID and its comma) stands further left. */
static size_t indent_for(size_t wide, size_t indent, size_t width)
{
    bool fits_further_left = indent + wide > width && LEAST_INDENT + wide <= width;
    return fits_further_left ? width - wide : indent;
}

/* Words into lines of `width`, `used` columns of the first are taken; the others are indented. */
static entrasql_status wrap(es_buf *out, const char *s, size_t n, size_t used, size_t indent,
                            size_t width)
{
    size_t start = 0; /* where the line begins: a word that is too long stays there */
    while (n != 0) {
        size_t length = *s == '\n' ? 1 : word_length(s, n);
        size_t wide = cli_text_width(s, length);
        if (*s == '\n') {
            used = 0;
            start = 0;
        } else if (used + wide > width && used > start) {
            while (length != 0 && *s == ' ') {
                s++;
                n--;
                length--;
            }
            wide = cli_text_width(s, length);
            start = indent_for(wide, indent, width);
            ES_TRY(es_buf_u8(out, '\n'));
            ES_TRY(es_buf_fill(out, ' ', start));
            used = start + wide;
        } else {
            used += wide;
        }
        ES_TRY(es_buf_add(out, s, length));
        s += length;
        n -= length;
    }
    return ENTRASQL_OK;
}

entrasql_status cli_text_add_hung(es_buf *out, const char *s, size_t n, size_t used, size_t hang,
                                  size_t width)
{
    return width != 0 ? wrap(out, s, n, used, hang, width) : es_buf_add(out, s, n);
}

entrasql_status cli_text_add_wrapped(es_buf *out, const char *s, size_t n, size_t used,
                                     size_t width)
{
    return cli_text_add_hung(out, s, n, used, WRAP_INDENT, width);
}

/* ---- layouts ---- */

static size_t blanks_at(const char *s, size_t n, size_t at)
{
    size_t count = 0;
    while (at + count < n && s[at + count] == ' ')
        count++;
    return count;
}

/* The next column of a table: where two or more blanks after `at` end; n for none. */
static size_t next_column(const char *s, size_t n, size_t at, size_t *ret_gap)
{
    for (; at < n; at++) {
        size_t blanks = blanks_at(s, n, at);
        if (blanks >= 2 && at + blanks < n) {
            *ret_gap = at;
            return at + blanks;
        }
    }
    return n;
}

/* A line that is too long: what stands in its last column goes on below its beginning. */
static entrasql_status lay_out_line(es_buf *out, const char *s, size_t n, size_t width)
{
    size_t lead = blanks_at(s, n, 0);
    size_t hang = lead;
    size_t gap = 0;
    size_t column = next_column(s, n, lead, &gap);

    if (lead > width / 2) { /* goes on from a line above, whose column is too far right, too */
        ES_TRY(es_buf_fill(out, ' ', LAYOUT_INDENT));
        return wrap(out, s + lead, n - lead, LAYOUT_INDENT, LAYOUT_INDENT, width);
    }
    if (column < n && column > width / 2) {
        ES_TRY(es_buf_add(out, s, gap));
        ES_TRY(es_buf_u8(out, '\n'));
        ES_TRY(es_buf_fill(out, ' ', LAYOUT_INDENT));
        return wrap(out, s + column, n - column, LAYOUT_INDENT, LAYOUT_INDENT, width);
    }
    while (column < n && column <= width / 2) {
        hang = column;
        column = next_column(s, n, column, &gap);
    }
    ES_TRY(es_buf_add(out, s, hang));
    return wrap(out, s + hang, n - hang, hang, hang != 0 ? hang : WRAP_INDENT, width);
}

/* Where a paragraph ends that begins at s: before an empty line, or one that is indented. */
static size_t paragraph_length(const char *s, size_t n)
{
    for (size_t at = 0; at < n; at++) {
        if (s[at] == '\n' && (at + 1 == n || s[at + 1] == '\n' || s[at + 1] == ' '))
            return at;
    }
    return n;
}

/* Several lines of running text are broken anew. */
static entrasql_status lay_out_paragraph(es_buf *out, const char *s, size_t n, size_t width)
{
    ES_CLEANUP(es_buf_done) es_buf joined = ES_BUF_INIT(n);
    for (size_t i = 0; i < n; i++)
        ES_TRY(es_buf_u8(&joined, s[i] == '\n' ? ' ' : (uint8_t)s[i]));
    return wrap(out, (const char *)joined.data, joined.len, 0, 0, width);
}

static entrasql_status lay_out_line_or_more(es_buf *out, const char *s, size_t n, size_t *length,
                                            size_t width)
{
    size_t gap = 0;
    if (*s == ' ' || next_column(s, *length, 0, &gap) < *length)
        return lay_out_line(out, s, *length, width);
    size_t paragraph = paragraph_length(s, n);
    if (paragraph == *length)
        return lay_out_line(out, s, *length, width);
    *length = paragraph;
    return lay_out_paragraph(out, s, paragraph, width);
}

entrasql_status cli_text_add_laid_out(es_buf *out, const char *s, size_t n, size_t width)
{
    while (n != 0) {
        const char *end = memchr(s, '\n', n);
        size_t length = end != NULL ? (size_t)(end - s) : n;
        if (width == 0 || cli_text_width(s, length) <= width)
            ES_TRY(es_buf_add(out, s, length));
        else
            ES_TRY(lay_out_line_or_more(out, s, n, &length, width));
        s += length;
        n -= length;
        if (n == 0)
            break;
        ES_TRY(es_buf_u8(out, '\n'));
        s++;
        n--;
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
