/* SPDX-License-Identifier: MIT */
/* Loading a driver's file, after a look at its headers (ELF). */
#include "odbc_glue/load.h"

#include "base/reader.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDENT_SIZE 16U
#define HEADER_SIZE 64U /* the larger one, of 64 bits; no library is shorter */
#define CLASS_32 1
#define CLASS_64 2
#define LITTLE_ENDIAN_DATA 1
#define SECTION_WITHOUT_BYTES 8 /* SHT_NOBITS */

typedef struct elf {
    int fd;
    uint64_t size;
    bool wide; /* 64 bits */
} elf;

/* One of the two tables: where it is and what it has. */
typedef struct table {
    uint64_t offset;
    uint16_t entry_size;
    uint16_t count;
} table;

static bool lies_within(const elf *e, uint64_t offset, uint64_t n)
{
    return n == 0 || (offset <= e->size && n <= e->size - offset);
}

static entrasql_status read_word(const elf *e, es_reader *r, uint64_t *ret)
{
    uint32_t narrow = 0;
    if (e->wide)
        return es_reader_u64le(r, ret);
    ES_TRY(es_reader_u32le(r, &narrow));
    *ret = narrow;
    return ENTRASQL_OK;
}

static entrasql_status read_header(const elf *e, es_reader *r, table *segments, table *sections)
{
    uint64_t entry = 0;
    ES_TRY(es_reader_skip(r, IDENT_SIZE + 8)); /* type, machine, version */
    ES_TRY(read_word(e, r, &entry));
    ES_TRY(read_word(e, r, &segments->offset));
    ES_TRY(read_word(e, r, &sections->offset));
    ES_TRY(es_reader_skip(r, 6)); /* flags, size of the header */
    ES_TRY(es_reader_u16le(r, &segments->entry_size));
    ES_TRY(es_reader_u16le(r, &segments->count));
    ES_TRY(es_reader_u16le(r, &sections->entry_size));
    return es_reader_u16le(r, &sections->count);
}

/* The part of the file that a segment of the program has. */
static entrasql_status read_segment(const elf *e, es_reader *r, uint64_t *offset, uint64_t *n)
{
    uint64_t address = 0;
    ES_TRY(es_reader_skip(r, e->wide ? 8 : 4)); /* type; flags of 64 bits */
    ES_TRY(read_word(e, r, offset));
    ES_TRY(read_word(e, r, &address));
    ES_TRY(read_word(e, r, &address));
    return read_word(e, r, n);
}

static entrasql_status read_section(const elf *e, es_reader *r, uint64_t *offset, uint64_t *n)
{
    uint32_t type = 0;
    uint64_t other = 0;
    ES_TRY(es_reader_skip(r, 4)); /* name */
    ES_TRY(es_reader_u32le(r, &type));
    ES_TRY(read_word(e, r, &other)); /* flags */
    ES_TRY(read_word(e, r, &other)); /* address */
    ES_TRY(read_word(e, r, offset));
    ES_TRY(read_word(e, r, n));
    if (type == SECTION_WITHOUT_BYTES)
        *n = 0;
    return ENTRASQL_OK;
}

typedef entrasql_status read_entry(const elf *e, es_reader *r, uint64_t *offset, uint64_t *n);

static bool table_is_whole(const elf *e, const table *t, read_entry *read)
{
    if (!lies_within(e, t->offset, (uint64_t)t->entry_size * t->count))
        return false;
    for (size_t i = 0; i < t->count; i++) {
        uint8_t bytes[HEADER_SIZE];
        uint64_t offset = 0;
        uint64_t n = 0;
        uint64_t at = t->offset + (uint64_t)i * t->entry_size;
        size_t size = t->entry_size < sizeof bytes ? t->entry_size : sizeof bytes;
        if (pread(e->fd, bytes, size, (off_t)at) != (ssize_t)size)
            return false;
        es_reader r = es_reader_of(bytes, size);
        if (read(e, &r, &offset, &n) != ENTRASQL_OK || !lies_within(e, offset, n))
            return false;
    }
    return true;
}

/* NULL when all is there. What the loader refuses itself, such as another machine's, passes. */
static const char *look(elf *e)
{
    static const char magic[] = "\177ELF";
    uint8_t bytes[HEADER_SIZE];
    table segments = {0};
    table sections = {0};
    ssize_t n = pread(e->fd, bytes, sizeof bytes, 0);

    if (n < (ssize_t)IDENT_SIZE || memcmp(bytes, magic, sizeof magic - 1) != 0)
        return "it is no shared library (ELF)";
    if (bytes[5] != LITTLE_ENDIAN_DATA || (bytes[4] != CLASS_32 && bytes[4] != CLASS_64))
        return NULL;
    e->wide = bytes[4] == CLASS_64;
    es_reader r = es_reader_of(bytes, (size_t)n);
    if (read_header(e, &r, &segments, &sections) != ENTRASQL_OK ||
        !table_is_whole(e, &segments, read_segment) || !table_is_whole(e, &sections, read_section))
        return "it is damaged: it ends before what its headers name";
    return NULL;
}

static const char *look_at_file(const char *path)
{
    struct stat st;
    elf e = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)}; /* a pipe would be waited for */
    const char *why = "it is no file";

    if (e.fd < 0)
        return "it cannot be read";
    if (fstat(e.fd, &st) == 0 && S_ISREG(st.st_mode)) {
        e.size = (uint64_t)st.st_size;
        why = look(&e);
    }
    (void)close(e.fd);
    return why;
}

void *glue_load(const char *library, const char **ret_why)
{
    *ret_why = strchr(library, '/') != NULL ? look_at_file(library) : NULL;
    if (*ret_why != NULL)
        return NULL;
    void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
    if (handle != NULL)
        return handle;
    *ret_why = dlerror();
    if (*ret_why == NULL)
        *ret_why = "no reason given";
    return NULL;
}
