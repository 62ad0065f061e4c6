/* SPDX-License-Identifier: MIT */
/* The rows; see rows.h. */
#include "rows.h"

#include "common.h"
#include "identity/internal.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ARC_KEY "arc-key-not-real-0123456789"
#define AZ_REFRESH_TOKEN "0.AAAA-refresh-token-not-real"

/* ---- helpers of the rows ---- */

static entrasql_client_options client_of(const row_world *world)
{
    return (entrasql_client_options){.authority_host = test_server_url(world->entra),
                                     .ca_file = test_server_ca_file(world->entra)};
}

static void write_program(const row_world *world, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static void entra_gives_a_token(const row_world *world)
{
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    test_server_play(world->entra, script, 1);
}

static void host_gives_a_token(const row_world *world)
{
    static const test_answer script[] = {
        {.body = "{\"access_token\":\"" TOKEN "\",\"expires_on\":\"4102444800\"}"}};
    test_server_play(world->imds, script, 1);
}

/* ---- ClientSecretCredential, EnvironmentCredential ---- */

static entrasql_status make_secret(const row_world *world, entrasql_credential **ret,
                                   entrasql_error *err)
{
    const entrasql_client_options options = client_of(world);
    return entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &options, ret, err);
}

static void entra_refuses(const row_world *world)
{
    static const test_answer script[] = {
        {.status = 400,
         .body = "{\"error\":\"invalid_client\",\"error_codes\":[7000215],\"error_description\":"
                 "\"AADSTS7000215: Invalid client secret provided.\\r\\nTrace ID: 1\"}"}};
    test_server_play(world->entra, script, 1);
}

static void entra_is_busy_first(const row_world *world)
{
    static const test_answer script[] = {{.status = 503}, {.body = TOKEN_REPLY}};
    test_server_play(world->entra, script, 2);
}

static void set_environment(const row_world *world)
{
    setenv("AZURE_TENANT_ID", TENANT, 1);
    setenv("AZURE_CLIENT_ID", CLIENT, 1);
    setenv("AZURE_CLIENT_SECRET", SECRET, 1);
    entra_gives_a_token(world);
}

static entrasql_status make_environment(const row_world *world, entrasql_credential **ret,
                                        entrasql_error *err)
{
    const entrasql_client_options options = client_of(world);
    return entrasql_environment_credential_new(&options, ret, err);
}

/* ---- apps by other proofs ---- */

#define ASSERTION "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhc3NlcnRpb24ifQ.YXNzZXJ0aW9uLXNpZ25lZA"
#define USER_TOKEN "eyJhbGciOiJub25lIn0.eyJ1cG4iOiJ1c2VyIn0.dXNlci1zaWduYXR1cmU"

static const char *certificate_file(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/plain.pem", getenv("TEST_CERTIFICATES"));
    return path;
}

static entrasql_status make_certificate(const row_world *world, entrasql_credential **ret,
                                        entrasql_error *err)
{
    const entrasql_client_options client = client_of(world);
    const entrasql_client_certificate_options options = {
        .path = certificate_file(), .send_x5c = true, .client = &client};
    return entrasql_client_certificate_credential_new(TENANT, CLIENT, &options, ret, err);
}

