/* SPDX-License-Identifier: MIT */
/*
 * The agent of Azure Arc. A first request is answered with the name of a file
 * that was just made and that only this user can read; its content, sent along the second
 * time, proves that the program may have the machine's identity. Each key is good once.
 *
 * Clients accept the agent's own folder only, so the files are made there when
 * it exists and can be written (for tests as root), else in the data directory.
 */
#include "imds.h"
#include "internal.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/random.h"
#include "emulator/world/files.h"
#include "os/file.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define MAX_KEYS 16
#define KEY_BYTES 32

static const imds_parameter parameters[] = {
    {"client_id", IMDS_BY_CLIENT_ID},    {"object_id", IMDS_BY_OBJECT_ID},
    {"msi_res_id", IMDS_BY_RESOURCE_ID}, {"mi_res_id", IMDS_BY_RESOURCE_ID},
    {NULL, IMDS_BY_CLIENT_ID},
};

struct arc_key {
    char *path;
    es_secret *text;
};

struct imds_arc {
    pthread_mutex_t mutex;
    char *dir;
    struct arc_key keys[MAX_KEYS]; /* the oldest makes room */
    unsigned next;
};

static void drop_key(struct arc_key *k)
{
    if (k->path != NULL)
        (void)unlink(k->path);
    es_free(k->path);
    es_secret_unref(k->text);
    *k = (struct arc_key){.path = NULL};
}

entrasql_status imds_arc_new(const char *data_dir, imds_arc **ret, entrasql_error *err)
{
    imds_arc *a = es_calloc(1, sizeof *a);
    if (a == NULL || pthread_mutex_init(&a->mutex, NULL) != 0) {
        es_free(a);
        return es_nomem(err);
    }
    bool has_agents_folder = access(IMDS_ARC_REAL_DIR, W_OK | X_OK) == 0;
    a->dir = has_agents_folder ? es_strdup(IMDS_ARC_REAL_DIR) : world_path(data_dir, IMDS_ARC_DIR);
    if (a->dir == NULL) {
        imds_arc_free(a);
        return es_nomem(err);
    }
    *ret = a;
    return ENTRASQL_OK;
}

void imds_arc_free(imds_arc *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < MAX_KEYS; i++)
        drop_key(&a->keys[i]);
    (void)pthread_mutex_destroy(&a->mutex);
    es_free(a->dir);
    es_free(a);
}

/* ---- the challenge ---- */

static entrasql_status write_key(const imds_arc *a, struct arc_key *k)
{
    uint8_t random[KEY_BYTES];
    char text[2 * KEY_BYTES + 1];
    char name[ES_GUID_TEXT_SIZE + 8];
    es_random_uuid(name);
    memcpy(name + strlen(name), ".key", sizeof ".key");
    es_random_bytes(random, sizeof random);
    es_hex_encode(random, sizeof random, text);
    text[2 * KEY_BYTES] = '\0';
    if (!es_starts_with(a->dir, IMDS_ARC_REAL_DIR))
        ES_TRY(world_dir_make(a->dir, NULL));
    k->path = world_path(a->dir, name);
    k->text = es_secret_from_str(text);
    entrasql_status status = k->path != NULL && k->text != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
    if (status == ENTRASQL_OK)
        status = os_file_write(k->path, text, strlen(text), 0600, NULL);
    es_wipe(random, sizeof random);
    es_wipe(text, sizeof text);
    return status;
}

static void challenge(imds_arc *a, httpd_response *response)
{
    char realm[512] = "Basic realm=";
    (void)pthread_mutex_lock(&a->mutex);
    struct arc_key *k = &a->keys[a->next++ % MAX_KEYS];
    drop_key(k);
    entrasql_status status = write_key(a, k);
    if (status == ENTRASQL_OK && strlen(k->path) < sizeof realm - strlen(realm))
        memcpy(realm + strlen(realm), k->path, strlen(k->path) + 1);
    else
        status = ENTRASQL_LIMIT;
    (void)pthread_mutex_unlock(&a->mutex);
    if (status == ENTRASQL_OK)
        status = httpd_response_header(response, "WWW-Authenticate", realm);
    if (status == ENTRASQL_OK)
        imds_refuse(response, 401, "unauthorized_client", "Answer the challenge with the key.");
    else
        response->status = 500;
}

/* Each key opens once. */
static bool takes_key(imds_arc *a, const char *authorization)
{
    static const char scheme[] = "Basic ";
    bool found = false;
    if (!es_starts_with(authorization, scheme))
        return false;
    const char *text = authorization + sizeof scheme - 1;
    (void)pthread_mutex_lock(&a->mutex);
    for (size_t i = 0; i < MAX_KEYS; i++) {
        struct arc_key *k = &a->keys[i];
        if (k->text == NULL || !es_secret_equal(k->text, text, strlen(text)))
            continue;
        found = true;
        drop_key(k);
    }
    (void)pthread_mutex_unlock(&a->mutex);
    return found;
}

/* ---- the request ---- */

static bool check_request(const httpd_request *request, httpd_response *response)
{
    static const char *const versions[] = {"2019-08-15", "2019-11-01", "2020-06-01", "2021-02-01"};
    const char *version = httpd_query(request, "api-version");
    bool known = false;
    if (!es_streq(httpd_method(request), "GET")) {
        imds_refuse(response, 405, "invalid_request", "Only GET is allowed here");
        return false;
    }
    if (!es_strcaseeq(httpd_header(request, "Metadata"), "true")) {
        imds_refuse(response, 400, "bad_request_102", "Required metadata header not specified");
        return false;
    }
    for (size_t i = 0; i < ES_COUNT_OF(versions); i++)
        known = known || es_streq(version, versions[i]);
    if (!known) {
        imds_refuse(response, 400, "invalid_request", "The api-version is not supported");
        return false;
    }
    return true;
}

void imds_handle_arc(imds_arc *a, const world *w, const httpd_request *request,
                     httpd_response *response)
{
    const world_host *host =
        imds_host_in_path(w, WORLD_ARC, httpd_path(request), IMDS_ARC_PREFIX, IMDS_VM_PATH);
    if (host == NULL) {
        imds_refuse(response, 404, "not_found", "There is no such machine");
        return;
    }
    if (!check_request(request, response))
        return;
    const char *authorization = httpd_header(request, "Authorization");
    if (authorization == NULL || !takes_key(a, authorization)) {
        challenge(a, response);
        return;
    }
    const char *named = httpd_query(request, "resource");
    const char *resource = !es_str_is_empty(named) ? world_resource_find(w, named) : NULL;
    if (resource == NULL) {
        imds_refuse(response, 400, "invalid_resource", "The resource is missing or not known");
        return;
    }
    const world_principal *identity = NULL;
    if (imds_pick_identity(host, request, parameters, true, &identity) != IMDS_PICK_FOUND) {
        imds_refuse(response, 400, "invalid_request", "Identity not found");
        return;
    }
    const imds_form form = {.with_expires_in = true, .with_ids = true};
    imds_answer_token(w, identity, resource, named, &form, response);
}
