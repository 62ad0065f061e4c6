/* SPDX-License-Identifier: MIT */
/*
 * The last logins, for people who look why one was refused: what the client
 * said, who it turned out to be, what it was told, and what was really wrong,
 * which SQL Server keeps from clients. No token, password or hash of one is
 * ever in an entry.
 *
 * Any thread. The oldest entries make room for new ones.
 */
#ifndef EMULATOR_FRONT_JOURNAL_H
#define EMULATOR_FRONT_JOURNAL_H

#include "base/error.h"
#include "json/json.h"

#define JOURNAL_ENTRIES 100
#define JOURNAL_TEXT_SIZE 128

typedef struct journal_entry {
    int64_t at_s;                      /* wall clock */
    uint64_t connection;               /* its number in logs and records */
    char address[64];                  /* the client's */
    char encryption[24];               /* "TLS", "strict TLS", "none" */
    char method[24];                   /* "token", "token on request", "SQL login", "Windows" */
    char principal[JOURNAL_TEXT_SIZE]; /* who it is, once known; else the name it gave */
    char name[JOURNAL_TEXT_SIZE];      /* its display name, for apps and identities */
    char database[JOURNAL_TEXT_SIZE];
    char app[JOURNAL_TEXT_SIZE];
    char host[JOURNAL_TEXT_SIZE];
    char library[JOURNAL_TEXT_SIZE];
    bool accepted;
    uint32_t number; /* of the refusal */
    uint8_t state;
    char text[512]; /* what the client was told */
    char why[512];  /* what was wrong */
    char hint[512]; /* what mends it */
} journal_entry;

typedef struct journal journal;

journal *journal_new(void) ES_MUST_USE; /* NULL without memory */
void journal_free(journal *j);          /* NULL allowed */
/* Copies. NULL journal: nothing. */
void journal_add(journal *j, const journal_entry *entry);
/* The newest first: entry i; false when there are no more. */
bool journal_get(journal *j, size_t i, journal_entry *ret);
/* How many there were since the start. */
void journal_counts(journal *j, uint64_t *ret_accepted, uint64_t *ret_refused);
/* An array of objects, the newest first. */
void journal_write(journal *j, json_writer *out);

#endif
