/* SPDX-License-Identifier: MIT */
#include "migrate/keep_old.h"

#include "base/mem.h"
#include "base/str.h"
#include "os/file.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (1024 * 1024)
#define MAX_VALUES 64

void migrate_olds_done(migrate_olds *o)
{
    for (size_t i = 0; i < o->count; i++) {
        es_free(o->list[i].kind);
        es_free(o->list[i].name);
        es_free(o->list[i].type);
        es_free_wipe_str(o->list[i].value);
    }
    es_free(o->list);
    es_free(o->plan);
    *o = (migrate_olds){0};
}

entrasql_status migrate_olds_add(migrate_olds *o, const char *kind, const char *name,
                                 const char *value, const char *type, entrasql_error *err)
{
    if (o->count == MAX_VALUES)
        return es_fail(err, ENTRASQL_LIMIT, "more than %d old values", MAX_VALUES);
    migrate_old *grown = es_reallocarray(o->list, o->count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(err);
    o->list = grown;
    migrate_old *one = &o->list[o->count++];
    *one = (migrate_old){es_strdup(kind), es_strdup(name), es_strdup(value),
                         es_strdup(type != NULL ? type : "")};
    return one->kind != NULL && one->name != NULL && one->value != NULL && one->type != NULL
               ? ENTRASQL_OK
               : es_nomem(err);
}

const migrate_old *migrate_olds_find(const migrate_olds *o, const char *kind, const char *name)
{
    for (size_t i = 0; i < o->count; i++) {
        if (es_streq(o->list[i].kind, kind) && es_streq(o->list[i].name, name))
            return &o->list[i];
    }
    return NULL;
}

static void build(const migrate_olds *o, json_writer *w)
{
    json_begin_object(w);
    json_member_put_string(w, "plan", o->plan);
    json_name(w, "old");
    json_begin_array(w);
    for (size_t i = 0; i < o->count; i++) {
        json_begin_object(w);
        json_member_put_string(w, "kind", o->list[i].kind);
        json_member_put_string(w, "name", o->list[i].name);
        json_member_put_string(w, "value", o->list[i].value);
        json_member_put_string(w, "type", o->list[i].type);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

/* An earlier run may have written it before the secret was changed. */
static entrasql_status check_there(const char *path, const migrate_olds *o,
                                   const migrate_olds *there, entrasql_error *err)
{
    for (size_t i = 0; i < o->count; i++) {
        const migrate_old *one = migrate_olds_find(there, o->list[i].kind, o->list[i].name);
        if (one != NULL && es_streq(one->value, o->list[i].value))
            continue;
        es_fail(err, ENTRASQL_EXISTS, "the file %s is there already and %s of %s", path,
                one != NULL ? "holds another value" : "has no value", o->list[i].name);
        es_hint(err, "Name another file with --keep-old.");
        return ENTRASQL_EXISTS;
    }
    return ENTRASQL_OK;
}

/* Whether the file is there, and then only as one that these values may be in. */
static entrasql_status look_there(const char *path, const migrate_olds *o, bool *ret_there,
                                  entrasql_error *err)
{
    ES_CLEANUP(migrate_olds_done) migrate_olds there = {0};

    entrasql_status status = migrate_olds_read(path, &there, err);
    *ret_there = status == ENTRASQL_OK;
    if (status == ENTRASQL_NOT_FOUND) {
        es_error_clear(err);
        return ENTRASQL_OK;
    }
    if (status == ENTRASQL_NOMEM)
        return status;
    if (status == ENTRASQL_OK && es_streq(there.plan, o->plan))
        return check_there(path, o, &there, err);
    if (access(path, F_OK) == 0) {
        es_fail(err, ENTRASQL_EXISTS, "the file %s is there already and is not of this migration",
                path);
        status = ENTRASQL_EXISTS;
    }
    es_hint(err, "Name another file with --keep-old.");
    return status;
}

entrasql_status migrate_olds_try(const char *path, const migrate_olds *o, entrasql_error *err)
{
    bool is_there = false;

    ES_TRY(look_there(path, o, &is_there, err));
    if (is_there)
        return ENTRASQL_OK;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        entrasql_status status = es_fail_errno(err, errno, "cannot make the file %s", path);
        es_hint(err, "Name another file with --keep-old.");
        return status;
    }
    (void)close(fd);
    return unlink(path) == 0 ? ENTRASQL_OK
                             : es_fail_errno(err, errno, "cannot remove the file %s", path);
}

entrasql_status migrate_olds_write(const char *path, const migrate_olds *o, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(FILE_MAX_BYTES);
    bool is_there = false;
    json_writer w;

    ES_TRY(look_there(path, o, &is_there, err));
    if (is_there)
        return ENTRASQL_OK;
    json_writer_init(&w, &text);
    build(o, &w);
    if (json_writer_end(&w) != ENTRASQL_OK || es_buf_u8(&text, '\n') != ENTRASQL_OK)
        return es_nomem(err);
    return os_file_write(path, text.data, text.len, 0600, err);
}

static entrasql_status take(const json_node *node, migrate_olds *ret, entrasql_error *err)
{
    const char *kind = NULL;
    const char *name = NULL;
    const char *value = NULL;
    const char *type = NULL;

    if (json_member_string(node, "kind", &kind, NULL) != ENTRASQL_OK ||
        json_member_string(node, "name", &name, NULL) != ENTRASQL_OK ||
        json_member_string(node, "value", &value, NULL) != ENTRASQL_OK ||
        json_member_string(node, "type", &type, NULL) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "the file of old settings has an entry that is none");
    return migrate_olds_add(ret, kind, name, value, type, err);
}

static entrasql_status take_all(const json_node *root, migrate_olds *ret, entrasql_error *err)
{
    const json_node *list = NULL;
    const char *plan = NULL;

    if (json_member_string(root, "plan", &plan, NULL) != ENTRASQL_OK ||
        json_member_array(root, "old", &list) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "the file holds no old settings of a migration");
    ret->plan = es_strdup(plan);
    if (ret->plan == NULL)
        return es_nomem(err);
    for (size_t i = 0; i < json_count(list); i++)
        ES_TRY(take(json_element(list, i), ret, err));
    return ENTRASQL_OK;
}

entrasql_status migrate_olds_read(const char *path, migrate_olds *ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(FILE_MAX_BYTES);
    json_doc *doc = NULL;

    *ret = (migrate_olds){0};
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return es_fail(err, ENTRASQL_NOT_FOUND, "there is no file %s", path);
    ES_TRY(os_file_read_private(path, &text, err));
    ES_TRY(json_doc_parse(text.data, text.len, &doc, err));
    entrasql_status status = take_all(json_doc_root(doc), ret, err);
    json_doc_free(doc);
    if (status != ENTRASQL_OK)
        migrate_olds_done(ret);
    return status;
}
