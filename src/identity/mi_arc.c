/* SPDX-License-Identifier: MIT */
/* The challenge of Azure Arc's agent. */
#include "identity/mi_arc.h"

#include "base/mem.h"
#include "base/str.h"
#include "os/file.h"

#include <string.h>

static entrasql_status malformed(const char *what, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_MALFORMED, "the challenge of the Azure Arc agent %s", what);
}

entrasql_status identity_arc_challenge_parse(const char *header, const char *directory,
                                             char ret[IDENTITY_ARC_MAX_PATH], entrasql_error *err)
{
    static const char scheme[] = "Basic realm=";
    const size_t skip = sizeof scheme - 1;
    if (!es_strncaseeq(header, scheme, skip))
        return malformed("is not \"Basic realm=<file>\"", err);
    const char *path = header + skip;
    size_t n = strlen(path);
    for (size_t i = 0; i < n; i++) {
        if (path[i] <= 0x20 || path[i] >= 0x7F || strchr("=\",;", path[i]) != NULL)
            return malformed("holds a character that is not allowed in it", err);
    }
    size_t length = strlen(directory);
    if (n >= IDENTITY_ARC_MAX_PATH)
        return malformed("is too long", err);
    if (strncmp(path, directory, length) != 0 || path[length] != '/')
        return malformed("names a file outside of the agent's folder", err);
    const char *name = path + length + 1;
    if (strchr(name, '/') != NULL)
        return malformed("names a file outside of the agent's folder", err);
    if (!es_ends_with(name, ".key") || strlen(name) == strlen(".key"))
        return malformed("names a file that is not a key", err);
    memcpy(ret, path, n + 1);
    return ENTRASQL_OK;
}

static entrasql_status refuse(const char *what, const char *detail, entrasql_error *err)
{
    char text[512];
    es_strlcpy_utf8(text, sizeof text, detail);
    es_fail(err, ENTRASQL_AUTH_FAILED, "%s: %s", what, text);
    return ENTRASQL_AUTH_FAILED;
}

static entrasql_status read_key(const char *path, es_buf *key, entrasql_error *err)
{
    entrasql_error reason;
    entrasql_status status = os_file_read_strict(path, false, key, &reason);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK) {
        refuse("the key of the Azure Arc agent cannot be read", reason.message, err);
        es_hint(err, "only root and the agent's group may read it: add the program's user to the "
                     "group himds and sign in again");
        return ENTRASQL_AUTH_FAILED;
    }
    while (key->len != 0 && (key->data[key->len - 1] == '\n' || key->data[key->len - 1] == '\r'))
        es_buf_truncate(key, key->len - 1);
    bool ok = key->len != 0;
    for (size_t i = 0; i < key->len; i++)
        ok = ok && key->data[i] > 0x20 && key->data[i] < 0x7F;
    return ok ? ENTRASQL_OK : refuse("the key of the Azure Arc agent cannot be used", path, err);
}

entrasql_status identity_arc_answer(const char *header, const char *directory, es_buf *out,
                                    entrasql_error *err)
{
    char path[IDENTITY_ARC_MAX_PATH];
    entrasql_error reason;
    if (identity_arc_challenge_parse(header, directory, path, &reason) != ENTRASQL_OK) {
        refuse("the challenge was not answered", reason.message, err);
        es_hint(err, "something else than the agent may be answering at IDENTITY_ENDPOINT");
        return ENTRASQL_AUTH_FAILED;
    }
    ES_CLEANUP(es_buf_done) es_buf key = ES_BUF_INIT_WIPE(IDENTITY_ARC_MAX_KEY);
    ES_TRY(read_key(path, &key, err));
    entrasql_status status = es_buf_add_str(out, "Basic ");
    if (status == ENTRASQL_OK)
        status = es_buf_add(out, key.data, key.len);
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}
