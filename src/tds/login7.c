/* SPDX-License-Identifier: MIT */
/* LOGIN7 as a structure: its life, its strings and its feature list. */
#include "tds/login7.h"

#include "base/mem.h"

#include <string.h>

static char **string_field(tds_login7 *l, size_t i)
{
    char **const fields[] = {
        &l->host_name,    &l->user_name, &l->app_name, &l->server_name,
        &l->library_name, &l->language,  &l->database, &l->attach_db_file,
    };

    return i < ES_COUNT_OF(fields) ? fields[i] : NULL;
}

entrasql_status tds_login7_set(char **field, const char *value)
{
    char *copy = es_strdup(value != NULL ? value : "");

    if (copy == NULL)
        return ENTRASQL_NOMEM;
    es_free(*field);
    *field = copy;
    return ENTRASQL_OK;
}

entrasql_status tds_login7_init(tds_login7 *l)
{
    *l = (tds_login7){
        .tds_version = TDS_VERSION_7_4,
        .fedauth_library = TDS_FEDAUTH_NONE,
    };
    for (size_t i = 0; string_field(l, i) != NULL; i++)
        ES_TRY(tds_login7_set(string_field(l, i), ""));
    return ENTRASQL_OK;
}

void tds_login7_done(tds_login7 *l)
{
    for (size_t i = 0; string_field(l, i) != NULL; i++)
        es_free(*string_field(l, i));
    es_secret_unref(l->password);
    es_secret_unref(l->change_password);
    es_secret_unref(l->fedauth_token);
    es_free_wipe(l->fedauth_nonce, l->fedauth_nonce != NULL ? 32 : 0);
    es_free_wipe(l->sspi, l->sspi_len);
    for (size_t i = 0; i < l->feature_count; i++)
        es_free(l->features[i].data);
    *l = (tds_login7){.fedauth_library = TDS_FEDAUTH_NONE};
}

/* The numbers, without anything that is owned. */
static tds_login7 scalars_of(const tds_login7 *src)
{
    tds_login7 l = {
        .tds_version = src->tds_version,
        .packet_size = src->packet_size,
        .client_version = src->client_version,
        .client_pid = src->client_pid,
        .connection_id = src->connection_id,
        .option_flags1 = src->option_flags1,
        .option_flags2 = src->option_flags2,
        .type_flags = src->type_flags,
        .option_flags3 = src->option_flags3,
        .timezone_minutes = src->timezone_minutes,
        .lcid = src->lcid,
        .fedauth_library = src->fedauth_library,
        .fedauth_echo = src->fedauth_echo,
        .fedauth_workflow = src->fedauth_workflow,
    };

    memcpy(l.client_id, src->client_id, sizeof l.client_id);
    return l;
}

static entrasql_status copy_blob(const uint8_t *p, size_t n, uint8_t **ret)
{
    if (p == NULL)
        return ENTRASQL_OK;
    *ret = es_memdup(p, n);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status copy_owned(tds_login7 *dst, const tds_login7 *src)
{
    const char *const strings[] = {
        src->host_name,    src->user_name, src->app_name, src->server_name,
        src->library_name, src->language,  src->database, src->attach_db_file,
    };

    for (size_t i = 0; i < ES_COUNT_OF(strings); i++)
        ES_TRY(tds_login7_set(string_field(dst, i), strings[i]));
    for (size_t i = 0; i < src->feature_count; i++)
        ES_TRY(tds_login7_add_feature(dst, src->features[i].id, src->features[i].data,
                                      src->features[i].len));
    ES_TRY(copy_blob(src->fedauth_nonce, 32, &dst->fedauth_nonce));
    ES_TRY(copy_blob(src->sspi, src->sspi_len, &dst->sspi));
    dst->sspi_len = src->sspi_len;
    dst->password = es_secret_ref(src->password);
    dst->change_password = es_secret_ref(src->change_password);
    dst->fedauth_token = es_secret_ref(src->fedauth_token);
    return ENTRASQL_OK;
}

entrasql_status tds_login7_copy(tds_login7 *dst, const tds_login7 *src)
{
    tds_login7 copy = scalars_of(src);
    entrasql_status st = copy_owned(&copy, src);

    if (st != ENTRASQL_OK) {
        tds_login7_done(&copy);
        return st;
    }
    *dst = copy;
    return ENTRASQL_OK;
}

const tds_feature *tds_login7_feature(const tds_login7 *l, uint8_t id)
{
    for (size_t i = 0; i < l->feature_count; i++)
        if (l->features[i].id == id)
            return &l->features[i];
    return NULL;
}

entrasql_status tds_login7_add_feature(tds_login7 *l, uint8_t id, const void *data, size_t n)
{
    uint8_t *copy = NULL;

    if (l->feature_count == TDS_FEATURES_MAX || id == TDS_FEATURE_TERMINATOR)
        return ENTRASQL_LIMIT;
    if (n != 0) {
        copy = es_memdup(data, n);
        if (copy == NULL)
            return ENTRASQL_NOMEM;
    }
    l->features[l->feature_count++] = (tds_feature){.id = id, .data = copy, .len = n};
    return ENTRASQL_OK;
}

void tds_login7_remove_feature(tds_login7 *l, uint8_t id)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->feature_count; i++) {
        if (l->features[i].id == id)
            es_free(l->features[i].data);
        else
            l->features[kept++] = l->features[i];
    }
    l->feature_count = kept;
}
