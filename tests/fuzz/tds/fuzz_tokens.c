/* SPDX-License-Identifier: MIT */
/* Token streams: walked, and each token given to every parser of a token body. */
#include "tds/fedauth.h"
#include "tds/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_body(const tds_token *t)
{
    tds_message m;
    tds_done d;
    tds_loginack a;
    tds_envchange e;
    tds_fedauth_info i;
    tds_feature_ack f;
    es_reader r = t->body;

    if (tds_message_parse(t, &m, NULL) == ENTRASQL_OK)
        tds_message_done(&m);
    (void)!tds_done_parse(t, &d, NULL);
    (void)!tds_loginack_parse(t, &a, NULL);
    (void)!tds_envchange_parse(t, &e, NULL);
    if (tds_fedauth_info_parse(t, &i, NULL) == ENTRASQL_OK)
        tds_fedauth_info_done(&i);
    while (tds_feature_ack_next(&r, &f, NULL) == ENTRASQL_OK)
        continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    es_reader r = es_reader_of(data, size);
    tds_token t;
    es_secret *token = NULL;

    while (tds_token_next(&r, &t, NULL) == ENTRASQL_OK)
        parse_body(&t);
    if (tds_fedauth_message_parse(data, size, &token, NULL) == ENTRASQL_OK)
        es_secret_unref(token);
    return 0;
}
