/* SPDX-License-Identifier: MIT */
/*
 * Answers of Azure Resource Manager. The first byte chooses the reader: an error, a resource with
 * its identities (which must be written back as JSON that reads the same), a resource id.
 */
#include "azure/arm_inner.h"
#include "azure/host_inner.h"
#include "azure/resource_id.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_error(const uint8_t *data, size_t size)
{
    http_response answer = {.status = 403, .body = ES_BUF_INIT(1 << 20)};
    azure_failure f;
    if (es_buf_add(&answer.body, data, size) != ENTRASQL_OK)
        abort();
    azure_failure_of(&answer, &f);
    for (const char *p = f.message; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20)
            abort();
    }
    if (f.role != NULL && f.action[0] == '\0')
        abort();
    http_response_done(&answer);
}

/* Every identity that was there is in what adds another one. */
static void write_back(const azure_host_state *state)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(1 << 22);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_CLEANUP(azure_host_state_done) azure_host_state again = {0};
    json_writer w;
    json_writer_init(&w, &out);
    json_begin_object(&w);
    azure_identity_write(state, "/new", false, &w);
    json_end_object(&w);
    if (json_writer_end(&w) != ENTRASQL_OK)
        abort();
    if (state->identity_count == AZURE_MAX_IDENTITIES)
        return; /* one more than is read */
    if (json_doc_parse(out.data, out.len, &doc, NULL) != ENTRASQL_OK ||
        azure_identity_read(json_doc_root(doc), &again, NULL) != ENTRASQL_OK ||
        again.has_system_identity != state->has_system_identity ||
        azure_host_find_identity(&again, "/NEW") == NULL)
        abort();
    for (size_t i = 0; i < state->identity_count; i++) {
        if (azure_host_find_identity(&again, state->identities[i].id) == NULL)
            abort();
    }
}

static void read_resource(const uint8_t *data, size_t size)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_CLEANUP(azure_host_state_done) azure_host_state state = {0};
    if (json_doc_parse(data, size, &doc, NULL) != ENTRASQL_OK)
        return;
    if (azure_resource_read(json_doc_root(doc), &state, NULL) == ENTRASQL_OK &&
        azure_identity_read(json_doc_root(doc), &state, NULL) == ENTRASQL_OK)
        write_back(&state);
}

static void read_id(const uint8_t *data, size_t size)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(4096);
    char *text = es_strndup((const char *)data, size);
    azure_id id, again;
    if (text == NULL)
        abort();
    if (azure_id_parse(text, &id, NULL) == ENTRASQL_OK) {
        if (azure_id_print(&id, &out) != ENTRASQL_OK || !azure_id_equal(text, es_buf_cstr(&out)) ||
            azure_id_parse(es_buf_cstr(&out), &again, NULL) != ENTRASQL_OK)
            abort();
    }
    es_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 3 == 0)
        read_error(data + 1, size - 1);
    else if (data[0] % 3 == 1)
        read_resource(data + 1, size - 1);
    else
        read_id(data + 1, size - 1);
    return 0;
}
