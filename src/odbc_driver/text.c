/* SPDX-License-Identifier: MIT */
/* UTF-8, UTF-16 and the locale's charset. */
#include "text.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"

#include <iconv.h>
#include <langinfo.h>
#include <string.h>

static bool is_ascii(const void *p, size_t n)
{
    const uint8_t *bytes = p;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] >= 0x80)
            return false;
    }
    return true;
}

/* The charset of ANSI text; NULL: UTF-8. */
static const char *ansi_charset(void)
{
    const char *name = nl_langinfo(CODESET);
    if (es_str_is_empty(name) || es_strcaseeq(name, "UTF-8") ||
        es_strcaseeq(name, "ANSI_X3.4-1968") || es_strcaseeq(name, "US-ASCII"))
        return NULL;
    return name;
}

/* Appends the conversion of n bytes; what the target lacks becomes '?'. */
static entrasql_status convert(const char *to, const char *from, const char *p, size_t n,
                               es_buf *out)
{
    iconv_t cd = iconv_open(to, from);
    if (cd == (iconv_t)-1) /* NOLINT(performance-no-int-to-ptr) */
        return ENTRASQL_UNSUPPORTED;
    char *in = (char *)(uintptr_t)p;
    entrasql_status status = ENTRASQL_OK;
    while (n != 0 && status == ENTRASQL_OK) {
        uint8_t *room = NULL;
        status = es_buf_prepare(out, 4 * n + 16, &room);
        if (status != ENTRASQL_OK)
            break;
        char *at = (char *)room;
        size_t left = 4 * n + 16;
        size_t rc = iconv(cd, &in, &n, &at, &left);
        es_buf_commit(out, (size_t)((uint8_t *)at - room));
        if (rc == (size_t)-1 && n != 0) {
            status = es_buf_u8(out, '?');
            in++;
            n--;
        }
    }
    (void)iconv_close(cd);
    return status;
}

entrasql_status drv_text_from_wide(const SQLWCHAR *s, SQLINTEGER length, char **ret)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(DRV_TEXT_MAX_BYTES);
    size_t units = 0;
    *ret = NULL;
    if (s == NULL)
        return ENTRASQL_OK;
    if (length < 0) {
        while (s[units] != 0)
            units++;
    } else {
        while (units < (size_t)length && s[units] != 0)
            units++;
    }
    ES_TRY(es_utf16le_to_utf8((const uint8_t *)s, 2 * units, &out));
    *ret = es_buf_take(&out, NULL);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

entrasql_status drv_text_from_ansi(const SQLCHAR *s, SQLINTEGER length, char **ret)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(DRV_TEXT_MAX_BYTES);
    *ret = NULL;
    if (s == NULL)
        return ENTRASQL_OK;
    const char *text = (const char *)s;
    size_t n = length < 0 ? strlen(text) : strnlen(text, (size_t)length);
    const char *charset = is_ascii(s, n) ? NULL : ansi_charset();
    if (charset == NULL && !es_utf8_is_valid(text, n))
        charset = "ISO-8859-1";
    if (charset != NULL)
        ES_TRY(convert("UTF-8", charset, text, n, &out));
    else
        ES_TRY(es_buf_add(&out, text, n));
    *ret = es_buf_take(&out, NULL);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

entrasql_status drv_wide_from_text(const char *utf8, drv_wide *ret)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(DRV_TEXT_MAX_BYTES);
    size_t units = 0;
    *ret = (drv_wide){0};
    if (utf8 == NULL)
        return ENTRASQL_OK;
    ES_TRY(es_buf_utf16le(&out, utf8, strlen(utf8), &units));
    if (units > INT32_MAX)
        return ENTRASQL_LIMIT;
    ES_TRY(es_buf_u16le(&out, 0));
    ret->units = (SQLINTEGER)units;
    ret->text = (SQLWCHAR *)(void *)es_buf_take(&out, NULL);
    return ret->text != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

entrasql_status drv_wide_from_ansi(const SQLCHAR *s, SQLINTEGER length, drv_wide *ret)
{
    char *text = NULL;
    *ret = (drv_wide){0};
    ES_TRY(drv_text_from_ansi(s, length, &text));
    entrasql_status status = drv_wide_from_text(text, ret);
    es_free_wipe_str(text);
    return status;
}

void drv_wide_free(drv_wide *w)
{
    if (w->text != NULL)
        es_free_wipe(w->text, 2 * (size_t)w->units);
    *w = (drv_wide){0};
}

bool drv_put_wide(const char *utf8, SQLWCHAR *buffer, size_t size, size_t *ret_length)
{
    drv_wide wide;
    if (drv_wide_from_text(utf8, &wide) != ENTRASQL_OK)
        wide = (drv_wide){0}; /* without memory: nothing to show */
    size_t units = (size_t)wide.units;
    size_t fits = size == 0 ? 0 : units < size ? units : size - 1;
    if (buffer != NULL && size != 0) {
        if (wide.text != NULL)
            memcpy(buffer, wide.text, fits * sizeof *buffer);
        buffer[fits] = 0;
    }
    if (ret_length != NULL)
        *ret_length = units;
    drv_wide_free(&wide);
    return buffer != NULL && fits < units;
}

bool drv_put_ansi(const char *utf8, SQLCHAR *buffer, size_t size, size_t *ret_length)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(DRV_TEXT_MAX_BYTES);
    const char *text = utf8 != NULL ? utf8 : "";
    size_t n = strlen(text);
    const char *charset = is_ascii(text, n) ? NULL : ansi_charset();
    if (charset != NULL && convert(charset, "UTF-8", text, n, &out) == ENTRASQL_OK) {
        text = (const char *)out.data;
        n = out.len;
    }
    size_t fits = size == 0 ? 0 : n < size ? n : size - 1;
    if (buffer != NULL && size != 0) {
        memcpy(buffer, text, fits);
        buffer[fits] = '\0';
        if (fits < n && charset == NULL)
            es_utf8_trim_end((char *)buffer);
    }
    if (ret_length != NULL)
        *ret_length = n;
    return buffer != NULL && fits < n;
}
