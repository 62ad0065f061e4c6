/* SPDX-License-Identifier: MIT */
/* Listeners and whom they lead to. */
#include "proxy/doors.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "proxy/listener.h"

#include <string.h>

typedef struct door {
    proxy_doors *owner;
    proxy_service *service;
    proxy_listener *listener;
    proxy_service *next_service; /* while a configuration is put into effect; NULL: not in it */
    bool is_new;
    struct door *next;
} door;

struct proxy_doors {
    proxy_doors_options options;
    door *first; /* in the configuration's order */
};

static void accepted(void *ctx, int fd)
{
    const door *d = ctx;
    d->owner->options.accepted(d->owner->options.ctx, d->service, fd);
}

static void free_door(door *d)
{
    proxy_listener_close(d->listener);
    proxy_service_unref(d->service);
    proxy_service_unref(d->next_service);
    es_free(d);
}

/* ---- putting a configuration into effect ---- */

/* The door that is at the address already. Free ports tell nothing: they stay with their target. */
static door *find_door(const proxy_doors *all, const proxy_target *t, const proxy_address *address)
{
    for (door *d = all->first; d != NULL; d = d->next) {
        bool is_free_port = address->kind == PROXY_ADDRESS_TCP && address->port == 0;
        if (d->next_service == NULL && proxy_listener_is_at(d->listener, address) &&
            (!is_free_port || es_streq(d->service->target->name, t->name)))
            return d;
    }
    return NULL;
}

/* The target as it was written, with another address in place of its own. */
static entrasql_status print_elsewhere(const proxy_target *t, es_buf *out)
{
    static const char listen[] = "listen=";
    const char *at = t->name + strcspn(t->name, "?");
    ES_TRY(es_buf_printf(out, "%.*s?listen=PORT", (int)(at - t->name), t->name));
    while (*at != '\0') {
        const char *part = at + 1;
        size_t n = strcspn(part, "&");
        if (n > 0 && strncmp(part, listen, sizeof listen - 1) != 0)
            ES_TRY(es_buf_printf(out, "&%.*s", (int)n, part));
        at = part + n;
    }
    return ENTRASQL_OK;
}

static void hint_elsewhere(const proxy_target *t, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(ENTRASQL_ERROR_HINT_SIZE);
    bool fits = print_elsewhere(t, &text) == ENTRASQL_OK;
    es_hint(err, "stop the program that listens there, or choose another address: %.*s",
            fits ? (int)text.len : 0, fits ? (const char *)text.data : "");
}

static entrasql_status open_door(proxy_doors *all, const proxy_target *t,
                                 const proxy_address *address, door **ret, entrasql_error *err)
{
    door *d = es_calloc(1, sizeof *d);
    if (d == NULL)
        return es_nomem(err);
    d->owner = all;
    d->is_new = true;
    const proxy_listener_options options = {
        .address = address, .mode = t->socket_mode, .accepted = accepted, .ctx = d};
    entrasql_status status = proxy_listener_open(&options, &d->listener, err);
    if (status == ENTRASQL_OK) {
        door **at = &all->first;
        while (*at != NULL)
            at = &(*at)->next;
        *at = d;
        *ret = d;
        return ENTRASQL_OK;
    }
    es_free(d);
    es_error_prefix(err, "%s", t->where);
    if (status == ENTRASQL_BUSY)
        hint_elsewhere(t, err);
    return status;
}

static entrasql_status prepare_address(proxy_doors *all, proxy_service *service,
                                       const proxy_address *address, entrasql_error *err)
{
    const proxy_target *t = service->target;
    door *d = find_door(all, t, address);
    if (d == NULL)
        ES_TRY(open_door(all, t, address, &d, err));
    d->next_service = proxy_service_ref(service);
    if (proxy_listener_is_exposed(d->listener))
        return proxy_config_check_exposed(t, proxy_listener_text(d->listener), err);
    return ENTRASQL_OK;
}

static entrasql_status prepare_target(proxy_doors *all, const proxy_target *t, entrasql_error *err)
{
    proxy_service *service = NULL;
    entrasql_status status = all->options.make_service(all->options.ctx, t, &service, err);
    for (size_t i = 0; status == ENTRASQL_OK && i < t->listen_count; i++)
        status = prepare_address(all, service, &t->listens[i], err);
    proxy_service_unref(service);
    return status;
}

static void undo(proxy_doors *all)
{
    for (door **at = &all->first; *at != NULL;) {
        door *d = *at;
        proxy_service_unref(d->next_service);
        d->next_service = NULL;
        if (!d->is_new) {
            at = &d->next;
            continue;
        }
        *at = d->next;
        free_door(d);
    }
}

static void commit(proxy_doors *all)
{
    for (door **at = &all->first; *at != NULL;) {
        door *d = *at;
        if (d->next_service == NULL) {
            *at = d->next;
            free_door(d);
            continue;
        }
        entrasql_error err;
        proxy_service_unref(d->service);
        d->service = d->next_service;
        d->next_service = NULL;
        d->is_new = false;
        if (proxy_listener_set_mode(d->listener, d->service->target->socket_mode, &err) !=
            ENTRASQL_OK)
            ES_LOG(WARNING, "proxy", "a socket keeps its mode", ES_KV_STR("why", err.message));
        at = &d->next;
    }
}

static entrasql_status start_new(const proxy_doors *all, entrasql_error *err)
{
    for (door *d = all->first; d != NULL; d = d->next)
        if (d->is_new)
            ES_TRY(proxy_listener_start(d->listener, all->options.loop, err));
    return ENTRASQL_OK;
}

entrasql_status proxy_doors_apply(proxy_doors *d, const proxy_config *config, entrasql_error *err)
{
    entrasql_status status = ENTRASQL_OK;
    for (size_t i = 0; status == ENTRASQL_OK && i < config->target_count; i++)
        status = prepare_target(d, &config->targets[i], err);
    if (status == ENTRASQL_OK)
        status = start_new(d, err);
    if (status == ENTRASQL_OK)
        commit(d);
    else
        undo(d);
    return status;
}

/* ---- their life ---- */

entrasql_status proxy_doors_new(const proxy_doors_options *options, proxy_doors **ret,
                                entrasql_error *err)
{
    proxy_doors *d = es_calloc(1, sizeof *d);
    if (d == NULL)
        return es_nomem(err);
    d->options = *options;
    *ret = d;
    return ENTRASQL_OK;
}

void proxy_doors_close(proxy_doors *d)
{
    while (d->first != NULL) {
        door *next = d->first->next;
        free_door(d->first);
        d->first = next;
    }
}

void proxy_doors_free(proxy_doors *d)
{
    if (d == NULL)
        return;
    proxy_doors_close(d);
    es_free(d);
}

void proxy_doors_print(const proxy_doors *d, FILE *out)
{
    for (const door *at = d->first; at != NULL; at = at->next) {
        const proxy_target *t = at->service->target;
        (void)fprintf(out, "%s -> %s,%u%s%s\n", proxy_listener_text(at->listener), t->host,
                      (unsigned)t->port, t->database != NULL ? " " : "",
                      t->database != NULL ? t->database : "");
    }
}