static entrasql_status give_assertion(void *context, char **ret, entrasql_error *err)
{
    (void)context;
    (void)err;
    *ret = strdup(ASSERTION);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status make_assertion(const row_world *world, entrasql_credential **ret,
                                      entrasql_error *err)
{
    const entrasql_client_options client = client_of(world);
    return entrasql_client_assertion_credential_new(TENANT, CLIENT, give_assertion, NULL, NULL,
                                                    &client, ret, err);
}

static void put_token_file(const row_world *world)
{
    write_program(world, "token", ASSERTION "\n");
    entra_gives_a_token(world);
}

static entrasql_status make_workload(const row_world *world, entrasql_credential **ret,
                                     entrasql_error *err)
{
    const entrasql_client_options client = client_of(world);
    char path[128];
    snprintf(path, sizeof path, "%s/token", world->folder);
    const entrasql_workload_identity_options options = {
        .tenant_id = TENANT, .client_id = CLIENT, .token_file_path = path, .client = &client};
    return entrasql_workload_identity_credential_new(&options, ret, err);
}

static void set_pipelines(const row_world *world)
{
    /* One answer that suits both requests. */
    static const test_answer script[] = {{.body = "{\"oidcToken\":\"" ASSERTION
                                                  "\",\"access_token\":\"" TOKEN
                                                  "\",\"expires_in\":3600}"}};
    setenv("SYSTEM_OIDCREQUESTURI", test_server_url(world->entra), 1);
    test_server_play(world->entra, script, 1);
}

static entrasql_status make_pipelines(const row_world *world, entrasql_credential **ret,
                                      entrasql_error *err)
{
    const entrasql_client_options client = client_of(world);
    return entrasql_azure_pipelines_credential_new(TENANT, CLIENT, "connection", SECRET, &client,
                                                   ret, err);
}

static entrasql_status make_on_behalf_of(const row_world *world, entrasql_credential **ret,
                                         entrasql_error *err)
{
    const entrasql_client_options client = client_of(world);
    const entrasql_on_behalf_of_options options = {.client_secret = SECRET, .client = &client};
    return entrasql_on_behalf_of_credential_new(TENANT, CLIENT, USER_TOKEN, &options, ret, err);
}

/* ---- ManagedIdentityCredential ---- */

static void set_app_service(const row_world *world)
{
    setenv("IDENTITY_ENDPOINT", test_server_url(world->imds), 1);
    setenv("IDENTITY_HEADER", IDENTITY_HEADER, 1);
    host_gives_a_token(world);
}

static void set_imds(const row_world *world)
{
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", test_server_url(world->imds), 1);
    host_gives_a_token(world);
}

static entrasql_status make_managed_identity(const row_world *world, entrasql_credential **ret,
                                             entrasql_error *err)
{
    (void)world;
    const entrasql_managed_identity_options options = {.client_id = CLIENT};
    return entrasql_managed_identity_credential_new(&options, ret, err);
}

static void set_cloud_shell(const row_world *world)
{
    setenv("MSI_ENDPOINT", test_server_url(world->imds), 1);
    host_gives_a_token(world);
}

static void set_azure_ml(const row_world *world)
{
    setenv("MSI_SECRET", IDENTITY_HEADER, 1);
    setenv("DEFAULT_IDENTITY_CLIENT_ID", CLIENT, 1);
    set_cloud_shell(world);
}

static void set_service_fabric(const row_world *world)
{
    char thumbprint[41];
    test_server_thumbprint(world->entra, thumbprint);
    setenv("IDENTITY_ENDPOINT", test_server_url(world->entra), 1);
    setenv("IDENTITY_HEADER", IDENTITY_HEADER, 1);
    setenv("IDENTITY_SERVER_THUMBPRINT", thumbprint, 1);
    entra_gives_a_token(world);
}

static void set_azure_arc(const row_world *world)
{
    static char challenge[128];
    static const test_answer token = {.body = "{\"access_token\":\"" TOKEN
                                              "\",\"expires_in\":\"3600\"}"};
    static test_answer script[8];
    snprintf(challenge, sizeof challenge, "WWW-Authenticate: Basic realm=%s/1.key\r\n",
             world->folder);
    for (size_t i = 0; i < 8; i += 2) {
        script[i] = (test_answer){.status = 401, .headers = challenge};
        script[i + 1] = token;
    }
    write_program(world, "1.key", ARC_KEY);
    setenv("IDENTITY_ENDPOINT", test_server_url(world->imds), 1);
    setenv("IMDS_ENDPOINT", test_server_url(world->imds), 1);
    test_server_play(world->imds, script, 8);
}

static entrasql_status make_system_assigned(const row_world *world, entrasql_credential **ret,
                                            entrasql_error *err)
{
    const identity_managed_identity_inner inner = {.arc_key_directory = world->folder};
    return identity_managed_identity_new(NULL, &inner, ret, err);
}

/* ---- AzureCliCredential ---- */

static void put_az(const row_world *world)
{
    write_program(world, "az",
                  "#!/bin/sh\n"
                  "echo '{\"accessToken\":\"" TOKEN "\",\"expires_on\":4102444800}'\n");
}

static entrasql_status make_azure_cli(const row_world *world, entrasql_credential **ret,
                                      entrasql_error *err)
{
    (void)world;
    return entrasql_azure_cli_credential_new(NULL, ret, err);
}

/* The cache that az left, and az for who does not want what is cached. */
static void put_az_cache(const row_world *world)
{
    static const char profile[] =
        "{\"subscriptions\":[{\"id\":\"s\",\"name\":\"n\",\"isDefault\":true,\"tenantId\":"
        "\"" TENANT "\",\"user\":{\"name\":\"" CLIENT "\",\"type\":\"servicePrincipal\"}}]}";
    static const char cache[] =
        "{\"AccessToken\":{\"k\":{\"credential_type\":\"AccessToken\",\"secret\":\"" TOKEN
        "\",\"home_account_id\":null,\"environment\":\"e\",\"client_id\":\"" CLIENT
        "\",\"target\":\"" ENTRASQL_SCOPE_SQL "\",\"realm\":\"" TENANT
        "\",\"token_type\":\"Bearer\",\"cached_at\":\"1\",\"expires_on\":\"4102444800\"}},"
        "\"RefreshToken\":{\"r\":{\"secret\":\"" AZ_REFRESH_TOKEN "\"}}}";
    char path[128];
    write_program(world, "azureProfile.json", profile);
    write_program(world, "msal_token_cache.json", cache);
    snprintf(path, sizeof path, "%s/msal_token_cache.json", world->folder);
    assert_int_equal(chmod(path, 0600), 0);
    put_az(world);
    setenv("AZURE_CONFIG_DIR", world->folder, 1);
    setenv("ENTRASQL_AZURE_CLI_CACHE", "1", 1);
}

/* ---- other developer tools ---- */

static void put_pwsh(const row_world *world)
{
    write_program(world, "pwsh",
                  "#!/bin/sh\necho '{\"Token\":\"" TOKEN "\",\"ExpiresOn\":4102444800}'\n");
}

static void put_azd(const row_world *world)
{
    write_program(world, "azd",
                  "#!/bin/sh\necho '{\"token\":\"" TOKEN
                  "\",\"expiresOn\":\"2100-01-01T00:00:00Z\"}'\n");
}

static void put_angry_azd(const row_world *world)
{
    write_program(world, "azd", "#!/bin/sh\necho '{\"message\":\"no " TOKEN "\"}' >&2\nexit 1\n");
}

static entrasql_status make_pwsh(const row_world *world, entrasql_credential **ret,
                                 entrasql_error *err)
{
    (void)world;
    return entrasql_azure_powershell_credential_new(NULL, ret, err);
}

static entrasql_status make_azd(const row_world *world, entrasql_credential **ret,
                                entrasql_error *err)
{
    (void)world;
    return entrasql_azure_developer_cli_credential_new(NULL, ret, err);
}

static entrasql_status make_visual_studio(const row_world *world, entrasql_credential **ret,
                                          entrasql_error *err)
{
    (void)world;
    return entrasql_visual_studio_credential_new(NULL, ret, err);
}

static entrasql_status make_visual_studio_code(const row_world *world, entrasql_credential **ret,
                                               entrasql_error *err)
{
    (void)world;
    return entrasql_visual_studio_code_credential_new(NULL, ret, err);
}

/* ---- DefaultAzureCredential ---- */

static void imds_refuses_and_az_works(const row_world *world)
{
    static const test_answer script[] = {{.status = 400, .body = "{\"error\":\"no\"}"}};
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", test_server_url(world->imds), 1);
    test_server_play(world->imds, script, 1);
    put_az(world);
}

static entrasql_status make_default(const row_world *world, entrasql_credential **ret,
                                    entrasql_error *err)
{
    (void)world;
    return entrasql_default_azure_credential_new(NULL, ret, err);
}

/* ---- a custom credential ---- */

static entrasql_status give(void *context, const entrasql_token_request *request,
                            entrasql_token **ret, entrasql_error *err)
{
    (void)context;
    (void)request;
    *ret = entrasql_token_new(TOKEN, 4102444800);
    if (*ret != NULL)
        return ENTRASQL_OK;
    err->status = ENTRASQL_NOMEM;
    snprintf(err->message, sizeof err->message, "out of memory");
    return ENTRASQL_NOMEM;
}

static entrasql_status make_custom(const row_world *world, entrasql_credential **ret,
                                   entrasql_error *err)
{
    (void)world;
    return entrasql_custom_credential_new("Mine", give, NULL, NULL, ret, err);
}

/* ---- DeviceCodeCredential, CachedSignInCredential ---- */

#define REFRESH_TOKEN "1.refresh-token-not-real-9876543210"
#define DEVICE_CODE "device-code-not-real-9876543210"
#define PERSON_REPLY                                                                               \
    "{\"access_token\":\"" TOKEN "\",\"expires_in\":3600,\"refresh_token\":\"" REFRESH_TOKEN       \
    "\",\"client_info\":\"eyJ1aWQiOiIxIiwidXRpZCI6InQifQ\",\"foci\":\"1\"}"

static void nobody_looks(void *context, const entrasql_device_code *code)
{
    (void)context;
    (void)code;
}

static void a_person_comes(const row_world *world)
{
    static const test_answer script[] = {
        {.body = "{\"user_code\":\"A\",\"device_code\":\"" DEVICE_CODE
                 "\",\"verification_uri\":\"https://page\",\"interval\":1}"},
        {.body = PERSON_REPLY}};
    test_server_play(world->entra, script, 2);
}

static entrasql_status make_device_code(const row_world *world, entrasql_credential **ret,
                                        entrasql_error *err)
{
    const entrasql_client_options client = client_of(world);
    const entrasql_device_code_options options = {.prompt = nobody_looks, .client = &client};
    return entrasql_device_code_credential_new(&options, ret, err);
}

static void a_person_was_there(const row_world *world)
{
    static const test_answer script[] = {{.body = PERSON_REPLY}};
    static const char cache[] =
        "{\"Account\":{\"a\":{\"home_account_id\":\"1.t\",\"environment\":\"localhost\","
        "\"realm\":\"t\",\"username\":\"dev@x\"}},\"RefreshToken\":{\"r\":{\"home_account_id\":"
        "\"1.t\",\"environment\":\"localhost\",\"client_id\":\"" ENTRASQL_DEVELOPER_CLIENT_ID
        "\",\"secret\":\"" REFRESH_TOKEN "\"}}}";
    write_program(world, "people.cache", cache);
    char path[128];
    snprintf(path, sizeof path, "%s/people.cache", world->folder);
    assert_int_equal(chmod(path, 0600), 0);
    test_server_play(world->entra, script, 1);
}

static entrasql_status make_cached_sign_in(const row_world *world, entrasql_credential **ret,
                                           entrasql_error *err)
{
    const entrasql_client_options client = client_of(world);
    const entrasql_cache_options cache = {.enabled = true,
                                          .name = "people.cache",
                                          .directory = world->folder,
                                          .protection = ENTRASQL_CACHE_PLAIN_FILE};
    const entrasql_cached_sign_in_options options = {.cache = &cache, .client = &client};
    return entrasql_cached_sign_in_credential_new(&options, ret, err);
}

/* ---- InteractiveBrowserCredential: a thread is the browser ---- */

#define CODE "authorization-code-not-real-0123456789"

static struct {
    pthread_t thread;
    bool is_open;
    char port[8];
    char state[64];
} browser;

static void close_browser(void)
{
    if (browser.is_open)
        assert_int_equal(pthread_join(browser.thread, NULL), 0);
    browser.is_open = false;
}

/* Without memory the listener may be gone by now: that is its affair. */
static void *bring_the_code(void *unused)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(browser.port))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char body[256];
    char request[512];
    char answer[1024];
    snprintf(body, sizeof body, "code=" CODE "&state=%s", browser.state);
    snprintf(request, sizeof request,
             "POST / HTTP/1.1\r\nHost: localhost:%s\r\nContent-Type: "
             "application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
             browser.port, strlen(body), body);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
        send(fd, request, strlen(request), MSG_NOSIGNAL) > 0) {
        while (read(fd, answer, sizeof answer) > 0)
            continue;
    }
    close(fd);
    return unused;
}

