/* SPDX-License-Identifier: MIT */
/*
 * LOGIN7 ([MS-TDS] 2.2.6.4), both directions, and its FeatureExt list.
 *
 * The parsed form owns all its memory; tds_login7_done() wipes the password
 * and the token. Strings are UTF-8. parse(build(x)) equals x field by field.
 */
#ifndef TDS_LOGIN7_H
#define TDS_LOGIN7_H

#include "base/buf.h"
#include "base/error.h"
#include "base/secret.h"

#define TDS_VERSION_7_0 0x70000000U
#define TDS_VERSION_7_1 0x71000001U
#define TDS_VERSION_7_2 0x72090002U
#define TDS_VERSION_7_3A 0x730A0003U
#define TDS_VERSION_7_3B 0x730B0003U
#define TDS_VERSION_7_4 0x74000004U
#define TDS_VERSION_8_0 0x08000000U

#define TDS_LOGIN7_MAX_BYTES (128 * 1024 - 1)

typedef enum tds_feature_id {
    TDS_FEATURE_SESSIONRECOVERY = 0x01,
    TDS_FEATURE_FEDAUTH = 0x02,
    TDS_FEATURE_COLUMNENCRYPTION = 0x04,
    TDS_FEATURE_GLOBALTRANSACTIONS = 0x05,
    TDS_FEATURE_AZURESQLSUPPORT = 0x08,
    TDS_FEATURE_DATACLASSIFICATION = 0x09,
    TDS_FEATURE_UTF8_SUPPORT = 0x0A,
    TDS_FEATURE_AZURESQLDNSCACHING = 0x0B,
    TDS_FEATURE_JSON = 0x0D,
    TDS_FEATURE_VECTOR = 0x0E,
    TDS_FEATURE_ENHANCEDROUTING = 0x0F,
    TDS_FEATURE_USERAGENT = 0x10,
    TDS_FEATURE_TERMINATOR = 0xFF
} tds_feature_id;

typedef struct tds_feature {
    uint8_t id;
    uint8_t *data; /* owned; NULL when empty */
    size_t len;
} tds_feature;

#define TDS_FEATURES_MAX 32

/* FEDAUTH library of feature 0x02 ([MS-TDS] FEDAUTH FeatureExt). */
typedef enum tds_fedauth_library {
    TDS_FEDAUTH_NONE = -1, /* the client sent no FEDAUTH */
    TDS_FEDAUTH_LIVEID = 0,
    TDS_FEDAUTH_SECURITYTOKEN = 1,
    TDS_FEDAUTH_ADAL = 2
} tds_fedauth_library;

typedef struct tds_login7 {
    uint32_t tds_version;
    uint32_t packet_size; /* 0: the server's default */
    uint32_t client_version;
    uint32_t client_pid;
    uint32_t connection_id;
    uint8_t option_flags1;
    uint8_t option_flags2;
    uint8_t type_flags;
    uint8_t option_flags3; /* the extension bit is set by build() as needed */
    int32_t timezone_minutes;
    uint32_t lcid;
    uint8_t client_id[6];
    char *host_name; /* strings: never NULL, "" when absent */
    char *user_name;
    es_secret *password; /* UTF-8; NULL when absent */
    char *app_name;
    char *server_name;
    char *library_name;
    char *language;
    char *database;
    char *attach_db_file;
    es_secret *change_password; /* NULL when absent */
    uint8_t *sspi;              /* owned; NULL when absent */
    size_t sspi_len;
    tds_feature features[TDS_FEATURES_MAX]; /* in the client's order; FEDAUTH's entry has its
                                               place here with data NULL, see below */
    size_t feature_count;
    /* FEDAUTH, decoded out of its entry: */
    tds_fedauth_library fedauth_library;
    bool fedauth_echo;
    uint8_t fedauth_workflow; /* library ADAL */
    es_secret *fedauth_token; /* library SECURITYTOKEN: the token as UTF-8 text */
    uint8_t *fedauth_nonce;   /* 32 bytes or NULL; owned */
} tds_login7;

/* Empty strings, TDS 7.4, no FEDAUTH. NOMEM leaves it fit for done(). */
entrasql_status tds_login7_init(tds_login7 *l) ES_MUST_USE;
void tds_login7_done(tds_login7 *l);
entrasql_status tds_login7_copy(tds_login7 *dst, const tds_login7 *src) ES_MUST_USE;
/* Replaces an owned string field: tds_login7_set(&l->database, "mydb"). */
entrasql_status tds_login7_set(char **field, const char *value) ES_MUST_USE;
/* Finds a feature by id; NULL when absent. */
const tds_feature *tds_login7_feature(const tds_login7 *l, uint8_t id);
/* Appends a feature (copies data). */
entrasql_status tds_login7_add_feature(tds_login7 *l, uint8_t id, const void *data,
                                       size_t n) ES_MUST_USE;
void tds_login7_remove_feature(tds_login7 *l, uint8_t id);

/* The message body (without packet headers). The buffer should be a wiping one. */
entrasql_status tds_login7_build(const tds_login7 *l, es_buf *out, entrasql_error *err) ES_MUST_USE;
/* A whole message body. On failure *ret needs no done(). */
entrasql_status tds_login7_parse(const uint8_t *p, size_t n, tds_login7 *ret,
                                 entrasql_error *err) ES_MUST_USE;

#endif
