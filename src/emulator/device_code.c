/* SPDX-License-Identifier: MIT */
/* Answering a device's code in a person's place, through the running emulator's own page. */
#include "emulator.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "emulator/entra/entra.h"
#include "emulator/world/files.h"
#include "http/http.h"
#include "http/text.h"
#include "internal.h"

#include <string.h>

#define TIMEOUT_MS 10000

static entrasql_status build(const char *data_dir, const char *code, const char *user, es_buf *url,
                             es_buf *form, char **ret_ca_file, entrasql_error *err)
{
    emulator_info info;
    ES_TRY(emulator_status(data_dir, &info, err));
    entrasql_status status = es_buf_printf(url, "https://localhost:%u/common/" ENTRA_DEVICE_PAGE,
                                           (unsigned)info.entra_port);
    if (status == ENTRASQL_OK)
        status = http_form_add(form, "code", code);
    if (status == ENTRASQL_OK && user != NULL)
        status = http_form_add(form, "user", user);
    if (status == ENTRASQL_OK)
        status = http_form_add(form, "answer", user != NULL ? "accept" : "refuse");
    *ret_ca_file = status == ENTRASQL_OK ? world_path(data_dir, "ca.pem") : NULL;
    return *ret_ca_file != NULL ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status emulator_answer_device_code(const char *data_dir, const char *code,
                                            const char *user, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf url = ES_BUF_INIT(256);
    ES_CLEANUP(es_buf_done) es_buf form = ES_BUF_INIT(4096);
    ES_CLEANUP(es_cleanup_free) char *ca_file = NULL;
    http_response answer;
    ES_TRY(build(data_dir, code, user, &url, &form, &ca_file, err));
    const http_request request = {
        .method = "POST",
        .url = es_buf_cstr(&url),
        .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
        .body = form.data,
        .body_len = form.len,
        .ca_file = ca_file,
        .direct = true,
        .deadline_ms = es_clock_deadline(TIMEOUT_MS),
    };
    if (request.url == NULL)
        return es_nomem(err);
    ES_TRY(http_run(&request, &answer, err));
    const char *page = es_buf_cstr(&answer.body);
    entrasql_status status = ENTRASQL_OK;
    if (answer.status != 200) {
        bool is_user = page != NULL && strstr(page, "AADSTS50034") != NULL;
        es_fail(err, ENTRASQL_NOT_FOUND,
                is_user ? "there is no such person" : "no device waits with that code");
        es_hint(err, is_user ? "the person's name is that of the seed, such as dev@contoso.example"
                             : "codes are for one use, and for 15 minutes");
        status = ENTRASQL_NOT_FOUND;
    }
    http_response_done(&answer);
    return status;
}
