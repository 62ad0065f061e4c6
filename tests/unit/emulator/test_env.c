/* SPDX-License-Identifier: MIT */
/*
 * What other processes see: status and stop by the lock, the printed
 * environments, and the az stand-in, which is this test program under its
 * other name. The running emulator is played by a lock and a state file.
 */
#include "support.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/jwt.h"
#include "emulator/emulator.h"
#include "emulator/internal.h"
#include "emulator/world/federation.h"
#include "emulator/world/token.h"
#include "os/lock.h"
#include "json/json.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[256];
static world *w;
static os_lock *lock;

static void play_running(void)
{
    char path[300];
    snprintf(path, sizeof path, "%s/lock", dir);
    assert_int_equal(os_lock_take(path, &lock, NULL), ENTRASQL_OK);
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(4096);
    emulator_info info = {
        .pid = (int)getpid(), .entra_port = 1001, .identity_port = 1002, .sql_port = 1003};
    assert_int_equal(emulator_write_state(&info, dir, &text), ENTRASQL_OK);
    support_write(dir, "emulator.json", es_buf_cstr(&text));
}

static int start(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "%s", support_make_dir());
    w = support_load(dir);
    play_running();
    assert_int_equal(emulator_make_tool_links(dir, w, NULL), ENTRASQL_OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    os_lock_free(lock);
    world_free(w);
    support_remove_dir(dir);
    return 0;
}

/* ---- data directory and status ---- */

static void data_directory_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *given, *own, *xdg, *home, *expected; /* NULL: CONFIG */
    } rows[] = {
        {"/a", "/b", "/c", "/d", "/a"},
        {NULL, "/b", "/c", "/d", "/b"},
        {NULL, "", "/c", "/d", "/c/entrasql/emulator"},
        {NULL, NULL, "/c", "/d", "/c/entrasql/emulator"},
        {NULL, NULL, "relative", "/d", "/d/.local/state/entrasql/emulator"},
        {NULL, NULL, NULL, "/d", "/d/.local/state/entrasql/emulator"},
        {NULL, NULL, NULL, NULL, NULL},
        {"", NULL, NULL, "/d", NULL},
    };
    static const char *const names[] = {"ENTRASQL_EMULATOR_DIR", "XDG_STATE_HOME", "HOME"};
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const char *const values[] = {rows[i].own, rows[i].xdg, rows[i].home};
        for (size_t n = 0; n < ES_COUNT_OF(names); n++) {
            if (values[n] != NULL)
                assert_int_equal(setenv(names[n], values[n], 1), 0);
            else
                assert_int_equal(unsetenv(names[n]), 0);
        }
        char *path = NULL;
        entrasql_status status = emulator_data_dir(rows[i].given, &path, NULL);
        assert_int_equal(status, rows[i].expected != NULL ? ENTRASQL_OK : ENTRASQL_CONFIG);
        if (path != NULL)
            assert_string_equal(path, rows[i].expected);
        es_free(path);
    }
    char *path = NULL;
    assert_int_equal(emulator_data_dir("x", &path, NULL), ENTRASQL_OK);
    assert_true(path[0] == '/' && es_ends_with(path, "/x"));
    es_free(path);
}

static void status_follows_the_lock(void **state)
{
    (void)state;
    emulator_info info;
    entrasql_error err;
    assert_int_equal(emulator_status(dir, &info, NULL), ENTRASQL_OK);
    assert_int_equal(info.pid, getpid());
    assert_int_equal(info.sql_port, 1003);
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(4096);
    assert_int_equal(emulator_status_json(dir, &text, NULL), ENTRASQL_OK);
    support_assert_has(es_buf_cstr(&text), "\"sql_server\":\"tcp:localhost,1003\"");

    /* Without the lock the state file is a leftover: no process is signalled for it. */
    os_lock_free(lock);
    lock = NULL;
    assert_int_equal(emulator_status(dir, &info, &err), ENTRASQL_NOT_FOUND);
    support_assert_has(err.hint, "emulator start");
    assert_int_equal(emulator_stop(dir, 100, NULL), ENTRASQL_NOT_FOUND);
    assert_int_equal(emulator_status("/nonexistent", &info, NULL), ENTRASQL_NOT_FOUND);
    play_running();
}

