/* SPDX-License-Identifier: MIT */
/* Who is connected, and who makes room. */
#include "callers.h"

#include "base/list.h"
#include "base/mem.h"

#include <sys/socket.h>

/* The socket is open as long as the caller is in the list; the service sees its end and closes. */
static void end(httpd_callers *all, httpd_caller *c)
{
    c->is_ending = true;
    all->count--;
    (void)shutdown(c->fd, SHUT_RDWR);
}

static void make_room(httpd_callers *all)
{
    httpd_caller *c = all->first;
    while (c != NULL && (c->is_handled || c->is_ending))
        c = c->next;
    if (c != NULL)
        end(all, c);
}

httpd_caller *httpd_callers_come(httpd_callers *all, int fd)
{
    httpd_caller *c = es_calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->fd = fd;
    (void)pthread_mutex_lock(&all->lock);
    ES_LIST_APPEND(all, c);
    all->count++;
    if (all->is_over)
        end(all, c);
    else if (all->count > all->max)
        make_room(all);
    (void)pthread_mutex_unlock(&all->lock);
    return c;
}

void httpd_callers_go(httpd_callers *all, httpd_caller *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&all->lock);
    ES_LIST_REMOVE(all, c);
    if (!c->is_ending)
        all->count--;
    if (all->first == NULL)
        (void)pthread_cond_broadcast(&all->is_empty);
    (void)pthread_mutex_unlock(&all->lock);
    es_free(c);
}

void httpd_callers_handled(httpd_callers *all, httpd_caller *c, bool now)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&all->lock);
    c->is_handled = now;
    ES_LIST_REMOVE(all, c);
    ES_LIST_APPEND(all, c);
    (void)pthread_mutex_unlock(&all->lock);
}

void httpd_callers_end(httpd_callers *all)
{
    (void)pthread_mutex_lock(&all->lock);
    all->is_over = true;
    for (httpd_caller *c = all->first; c != NULL; c = c->next) {
        if (!c->is_ending)
            end(all, c);
    }
    while (all->first != NULL)
        (void)pthread_cond_wait(&all->is_empty, &all->lock);
    (void)pthread_mutex_unlock(&all->lock);
}

void httpd_callers_init(httpd_callers *all, size_t max)
{
    *all = (httpd_callers){.max = max};
    (void)pthread_mutex_init(&all->lock, NULL);
    (void)pthread_cond_init(&all->is_empty, NULL);
}

void httpd_callers_done(httpd_callers *all)
{
    (void)pthread_cond_destroy(&all->is_empty);
    (void)pthread_mutex_destroy(&all->lock);
}
