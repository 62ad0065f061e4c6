/* SPDX-License-Identifier: MIT */
/* Looking a reserved word up. */
#include "tsql/keyword.h"

#include "base/str.h"

#include <string.h>

static const char *const names[TSQL_KW_COUNT] = {"",
#define TSQL_KEYWORD_NAME(name) #name,
                                                 TSQL_KEYWORD_MAP(TSQL_KEYWORD_NAME)
#undef TSQL_KEYWORD_NAME
};

static int compare(const char *word, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        int diff = (unsigned char)es_ascii_upper(word[i]) - (unsigned char)name[i];
        if (diff != 0) /* also at the end of name */
            return diff;
    }
    return name[n] == '\0' ? 0 : -1;
}

tsql_keyword tsql_keyword_find(const char *word, size_t n)
{
    size_t low = TSQL_KW_NONE + 1;
    size_t high = TSQL_KW_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(word, n, names[middle]);
        if (order == 0)
            return (tsql_keyword)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return TSQL_KW_NONE;
}

const char *tsql_keyword_name(tsql_keyword keyword)
{
    return keyword < TSQL_KW_COUNT ? names[keyword] : "";
}
