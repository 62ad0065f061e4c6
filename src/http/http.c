/* SPDX-License-Identifier: MIT */
/* The life of one HTTP exchange on libcurl's multi interface. */
#include "http/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void release(http_operation *op)
{
    http_guard guard;
    http_guard_enter(&guard);
    if (op->multi != NULL && op->easy != NULL)
        (void)curl_multi_remove_handle(op->multi, op->easy);
    if (op->easy != NULL)
        curl_easy_cleanup(op->easy);
    if (op->multi != NULL)
        (void)curl_multi_cleanup(op->multi);
    http_guard_leave(&guard);
    /* The list is the library's memory; identity headers in it are secrets. */
    for (struct curl_slist *line = op->headers; line != NULL; line = line->next)
        es_wipe(line->data, strlen(line->data));
    curl_slist_free_all(op->headers);
    es_buf_done(&op->request_body);
    http_response_done(&op->response);
}

void http_free(http_operation *op)
{
    if (op == NULL)
        return;
    release(op);
    es_free(op);
}

entrasql_status http_start(const http_request *request, http_operation **ret, entrasql_error *err)
{
    ES_TRY(http_global_init(err));
    http_operation *op = es_calloc(1, sizeof *op);
    if (op == NULL)
        return es_nomem(err);
    op->request_body = ES_BUF_INIT_WIPE(HTTP_MAX_BODY);
    op->response.headers = ES_BUF_INIT_WIPE(HTTP_MAX_HEADERS);
    op->response.body = ES_BUF_INIT_WIPE(HTTP_MAX_BODY);
    op->timer_ms = ES_NO_DEADLINE;
    http_guard guard;
    http_guard_enter(&guard);
    entrasql_status status = http_configure(op, request, err);
    http_guard_leave(&guard);
    if (status != ENTRASQL_OK) {
        http_free(op);
        return status;
    }
    *ret = op;
    return ENTRASQL_OK;
}

entrasql_status http_wants(http_operation *op, os_wait *w)
{
    for (unsigned i = 0; i < op->socket_count; i++)
        ES_TRY(os_wait_add(w, op->sockets[i].fd, op->sockets[i].events));
    os_wait_until(w, op->timer_ms);
    os_wait_until(w, op->deadline_ms);
    return ENTRASQL_OK;
}

/*
 * Tells the library which sockets are ready. A step must not rely on the
 * caller having looked, so this looks itself; the list is copied because the
 * library changes it while it is called.
 */
static CURLMcode serve_sockets(http_operation *op)
{
    struct pollfd fds[HTTP_MAX_SOCKETS];
    unsigned count = op->socket_count;
    for (unsigned i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = op->sockets[i].fd, .events = op->sockets[i].events};
    int running = 0;
    if (count == 0 || poll(fds, count, 0) <= 0)
        return CURLM_OK;
    for (unsigned i = 0; i < count; i++) {
        if (fds[i].revents == 0 || (fds[i].revents & POLLNVAL) != 0)
            continue;
        int mask = ((fds[i].revents & POLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                   ((fds[i].revents & POLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                   ((fds[i].revents & (POLLERR | POLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
        CURLMcode code = curl_multi_socket_action(op->multi, fds[i].fd, mask, &running);
        if (code != CURLM_OK)
            return code;
    }
    return CURLM_OK;
}

static CURLMcode serve_timer(http_operation *op)
{
    if (es_clock_mono_ms() < op->timer_ms)
        return CURLM_OK;
    int running = 0;
    /* The call sets the next time when it wants one. */
    op->timer_ms = ES_NO_DEADLINE;
    return curl_multi_socket_action(op->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static bool is_done(http_operation *op, CURLcode *ret)
{
    int left = 0;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(op->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        *ret = message->data.result;
        return true;
    }
    return false;
}

static entrasql_status hand_over(http_operation *op, http_response *ret, entrasql_error *err)
{
    long status = 0;
    (void)curl_easy_getinfo(op->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 100 || status > 599)
        return es_fail(err, ENTRASQL_MALFORMED, "the answer of %s is not HTTP", op->place);
    op->response.status = (unsigned)status;
    op->finished = true;
    *ret = op->response;
    op->response.headers = ES_BUF_INIT_WIPE(HTTP_MAX_HEADERS);
    op->response.body = ES_BUF_INIT_WIPE(HTTP_MAX_BODY);
    return ENTRASQL_OK;
}

entrasql_status http_step(http_operation *op, http_response *ret, entrasql_error *err)
{
    if (op->finished)
        return es_fail(err, ENTRASQL_INTERNAL, "the exchange with %s is over", op->place);
    http_guard guard;
    http_guard_enter(&guard);
    CURLMcode multi_code = serve_sockets(op);
    if (multi_code == CURLM_OK)
        multi_code = serve_timer(op);
    CURLcode code = CURLE_OK;
    bool done = is_done(op, &code);
    http_guard_leave(&guard);
    if (done && code == CURLE_OK)
        return hand_over(op, ret, err);
    if (done)
        return http_failure(op, code, err);
    if (multi_code == CURLM_OUT_OF_MEMORY)
        return es_nomem(err);
    if (multi_code != CURLM_OK || op->socket_overflow)
        return es_fail(err, ENTRASQL_INTERNAL, "the request to %s broke: %s", op->place,
                       curl_multi_strerror(multi_code));
    if (es_clock_mono_ms() >= op->deadline_ms)
        return http_failure(op, CURLE_OPERATION_TIMEDOUT, err);
    return ENTRASQL_AGAIN;
}

entrasql_status http_run(const http_request *request, http_response *ret, entrasql_error *err)
{
    http_operation *op;
    ES_TRY(http_start(request, &op, err));
    entrasql_status status;
    while ((status = http_step(op, ret, err)) == ENTRASQL_AGAIN) {
        os_wait wait;
        os_wait_init(&wait);
        status = http_wants(op, &wait);
        if (status == ENTRASQL_OK)
            status = os_wait_poll(&wait, err);
        if (status != ENTRASQL_OK)
            break;
    }
    http_free(op);
    return status;
}
