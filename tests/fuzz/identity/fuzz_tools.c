/* SPDX-License-Identifier: MIT */
/*
 * Texts of developers' tools and managed identity hosts: the first byte
 * chooses the reader. For az's cache the first line is the profile.
 */
#include "identity/az_cache.h"
#include "identity/azd_output.h"
#include "identity/internal.h"
#include "identity/mi_arc.h"
#include "identity/mi_source.h"
#include "identity/powershell.h"
#include "identity/vs_provider.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_arc(es_buf *text)
{
    char path[IDENTITY_ARC_MAX_PATH];
    const char *s = es_buf_cstr(text);
    if (s == NULL || identity_arc_challenge_parse(s, "/d", path, NULL) != ENTRASQL_OK)
        return;
    /* Directly in the folder, and a key. */
    if (strncmp(path, "/d/", 3) != 0 || strchr(path + 3, '/') != NULL || strlen(path) < 8)
        abort();
}

static void read_cache(const es_buf *text)
{
    const char *line = text->data != NULL ? memchr(text->data, '\n', text->len) : NULL;
    size_t n = line != NULL ? (size_t)(line - (const char *)text->data) : text->len;
    es_buf profile = ES_BUF_INIT(1 << 20);
    es_buf cache = ES_BUF_INIT(1 << 20);
    const identity_az_wanted wanted = {.scope = ENTRASQL_SCOPE_SQL, .now_s = 1700000000};
    entrasql_token *token = NULL;
    if (es_buf_add(&profile, text->data, n) != ENTRASQL_OK ||
        es_buf_add(&cache, text->data + n, text->len - n) != ENTRASQL_OK)
        abort();
    if (identity_az_cache_search(&profile, &cache, &wanted, &token, NULL) == ENTRASQL_OK &&
        entrasql_token_expires_on(token) <= wanted.now_s + IDENTITY_AZ_CACHE_MIN_LEFT_S)
        abort();
    entrasql_token_free(token);
    es_buf_done(&profile);
    es_buf_done(&cache);
}

static void read_one(uint8_t which, es_buf *text)
{
    entrasql_token *token = NULL;
    identity_vs_providers providers;
    identity_vscode_record record;
    uint8_t pin[HTTP_PIN_SIZE];
    char shown[IDENTITY_SHOWN_ERROR];
    switch (which) {
    case 'p':
        (void)!identity_output_token(&identity_powershell_words, text, &token, NULL);
        entrasql_token_free(token);
        break;
    case 'd':
        (void)!identity_azd_complaint(text, shown, sizeof shown);
        (void)identity_output_failure(&identity_azd_words, 1, shown, NULL);
        break;
    case 'a':
        read_arc(text);
        break;
    case 'v':
        if (identity_vs_providers_parse(text, &providers, NULL) == ENTRASQL_OK)
            identity_vs_providers_done(&providers);
        break;
    case 'c':
        (void)!identity_vscode_record_parse(text, &record, NULL);
        break;
    case 't':
        if (es_buf_cstr(text) != NULL)
            (void)!identity_mi_thumbprint_parse(es_buf_cstr(text), pin);
        break;
    default:
        read_cache(text);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    es_buf text = ES_BUF_INIT(1 << 20);
    if (es_buf_add(&text, data + 1, size - 1) != ENTRASQL_OK) {
        es_buf_done(&text);
        return 0;
    }
    read_one(data[0], &text);
    es_buf_done(&text);
    return 0;
}
