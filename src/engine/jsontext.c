/* SPDX-License-Identifier: MIT */
/* Scanning JSON, walking it, paths. */
#include "engine/jsontext.h"

#include "base/str.h"

#include <string.h>

typedef struct scan {
    const char *at;
    const char *end;
    unsigned depth;
} scan;

static void skip_blanks(scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool take(scan *s, char c)
{
    if (s->at >= s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool scan_string(scan *s)
{
    if (!take(s, '"'))
        return false;
    while (s->at < s->end) {
        char c = *s->at;
        if (c == '"') {
            s->at++;
            return true;
        }
        if ((unsigned char)c < 0x20)
            return false;
        s->at++;
        if (c != '\\')
            continue;
        if (s->at >= s->end || strchr("\"\\/bfnrtu", *s->at) == NULL || *s->at == '\0')
            return false;
        if (*s->at++ != 'u')
            continue;
        for (int i = 0; i < 4; i++) {
            if (s->at >= s->end || !is_hex(*s->at))
                return false;
            s->at++;
        }
    }
    return false;
}

static bool scan_digits(scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at != from;
}

static bool scan_number(scan *s)
{
    (void)take(s, '-');
    if (!take(s, '0') && !scan_digits(s))
        return false;
    if (take(s, '.') && !scan_digits(s))
        return false;
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (!take(s, '+'))
            (void)take(s, '-');
        return scan_digits(s);
    }
    return true;
}

static bool scan_word(scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
        return false;
    s->at += n;
    return true;
}

static bool scan_value(scan *s, engine_json *ret);

static bool scan_container(scan *s, bool object)
{
    engine_json ignored;
    char close = object ? '}' : ']';
    s->at++;
    skip_blanks(s);
    if (take(s, close))
        return true;
    for (;;) {
        skip_blanks(s);
        if (object) {
            if (!scan_string(s))
                return false;
            skip_blanks(s);
            if (!take(s, ':'))
                return false;
        }
        if (!scan_value(s, &ignored))
            return false;
        skip_blanks(s);
        if (take(s, close))
            return true;
        if (!take(s, ','))
            return false;
    }
}

static bool scan_value(scan *s, engine_json *ret)
{
    bool ok = false;
    skip_blanks(s);
    if (s->at >= s->end || s->depth >= ENGINE_JSON_DEPTH_MAX)
        return false;
    ret->text = s->at;
    s->depth++;
    switch (*s->at) {
    case '{':
    case '[':
        ret->type = *s->at == '{' ? ENGINE_JSON_OBJECT : ENGINE_JSON_ARRAY;
        ok = scan_container(s, *s->at == '{');
        break;
    case '"':
        ret->type = ENGINE_JSON_STRING;
        ok = scan_string(s);
        break;
    case 't':
    case 'f':
        ret->type = ENGINE_JSON_BOOL;
        ok = scan_word(s, *s->at == 't' ? "true" : "false");
        break;
    case 'n':
        ret->type = ENGINE_JSON_NULL;
        ok = scan_word(s, "null");
        break;
    default:
        ret->type = ENGINE_JSON_NUMBER;
        ok = scan_number(s);
        break;
    }
    s->depth--;
    ret->n = (size_t)(s->at - ret->text);
    return ok;
}

bool engine_json_read(const char *text, size_t n, engine_json *ret, size_t *ret_bad)
{
    scan s = {.at = text, .end = text + n};
    bool ok = scan_value(&s, ret);
    if (ok)
        skip_blanks(&s);
    if (ret_bad != NULL)
        *ret_bad = (size_t)(s.at - text);
    return ok && s.at == s.end;
}

entrasql_status engine_json_parse(const char *text, size_t n, engine_json *ret, entrasql_error *err)
{
    size_t bad;
    char near[8];
    if (engine_json_read(text, n, ret, &bad))
        return ENTRASQL_OK;
    es_printable(near, sizeof near, bad < n ? text + bad : ".", 1);
    return engine_error(err, 13609, 1,
                        "JSON text is not properly formatted. Unexpected character '%s' is found "
                        "at position %zu.",
                        near, bad);
}

/* ---- walking ---- */

void engine_json_walk_begin(engine_json_walk *w, const engine_json *container)
{
    bool open = container->type == ENGINE_JSON_OBJECT || container->type == ENGINE_JSON_ARRAY;
    *w = (engine_json_walk){
        .at = container->text + 1,
        .end = open ? container->text + container->n : container->text + 1,
        .object = container->type == ENGINE_JSON_OBJECT,
    };
}

bool engine_json_walk_next(engine_json_walk *w)
{
    scan s = {.at = w->at, .end = w->end};
    skip_blanks(&s);
    if (w->begun && !take(&s, ','))
        return false;
    skip_blanks(&s);
    if (w->object) {
        w->key = (engine_json){.type = ENGINE_JSON_STRING, .text = s.at};
        if (!scan_string(&s))
            return false;
        w->key.n = (size_t)(s.at - w->key.text);
        skip_blanks(&s);
        if (!take(&s, ':'))
            return false;
    }
    if (!scan_value(&s, &w->value))
        return false;
    w->begun = true;
    w->at = s.at;
    return true;
}

/* ---- strings ---- */

static uint32_t hex4(const char *s)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        char c = es_ascii_lower(s[i]);
        v = v * 16 + (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return v;
}

static entrasql_status add_char(es_buf *ret, uint32_t c)
{
    char out[4];
    size_t n = 0;
    if (c < 0x80) {
        out[n++] = (char)c;
    } else if (c < 0x800) {
        out[n++] = (char)(0xC0 | (c >> 6));
        out[n++] = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        out[n++] = (char)(0xE0 | (c >> 12));
        out[n++] = (char)(0x80 | ((c >> 6) & 0x3F));
        out[n++] = (char)(0x80 | (c & 0x3F));
    } else {
        out[n++] = (char)(0xF0 | (c >> 18));
        out[n++] = (char)(0x80 | ((c >> 12) & 0x3F));
        out[n++] = (char)(0x80 | ((c >> 6) & 0x3F));
        out[n++] = (char)(0x80 | (c & 0x3F));
    }
    return es_buf_add(ret, out, n);
}

/* After "\u": one character, of two escapes when it is a pair; a lone half becomes U+FFFD. */
static entrasql_status add_escaped(es_buf *ret, const char **at, const char *end)
{
    uint32_t c = hex4(*at);
    *at += 4;
    if (c >= 0xD800 && c < 0xDC00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        uint32_t low = hex4(*at + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            *at += 6;
            return add_char(ret, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
        }
    }
    return add_char(ret, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
}

entrasql_status engine_json_unquote(const engine_json *v, es_buf *ret)
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    if (v->type != ENGINE_JSON_STRING)
        return es_buf_add(ret, v->text, v->n);
    const char *end = v->text + v->n - 1;
    for (const char *at = v->text + 1; at < end;) {
        const char *plain = memchr(at, '\\', (size_t)(end - at));
        size_t n = (size_t)((plain != NULL ? plain : end) - at);
        ES_TRY(es_buf_add(ret, at, n));
        at += n;
        if (plain == NULL)
            break;
        char c = at[1];
        at += 2;
        const char *known = strchr(from, c);
        if (c == 'u')
            ES_TRY(add_escaped(ret, &at, end));
        else
            ES_TRY(es_buf_add(ret, known != NULL ? &to[known - from] : &c, 1));
    }
    return ENTRASQL_OK;
}

entrasql_status engine_json_quote(const char *s, size_t n, es_buf *ret)
{
    static const char from[] = "\b\f\n\r\t\"\\/";
    static const char to[] = "bfnrt\"\\/";
    ES_TRY(es_buf_add_str(ret, "\""));
    for (size_t i = 0; i < n; i++) {
        const char *known = s[i] != '\0' ? strchr(from, s[i]) : NULL;
        if (known != NULL)
            ES_TRY(es_buf_printf(ret, "\\%c", to[known - from]));
        else if ((unsigned char)s[i] < 0x20)
            ES_TRY(es_buf_printf(ret, "\\u%04x", (unsigned)(unsigned char)s[i]));
        else
            ES_TRY(es_buf_add(ret, &s[i], 1));
    }
    return es_buf_add_str(ret, "\"");
}

bool engine_json_is_key(const engine_json *key, const char *name, size_t n)
{
    if (key->n - 2 == n && memcmp(key->text + 1, name, n) == 0)
        return true;
    if (memchr(key->text, '\\', key->n) == NULL)
        return false;
    ES_CLEANUP(es_buf_done) es_buf plain = ES_BUF_INIT(key->n + 1);
    return engine_json_unquote(key, &plain) == ENTRASQL_OK && plain.len == n &&
           (n == 0 || memcmp(plain.data, name, n) == 0);
}

/* ---- paths ---- */

static bool is_name_char(char c)
{
    char lower = es_ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

static entrasql_status bad_path(const char *text, size_t n, size_t at, entrasql_error *err)
{
    char near[8];
    es_printable(near, sizeof near, at < n ? text + at : ".", 1);
    return engine_error(err, 13607, 4,
                        "JSON path is not properly formatted. Unexpected character '%s' is found "
                        "at position %zu.",
                        near, at);
}

static bool read_word(scan *s, const char *word)
{
    scan saved = *s;
    if (scan_word(s, word) && s->at < s->end && *s->at == ' ') {
        skip_blanks(s);
        return true;
    }
    *s = saved;
    return false;
}

static bool read_name(scan *s, engine_json_step *step)
{
    s->at++;
    if (s->at < s->end && *s->at == '"') {
        const char *from = s->at + 1;
        if (!scan_string(s))
            return false;
        *step = (engine_json_step){.name = from, .n = (size_t)(s->at - 1 - from)};
        return true;
    }
    const char *from = s->at;
    while (s->at < s->end && is_name_char(*s->at))
        s->at++;
    *step = (engine_json_step){.name = from, .n = (size_t)(s->at - from)};
    return step->n != 0;
}

static bool read_index(scan *s, engine_json_step *step)
{
    uint64_t index = 0;
    s->at++;
    const char *from = s->at;
    if (!scan_digits(s) ||
        es_parse_u64(from, (size_t)(s->at - from), UINT32_MAX, &index) != ENTRASQL_OK)
        return false;
    *step = (engine_json_step){.is_index = true, .index = (size_t)index};
    return take(s, ']');
}

entrasql_status engine_json_path_parse(const char *text, size_t n, engine_json_path *ret,
                                       entrasql_error *err)
{
    scan s = {.at = text, .end = text + n};
    ret->count = 0;
    skip_blanks(&s);
    ret->append = read_word(&s, "append");
    ret->strict = read_word(&s, "strict");
    if (!ret->strict)
        (void)read_word(&s, "lax");
    if (!take(&s, '$'))
        return bad_path(text, n, (size_t)(s.at - text), err);
    while (s.at < s.end && *s.at != ' ') {
        bool ok = ret->count < ENGINE_JSON_STEPS_MAX;
        engine_json_step *step = &ret->steps[ok ? ret->count++ : 0];
        if (ok && *s.at == '.')
            ok = read_name(&s, step);
        else
            ok = ok && *s.at == '[' && read_index(&s, step);
        if (!ok)
            return bad_path(text, n, (size_t)(s.at - text), err);
    }
    skip_blanks(&s);
    return s.at == s.end ? ENTRASQL_OK : bad_path(text, n, (size_t)(s.at - text), err);
}

static bool follow(const engine_json *from, const engine_json_step *step, engine_json *ret)
{
    engine_json_walk w;
    if (from->type != (step->is_index ? ENGINE_JSON_ARRAY : ENGINE_JSON_OBJECT))
        return false;
    engine_json_walk_begin(&w, from);
    for (size_t i = 0; engine_json_walk_next(&w); i++) {
        if (step->is_index ? i == step->index : engine_json_is_key(&w.key, step->name, step->n)) {
            *ret = w.value;
            return true;
        }
    }
    return false;
}

bool engine_json_find(const engine_json *root, const engine_json_path *path, size_t count,
                      engine_json *ret)
{
    *ret = *root;
    for (size_t i = 0; i < count; i++) {
        engine_json from = *ret;
        if (!follow(&from, &path->steps[i], ret))
            return false;
    }
    return true;
}
