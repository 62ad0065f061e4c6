/* SPDX-License-Identifier: MIT */
/* Which faults are on, and how often they strike yet. */
#include "fault.h"

#include "base/catalog.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct fault_switch {
    bool on;
    uint32_t left; /* 0: unlimited */
    uint32_t value;
    uint64_t struck;
} fault_switch;

struct faults {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool no_more_delays;
    uint64_t switched_off;   /* so often; who waits looks whether it changed */
    fault_switch switches[]; /* as many as the table has rows */
};

faults *faults_new(void)
{
    faults *f = es_calloc(1, sizeof *f + fault_table_count * sizeof f->switches[0]);
    if (f == NULL)
        return NULL;
    pthread_condattr_t attr;
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&f->ended, &attr);
    (void)pthread_condattr_destroy(&attr);
    return f;
}

void faults_free(faults *f)
{
    if (f == NULL)
        return;
    (void)pthread_cond_destroy(&f->ended);
    (void)pthread_mutex_destroy(&f->lock);
    es_free(f);
}

void faults_end_delays(faults *f)
{
    (void)pthread_mutex_lock(&f->lock);
    f->no_more_delays = true;
    (void)pthread_cond_broadcast(&f->ended);
    (void)pthread_mutex_unlock(&f->lock);
}

/* ---- switching ---- */

static entrasql_status find(const char *name, size_t *ret, entrasql_error *err)
{
    for (size_t i = 0; i < fault_table_count; i++) {
        if (es_streq(fault_table[i].name, name)) {
            *ret = i;
            return ENTRASQL_OK;
        }
    }
    char shown[64];
    char known[1024] = "";
    es_printable(shown, sizeof shown, name, strlen(name));
    for (size_t i = 0; i < fault_table_count; i++) {
        size_t n = strlen(known);
        (void)snprintf(known + n, sizeof known - n, "%s%s", n != 0 ? ", " : "",
                       fault_table[i].name);
    }
    (void)es_fail(err, ENTRASQL_NOT_FOUND, "there is no fault '%s'", shown);
    es_hint(err, "There are %s.", known);
    return ENTRASQL_NOT_FOUND;
}

entrasql_status faults_on(faults *f, const char *name, uint32_t count, uint32_t value,
                          entrasql_error *err)
{
    size_t i = 0;
    ES_TRY(find(name, &i, err));
    if (count == FAULT_DEFAULT)
        count = fault_table[i].count;
    if (value == FAULT_DEFAULT)
        value = fault_table[i].value;
    if (count > FAULT_MAX_COUNT || value > FAULT_MAX_VALUE)
        return es_fail(err, ENTRASQL_INVALID,
                       "the fault %s takes a count up to %u, a value up to %u", name,
                       FAULT_MAX_COUNT, FAULT_MAX_VALUE);
    (void)pthread_mutex_lock(&f->lock);
    f->switches[i].on = true;
    f->switches[i].left = count;
    f->switches[i].value = value;
    (void)pthread_mutex_unlock(&f->lock);
    return ENTRASQL_OK;
}

entrasql_status faults_off(faults *f, const char *name, entrasql_error *err)
{
    bool all = es_streq(name, "all");
    size_t i = 0;
    if (!all)
        ES_TRY(find(name, &i, err));
    (void)pthread_mutex_lock(&f->lock);
    for (size_t k = 0; k < fault_table_count; k++) {
        if (all || k == i)
            f->switches[k].on = false;
    }
    f->switched_off++;
    (void)pthread_cond_broadcast(&f->ended);
    (void)pthread_mutex_unlock(&f->lock);
    return ENTRASQL_OK;
}

static entrasql_status read_figure(const char *s, size_t n, uint32_t max, uint32_t *ret)
{
    uint64_t v = 0;
    ES_TRY(es_parse_u64(s, n, max, &v));
    *ret = (uint32_t)v;
    return ENTRASQL_OK;
}

/* One "NAME[=VALUE][:COUNT]" of n bytes. */
static entrasql_status on_item(faults *f, const char *s, size_t n, entrasql_error *err)
{
    char name[64];
    uint32_t value = FAULT_DEFAULT, count = FAULT_DEFAULT;
    size_t name_len = 0, at;
    while (name_len < n && s[name_len] != '=' && s[name_len] != ':')
        name_len++;
    (void)snprintf(name, sizeof name, "%.*s", (int)(name_len < 63 ? name_len : 63), s);
    entrasql_status status = ENTRASQL_OK;
    for (at = name_len; status == ENTRASQL_OK && at < n;) {
        char sign = s[at++];
        size_t from = at;
        while (at < n && s[at] != '=' && s[at] != ':')
            at++;
        status = sign == '=' ? read_figure(s + from, at - from, FAULT_MAX_VALUE, &value)
                             : read_figure(s + from, at - from, FAULT_MAX_COUNT, &count);
    }
    if (status != ENTRASQL_OK) {
        (void)es_fail(err, ENTRASQL_INVALID,
                      "the fault %s has a figure that is no number or too large", name);
        es_hint(err, "A fault is written NAME, NAME=VALUE, NAME:COUNT or NAME=VALUE:COUNT.");
        return ENTRASQL_INVALID;
    }
    return faults_on(f, name, count, value, err);
}