static void damaged_state_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "{\"pid\":1,\"entra_port\":1,\"identity_port\":1,\"sql_port\":1}",
        "{\"pid\":-5,\"entra_port\":1,\"identity_port\":1,\"sql_port\":1}",
        "{\"pid\":99,\"entra_port\":65536,\"identity_port\":1,\"sql_port\":1}"};
    emulator_info info;
    for (size_t i = 0; i < ES_COUNT_OF(texts); i++) {
        support_write(dir, "emulator.json", texts[i]);
        assert_int_equal(emulator_status(dir, &info, NULL), ENTRASQL_MALFORMED);
        assert_int_equal(emulator_stop(dir, 100, NULL), ENTRASQL_MALFORMED);
    }
    os_lock_free(lock);
    play_running();
}

/* A child that holds the lock and does not listen to SIGTERM, and one that does. */
static void stop_waits_for_the_lock(void **state)
{
    (void)state;
    for (int obeys = 0; obeys < 2; obeys++) {
        os_lock_free(lock);
        lock = NULL;
        int ready[2];
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)signal(SIGTERM, obeys ? SIG_DFL : SIG_IGN);
            play_running();
            (void)!write(ready[1], "x", 1);
            (void)pause();
            _exit(0);
        }
        char byte;
        assert_int_equal(read(ready[0], &byte, 1), 1);
        entrasql_error err;
        entrasql_status status = emulator_stop(dir, 200, &err);
        assert_int_equal(status, obeys ? ENTRASQL_OK : ENTRASQL_TIMEOUT);
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        (void)close(ready[0]);
        (void)close(ready[1]);
        play_running();
    }
}

/* ---- env ---- */

