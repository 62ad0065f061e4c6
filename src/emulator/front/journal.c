/* SPDX-License-Identifier: MIT */
/* A ring of the last logins. */
#include "emulator/front/journal.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

struct journal {
    pthread_mutex_t lock;
    uint64_t total;
    uint64_t accepted;
    journal_entry entries[JOURNAL_ENTRIES];
};

journal *journal_new(void)
{
    journal *j = es_calloc(1, sizeof *j);
    if (j != NULL)
        (void)pthread_mutex_init(&j->lock, NULL);
    return j;
}

void journal_free(journal *j)
{
    if (j == NULL)
        return;
    (void)pthread_mutex_destroy(&j->lock);
    es_free(j);
}

void journal_add(journal *j, const journal_entry *entry)
{
    if (j == NULL)
        return;
    (void)pthread_mutex_lock(&j->lock);
    j->entries[j->total % JOURNAL_ENTRIES] = *entry;
    j->total++;
    j->accepted += entry->accepted ? 1 : 0;
    (void)pthread_mutex_unlock(&j->lock);
}

bool journal_get(journal *j, size_t i, journal_entry *ret)
{
    (void)pthread_mutex_lock(&j->lock);
    bool there = i < JOURNAL_ENTRIES && i < j->total;
    if (there)
        *ret = j->entries[(j->total - 1 - i) % JOURNAL_ENTRIES];
    (void)pthread_mutex_unlock(&j->lock);
    return there;
}

void journal_counts(journal *j, uint64_t *ret_accepted, uint64_t *ret_refused)
{
    (void)pthread_mutex_lock(&j->lock);
    *ret_accepted = j->accepted;
    *ret_refused = j->total - j->accepted;
    (void)pthread_mutex_unlock(&j->lock);
}

static void write_entry(const journal_entry *e, json_writer *out)
{
    char at[32] = "";
    time_t t = (time_t)e->at_s;
    struct tm tm;
    if (gmtime_r(&t, &tm) == NULL || strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        at[0] = '\0';
    json_begin_object(out);
    json_member_put_string(out, "at", at);
    json_member_put_i64(out, "connection", (int64_t)e->connection);
    json_member_put_string(out, "address", e->address);
    json_member_put_string(out, "encryption", e->encryption);
    json_member_put_string(out, "method", e->method);
    json_member_put_string(out, "principal", e->principal);
    json_member_put_string(out, "name", e->name[0] != '\0' ? e->name : NULL);
    json_member_put_string(out, "database", e->database);
    json_member_put_string(out, "app", e->app);
    json_member_put_string(out, "host", e->host);
    json_member_put_string(out, "library", e->library);
    json_member_put_bool(out, "accepted", e->accepted);
    if (!e->accepted) {
        json_member_put_i64(out, "number", e->number);
        json_member_put_i64(out, "state", e->state);
        json_member_put_string(out, "text", e->text);
        json_member_put_string(out, "why", e->why);
        json_member_put_string(out, "hint", e->hint);
    }
    json_end_object(out);
}

void journal_write(journal *j, json_writer *out)
{
    journal_entry e;
    json_begin_array(out);
    for (size_t i = 0; journal_get(j, i, &e); i++)
        write_entry(&e, out);
    json_end_array(out);
}
