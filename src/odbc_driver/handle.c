/* SPDX-License-Identifier: MIT */
/* Allocating and freeing handles; what happens to them in a forked child. */
#include "handle.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

#include <string.h>

/* Guards the links between handles: connections, and the statements and descriptors of each. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static drv_dbc *connections;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static unsigned generation; /* how often this process is a child of one that had us loaded */

/* ---- fork ---- */

static void before_fork(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void leave_to_the_parent(drv_handle *h)
{
    h->forked = h->base != NULL;
    h->fast = NULL;
}

static void after_fork_in_child(void)
{
    generation++;
    for (drv_dbc *d = connections; d != NULL; d = d->next) {
        /* Another thread of the parent may have held it. */
        (void)pthread_mutex_init(&d->env->lock, NULL);
        leave_to_the_parent(&d->head);
        for (drv_stmt *s = d->stmts; s != NULL; s = s->next) {
            leave_to_the_parent(&s->head);
            for (size_t i = 0; i < ES_COUNT_OF(s->implicit); i++) {
                if (s->implicit[i] != NULL)
                    leave_to_the_parent(&s->implicit[i]->head);
            }
        }
        for (drv_desc *x = d->descs; x != NULL; x = x->next)
            leave_to_the_parent(&x->head);
    }
    (void)pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* ---- the front of every handle ---- */

drv_handle *drv_check(SQLHANDLE handle, drv_type type)
{
    drv_handle *h = handle;
    return h != NULL && h->type == type ? h : NULL;
}

drv_type drv_type_of(SQLSMALLINT handle_type)
{
    switch (handle_type) {
    case SQL_HANDLE_ENV:
        return DRV_ENV;
    case SQL_HANDLE_DBC:
        return DRV_DBC;
    case SQL_HANDLE_DESC:
        return DRV_DESC;
    default:
        return DRV_STMT;
    }
}

void drv_begin(drv_handle *h)
{
    if (h->own == NULL)
        return;
    drv_records_free(h->own);
    h->own = NULL;
    h->fast = h->forked ? NULL : h->base;
}

void drv_attach(drv_handle *h, const drv_functions *functions, SQLHANDLE inner)
{
    h->base = functions;
    h->inner = inner;
    h->fast = h->own == NULL ? functions : NULL;
}

void drv_detach(drv_handle *h)
{
    h->base = NULL;
    h->fast = NULL;
    h->inner = SQL_NULL_HANDLE;
    h->forked = false;
}

const drv_functions *drv_base(SQLHANDLE handle)
{
    const drv_handle *h = handle;
    return h != NULL && !h->forked ? h->base : NULL;
}

SQLRETURN drv_stop(SQLHANDLE handle, size_t offset, const drv_functions **ret)
{
    drv_handle *h = handle;
    if (h == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(h);
    if (h->forked)
        return drv_fail_state(h, "08S01",
                              "this connection belongs to the process that forked: a child has to "
                              "open its own");
    if (h->base == NULL)
        return drv_fail_state(h, "08003", "the connection is not open");
    void *function = NULL;
    memcpy(&function, (const char *)h->base + offset, sizeof function);
    if (function == NULL)
        return drv_fail_state(h, "IM001", "the driver underneath does not support this function");
    *ret = h->base;
    return SQL_SUCCESS;
}

static void handle_free(drv_handle *h)
{
    drv_records_free(h->own);
    h->type = 0;
    es_free(h);
}

/* ---- kept attributes ---- */

void drv_attrs_done(drv_attrs *a)
{
    for (size_t i = 0; i < a->count; i++)
        es_free_wipe_str(a->items[i].text);
    es_free(a->items);
    *a = (drv_attrs){0};
}

entrasql_status drv_attrs_set(drv_attrs *a, SQLINTEGER id, SQLPOINTER value, SQLINTEGER length,
                              const char *text)
{
    drv_attr attr = {.id = id, .value = value, .length = length, .text = es_strdup(text)};
    if (text != NULL && attr.text == NULL)
        return ENTRASQL_NOMEM;
    for (size_t i = 0; i < a->count; i++) {
        if (a->items[i].id == id) {
            es_free_wipe_str(a->items[i].text);
            a->items[i] = attr;
            return ENTRASQL_OK;
        }
    }
    drv_attr *items = es_reallocarray(a->items, a->count + 1, sizeof *items);
    if (items == NULL) {
        es_free_wipe_str(attr.text);
        return ENTRASQL_NOMEM;
    }
    a->items = items;
    a->items[a->count++] = attr;
    return ENTRASQL_OK;
}

const drv_attr *drv_attrs_get(const drv_attrs *a, SQLINTEGER id)
{
    for (size_t i = 0; i < a->count; i++) {
        if (a->items[i].id == id)
            return &a->items[i];
    }
    return NULL;
}

/* ---- environments ---- */

static entrasql_status inner_env_new(const drv_env *e, const drv_library *library, SQLHENV *ret,
                                     entrasql_error *err)
{
    SQLHENV env = SQL_NULL_HENV;
    const drv_functions *f = &library->functions;
    if (!SQL_SUCCEEDED(f->SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &env)))
        return es_fail(err, ENTRASQL_INTERNAL, "the driver underneath gives no environment handle");
    for (size_t i = 0; i < e->attrs.count; i++) {
        const drv_attr *a = &e->attrs.items[i];
        (void)f->SQLSetEnvAttr(env, a->id, a->value, a->length);
    }
    *ret = env;
    return ENTRASQL_OK;
}

static entrasql_status env_inner_locked(drv_env *e, const drv_library *library, SQLHENV *ret,
                                        entrasql_error *err)
{
    for (const drv_inner_env *i = e->inner; i != NULL; i = i->next) {
        if (i->library == library && i->generation == generation) {
            *ret = i->env;
            return ENTRASQL_OK;
        }
    }
    drv_inner_env *made = es_calloc(1, sizeof *made);
    if (made == NULL)
        return es_nomem(err);
    entrasql_status status = inner_env_new(e, library, &made->env, err);
    if (status != ENTRASQL_OK) {
        es_free(made);
        return status;
    }
    made->library = library;
    made->generation = generation;
    made->next = e->inner;
    e->inner = made;
    *ret = made->env;
    return ENTRASQL_OK;
}

entrasql_status drv_env_inner(drv_env *e, const drv_library *library, SQLHENV *ret,
                              entrasql_error *err)
{
    (void)pthread_mutex_lock(&e->lock);
    entrasql_status status = env_inner_locked(e, library, ret, err);
    (void)pthread_mutex_unlock(&e->lock);
    return status;
}

static SQLRETURN env_new(SQLHANDLE *ret)
{
    drv_env *e = es_calloc(1, sizeof *e);
    *ret = SQL_NULL_HANDLE;
    if (e == NULL)
        return SQL_ERROR;
    (void)pthread_once(&fork_once, watch_forks);
    e->head.type = DRV_ENV;
    (void)pthread_mutex_init(&e->lock, NULL);
    *ret = e;
    return SQL_SUCCESS;
}

static SQLRETURN env_free(drv_env *e)
{
    while (e->inner != NULL) {
        drv_inner_env *i = e->inner;
        e->inner = i->next;
        /* A driver that has threads waits for them here, and a child has none of its parent's. */
        if (i->generation == generation)
            (void)i->library->functions.SQLFreeHandle(SQL_HANDLE_ENV, i->env);
        es_free(i);
    }
    drv_attrs_done(&e->attrs);
    (void)pthread_mutex_destroy(&e->lock);
    handle_free(&e->head);
    return SQL_SUCCESS;
}

/* ---- connections ---- */

static SQLRETURN dbc_new(drv_env *e, SQLHANDLE *ret)
{
    drv_dbc *d = es_calloc(1, sizeof *d);
    *ret = SQL_NULL_HANDLE;
    if (d == NULL)
        return drv_fail_state(&e->head, "HY001", "out of memory");
    d->head.type = DRV_DBC;
    d->env = e;
    (void)pthread_mutex_lock(&lock);
    d->next = connections;
    if (connections != NULL)
        connections->prev = d;
    connections = d;
    (void)pthread_mutex_unlock(&lock);
    *ret = d;
    return SQL_SUCCESS;
}

static SQLRETURN dbc_free(drv_dbc *d)
{
    if (d->head.base != NULL && !d->head.forked)
        return drv_fail_state(&d->head, "HY010", "the connection is still open");
    drv_free_children(d);
    (void)pthread_mutex_lock(&lock);
    if (d->prev != NULL)
        d->prev->next = d->next;
    else
        connections = d->next;
    if (d->next != NULL)
        d->next->prev = d->prev;
    (void)pthread_mutex_unlock(&lock);
    drv_attrs_done(&d->attrs);
    conf_connstr_done(&d->list);
    conf_connstr_done(&d->browsed);
    es_free(d->dsn);
    es_free(d->host);
    handle_free(&d->head);
    return SQL_SUCCESS;
}

/* ---- statements ---- */

static SQLRETURN stmt_new(drv_dbc *d, SQLHANDLE *ret)
{
    SQLHANDLE inner = SQL_NULL_HANDLE;
    *ret = SQL_NULL_HANDLE;
    drv_stmt *s = es_calloc(1, sizeof *s);
    if (s == NULL)
        return drv_fail_state(&d->head, "HY001", "out of memory");
    const drv_functions *f = d->head.base;
    SQLRETURN rc = f->SQLAllocHandle(SQL_HANDLE_STMT, d->head.inner, &inner);
    if (!SQL_SUCCEEDED(rc)) {
        es_free(s);
        return rc;
    }
    s->head.type = DRV_STMT;
    s->dbc = d;
    drv_attach(&s->head, f, inner);
    (void)pthread_mutex_lock(&lock);
    s->next = d->stmts;
    if (d->stmts != NULL)
        d->stmts->prev = s;
    d->stmts = s;
    (void)pthread_mutex_unlock(&lock);
    *ret = s;
    return rc;
}

static void stmt_release(drv_stmt *s)
{
    for (size_t i = 0; i < ES_COUNT_OF(s->implicit); i++) {
        if (s->implicit[i] != NULL)
            handle_free(&s->implicit[i]->head);
    }
    handle_free(&s->head);
}

static SQLRETURN stmt_free(drv_stmt *s)
{
    drv_begin(&s->head);
    if (!s->head.forked) {
        SQLRETURN rc = s->head.base->SQLFreeHandle(SQL_HANDLE_STMT, s->head.inner);
        if (!SQL_SUCCEEDED(rc))
            return rc;
    }
    (void)pthread_mutex_lock(&lock);
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        s->dbc->stmts = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    (void)pthread_mutex_unlock(&lock);
    stmt_release(s);
    return SQL_SUCCESS;
}

/* ---- descriptors ---- */

static drv_desc *desc_wrap(drv_dbc *d, SQLHANDLE inner)
{
    drv_desc *x = es_calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->head.type = DRV_DESC;
    x->dbc = d;
    drv_attach(&x->head, d->head.base, inner);
    return x;
}

static SQLRETURN desc_new(drv_dbc *d, SQLHANDLE *ret)
{
    SQLHANDLE inner = SQL_NULL_HANDLE;
    *ret = SQL_NULL_HANDLE;
    const drv_functions *f = d->head.base;
    SQLRETURN rc = f->SQLAllocHandle(SQL_HANDLE_DESC, d->head.inner, &inner);
    if (!SQL_SUCCEEDED(rc))
        return rc;
    drv_desc *x = desc_wrap(d, inner);
    if (x == NULL) {
        (void)f->SQLFreeHandle(SQL_HANDLE_DESC, inner);
        return drv_fail_state(&d->head, "HY001", "out of memory");
    }
    (void)pthread_mutex_lock(&lock);
    x->next = d->descs;
    if (d->descs != NULL)
        d->descs->prev = x;
    d->descs = x;
    (void)pthread_mutex_unlock(&lock);
    *ret = x;
    return rc;
}

static bool is_explicit(const drv_desc *x)
{
    return x->prev != NULL || x->dbc->descs == x;
}

/* Statements that had it go back to their own. */
static void desc_unlink(drv_desc *x)
{
    drv_dbc *d = x->dbc;
    (void)pthread_mutex_lock(&lock);
    for (drv_stmt *s = d->stmts; s != NULL; s = s->next) {
        for (size_t i = 0; i < ES_COUNT_OF(s->given); i++) {
            if (s->given[i] == x)
                s->given[i] = NULL;
        }
    }
    if (x->prev != NULL)
        x->prev->next = x->next;
    else
        d->descs = x->next;
    if (x->next != NULL)
        x->next->prev = x->prev;
    (void)pthread_mutex_unlock(&lock);
}

static SQLRETURN desc_free(drv_desc *x)
{
    drv_begin(&x->head);
    if (!is_explicit(x))
        return drv_fail_state(&x->head, "HY017", "this descriptor belongs to a statement");
    if (!x->head.forked) {
        SQLRETURN rc = x->head.base->SQLFreeHandle(SQL_HANDLE_DESC, x->head.inner);
        if (!SQL_SUCCEEDED(rc))
            return rc;
    }
    desc_unlink(x);
    handle_free(&x->head);
    return SQL_SUCCESS;
}

SQLRETURN drv_desc_of(drv_stmt *s, SQLINTEGER attribute, SQLHANDLE inner, SQLHANDLE *ret)
{
    size_t at = (size_t)(attribute - SQL_ATTR_APP_ROW_DESC);
    if (at < ES_COUNT_OF(s->given) && s->given[at] != NULL && s->given[at]->head.inner == inner) {
        *ret = s->given[at];
        return SQL_SUCCESS;
    }
    if (s->implicit[at] != NULL && s->implicit[at]->head.inner != inner) {
        handle_free(&s->implicit[at]->head);
        s->implicit[at] = NULL;
    }
    if (s->implicit[at] == NULL) {
        drv_desc *made = desc_wrap(s->dbc, inner);
        if (made == NULL)
            return drv_fail_state(&s->head, "HY001", "out of memory");
        (void)pthread_mutex_lock(&lock);
        s->implicit[at] = made;
        (void)pthread_mutex_unlock(&lock);
    }
    *ret = s->implicit[at];
    return SQL_SUCCESS;
}

void drv_free_children(drv_dbc *d)
{
    (void)pthread_mutex_lock(&lock);
    drv_stmt *s = d->stmts;
    drv_desc *x = d->descs;
    d->stmts = NULL;
    d->descs = NULL;
    (void)pthread_mutex_unlock(&lock);
    while (s != NULL) {
        drv_stmt *next = s->next;
        stmt_release(s);
        s = next;
    }
    while (x != NULL) {
        drv_desc *next = x->next;
        handle_free(&x->head);
        x = next;
    }
}

/* ---- the calls ---- */

SQLRETURN SQL_API SQLAllocHandle(SQLSMALLINT type, SQLHANDLE input, SQLHANDLE *output)
{
    if (type == SQL_HANDLE_ENV)
        return output != NULL ? env_new(output) : SQL_ERROR;
    drv_handle *h = drv_check(input, type == SQL_HANDLE_DBC ? DRV_ENV : DRV_DBC);
    if (h == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(h);
    if (output == NULL)
        return drv_fail_state(h, "HY009", "the pointer for the new handle is null");
    if (type == SQL_HANDLE_DBC)
        return dbc_new((drv_env *)h, output);
    *output = SQL_NULL_HANDLE;
    DRV_ENTER(f, h, SQLAllocHandle);
    if (type == SQL_HANDLE_STMT)
        return stmt_new((drv_dbc *)h, output);
    if (type == SQL_HANDLE_DESC)
        return desc_new((drv_dbc *)h, output);
    return drv_fail_state(h, "HY092", "there is no such type of handle");
}

SQLRETURN SQL_API SQLFreeHandle(SQLSMALLINT type, SQLHANDLE handle)
{
    drv_handle *h = drv_check(handle, drv_type_of(type));
    if (h == NULL)
        return SQL_INVALID_HANDLE;
    switch (type) {
    case SQL_HANDLE_ENV:
        return env_free((drv_env *)h);
    case SQL_HANDLE_DBC:
        return dbc_free((drv_dbc *)h);
    case SQL_HANDLE_DESC:
        return desc_free((drv_desc *)h);
    default:
        return stmt_free((drv_stmt *)h);
    }
}

SQLRETURN SQL_API SQLAllocEnv(SQLHENV *env)
{
    return SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, env);
}

SQLRETURN SQL_API SQLAllocConnect(SQLHENV env, SQLHDBC *dbc)
{
    return SQLAllocHandle(SQL_HANDLE_DBC, env, dbc);
}

SQLRETURN SQL_API SQLAllocStmt(SQLHDBC dbc, SQLHSTMT *stmt)
{
    return SQLAllocHandle(SQL_HANDLE_STMT, dbc, stmt);
}

SQLRETURN SQL_API SQLFreeEnv(SQLHENV env)
{
    return SQLFreeHandle(SQL_HANDLE_ENV, env);
}

SQLRETURN SQL_API SQLFreeConnect(SQLHDBC dbc)
{
    return SQLFreeHandle(SQL_HANDLE_DBC, dbc);
}

SQLRETURN SQL_API SQLFreeStmt(SQLHSTMT stmt, SQLUSMALLINT option)
{
    if (option == SQL_DROP)
        return SQLFreeHandle(SQL_HANDLE_STMT, stmt);
    DRV_ENTER(f, stmt, SQLFreeStmt);
    return f->SQLFreeStmt(drv_inner(stmt), option);
}