entrasql_status faults_on_list(faults *f, const char *list, entrasql_error *err)
{
    while (*list != 0) {
        size_t n = strcspn(list, ",");
        if (n != 0)
            ES_TRY(on_item(f, list, n, err));
        list += n + (list[n] == ',' ? 1 : 0);
    }
    return ENTRASQL_OK;
}

bool faults_value(faults *f, const char *name, uint32_t *ret)
{
    bool on = false;
    (void)pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < fault_table_count; i++) {
        if (!f->switches[i].on || !es_streq(fault_table[i].name, name))
            continue;
        on = true;
        *ret = f->switches[i].value;
    }
    (void)pthread_mutex_unlock(&f->lock);
    return on;
}

bool faults_is_on(faults *f, const char *name)
{
    uint32_t value = 0;
    return faults_value(f, name, &value);
}

/* ---- striking ---- */

/* Counts one stroke; under the lock. */
static uint32_t strike(fault_switch *s)
{
    s->struck++;
    if (s->left != 0 && --s->left == 0)
        s->on = false;
    return s->value;
}

/* Under the lock, which is given back while it waits. */
static void wait_ms(faults *f, uint32_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    uint64_t before = f->switched_off;
    while (!f->no_more_delays && f->switched_off == before &&
           pthread_cond_timedwait(&f->ended, &f->lock, &until) == 0)
        continue;
}

const fault *faults_next(faults *f, fault_place place, uint32_t *ret_value)
{
    const fault *found = NULL;
    uint32_t delay_ms = 0;
    (void)pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < fault_table_count && found == NULL; i++) {
        const fault *row = &fault_table[i];
        if (row->place != place || !f->switches[i].on)
            continue;
        uint32_t value = strike(&f->switches[i]);
        if (row->effect == FAULT_DELAY) {
            delay_ms += value;
        } else {
            *ret_value = value;
            found = row;
        }
    }
    if (delay_ms != 0)
        wait_ms(f, delay_ms);
    (void)pthread_mutex_unlock(&f->lock);
    if (found != NULL)
        ES_LOG(INFO, "fault", "strikes", ES_KV_STR("name", found->name));
    return found;
}

/* ---- telling ---- */

static const char *place_name(fault_place place)
{
    switch (place) {
    case FAULT_AT_TOKEN:
        return "token";
    case FAULT_AT_ENTRA:
        return "entra";
    case FAULT_AT_IDENTITY:
        return "identity";
    case FAULT_AT_ARM:
    case FAULT_AT_ARM_ANSWER:
    case FAULT_AT_ARM_OPERATION:
    case FAULT_AT_ARM_REPLICATION:
    case FAULT_AT_ARM_SLOW:
        return "arm";
    case FAULT_AT_LOGIN:
    case FAULT_AT_FIREWALL:
        return "login";
    case FAULT_AT_REQUEST:
        return "request";
    case FAULT_AT_DIRECTORY:
        return "directory";
    }
    return "";
}

void faults_write(faults *f, json_writer *j)
{
    json_begin_array(j);
    (void)pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < fault_table_count; i++) {
        const fault *row = &fault_table[i];
        const fault_switch *s = &f->switches[i];
        json_begin_object(j);
        json_member_put_string(j, "name", row->name);
        json_member_put_string(j, "place", place_name(row->place));
        json_member_put_bool(j, "on", s->on);
        json_member_put_i64(j, "value", s->on ? s->value : row->value);
        json_name(j, "left");
        if (s->on && s->left != 0)
            json_put_i64(j, s->left);
        else
            json_put_null(j);
        json_member_put_i64(j, "struck", (int64_t)s->struck);
        json_member_put_string(j, "help", row->help);
        json_end_object(j);
    }
    (void)pthread_mutex_unlock(&f->lock);
    json_end_array(j);
}

uint32_t fault_number(const fault *row, uint32_t value)
{
    return row->number != 0 ? row->number : value;
}

void fault_text(const fault *row, uint32_t value, const char *server, const char *database,
                const char *address, char *ret, size_t size)
{
    char number[16];
    const es_catalog_entry *known = es_catalog_find(ES_CATALOG_SQL, fault_number(row, value), NULL);
    (void)snprintf(number, sizeof number, "%u", (unsigned)value);
    const struct {
        const char *mark;
        const char *text;
    } places[] = {{"{server}", server},
                  {"{database}", database},
                  {"{address}", address},
                  {"{value}", number},
                  {"{cause}", known != NULL ? known->cause : "no cause is known"}};
    size_t n = 0;
    ret[0] = 0;
    for (const char *p = row->text; *p != 0;) {
        const char *put = p;
        int len = 1;
        size_t skip = 1;
        for (size_t i = 0; i < ES_COUNT_OF(places); i++) {
            if (!es_starts_with(p, places[i].mark))
                continue;
            put = places[i].text;
            len = (int)strlen(put);
            skip = strlen(places[i].mark);
        }
        if (n < size)
            (void)snprintf(ret + n, size - n, "%.*s", len, put);
        n = strlen(ret);
        p += skip;
    }
    es_utf8_trim_end(ret);
}
