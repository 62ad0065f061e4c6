/* SPDX-License-Identifier: MIT */
/* Process-wide set-up of libcurl and the signal guard around its calls. */
#include "http/internal.h"

#include "os/thread.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void init_once(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

entrasql_status http_global_init(entrasql_error *err)
{
    (void)pthread_once(&global_once, init_once);
    if (global_result != CURLE_OK)
        return es_fail(err, ENTRASQL_OS, "cannot set up the HTTP library: %s",
                       curl_easy_strerror(global_result));
    return ENTRASQL_OK;
}

const char *http_library_versions(void)
{
    /* curl_version(3) may be called without the set-up, but then not by several threads at once. */
    return http_global_init(NULL) == ENTRASQL_OK ? curl_version() : "libcurl";
}

static bool sigpipe_pending(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

void http_guard_enter(http_guard *g)
{
    g->had_sigpipe = sigpipe_pending();
    os_signals_hold(&g->before);
}

void http_guard_leave(http_guard *g)
{
    if (!g->had_sigpipe && sigpipe_pending()) {
        sigset_t only;
        sigemptyset(&only);
        sigaddset(&only, SIGPIPE);
        const struct timespec now = {0, 0};
        while (sigtimedwait(&only, NULL, &now) < 0 && errno == EINTR)
            continue;
    }
    os_signals_release(&g->before);
}