static void take(const char *url, const char *name, char *ret, size_t size)
{
    const char *at = strstr(url, name);
    assert_non_null(at);
    at += strlen(name);
    snprintf(ret, size, "%.*s", (int)strcspn(at, "&"), at);
}

static bool open_browser(void *context, const char *url)
{
    (void)context;
    close_browser();
    take(url, "redirect_uri=http%3A%2F%2Flocalhost%3A", browser.port, sizeof browser.port);
    take(url, "&state=", browser.state, sizeof browser.state);
    browser.is_open = pthread_create(&browser.thread, NULL, bring_the_code, NULL) == 0;
    return browser.is_open;
}

static void a_browser_is_there(const row_world *world)
{
    static const test_answer script[] = {{.body = PERSON_REPLY}};
    close_browser();
    test_server_play(world->entra, script, 1);
}

static entrasql_status make_browser(const row_world *world, entrasql_credential **ret,
                                    entrasql_error *err)
{
    const entrasql_client_options client = client_of(world);
    const entrasql_interactive_browser_options options = {
        .open_url = open_browser, .sign_in_timeout_ms = 20000, .client = &client};
    return entrasql_interactive_browser_credential_new(&options, ret, err);
}

/* ---- ChainedTokenCredential ---- */

static entrasql_status make_chained(const row_world *world, entrasql_credential **ret,
                                    entrasql_error *err)
{
    entrasql_credential *members[2] = {NULL, NULL};
    entrasql_status status = make_environment(world, &members[0], err);
    if (status == ENTRASQL_OK)
        status = make_secret(world, &members[1], err);
    if (status == ENTRASQL_OK)
        status = entrasql_chained_credential_new(members, 2, ret, err);
    entrasql_credential_unref(members[0]);
    entrasql_credential_unref(members[1]);
    return status;
}

