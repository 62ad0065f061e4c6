/* SPDX-License-Identifier: MIT */
#include "azure/container_secret.h"

#include "azure/fields.h"
#include "azure/host_inner.h"

entrasql_status azure_container_secrets(azure_arm *arm, const azure_host_ref *ref, azure_reply *ret,
                                        entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    const azure_request request =
        azure_host_request(ref, AZURE_CONTAINER_APP_SECRETS_LIST, "reading the secrets of", what);
    return azure_arm_call(arm, &request, ret, err);
}

static bool is_named(const json_node *secret, const char *name)
{
    return es_strcaseeq(azure_text(secret, "name"), name);
}

const char *azure_container_secret_value(const azure_reply *secrets, const char *name,
                                         size_t *ret_len)
{
    const json_node *list = json_member(azure_reply_root(secrets), "value");
    for (size_t i = 0; i < json_count(list); i++) {
        const char *value = NULL;
        const json_node *secret = json_element(list, i);
        if (is_named(secret, name) &&
            json_member_string(secret, "value", &value, ret_len) == ENTRASQL_OK && *ret_len != 0)
            return value;
    }
    return NULL;
}

/* A merge patch with the whole list: the others as they were listed. */
static entrasql_status build(const azure_reply *secrets, const char *name, const char *value,
                             es_buf *out, entrasql_error *err)
{
    const json_node *list = json_member(azure_reply_root(secrets), "value");
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_name(&w, "properties");
    json_begin_object(&w);
    json_name(&w, "configuration");
    json_begin_object(&w);
    json_name(&w, "secrets");
    json_begin_array(&w);
    for (size_t i = 0; i < json_count(list); i++) {
        if (!is_named(json_element(list, i), name))
            json_put_node(&w, json_element(list, i));
    }
    if (value != NULL) {
        json_begin_object(&w);
        json_member_put_string(&w, "name", name);
        json_member_put_string(&w, "value", value);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    return azure_written(&w, err);
}

/* AGAIN: somebody changed the list between the two reads. */
static entrasql_status write_once(azure_arm *arm, const azure_host_ref *ref, const char *name,
                                  const char *value, entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply first = {0};
    ES_CLEANUP(azure_reply_done) azure_reply second = {0};
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    ES_CLEANUP(es_buf_done) es_buf again = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    ES_TRY(azure_container_secrets(arm, ref, &first, err));
    ES_TRY(build(&first, name, value, &body, err));
    ES_TRY(azure_container_secrets(arm, ref, &second, err));
    ES_TRY(build(&second, name, value, &again, err));
    if (!azure_buf_equal(&body, &again))
        return ENTRASQL_AGAIN;
    char what[AZURE_WHAT_SIZE];
    azure_request request =
        azure_host_request(ref, AZURE_CONTAINER_APP_PATCH, "writing the secrets of", what);
    request.body = &body;
    return azure_arm_call(arm, &request, NULL, err);
}

entrasql_status azure_container_secret_write(azure_arm *arm, const azure_host_ref *ref,
                                             const char *name, const char *value,
                                             entrasql_error *err)
{
    entrasql_status status = ENTRASQL_AGAIN;
    for (unsigned i = 0; i < AZURE_WRITE_TRIES && status == ENTRASQL_AGAIN; i++)
        status = write_once(arm, ref, name, value, err);
    return status == ENTRASQL_AGAIN ? azure_settings_unsteady(ref, err) : status;
}
