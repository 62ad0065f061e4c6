/* SPDX-License-Identifier: MIT */
/* libsecret by dlopen. */
#include "identity/libsecret.h"

#include "base/mem.h"
#include "base/str.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#define LIBRARY "libsecret-1.so.0"
#define LABEL "MSALCache"
#define COLLECTION "default"

/* From libsecret's stable ABI (secret-schema.h) and GLib's GError. */
typedef struct schema_attribute {
    const char *name;
    int type; /* 0: a string */
} schema_attribute;

typedef struct schema {
    const char *name;
    int flags;
    schema_attribute attributes[32];
    int reserved;
    void *reserved_pointers[7];
} schema;

typedef struct glib_error {
    uint32_t domain;
    int code;
    char *message;
} glib_error;

typedef struct library {
    void *handle;
    char *(*lookup)(const schema *s, void *cancellable, glib_error **error, ...);
    int (*store)(const schema *s, const char *collection, const char *label, const char *password,
                 void *cancellable, glib_error **error, ...);
    void (*free_password)(char *password);
    void (*free_error)(glib_error *error);
} library;

#define ATTRIBUTES                                                                                 \
    "MsalClientID", "Microsoft.Developer.IdentityService", "Microsoft.Developer.IdentityService",  \
        "1.0.0.0", NULL

static schema make_schema(const char *name)
{
    return (schema){
        .name = name,
        .attributes = {{"MsalClientID", 0}, {"Microsoft.Developer.IdentityService", 0}},
    };
}

static void find(void *handle, const char *name, void *ret, size_t size)
{
    /* Functions and objects have pointers of one size on every platform that has dlsym(). */
    void *symbol = dlsym(handle, name);
    memcpy(ret, &symbol, size);
}

/*
 * The handle is not closed: GLib, which it brings along, cannot be unloaded, and a second load
 * costs nothing.
 */
static entrasql_status load(library *l, entrasql_error *err)
{
    memset(l, 0, sizeof *l);
    l->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (l->handle != NULL) {
        find(l->handle, "secret_password_lookup_sync", &l->lookup, sizeof l->lookup);
        find(l->handle, "secret_password_store_sync", &l->store, sizeof l->store);
        find(l->handle, "secret_password_free", &l->free_password, sizeof l->free_password);
        find(l->handle, "g_error_free", &l->free_error, sizeof l->free_error);
        if (l->lookup != NULL && l->store != NULL && l->free_password != NULL &&
            l->free_error != NULL)
            return ENTRASQL_OK;
        (void)dlclose(l->handle);
    }
    es_fail(err, ENTRASQL_UNAVAILABLE, "the token cache needs libsecret, which is not installed");
    es_hint(err, "install %s, or choose another protection", LIBRARY);
    return ENTRASQL_UNAVAILABLE;
}

static entrasql_status failure(const library *l, glib_error *error, entrasql_error *err)
{
    char shown[300] = "it gives no reason";
    if (error != NULL && error->message != NULL)
        es_printable(shown, sizeof shown, error->message, strlen(error->message));
    if (error != NULL)
        l->free_error(error);
    es_fail(err, ENTRASQL_UNAVAILABLE, "the desktop's secret service cannot be used: %s", shown);
    es_hint(err, "it needs a desktop session with an unlocked keyring; else choose another "
                 "protection");
    return ENTRASQL_UNAVAILABLE;
}

entrasql_status identity_libsecret_load(const char *name, es_buf *json, entrasql_error *err)
{
    library l;
    glib_error *error = NULL;
    const schema s = make_schema(name);
    ES_TRY(load(&l, err));
    char *text = l.lookup(&s, NULL, &error, ATTRIBUTES);
    entrasql_status status = ENTRASQL_OK;
    if (error != NULL)
        status = failure(&l, error, err);
    else if (text != NULL)
        status = es_buf_add_str(json, text);
    if (text != NULL)
        l.free_password(text); /* wipes */
    (void)dlclose(l.handle);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, status, "the token cache in the secret service is too large");
    return status == ENTRASQL_NOMEM ? es_nomem(err) : status;
}

entrasql_status identity_libsecret_store(const char *name, const es_buf *json, entrasql_error *err)
{
    library l;
    glib_error *error = NULL;
    const schema s = make_schema(name);
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(json->len + 1);
    ES_TRY(load(&l, err));
    const char *password =
        es_buf_add(&text, json->data, json->len) == ENTRASQL_OK ? es_buf_cstr(&text) : NULL;
    entrasql_status status = ENTRASQL_OK;
    if (password == NULL)
        status = es_nomem(err);
    else if (!l.store(&s, COLLECTION, LABEL, password, NULL, &error, ATTRIBUTES))
        status = failure(&l, error, err);
    (void)dlclose(l.handle);
    return status;
}
