/* SPDX-License-Identifier: MIT */
/* What is offered at the cursor. */
#include "base/mem.h"
#include "base/str.h"
#include "cli/complete.h"

#include <stdlib.h>
#include <string.h>

void cli_choices_add(cli_choices *c, const char *text, const char *end)
{
    ES_CLEANUP(es_buf_done) es_buf whole = ES_BUF_INIT(4096);

    if (c->count == CLI_CHOICES_MAX) {
        c->has_more = true;
        return;
    }
    if (es_buf_add_str(&whole, text) != ENTRASQL_OK || es_buf_add_str(&whole, end) != ENTRASQL_OK)
        return;
    char **grown = es_reallocarray(c->texts, c->count + 1, sizeof *grown);
    if (grown == NULL)
        return;
    c->texts = grown;
    grown[c->count] = es_strndup((const char *)whole.data, whole.len);
    if (grown[c->count] != NULL)
        c->count++;
}

static int compare(const void *a, const void *b)
{
    const unsigned char *x = *(unsigned char *const *)a;
    const unsigned char *y = *(unsigned char *const *)b;
    while (*x != '\0' && es_ascii_lower((char)*x) == es_ascii_lower((char)*y)) {
        x++;
        y++;
    }
    return (unsigned char)es_ascii_lower((char)*x) - (unsigned char)es_ascii_lower((char)*y);
}

void cli_choices_sort(cli_choices *c)
{
    size_t kept = 0;
    if (c->count == 0)
        return;
    qsort(c->texts, c->count, sizeof *c->texts, compare);
    for (size_t i = 0; i < c->count; i++) {
        if (kept != 0 && es_strcaseeq(c->texts[kept - 1], c->texts[i]))
            es_free(c->texts[i]);
        else
            c->texts[kept++] = c->texts[i];
    }
    c->count = kept;
}

size_t cli_choices_common(const cli_choices *c)
{
    size_t n = c->count != 0 ? strlen(c->texts[0]) : 0;
    for (size_t i = 1; i < c->count; i++) {
        while (n != 0 && !es_strncaseeq(c->texts[0], c->texts[i], n))
            n--;
    }
    while (c->count != 0 && n != 0 && ((unsigned char)c->texts[0][n] & 0xC0) == 0x80)
        n--;
    return n;
}

void cli_choices_done(cli_choices *c)
{
    for (size_t i = 0; i < c->count; i++)
        es_free(c->texts[i]);
    es_free(c->texts);
    *c = (cli_choices){0};
}
