/* SPDX-License-Identifier: MIT */
/* Links: name resolution and TCP to the server. */
#include "doctor/inner.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

#define RESOLVE_MS 4000
#define CONNECT_MS 4000

/* ---- name ---- */

static entrasql_status resolve(doctor *d, os_resolve *r, entrasql_error *err)
{
    int64_t deadline = es_clock_deadline(doctor_time(d, RESOLVE_MS));
    for (;;) {
        os_wait w;
        entrasql_status status = os_resolve_step(r, d->addresses, &d->address_count, err);
        if (status != ENTRASQL_AGAIN)
            return status;
        if (es_clock_mono_ms() >= deadline)
            return es_fail(err, ENTRASQL_TIMEOUT, "the name servers do not answer");
        os_wait_init(&w);
        os_wait_until(&w, deadline);
        ES_TRY(os_resolve_wants(r, &w));
        ES_TRY(os_wait_poll(&w, err));
    }
}

bool doctor_is_placeholder(const char *host)
{
    static const char *const words[] = {"your", "my_", "example-server", "servername"};
    if (strpbrk(host, "<>{}$%*[ ") != NULL)
        return true;
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (doctor_contains(host, words[i]))
            return true;
    }
    return false;
}

void doctor_name(doctor *d)
{
    entrasql_error err;
    os_resolve *r = NULL;
    char first[OS_ADDRESS_TEXT_SIZE];
    int64_t began = es_clock_mono_ms();
    entrasql_status status = os_resolve_start(d->target.host, d->target.port, &r, &err);
    if (status == ENTRASQL_OK)
        status = resolve(d, r, &err);
    os_resolve_free(r);
    if (status != ENTRASQL_OK) {
        bool example = doctor_is_placeholder(d->target.host);
        d->address_count = 0;
        doctor_line *line = doctor_add(
            d, "name", DOCTOR_FAIL, example ? "placeholder-left" : "name-unknown",
            example ? "%s is no name of a server" : "%s cannot be resolved", d->target.host);
        doctor_evidence(line, "%s", err.message);
        return;
    }
    os_address_format(&d->addresses[0], first);
    doctor_line *line = doctor_add(d, "name", DOCTOR_OK, NULL, "%s is %s%s", d->target.host, first,
                                   d->address_count > 1 ? " and others" : "");
    line->ms = (uint32_t)(es_clock_mono_ms() - began);
}

/* ---- TCP ---- */

static entrasql_status finish(int fd, const os_address *a, int64_t deadline, entrasql_error *err)
{
    for (;;) {
        os_wait w;
        entrasql_status status = os_sock_connect_finish(fd, a, err);
        if (status != ENTRASQL_AGAIN)
            return status;
        if (es_clock_mono_ms() >= deadline)
            return es_fail(err, ENTRASQL_TIMEOUT, "no answer within %d ms", CONNECT_MS);
        os_wait_init(&w);
        os_wait_until(&w, deadline);
        ES_TRY(os_wait_add(&w, fd, POLLOUT));
        ES_TRY(os_wait_poll(&w, err));
    }
}

static entrasql_status try_address(doctor *d, const os_address *a, entrasql_error *err)
{
    int fd = -1;
    ES_TRY(os_sock_connect_start(a, &fd, err));
    entrasql_status status = finish(fd, a, es_clock_deadline(doctor_time(d, CONNECT_MS)), err);
    os_sock_close(&fd);
    return status;
}

const char *doctor_tcp_id(const entrasql_error *err)
{
    switch (err->os_errno) {
    case ECONNREFUSED:
        return "port-refused";
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return "no-route";
    default:
        return "port-blocked";
    }
}

void doctor_tcp(doctor *d)
{
    entrasql_error err;
    entrasql_status status = ENTRASQL_NETWORK;
    char text[OS_ADDRESS_TEXT_SIZE];
    size_t i = 0;
    if (d->address_count == 0) {
        (void)doctor_add(d, "tcp", DOCTOR_NONE, NULL, "not tried: the server has no address");
        return;
    }
    int64_t began = es_clock_mono_ms();
    for (; i < d->address_count && status != ENTRASQL_OK; i++)
        status = try_address(d, &d->addresses[i], &err);
    os_address_format(&d->addresses[i - 1], text);
    d->reaches_server = status == ENTRASQL_OK;
    d->is_loopback = d->reaches_server && os_address_is_loopback(&d->addresses[i - 1]);
    if (d->reaches_server) {
        doctor_line *line = doctor_add(d, "tcp", DOCTOR_OK, NULL, "connected to %s", text);
        line->ms = (uint32_t)(es_clock_mono_ms() - began);
        return;
    }
    const char *id = doctor_tcp_id(&err);
    doctor_line *line = doctor_add(
        d, "tcp", DOCTOR_FAIL, id,
        es_streq(id, "port-refused") ? "nothing listens on %s" : "no connection to %s", text);
    doctor_evidence(line, "%s", err.message);
}
