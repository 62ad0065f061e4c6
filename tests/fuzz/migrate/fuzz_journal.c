/* SPDX-License-Identifier: MIT */
/* A journal of any bytes: parsed, asked about, and the same when its whole lines are parsed again.
 */
#include "migrate/journal.h"
#include "migrate/options.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    entrasql_error err;
    migrate_journal *j = NULL;
    migrate_journal *again = NULL;
    migrate_options options;

    if (migrate_journal_parse(data, size, &j, &err) != ENTRASQL_OK)
        return 0;
    size_t whole = migrate_journal_whole_bytes(j);
    if (whole > size || migrate_journal_parse(data, whole, &again, &err) != ENTRASQL_OK ||
        migrate_journal_has(j, "a", MIGRATE_EVENT_BEGIN) !=
            migrate_journal_has(again, "a", MIGRATE_EVENT_BEGIN))
        abort();
    (void)!migrate_options_read(migrate_journal_options(j), &options, &err);
    (void)migrate_journal_first(j, "a", MIGRATE_EVENT_DONE);
    migrate_journal_close(again);
    migrate_journal_close(j);
    return 0;
}
