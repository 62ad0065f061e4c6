/* SPDX-License-Identifier: MIT */
/* Asks getrusage(2), getrlimit(2) and /proc. */
#include "os/usage.h"

#include "base/buf.h"
#include "base/str.h"
#include "os/file.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t microseconds(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

/* The second number of /proc/self/statm is the resident set in pages. */
static uint64_t resident_bytes(void)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(1024);
    uint64_t pages = 0;
    if (os_file_read("/proc/self/statm", &text, NULL) != ENTRASQL_OK)
        return 0;
    const char *s = es_buf_cstr(&text);
    const char *second = s != NULL ? strchr(s, ' ') : NULL;
    if (second == NULL || es_parse_u64(second + 1, strspn(second + 1, "0123456789"),
                                       UINT64_MAX / 65536, &pages) != ENTRASQL_OK)
        return 0;
    long page = sysconf(_SC_PAGESIZE);
    return page > 0 ? pages * (uint64_t)page : 0;
}

static uint64_t open_fds(void)
{
    uint64_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL)
        return 0;
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += es_is_digit(e->d_name[0]) ? 1 : 0;
    (void)closedir(d);
    return n > 0 ? n - 1 : 0; /* the one by which we look */
}

void os_usage_get(os_usage *ret)
{
    struct rusage usage;
    struct rlimit limit;
    *ret = (os_usage){0};
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        ret->cpu_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        ret->max_fds = (uint64_t)limit.rlim_cur;
    ret->resident_bytes = resident_bytes();
    ret->open_fds = open_fds();
}
