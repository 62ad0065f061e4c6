/* SPDX-License-Identifier: MIT */
/* Fuzz target: any bytes as a configuration file; what it gives lies in its text. */
#include "conf/ini.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const conf_ini *ini, size_t size, const char *s)
{
    if (s < ini->text || s > ini->text + size || memchr(s, '\n', strlen(s)) != NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    conf_ini ini;
    entrasql_error err;
    size_t counted = 0;
    if (conf_ini_parse("f", data, size, &ini, &err) != ENTRASQL_OK) {
        if (strncmp(err.message, "f", 1) != 0 || strlen(err.message) < 3)
            abort();
        return 0;
    }
    for (size_t i = 0; i < ini.section_count; i++) {
        const conf_ini_section *s = &ini.sections[i];
        if (s->first != counted || s->kind[0] == '\0')
            abort();
        counted += s->count;
        check_text(&ini, size, s->kind);
        check_text(&ini, size, s->name);
    }
    if (counted != ini.entry_count)
        abort();
    for (size_t i = 0; i < ini.entry_count; i++) {
        check_text(&ini, size, ini.entries[i].key);
        check_text(&ini, size, ini.entries[i].value);
    }
    conf_ini_done(&ini);
    return 0;
}