const credential_row credential_rows[] = {
    {"client_secret", entra_gives_a_token, make_secret, ENTRASQL_OK, {NULL}},
    {"client_secret_refused", entra_refuses, make_secret, ENTRASQL_AUTH_FAILED, {NULL}},
    {"client_secret_after_a_retry", entra_is_busy_first, make_secret, ENTRASQL_OK, {NULL}},
    {"client_certificate", entra_gives_a_token, make_certificate, ENTRASQL_OK, {NULL}},
    {"client_assertion", entra_gives_a_token, make_assertion, ENTRASQL_OK, {ASSERTION}},
    {"workload_identity", put_token_file, make_workload, ENTRASQL_OK, {ASSERTION}},
    {"azure_pipelines", set_pipelines, make_pipelines, ENTRASQL_OK, {ASSERTION, "Bearer " SECRET}},
    {"on_behalf_of", entra_gives_a_token, make_on_behalf_of, ENTRASQL_OK, {USER_TOKEN}},
    {"environment", set_environment, make_environment, ENTRASQL_OK, {NULL}},
    {"environment_missing", NULL, make_environment, ENTRASQL_UNAVAILABLE, {NULL}},
    {"managed_identity_app_service", set_app_service, make_managed_identity, ENTRASQL_OK, {NULL}},
    {"managed_identity_imds", set_imds, make_managed_identity, ENTRASQL_OK, {NULL}},
    {"managed_identity_cloud_shell", set_cloud_shell, make_system_assigned, ENTRASQL_OK, {NULL}},
    {"managed_identity_azure_ml", set_azure_ml, make_managed_identity, ENTRASQL_OK, {NULL}},
    {"managed_identity_service_fabric",
     set_service_fabric,
     make_system_assigned,
     ENTRASQL_OK,
     {NULL}},
    {"managed_identity_azure_arc", set_azure_arc, make_system_assigned, ENTRASQL_OK, {ARC_KEY}},
    {"azure_cli", put_az, make_azure_cli, ENTRASQL_OK, {NULL}},
    {"azure_cli_missing", NULL, make_azure_cli, ENTRASQL_UNAVAILABLE, {NULL}},
    {"azure_cli_cache", put_az_cache, make_azure_cli, ENTRASQL_OK, {AZ_REFRESH_TOKEN}},
    {"azure_powershell", put_pwsh, make_pwsh, ENTRASQL_OK, {NULL}},
    {"azure_developer_cli", put_azd, make_azd, ENTRASQL_OK, {NULL}},
    {"azure_developer_cli_fails", put_angry_azd, make_azd, ENTRASQL_AUTH_FAILED, {NULL}},
    {"visual_studio_missing", NULL, make_visual_studio, ENTRASQL_UNAVAILABLE, {NULL}},
    {"visual_studio_code_missing", NULL, make_visual_studio_code, ENTRASQL_UNAVAILABLE, {NULL}},
    {"default_azure_by_azure_cli", imds_refuses_and_az_works, make_default, ENTRASQL_OK, {NULL}},
    {"custom", NULL, make_custom, ENTRASQL_OK, {NULL}},
    {"device_code", a_person_comes, make_device_code, ENTRASQL_OK, {REFRESH_TOKEN, DEVICE_CODE}},
    {"interactive_browser", a_browser_is_there, make_browser, ENTRASQL_OK, {REFRESH_TOKEN, CODE}},
    {"chained", entra_gives_a_token, make_chained, ENTRASQL_OK, {NULL}},
    {"cached_sign_in", a_person_was_there, make_cached_sign_in, ENTRASQL_OK, {REFRESH_TOKEN}},
};
const unsigned credential_row_count = sizeof credential_rows / sizeof credential_rows[0];

/* ---- the world ---- */

int row_world_make(row_world *world)
{
    world->entra = test_server_start(true);
    world->imds = test_server_start(false);
    snprintf(world->folder, sizeof world->folder, "/tmp/entrasql-rows-XXXXXX");
    return mkdtemp(world->folder) != NULL ? 0 : -1;
}

static void empty_folder(const row_world *world)
{
    DIR *d = opendir(world->folder);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
    }
    closedir(d);
}

void row_world_free(row_world *world)
{
    close_browser();
    empty_folder(world);
    rmdir(world->folder);
    test_server_stop(world->entra);
    test_server_stop(world->imds);
}

void row_prepare(const row_world *world, const credential_row *row)
{
    void *no_state = NULL;
    (void)common_clean(&no_state);
    empty_folder(world);
    setenv("PATH", world->folder, 1);
    setenv("HOME", world->folder, 1);
    if (row->prepare != NULL)
        row->prepare(world);
}
