/* SPDX-License-Identifier: MIT */
/* A query or form as it comes from a client: what is accepted is text, and not more than was sent.
 */
#include "base/utf16.h"
#include "httpd/fields.h"
#include "httpd/httpd.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    httpd_fields fields;
    if (httpd_fields_parse((const char *)data, size, &fields, NULL) != ENTRASQL_OK)
        return 0;
    size_t total = 0;
    for (size_t i = 0; i < fields.count; i++) {
        size_t n = strlen(fields.items[i].name), v = strlen(fields.items[i].value);
        if (!es_utf8_is_valid(fields.items[i].name, n) ||
            !es_utf8_is_valid(fields.items[i].value, v))
            abort();
        total += n + v;
        const char *value = httpd_fields_get(&fields, fields.items[i].name);
        if ((value == NULL) != (httpd_fields_count(&fields, fields.items[i].name) > 1))
            abort();
    }
    if (total > size || fields.count > HTTPD_MAX_FIELDS)
        abort();
    httpd_fields_done(&fields);
    return 0;
}
