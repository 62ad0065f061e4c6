/* SPDX-License-Identifier: MIT */
/* odbcinst.ini, edited in place. */
#include "odbc_glue/registry.h"

#include "base/mem.h"
#include "base/str.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES (1024 * 1024)
#define DEFAULT_MODE 0644

static entrasql_status join(const char *folder, const char *name, char **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf path = ES_BUF_INIT(4096);
    if (es_buf_printf(&path, "%s/%s", folder, name) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "the path of odbcinst.ini is too long");
    *ret = es_buf_take(&path, NULL);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status glue_registry_file(glue_scope scope, char **ret, entrasql_error *err)
{
    if (scope == GLUE_SCOPE_USER) {
        const char *home = getenv("HOME");
        if (es_str_is_empty(home)) {
            es_fail(err, ENTRASQL_CONFIG, "HOME is not set, so there is no ~/.odbcinst.ini");
            es_hint(err, "--system changes the file for everybody");
            return ENTRASQL_CONFIG;
        }
        return join(home, ".odbcinst.ini", ret, err);
    }
    const char *folder = getenv("ODBCSYSINI");
    const char *name = getenv("ODBCINSTINI");
    if (name == NULL || name[0] == '\0')
        name = "odbcinst.ini";
    if (name[0] == '/') {
        *ret = es_strdup(name);
        return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
    }
    return join(es_str_is_empty(folder) ? "/etc" : folder, name, ret, err);
}

/* "[name]", with blanks around. */
static bool is_header(const char *line, size_t n)
{
    while (n != 0 && es_is_space(*line)) {
        line++;
        n--;
    }
    return n != 0 && *line == '[';
}

static bool is_header_of(const char *line, size_t n, const char *section)
{
    const char *open = memchr(line, '[', n);
    const char *close = open != NULL ? memchr(open, ']', n - (size_t)(open - line)) : NULL;
    if (close == NULL)
        return false;
    size_t length = (size_t)(close - open) - 1;
    return length == strlen(section) && es_strncaseeq(open + 1, section, length);
}

static entrasql_status add_section(const char *section, const char *body, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "[%s]\n", section));
    return es_buf_add_str(out, body);
}

static entrasql_status add_at_end(const char *section, const char *body, es_buf *out)
{
    if (out->len != 0 && out->data[out->len - 1] != '\n')
        ES_TRY(es_buf_u8(out, '\n'));
    if (out->len != 0)
        ES_TRY(es_buf_u8(out, '\n'));
    return add_section(section, body, out);
}

entrasql_status glue_registry_edit(const char *text, const char *section, const char *body,
                                   es_buf *out, bool *ret_found)
{
    bool inside = false;
    *ret_found = false;
    while (*text != '\0') {
        const char *newline = strchr(text, '\n');
        size_t n = newline != NULL ? (size_t)(newline - text) + 1 : strlen(text);
        if (is_header(text, n)) {
            inside = is_header_of(text, n, section);
            if (inside && !*ret_found && body != NULL)
                ES_TRY(add_section(section, body, out));
            *ret_found = *ret_found || inside;
        }
        if (!inside)
            ES_TRY(es_buf_add(out, text, n));
        text += n;
    }
    if (*ret_found || body == NULL)
        return ENTRASQL_OK;
    return add_at_end(section, body, out);
}

entrasql_status glue_registry_change(const char *file, const char *section, const char *body,
                                     bool *ret_found, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(FILE_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf changed = ES_BUF_INIT(FILE_MAX_BYTES + 8192);
    struct stat st;
    mode_t mode = DEFAULT_MODE;

    *ret_found = false;
    if (stat(file, &st) == 0)
        mode = st.st_mode & 0777;
    entrasql_status status = os_file_read(file, &text, err);
    if (status != ENTRASQL_OK && status != ENTRASQL_NOT_FOUND)
        return status;
    if (status == ENTRASQL_NOT_FOUND && body == NULL)
        return ENTRASQL_OK;
    const char *before = es_buf_cstr(&text);
    if (before == NULL)
        return es_nomem(err);
    status = glue_registry_edit(before, section, body, &changed, ret_found);
    if (status != ENTRASQL_OK)
        return es_fail(err, status, "%s cannot be changed: it is too large", file);
    if (body == NULL && !*ret_found)
        return ENTRASQL_OK;
    return os_file_write(file, changed.len != 0 ? (const void *)changed.data : "", changed.len,
                         mode, err);
}
