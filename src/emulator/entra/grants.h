/* SPDX-License-Identifier: MIT */
/*
 * What people have allowed, or are being asked to: device codes that wait for
 * somebody, and authorization codes that wait for their client. In memory, for a few
 * minutes each; the oldest make room for new ones.
 *
 * All calls lock; grants are handed out as copies. Any thread.
 */
#ifndef EMULATOR_ENTRA_GRANTS_H
#define EMULATOR_ENTRA_GRANTS_H

#include "emulator/world/world.h"

#define GRANTS_MAX 256
#define GRANTS_CODE_SIZE 96      /* device and authorization codes, with NUL */
#define GRANTS_USER_CODE_SIZE 10 /* nine letters and digits, as Entra's, with NUL */
#define GRANTS_DEVICE_LIFETIME_S 900
#define GRANTS_CODE_LIFETIME_S 600
/* Entra says 5; shorter, so that tests need not wait so long. */
#define GRANTS_INTERVAL_S 1

typedef struct entra_grant {
    char client_id[64];
    char scope[1024];
    char redirect_uri[512];      /* authorization codes; else "" */
    char nonce[256];             /* "" for none */
    char challenge[64];          /* PKCE, S256; "" for none */
    const world_tenant *tenant;  /* NULL: common or organizations */
    const world_principal *user; /* who allowed it; NULL: nobody yet */
} entra_grant;

typedef enum grants_state {
    GRANTS_UNKNOWN,
    GRANTS_EXPIRED,
    GRANTS_PENDING,
    GRANTS_TOO_FAST, /* asked again before the interval had passed */
    GRANTS_DECLINED,
    GRANTS_REDEEMED, /* used already */
    GRANTS_ALLOWED
} grants_state;

typedef struct grants grants;

grants *grants_new(void) ES_MUST_USE; /* NULL without memory */
void grants_free(grants *g);          /* NULL allowed */

entrasql_status grants_add_device(grants *g, const entra_grant *grant,
                                  char ret_device_code[GRANTS_CODE_SIZE],
                                  char ret_user_code[GRANTS_USER_CODE_SIZE]) ES_MUST_USE;
/* The client asks for its token; ALLOWED fills *ret and uses the code up. */
grants_state grants_poll_device(grants *g, const char *device_code, const char *client_id,
                                entra_grant *ret);
/* What a user code is for, while it waits: PENDING fills *ret. */
grants_state grants_find_device(grants *g, const char *user_code, entra_grant *ret);
/* The person's answer; user NULL declines. PENDING: it was waiting, and is decided now. */
grants_state grants_decide_device(grants *g, const char *user_code, const world_principal *user);

entrasql_status grants_add_code(grants *g, const entra_grant *grant,
                                char ret_code[GRANTS_CODE_SIZE]) ES_MUST_USE;
/* ALLOWED fills *ret and uses the code up. */
grants_state grants_redeem_code(grants *g, const char *code, entra_grant *ret);

#endif