static const char *env_of(const char *as, const char *host, emulator_env_format format)
{
    static char text[32 * 1024];
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(sizeof text);
    entrasql_error err;
    emulator_env_options options = {.data_dir = dir, .as = as, .host = host, .format = format};
    if (emulator_env(&options, &out, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    snprintf(text, sizeof text, "%s", es_buf_cstr(&out));
    return text;
}

static void assert_variable(const char *as, const char *host, const char *name, const char *value)
{
    const char *text = env_of(as, host, EMULATOR_ENV_JSON);
    json_doc *doc = NULL;
    const char *found = NULL;
    assert_int_equal(json_doc_parse(text, strlen(text), &doc, NULL), ENTRASQL_OK);
    const json_node *node = json_member(json_doc_root(doc), name);
    if (value == NULL) {
        assert_non_null(node);
        assert_int_equal(json_node_kind(node), JSON_KIND_NULL);
    } else {
        assert_int_equal(json_node_string(node, &found, NULL), ENTRASQL_OK);
        assert_string_equal(found, value);
    }
    json_doc_free(doc);
}

static void person_gets_az_and_nothing_else(void **state)
{
    (void)state;
    char path[600], ca[300];
    static const char who[] = "dev@contoso.example";
    snprintf(path, sizeof path, "%s/az/%s:/usr/bin:/bin", dir, who);
    snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    /* What an eval for somebody else left goes. */
    char before[900];
    snprintf(before, sizeof before, "%s/az/other@x:%s/bin:/usr/bin:/bin", dir, dir);
    assert_int_equal(setenv("PATH", before, 1), 0);
    assert_variable(who, NULL, "PATH", path);
    assert_variable(who, NULL, "SSL_CERT_FILE", ca);
    assert_variable(who, NULL, "AZURE_TOKEN_CREDENTIALS", "AzureCliCredential");
    assert_variable(who, NULL, "AZURE_AUTHORITY_HOST", "https://localhost:1001");
    assert_variable(who, NULL, "AZURE_SQL_CONNECTIONSTRING",
                    "Driver={ODBC Driver 18 for SQL Server};Server=tcp:127.0.0.1,1003;"
                    "Database=persons;Encrypt=yes;TrustServerCertificate=no;"
                    "HostNameInCertificate=localhost;Connection Timeout=30");
    static const char *const unset[] = {"IDENTITY_ENDPOINT",
                                        "IDENTITY_HEADER",
                                        "MSI_ENDPOINT",
                                        "MSI_SECRET",
                                        "AZURE_CLIENT_ID",
                                        "AZURE_CLIENT_SECRET",
                                        "AZURE_TENANT_ID",
                                        "AZURE_USERNAME",
                                        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                                        "AZURE_FEDERATED_TOKEN_FILE"};
    for (size_t i = 0; i < ES_COUNT_OF(unset); i++)
        assert_variable(who, NULL, unset[i], NULL);
}

static void identity_gets_its_host(void **state)
{
    (void)state;
    const world_principal *mi = world_principal_find(w, "MigrationIdentity");
    static const char who[] = "MigrationIdentity";
    assert_variable(who, NULL, "IDENTITY_ENDPOINT", "http://127.0.0.1:1002/msi/token");
    assert_variable(who, NULL, "IDENTITY_HEADER",
                    es_secret_reveal(world_host_find(w, "persons-app")->identity_header));
    assert_variable(who, NULL, "AZURE_CLIENT_ID", mi->client_id);
    assert_variable(who, NULL, "AZURE_POD_IDENTITY_AUTHORITY_HOST", NULL);
    assert_variable(who, NULL, "AZURE_TOKEN_CREDENTIALS", NULL);
    assert_variable(who, "persons-vm", "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                    "http://127.0.0.1:1002");
    assert_variable(who, "persons-vm", "AZURE_CLIENT_ID", mi->client_id);
    assert_variable(who, "persons-vm", "IDENTITY_ENDPOINT", NULL);
    assert_variable("persons-vm", NULL, "AZURE_CLIENT_ID", NULL); /* system-assigned */
}

/* NULL: the host's own secret. */
static void identity_gets_each_kind_of_host(void **state)
{
    (void)state;
    const char *id = world_principal_find(w, "MigrationIdentity")->client_id;
    const struct {
        const char *host, *name, *value;
    } rows[] = {
        {"persons-app-2017", "MSI_ENDPOINT", "http://127.0.0.1:1002/msi/2017/token"},
        {"persons-app-2017", "MSI_SECRET", NULL},
        {"persons-app-2017", "WEBSITE_SITE_NAME", "persons-app-2017"},
        {"persons-app-2017", "AZURE_CLIENT_ID", id},
        {"persons-ml", "MSI_SECRET", NULL},
        {"persons-ml", "DEFAULT_IDENTITY_CLIENT_ID", id},
        {"persons-shell", "MSI_ENDPOINT", "http://127.0.0.1:1002/cloud-shell/persons-shell/token"},
        {"persons-arc", "IDENTITY_ENDPOINT",
         "http://127.0.0.1:1002/arc/persons-arc/metadata/identity/oauth2/token"},
        {"persons-arc", "IMDS_ENDPOINT", "http://127.0.0.1:1002"},
        {"persons-arc", "AZURE_CLIENT_ID", id},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const world_host *host = world_host_find(w, rows[i].host);
        assert_variable("MigrationIdentity", rows[i].host, rows[i].name,
                        rows[i].value != NULL ? rows[i].value
                                              : es_secret_reveal(host->identity_header));
    }
    static const struct {
        const char *host, *name;
    } unset[] = {
        {"persons-app-2017", "DEFAULT_IDENTITY_CLIENT_ID"},
        {"persons-app-2017", "IDENTITY_ENDPOINT"},
        {"persons-ml", "WEBSITE_SITE_NAME"},
        {"persons-ml", "AZURE_CLIENT_ID"},
        {"persons-shell", "MSI_SECRET"},
        {"persons-shell", "AZURE_CLIENT_ID"},
        {"persons-arc", "IDENTITY_HEADER"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(unset); i++)
        assert_variable("MigrationIdentity", unset[i].host, unset[i].name, NULL);
    /* The emulator that plays here runs without a cluster. */
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(32 * 1024);
    entrasql_error err;
    emulator_env_options fabric = {
        .data_dir = dir, .as = "MigrationIdentity", .host = "persons-fabric"};
    assert_int_equal(emulator_env(&fabric, &out, &err), ENTRASQL_NOT_FOUND);
    support_assert_has(err.message, "Service Fabric");
}

static void app_gets_its_secret(void **state)
{
    (void)state;
    const world_principal *app = world_principal_find(w, "ci-app");
    assert_variable("ci-app", NULL, "AZURE_CLIENT_ID", app->client_id);
    assert_variable("ci-app", NULL, "AZURE_CLIENT_SECRET", es_secret_reveal(app->secret));
    assert_variable("ci-app", NULL, "AZURE_TENANT_ID", world_home_tenant(w)->id);
    assert_variable("ci-app", NULL, "IDENTITY_ENDPOINT", NULL);
    /* Nobody else's environment shows it. */
    assert_null(strstr(env_of("dev@contoso.example", NULL, EMULATOR_ENV_SH),
                       es_secret_reveal(app->secret)));
}

static void a_pod_gets_a_token_file(void **state)
{
    (void)state;
    static const char who[] = "MigrationIdentity";
    const world_principal *mi = world_principal_find(w, who);
    char path[300], text[8192] = "";
    struct stat st;
    snprintf(path, sizeof path, "%s/federated/persons-aks.jwt", dir);
    assert_variable(who, "persons-aks", "AZURE_FEDERATED_TOKEN_FILE", path);
    assert_variable(who, "persons-aks", "AZURE_CLIENT_ID", mi->client_id);
    assert_variable(who, "persons-aks", "AZURE_TENANT_ID", mi->tenant->id);
    assert_variable(who, "persons-aks", "IDENTITY_ENDPOINT", NULL);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    crypto_jwt jwt;
    assert_int_equal(crypto_jwt_parse(text, strlen(text), &jwt, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_jwt_verify_rs256(&jwt, world_federation_key(w), NULL), ENTRASQL_OK);
    support_assert_has(jwt.claims_json, "\"sub\":\"system:serviceaccount:default:persons\"");
    support_assert_has(jwt.claims_json,
                       "\"iss\":\"https://localhost:1001/federation/persons-aks/\"");
    crypto_jwt_done(&jwt);
}

static void a_job_gets_the_variables_of_its_task(void **state)
{
    (void)state;
    const world_principal *app = world_principal_find(w, "ci-app");
    const world_host *h = world_host_find(w, "persons-pipeline");
    char connection[ES_GUID_TEXT_SIZE];
    assert_int_equal(world_service_connection(h, app, connection), ENTRASQL_OK);
    assert_variable("ci-app", "persons-pipeline", "SYSTEM_OIDCREQUESTURI",
                    "https://localhost:1001/federation/persons-pipeline/oidctoken");
    assert_variable("ci-app", "persons-pipeline", "AZURESUBSCRIPTION_CLIENT_ID", app->client_id);
    assert_variable("ci-app", "persons-pipeline", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
                    connection);
    assert_variable("ci-app", "persons-pipeline", "AZURE_CLIENT_SECRET", NULL);
    assert_variable("ci-app", NULL, "SYSTEM_ACCESSTOKEN", NULL);
}

static void an_app_gets_a_certificate_on_demand(void **state)
{
    (void)state;
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(32 * 1024);
    const world_principal *app = world_principal_find(w, "ci-app");
    char expected[500], path[400];
    struct stat first, second;
    emulator_env_options options = {.data_dir = dir, .as = "ci-app", .proof = "certificate"};
    snprintf(path, sizeof path, "%s/certificates/%s.pem", dir, app->client_id);
    snprintf(expected, sizeof expected, "export AZURE_CLIENT_CERTIFICATE_PATH='%s'", path);
    assert_int_equal(emulator_env(&options, &out, NULL), ENTRASQL_OK);
    support_assert_has(es_buf_cstr(&out), expected);
    assert_null(strstr(es_buf_cstr(&out), es_secret_reveal(app->secret)));
    assert_int_equal(stat(path, &first), 0);
    assert_int_equal(first.st_mode & 0777, 0600);
    /* The second time the same one. */
    assert_int_equal(emulator_env(&options, &out, NULL), ENTRASQL_OK);
    assert_int_equal(stat(path, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);
    entrasql_error err;
    options.as = "MigrationIdentity";
    assert_int_equal(emulator_env(&options, &out, &err), ENTRASQL_INVALID);
    support_assert_has(err.message, "no certificate");
}

static void impossible_environments_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *as, *host;
        entrasql_status status;
        const char *message;
    } rows[] = {
        {"nobody", NULL, ENTRASQL_NOT_FOUND, "nobody"},
        {"Developers", NULL, ENTRASQL_INVALID, "group"},
        {"MigrationIdentity", "nowhere", ENTRASQL_NOT_FOUND, "nowhere"},
        {"MigrationIdentity", "stranger-app", ENTRASQL_INVALID, "not attached"},
        {"dev@contoso.example", "persons-app", ENTRASQL_INVALID, "not a managed identity"},
        {"ci-app", "persons-app", ENTRASQL_INVALID, "not attached"},
        {"ci-app", "persons-aks", ENTRASQL_INVALID, "not attached"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(32 * 1024);
        entrasql_error err;
        emulator_env_options options = {.data_dir = dir, .as = rows[i].as, .host = rows[i].host};
        assert_int_equal(emulator_env(&options, &out, &err), rows[i].status);
        support_assert_has(err.message, rows[i].message);
        assert_int_equal(out.len, 0);
    }
}

static void no_proxy_excepts_loopback(void **state)
{
    (void)state;
    assert_int_equal(setenv("https_proxy", "http://proxy:1", 1), 0);
    assert_int_equal(setenv("no_proxy", "a.example", 1), 0);
    assert_int_equal(unsetenv("NO_PROXY"), 0);
    assert_variable("ci-app", NULL, "no_proxy", "a.example,localhost,127.0.0.1");
    assert_variable("ci-app", NULL, "NO_PROXY", "localhost,127.0.0.1");
    assert_int_equal(unsetenv("https_proxy"), 0);
}

/* A real shell reads the lines back, whatever is in them. */
static void sh_lines_survive_the_shell(void **state)
{
    (void)state;
    static const char nasty[] = "a'b\"c$HOME`id`\\ ;{}\tz";
    char script[40 * 1024], file[300];
    emulator_env_options options = {
        .data_dir = dir, .as = "ci-app", .database = nasty, .format = EMULATOR_ENV_SH};
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(32 * 1024);
    assert_int_equal(emulator_env(&options, &out, NULL), ENTRASQL_OK);
    snprintf(script, sizeof script,
             "%sprintf '%%s|%%s' \"$AZURE_SQL_CONNECTIONSTRING\" \"${IDENTITY_ENDPOINT-unset}\"\n",
             es_buf_cstr(&out));
    support_write(dir, "script.sh", script);
    snprintf(file, sizeof file, "IDENTITY_ENDPOINT=x /bin/sh %s/script.sh", dir);
    FILE *shell = popen(file, "r");
    assert_non_null(shell);
    char text[2048];
    text[fread(text, 1, sizeof text - 1, shell)] = 0;
    assert_int_equal(pclose(shell), 0);
    support_assert_has(text, "Database={a'b\"c$HOME`id`\\ ;{}}\tz};Encrypt=yes");
    support_assert_has(text, "|unset");
}

static void each_format_has_its_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *set, *unset;
    } rows[] = {
        {"sh", "export ENTRASQL_EMULATOR_DIR='", "unset MSI_SECRET\n"},
        {"fish", "set -gx ENTRASQL_EMULATOR_DIR '", "set -e MSI_SECRET;\n"},
        {"powershell", "$env:ENTRASQL_EMULATOR_DIR = '",
         "Remove-Item Env:MSI_SECRET -ErrorAction SilentlyContinue\n"},
        {"dotenv", "ENTRASQL_EMULATOR_DIR='", NULL},
        {"json", "\"ENTRASQL_EMULATOR_DIR\":\"", "\"MSI_SECRET\":null"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        emulator_env_format format;
        assert_int_equal(emulator_env_format_parse(rows[i].name, &format, NULL), ENTRASQL_OK);
        const char *text = env_of("ci-app", NULL, format);
        support_assert_has(text, rows[i].set);
        if (rows[i].unset != NULL)
            support_assert_has(text, rows[i].unset);
        else
            assert_null(strstr(text, "MSI_SECRET"));
    }
    emulator_env_format format;
    entrasql_error err;
    assert_int_equal(emulator_env_format_parse("csh", &format, &err), ENTRASQL_INVALID);
    support_assert_has(err.message, "powershell");
}

/* ---- az ---- */

typedef struct result {
    int code;
    char out[16 * 1024];
    char err[4096];
} result;

static void slurp(const char *name, char *text, size_t size)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, size - 1, f)] = 0;
    (void)fclose(f);
}

/* As client libraries run it: by a shell, with no environment but PATH. */
static result *az(const char *person, const char *arguments)
{
    static result r;
    char command[2048];
    const char *asan = getenv("ASAN_OPTIONS");
    snprintf(command, sizeof command,
             "env -i ASAN_OPTIONS='%s' PATH='%s/%s%s' /bin/sh -c 'cd /bin && az %s' >'%s/out' "
             "2>'%s/err'",
             asan != NULL ? asan : "", dir, person != NULL ? "az/" : "bin",
             person != NULL ? person : "", arguments, dir, dir);
    assert_int_equal(setenv("PATH", "/usr/bin:/bin", 1), 0);
    int status = system(command);
    assert_true(WIFEXITED(status));
    r.code = WEXITSTATUS(status);
    slurp("out", r.out, sizeof r.out);
    slurp("err", r.err, sizeof r.err);
    return &r;
}

#define DEV "dev@contoso.example"
#define GET "account get-access-token "
#define SQL "https://database.windows.net/"

static void az_gives_the_person_s_token(void **state)
{
    (void)state;
    static const char *const rows[] = {
        GET "-o json --resource " SQL,
        GET "--output json --resource https://database.windows.net",
        GET "--resource " SQL " -o json --tenant contoso.example",
        GET "-o json --scope https://database.windows.net/.default",
        GET "-o json --scope=https://database.windows.net//.default --output=json",
        GET "--subscription \"Contoso development\" -o json --resource " SQL,
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        result *r = az(DEV, rows[i]);
        if (i == 4) { /* -o and --output are one option */
            assert_int_equal(r->code, 2);
            continue;
        }
        if (r->code != 0)
            fail_msg("row %zu: %d %s", i, r->code, r->err);
        json_doc *doc = NULL;
        const char *token = NULL, *text = NULL;
        int64_t expires_on = 0;
        world_login login;
        assert_int_equal(json_doc_parse(r->out, strlen(r->out), &doc, NULL), ENTRASQL_OK);
        const json_node *root = json_doc_root(doc);
        assert_int_equal(json_member_string(root, "accessToken", &token, NULL), ENTRASQL_OK);
        assert_int_equal(world_token_check(w, token, strlen(token), &login, NULL), WORLD_TOKEN_OK);
        assert_string_equal(login.login_name, DEV);
        assert_int_equal(json_member_i64(root, "expires_on", &expires_on), ENTRASQL_OK);
        assert_int_equal(expires_on, login.expires_on);
        world_login_done(&login);
        assert_int_equal(json_member_string(root, "expiresOn", &text, NULL), ENTRASQL_OK);
        assert_int_equal(strlen(text), 26); /* 2026-11-24 04:05:06.000000 */
        assert_int_equal(json_member_string(root, "tenant", &text, NULL), ENTRASQL_OK);
        assert_string_equal(text, world_home_tenant(w)->id);
        assert_int_equal(json_member_string(root, "tokenType", &text, NULL), ENTRASQL_OK);
        assert_string_equal(text, "Bearer");
        json_doc_free(doc);
    }
}

static void az_refuses_everything_else(void **state)
{
    (void)state;
    static const struct {
        const char *person, *arguments;
        int code;
        const char *message;
    } rows[] = {
        {NULL, GET "-o json --resource " SQL, 1, "Please run 'az login' to setup account."},
        {"nobody@contoso.example", GET "-o json --resource " SQL, 127, ""},
        {DEV, "", 2, "misspelled or not recognized"},
        {DEV, "login", 2, "'login' is misspelled"},
        {DEV, "account show", 2, "'show' is misspelled"},
        {DEV, GET "-o json", 2, "needs --resource or --scope"},
        {DEV, GET "-o tsv --resource " SQL, 2, "'tsv' is not a valid value"},
        {DEV, GET "-o json --resource", 2, "expected one argument"},
        {DEV, GET "--resource -o json", 2, "expected one argument"},
        {DEV, GET "-o json --resource a --resource b", 2, "given twice"},
        {DEV, GET "-o json --resource a --scope b", 2, "at the same time"},
        {DEV, GET "-o json --resource " SQL " --query x", 2, "unrecognized arguments: --query"},
        {DEV, GET "-o json --resource " SQL " extra", 2, "unrecognized arguments: extra"},
        {DEV, GET "-o json --resource https://other.example", 1, "AADSTS500011"},
        {DEV, GET "-o json --scope https://database.windows.net/read", 1, "AADSTS500011"},
        {DEV, GET "-o json --scope /.default", 1, "AADSTS500011"},
        {DEV, GET "-o json --resource " SQL " --tenant nobody.example", 1, "AADSTS90002"},
        {DEV, GET "-o json --resource " SQL " --subscription other", 1,
         "Subscription 'other' not found"},
        {DEV, GET "-o json --resource " SQL " --subscription x --tenant y", 1, "not both"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        result *r = az(rows[i].person, rows[i].arguments);
        if (r->code != rows[i].code || strstr(r->err, rows[i].message) == NULL)
            fail_msg("row %zu: %d %s", i, r->code, r->err);
        assert_string_equal(r->out, "");
    }
}

static void az_needs_the_key_and_a_running_emulator(void **state)
{
    (void)state;
    char path[300];
    snprintf(path, sizeof path, "%s/token-key.pem", dir);
    assert_int_equal(chmod(path, 0644), 0);
    result *r = az(DEV, GET "-o json --resource " SQL);
    assert_int_equal(r->code, 1);
    support_assert_has(r->err, "could be read by others");
    assert_string_equal(r->out, "");
    assert_int_equal(chmod(path, 0600), 0);

    os_lock_free(lock);
    lock = NULL;
    r = az(DEV, GET "-o json --resource " SQL);
    assert_int_equal(r->code, 1);
    support_assert_has(r->err, "no emulator runs");
    play_running();
}

int main(int argc, char **argv)
{
    if (emulator_is_tool(argv[0]))
        return emulator_tool_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_directory_is_found),
        cmocka_unit_test(status_follows_the_lock),
        cmocka_unit_test(damaged_state_is_refused),
        cmocka_unit_test(stop_waits_for_the_lock),
        cmocka_unit_test(person_gets_az_and_nothing_else),
        cmocka_unit_test(identity_gets_its_host),
        cmocka_unit_test(identity_gets_each_kind_of_host),
        cmocka_unit_test(app_gets_its_secret),
        cmocka_unit_test(a_pod_gets_a_token_file),
        cmocka_unit_test(a_job_gets_the_variables_of_its_task),
        cmocka_unit_test(an_app_gets_a_certificate_on_demand),
        cmocka_unit_test(impossible_environments_are_refused),
        cmocka_unit_test(no_proxy_excepts_loopback),
        cmocka_unit_test(sh_lines_survive_the_shell),
        cmocka_unit_test(each_format_has_its_quotes),
        cmocka_unit_test(az_gives_the_person_s_token),
        cmocka_unit_test(az_refuses_everything_else),
        cmocka_unit_test(az_needs_the_key_and_a_running_emulator),
    };
    return cmocka_run_group_tests_name("env", tests, start, stop);
}
