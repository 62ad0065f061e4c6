/* SPDX-License-Identifier: MIT */
/* Device and authorization codes while they live. */
#include "grants.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

#include <pthread.h>
#include <string.h>

typedef struct node {
    struct node *next; /* older */
    entra_grant grant;
    char code[GRANTS_CODE_SIZE];
    char user_code[GRANTS_USER_CODE_SIZE]; /* "" for authorization codes */
    grants_state state;
    int64_t expires_on;
    int64_t next_poll_ms;
} node;

struct grants {
    pthread_mutex_t mutex;
    node *newest;
    size_t count;
};

grants *grants_new(void)
{
    grants *g = es_calloc(1, sizeof *g);
    if (g != NULL && pthread_mutex_init(&g->mutex, NULL) != 0) {
        es_free(g);
        return NULL;
    }
    return g;
}

void grants_free(grants *g)
{
    if (g == NULL)
        return;
    while (g->newest != NULL) {
        node *n = g->newest;
        g->newest = n->next;
        es_free_wipe(n, sizeof *n);
    }
    (void)pthread_mutex_destroy(&g->mutex);
    es_free(g);
}

static void lock(grants *g)
{
    (void)pthread_mutex_lock(&g->mutex);
}

static void unlock(grants *g)
{
    (void)pthread_mutex_unlock(&g->mutex);
}

static void make_code(char ret[GRANTS_CODE_SIZE])
{
    uint8_t random[48];
    es_buf text = ES_BUF_INIT_WIPE(GRANTS_CODE_SIZE);
    es_random_bytes(random, sizeof random);
    ret[0] = 0;
    if (es_base64url_encode(random, sizeof random, &text) == ENTRASQL_OK) {
        memcpy(ret, text.data, text.len);
        ret[text.len] = 0;
    }
    es_buf_done(&text);
}

/* Without letters and digits that people take for each other. */
static void make_user_code(char ret[GRANTS_USER_CODE_SIZE])
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    for (size_t i = 0; i < GRANTS_USER_CODE_SIZE - 1; i++)
        ret[i] = letters[es_random_below(sizeof letters - 1)];
    ret[GRANTS_USER_CODE_SIZE - 1] = 0;
}

static void drop_oldest(grants *g)
{
    node **p = &g->newest;
    while (*p != NULL && (*p)->next != NULL)
        p = &(*p)->next;
    if (*p != NULL) {
        es_free_wipe(*p, sizeof **p);
        *p = NULL;
        g->count--;
    }
}

static entrasql_status add(grants *g, node *n)
{
    make_code(n->code);
    if (n->code[0] == 0) {
        es_free_wipe(n, sizeof *n);
        return ENTRASQL_NOMEM;
    }
    lock(g);
    if (g->count == GRANTS_MAX)
        drop_oldest(g);
    n->next = g->newest;
    g->newest = n;
    g->count++;
    unlock(g);
    return ENTRASQL_OK;
}

entrasql_status grants_add_device(grants *g, const entra_grant *grant,
                                  char ret_device_code[GRANTS_CODE_SIZE],
                                  char ret_user_code[GRANTS_USER_CODE_SIZE])
{
    node *n = es_calloc(1, sizeof *n);
    if (n == NULL)
        return ENTRASQL_NOMEM;
    n->grant = *grant;
    n->state = GRANTS_PENDING;
    n->expires_on = es_clock_wall_s() + GRANTS_DEVICE_LIFETIME_S;
    make_user_code(n->user_code);
    ES_TRY(add(g, n));
    memcpy(ret_device_code, n->code, sizeof n->code);
    memcpy(ret_user_code, n->user_code, sizeof n->user_code);
    return ENTRASQL_OK;
}

entrasql_status grants_add_code(grants *g, const entra_grant *grant,
                                char ret_code[GRANTS_CODE_SIZE])
{
    node *n = es_calloc(1, sizeof *n);
    if (n == NULL)
        return ENTRASQL_NOMEM;
    n->grant = *grant;
    n->state = GRANTS_ALLOWED;
    n->expires_on = es_clock_wall_s() + GRANTS_CODE_LIFETIME_S;
    ES_TRY(add(g, n));
    memcpy(ret_code, n->code, sizeof n->code);
    return ENTRASQL_OK;
}

static node *find(const grants *g, const char *code, bool is_device)
{
    for (node *n = g->newest; n != NULL; n = n->next) {
        if ((n->user_code[0] != 0) == is_device && es_streq(n->code, code))
            return n;
    }
    return NULL;
}

static node *find_user_code(const grants *g, const char *user_code)
{
    for (node *n = g->newest; n != NULL; n = n->next) {
        if (n->user_code[0] != 0 && es_strcaseeq(n->user_code, user_code))
            return n;
    }
    return NULL;
}

/* The state as of now; a code that was used or refused stays so after its time. */
static grants_state look(const node *n)
{
    if (n == NULL)
        return GRANTS_UNKNOWN;
    bool is_open = n->state == GRANTS_PENDING || n->state == GRANTS_ALLOWED;
    return is_open && es_clock_wall_s() >= n->expires_on ? GRANTS_EXPIRED : n->state;
}

static grants_state use_up(node *n, entra_grant *ret)
{
    grants_state state = look(n);
    if (state == GRANTS_ALLOWED) {
        *ret = n->grant;
        n->state = GRANTS_REDEEMED;
    }
    return state;
}

grants_state grants_poll_device(grants *g, const char *device_code, const char *client_id,
                                entra_grant *ret)
{
    lock(g);
    node *n = find(g, device_code, true);
    grants_state state = GRANTS_UNKNOWN;
    if (n != NULL && es_strcaseeq(n->grant.client_id, client_id)) {
        int64_t now = es_clock_mono_ms();
        /* A little early is the network's doing. */
        bool is_too_fast = look(n) == GRANTS_PENDING && now < n->next_poll_ms;
        n->next_poll_ms = now + GRANTS_INTERVAL_S * 800;
        state = is_too_fast ? GRANTS_TOO_FAST : use_up(n, ret);
    }
    unlock(g);
    return state;
}

grants_state grants_find_device(grants *g, const char *user_code, entra_grant *ret)
{
    lock(g);
    const node *n = find_user_code(g, user_code);
    grants_state state = look(n);
    if (state == GRANTS_PENDING)
        *ret = n->grant;
    unlock(g);
    return state;
}

grants_state grants_decide_device(grants *g, const char *user_code, const world_principal *user)
{
    lock(g);
    node *n = find_user_code(g, user_code);
    grants_state state = look(n);
    if (state == GRANTS_PENDING) {
        n->grant.user = user;
        n->state = user != NULL ? GRANTS_ALLOWED : GRANTS_DECLINED;
    }
    unlock(g);
    return state;
}

grants_state grants_redeem_code(grants *g, const char *code, entra_grant *ret)
{
    lock(g);
    node *n = find(g, code, false);
    grants_state state = n != NULL ? use_up(n, ret) : GRANTS_UNKNOWN;
    unlock(g);
    return state;
}
