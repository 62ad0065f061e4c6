/* SPDX-License-Identifier: MIT */
/*
 * Our handles. The driver manager allocates environment and connection before
 * it shows the connection string, so these two are ours: what is set on them
 * is kept, and set again on the handles of the driver underneath once that is
 * known.
 *
 * Statements and descriptors are wrapped, too. Handing on the handles of the
 * driver underneath would save nothing: two drivers may be loaded at once
 * (Microsoft's and FreeTDS's), so each call has to find the driver of its
 * handle, and the one load from our own block is the cheapest way. A call that
 * has nothing to translate is: load the table, load the inner handle, jump.
 *
 * `fast` is that table, and NULL whenever a call has to stop first: no
 * connection, own diagnostic records to clear, or a forked child, in which a
 * connection of the parent must not be touched (the two would talk on one
 * socket). So the ordinary call pays one comparison for all of that.
 *
 * Threads: as ODBC allows; what our handles share is behind one lock.
 */
#ifndef ODBC_DRIVER_HANDLE_H
#define ODBC_DRIVER_HANDLE_H

#include "diag.h"
#include "library.h"

#include <entrasql/entrasql.h>

#include <pthread.h>

typedef enum drv_type {
    DRV_ENV = 0x456E7631,
    DRV_DBC = 0x44626331,
    DRV_STMT = 0x53746D31,
    DRV_DESC = 0x44736331
} drv_type;

/* The front of every handle. */
typedef struct drv_handle {
    const drv_functions *fast;
    SQLHANDLE inner;
    const drv_functions *base; /* as fast, but NULL only without a connection */
    drv_type type;
    bool forked;
    drv_records *own; /* NULL: none */
} drv_handle;

/* An attribute that was set before there was anybody to take it. */
typedef struct drv_attr {
    SQLINTEGER id;
    SQLPOINTER value;
    SQLINTEGER length;
    char *text; /* value of an attribute that is text; owned; NULL: value counts */
} drv_attr;

typedef struct drv_attrs {
    drv_attr *items;
    size_t count;
} drv_attrs;

typedef struct drv_inner_env {
    struct drv_inner_env *next;
    const drv_library *library;
    SQLHENV env;
    unsigned generation; /* forks before it was made: a child leaves its parent's alone */
} drv_inner_env;

typedef struct drv_env {
    drv_handle head;
    pthread_mutex_t lock; /* guards inner */
    drv_inner_env *inner;
    drv_attrs attrs;
} drv_env;

typedef struct drv_desc drv_desc;

typedef struct drv_stmt {
    drv_handle head;
    struct drv_dbc *dbc;
    struct drv_stmt *prev, *next;
    drv_desc *implicit[4]; /* by attribute, from SQL_ATTR_APP_ROW_DESC on; made when asked for */
    drv_desc *given[2];    /* explicit ones set as application descriptors */
} drv_stmt;

struct drv_desc {
    drv_handle head;
    struct drv_dbc *dbc;
    drv_desc *prev, *next; /* explicit ones only */
};

typedef struct drv_dbc {
    drv_handle head;
    drv_env *env;
    struct drv_dbc *prev, *next;
    drv_stmt *stmts;
    drv_desc *descs;
    drv_attrs attrs;
    const drv_library *library;
    /* of the connection */
    char *dsn;  /* data source; NULL: none */
    char *host; /* the server's name */
    bool tunnelled;
    conf_connstr browsed; /* what SQLBrowseConnect has collected */
    bool browsing;
    /* for the pool's guard */
    bool pooled;
    conf_connstr list;
    char principal[130];
} drv_dbc;

/* NULL unless the handle is ours and of that type. */
drv_handle *drv_check(SQLHANDLE handle, drv_type type);
drv_type drv_type_of(SQLSMALLINT handle_type);

/* Clears the own records, before a call that may leave new ones. */
void drv_begin(drv_handle *h);
/* The inner handle is there (again): calls go through. */
void drv_attach(drv_handle *h, const drv_functions *functions, SQLHANDLE inner);
void drv_detach(drv_handle *h);

/*
 * Why `fast` was NULL, or the function missing. SUCCESS: go on with *ret.
 * Otherwise what the call has to return, with records set (08003, 08S01, IM001).
 */
SQLRETURN drv_stop(SQLHANDLE handle, size_t offset, const drv_functions **ret)
    __attribute__((cold));

/* For calls that a call on the handle must not disturb (SQLCancel): no record is touched. */
const drv_functions *drv_base(SQLHANDLE handle);

static inline const drv_functions *drv_fast(SQLHANDLE handle)
{
    return handle != SQL_NULL_HANDLE ? ((const drv_handle *)handle)->fast : NULL;
}

static inline SQLHANDLE drv_inner(SQLHANDLE handle)
{
    return ((const drv_handle *)handle)->inner;
}

/* Declares `f`, the table, with the function in it; or returns from the calling function. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define DRV_ENTER(f, handle, name)                                                                 \
    const drv_functions *f = drv_fast(handle);                                                     \
    if (__builtin_expect(f == NULL || f->name == NULL, 0)) {                                       \
        SQLRETURN drv_stopped = drv_stop(handle, offsetof(drv_functions, name), &f);               \
        if (drv_stopped != SQL_SUCCESS || f == NULL || f->name == NULL)                            \
            return drv_stopped;                                                                    \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

/* Statements and descriptors of a connection that is gone: frees our wrappers. */
void drv_free_children(drv_dbc *d);

/* The descriptor that stands for an inner one as the attribute of a statement. */
SQLRETURN drv_desc_of(drv_stmt *s, SQLINTEGER attribute, SQLHANDLE inner, SQLHANDLE *ret);

/* The environment of the driver underneath that belongs to ours; made when it is the first time. */
entrasql_status drv_env_inner(drv_env *e, const drv_library *library, SQLHENV *ret,
                              entrasql_error *err) ES_MUST_USE;

/* Kept attributes. text: NULL, or what to keep in place of the value. */
entrasql_status drv_attrs_set(drv_attrs *a, SQLINTEGER id, SQLPOINTER value, SQLINTEGER length,
                              const char *text) ES_MUST_USE;
const drv_attr *drv_attrs_get(const drv_attrs *a, SQLINTEGER id);
void drv_attrs_done(drv_attrs *a);

#endif
