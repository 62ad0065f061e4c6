/* SPDX-License-Identifier: MIT */
/* The program's own token. */
#include "token_attr.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"
#include "identity/claims.h"

#include <string.h>

#define TOKEN_MAX_BYTES (64 * 1024)
#define UNKNOWN_LIFE_S 300

static entrasql_status give(void *context, const entrasql_token_request *request,
                            entrasql_token **ret_token, entrasql_error *err)
{
    const es_secret *token = context;
    identity_claims claims;
    (void)request;
    int64_t expires_on = es_clock_wall_s() + UNKNOWN_LIFE_S;
    if (identity_claims_read(es_secret_reveal(token), &claims, NULL) == ENTRASQL_OK &&
        claims.exp != 0)
        expires_on = claims.exp;
    *ret_token = entrasql_token_new(es_secret_reveal(token), expires_on);
    return *ret_token != NULL ? ENTRASQL_OK : es_nomem(err);
}

static void forget(void *context)
{
    es_secret_unref(context);
}

/* A 32-bit byte count, then the token as UTF-16LE; characters of a JWT are ASCII. */
static entrasql_status read_block(const uint8_t *block, es_secret **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(TOKEN_MAX_BYTES);
    uint32_t bytes = 0;
    memcpy(&bytes, block, sizeof bytes);
    if (bytes == 0 || bytes % 2 != 0 || bytes / 2 > TOKEN_MAX_BYTES)
        return es_fail(err, ENTRASQL_CONFIG, "the access token attribute (1256) is malformed");
    for (uint32_t i = 0; i < bytes; i += 2) {
        uint8_t c = block[sizeof bytes + i];
        if (block[sizeof bytes + i + 1] != 0 || c <= 0x20 || c >= 0x7F)
            return es_fail(err, ENTRASQL_CONFIG,
                           "the access token attribute (1256) holds no token in UTF-16");
        if (es_buf_u8(&text, c) != ENTRASQL_OK)
            return es_nomem(err);
    }
    *ret = es_secret_new(text.data, text.len);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status refuse_pool(const conf_connstr *list, entrasql_error *err)
{
    const char *setting = NULL;
    char name[GLUE_INI_VALUE_SIZE];
    const char *driver = conf_connstr_get(list, "Driver");
    es_strlcpy_utf8(name, sizeof name, driver != NULL ? driver : GLUE_OWN_DRIVER);
    const glue_driver own = {.name = name};
    if (!glue_driver_is_pooled(&own, &setting))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_CONFIG,
            "the driver manager keeps connections in a pool (%s), which cannot tell whose access "
            "token (attribute 1256) a connection was opened with",
            setting);
    es_hint(err, "set Pooling=No there, or leave the sign-in to the connection string");
    return ENTRASQL_CONFIG;
}

entrasql_status drv_token_attr(const drv_dbc *d, const conf_connstr *list,
                               entrasql_credential **ret, entrasql_error *err)
{
    es_secret *token = NULL;
    const drv_attr *attr = drv_attrs_get(&d->attrs, DRV_ATTR_ACCESS_TOKEN);
    if (attr == NULL || attr->value == NULL)
        return ENTRASQL_OK;
    ES_TRY(refuse_pool(list, err));
    ES_TRY(read_block(attr->value, &token, err));
    entrasql_status status =
        entrasql_custom_credential_new("AccessTokenAttribute", give, token, forget, ret, err);
    if (status != ENTRASQL_OK)
        es_secret_unref(token);
    return status;
}
