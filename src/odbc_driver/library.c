/* SPDX-License-Identifier: MIT */
/* Loading the driver underneath. */
#include "library.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "odbc_glue/load.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static drv_library *libraries;

static const struct {
    const char *name;
    size_t offset;
} table[] = {
#define DRV_ROW(name) {#name, offsetof(drv_functions, name)},
    DRV_FUNCTIONS(DRV_ROW)
#undef DRV_ROW
};

/* dlsym() also looks into what the library depends on: that must not count. */
static void *own_symbol(void *handle, const struct link_map *map, const char *name)
{
    Dl_info info;
    struct link_map *of_symbol = NULL;
    void *symbol = dlsym(handle, name);
    if (symbol == NULL || dladdr1(symbol, &info, (void **)&of_symbol, RTLD_DL_LINKMAP) == 0 ||
        of_symbol != map)
        return NULL;
    return symbol;
}

static void fill(drv_library *l, void *handle, const struct link_map *map)
{
    for (size_t i = 0; i < ES_COUNT_OF(table); i++) {
        void *symbol = own_symbol(handle, map, table[i].name);
        memcpy((char *)&l->functions + table[i].offset, &symbol, sizeof symbol);
    }
    const drv_functions *f = &l->functions;
    l->calls = (glue_calls){
        .driver_connect = f->SQLDriverConnect,
        .driver_connect_w = f->SQLDriverConnectW,
        .set_connect_attr =
            f->SQLSetConnectAttr != NULL ? f->SQLSetConnectAttr : f->SQLSetConnectAttrW,
        .get_connect_attr =
            f->SQLGetConnectAttr != NULL ? f->SQLGetConnectAttr : f->SQLGetConnectAttrW,
        .get_diag_rec_w = f->SQLGetDiagRecW,
        .get_diag_field_w = f->SQLGetDiagFieldW,
    };
}

/* What our own code calls without asking whether it is there. */
static bool is_driver(const drv_library *l)
{
    const drv_functions *f = &l->functions;
    return f->SQLAllocHandle != NULL && f->SQLFreeHandle != NULL && f->SQLSetEnvAttr != NULL &&
           f->SQLDisconnect != NULL && f->SQLGetDiagRecW != NULL && f->SQLGetDiagFieldW != NULL &&
           (f->SQLDriverConnect != NULL || f->SQLDriverConnectW != NULL) &&
           l->calls.set_connect_attr != NULL && l->calls.get_connect_attr != NULL;
}

static entrasql_status not_loaded(const char *path, const char *why, entrasql_error *err)
{
    char shown[200];
    char reason[300];
    es_printable(shown, sizeof shown, path, strlen(path));
    es_printable(reason, sizeof reason, why, strlen(why));
    es_fail(err, ENTRASQL_CONFIG, "the driver underneath, '%s', cannot be loaded: %s", shown,
            reason);
    es_hint(err,
            "`entrasql odbc status` shows which driver is chosen and why; " GLUE_KEYWORD_UNDERLYING
            "= names another");
    return ENTRASQL_CONFIG;
}

static entrasql_status load_locked(const glue_driver *driver, const drv_library **ret,
                                   entrasql_error *err)
{
    struct link_map *map = NULL;
    const char *why = NULL;
    void *handle = glue_load(driver->library, &why);
    if (handle == NULL)
        return not_loaded(driver->library, why, err);
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || map == NULL)
        return not_loaded(driver->library, "the loader does not know it", err);
    /* SQLDrivers is the driver manager's own. Called from inside a driver, a manager waits for the
     * lock that it holds already. */
    if (own_symbol(handle, map, "SQLDrivers") != NULL)
        return not_loaded(driver->library, "it is a driver manager, not a driver", err);
    drv_library *l = es_calloc(1, sizeof *l);
    if (l == NULL)
        return es_nomem(err);
    fill(l, handle, map);
    l->path = es_strdup(driver->library);
    l->kind = driver->kind;
    if (l->path == NULL || !is_driver(l)) {
        bool nomem = l->path == NULL;
        es_free(l->path);
        es_free(l);
        return nomem
                   ? es_nomem(err)
                   : not_loaded(driver->library, "it is no ODBC 3 driver with Unicode calls", err);
    }
    l->next = libraries;
    libraries = l;
    *ret = l;
    return ENTRASQL_OK;
}

entrasql_status drv_library_open(const glue_driver *driver, const drv_library **ret,
                                 entrasql_error *err)
{
    entrasql_status status = ENTRASQL_OK;
    (void)pthread_mutex_lock(&lock);
    const drv_library *l = libraries;
    while (l != NULL && (!es_streq(l->path, driver->library) || l->kind != driver->kind))
        l = l->next;
    if (l != NULL)
        *ret = l;
    else
        status = load_locked(driver, ret, err);
    (void)pthread_mutex_unlock(&lock);
    return status;
}
