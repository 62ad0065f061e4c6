/* SPDX-License-Identifier: MIT */
/* What the application's settings are to become; shared by the step, verify and the texts for
 * people. */
#ifndef MIGRATE_SETTING_H
#define MIGRATE_SETTING_H

#include "migrate/plan.h"

#define MIGRATE_CLIENT_ID_SETTING "AZURE_CLIENT_ID"
#define MIGRATE_SETTING_CHANGES 16

/* One setting as it is and as it shall be. */
typedef struct migrate_setting {
    azure_setting_kind kind;
    const char *name;
    const azure_setting *old; /* NULL: there is none */
    char *value;              /* what it shall be; NULL: not there, or not known yet */
    bool is_known;            /* the identity's ids are */
    bool has_secret;          /* the old value may hold one */
    bool same;                /* nothing to do */
    bool stays;               /* another migration's: it leads to `place` */
    char place[200];          /* where it leads, when that may be elsewhere; "" */
    char note[256];           /* about the string's form, for people */
} migrate_setting;

typedef struct migrate_settings {
    migrate_setting list[MIGRATE_SETTING_CHANGES];
    size_t count;
} migrate_settings;

/*
 * From what was seen of host, server and identity. CONFIG: the old string cannot be read. INVALID:
 * it leads to another database.
 */
entrasql_status migrate_settings_want(const migrate_context *m, migrate_settings *ret,
                                      entrasql_error *err) ES_MUST_USE;
void migrate_settings_done(migrate_settings *s);

/* "setting" and "connectionString": for the journal. */
const char *migrate_setting_kind_name(azure_setting_kind kind);

typedef enum migrate_password {
    MIGRATE_PASSWORD_NONE,     /* for our server; or it is no connection string, NULL included */
    MIGRATE_PASSWORD_OURS,     /* for the database that is migrated, or none by name */
    MIGRATE_PASSWORD_ELSEWHERE /* for another database of the server */
} migrate_password;

/* Of a setting's value: which password it has, if it is a connection string of any form. */
migrate_password migrate_setting_password(const migrate_context *m, const char *value);

/* A file for hosts whose settings ARM cannot write: systemd, cloud-init, Kubernetes. */
entrasql_status migrate_settings_instructions(const migrate_context *m, const migrate_settings *s,
                                              es_buf *out, entrasql_error *err) ES_MUST_USE;
/* Does it inside of a virtual machine, by run-command; `back` takes it away again. */
entrasql_status migrate_settings_run(migrate_context *m, const migrate_settings *s, bool back,
                                     entrasql_error *err) ES_MUST_USE;

#endif
