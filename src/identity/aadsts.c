/* SPDX-License-Identifier: MIT */
/* Entra's error numbers: looking them up, and finding them in texts. */
#include "identity/aadsts.h"

#include "base/str.h"

#include <string.h>

const identity_aadsts *identity_aadsts_find(uint32_t number)
{
    return es_catalog_find(ES_CATALOG_AADSTS, number, NULL);
}

size_t identity_aadsts_count(void)
{
    size_t count;
    (void)es_catalog_rows(ES_CATALOG_AADSTS, &count);
    return count;
}

uint32_t identity_aadsts_in_text(const char *text)
{
    static const char mark[] = "AADSTS";
    const char *at = strstr(text, mark);
    if (at == NULL)
        return 0;
    at += sizeof mark - 1;
    size_t n = strspn(at, "0123456789");
    uint64_t number;
    return es_parse_u64(at, n, UINT32_MAX, &number) == ENTRASQL_OK ? (uint32_t)number : 0;
}
