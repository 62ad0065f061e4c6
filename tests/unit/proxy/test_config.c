/* SPDX-License-Identifier: MIT */
/* proxy: one configuration from arguments, environment and file. */
#include "proxy/config.h"
#include "proxy/options.h"

#include "base/str.h"
#include "conf/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const conf_option table[] = {
    {.name = "credential",
     .type = CONF_OPTION_CHOICE,
     .choices = "default|managed-identity",
     .default_value = "default",
     .sections = "proxy|identity"},
    {.name = "client-id", .type = CONF_OPTION_TEXT, .sections = "proxy|identity"},
    {.name = "ca-file", .type = CONF_OPTION_FILE, .sections = "proxy|identity|target"},
    PROXY_OPTIONS,
    {0},
};
static const conf_command command = {.name = "entrasql proxy",
                                     .options = table,
                                     .positionals = "TARGET ...",
                                     .max_positionals = CONF_POSITIONALS_MAX,
                                     .variables = PROXY_VARIABLES};

static char folder[] = "/tmp/entrasql-config-XXXXXX";
static char config_path[64];
static char secret_path[64];
static unsigned made;
static unsigned made_with_trust; /* of its own */

static entrasql_status no_token(void *context, const entrasql_token_request *request,
                                entrasql_token **ret, entrasql_error *err)
{
    (void)context, (void)request, (void)ret, (void)err;
    return ENTRASQL_UNAVAILABLE;
}

static entrasql_status make_credential(const conf_args *settings, entrasql_credential **ret,
                                       entrasql_error *err)
{
    made++;
    made_with_trust += conf_args_text(settings, "ca-file") != NULL ? 1 : 0;
    return entrasql_custom_credential_new("test", no_token, NULL, NULL, ret, err);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* Words with blanks between as the command line; file (may be NULL) as --config. */
static entrasql_status load(const char *words, const char *file, const proxy_config *old,
                            proxy_config **ret, entrasql_error *err)
{
    static char text[4096];
    static char *argv[80];
    static conf_args args;
    int argc = 0;
    (void)snprintf(text, sizeof text, "%s", words);
    for (char *s = strtok(text, " "); s != NULL; s = strtok(NULL, " "))
        argv[argc++] = s;
    if (file != NULL) {
        static char name[] = "--config";
        write_file(config_path, file, 0644);
        argv[argc++] = name;
        argv[argc++] = config_path;
    }
    ES_TRY(conf_args_parse(&command, argc, argv, &args, err));
    const proxy_config_source source = {.args = &args, .make_credential = make_credential};
    return proxy_config_load(&source, old, ret, err);
}

static proxy_config *must_load(const char *words, const char *file)
{
    proxy_config *c = NULL;
    entrasql_error err;
    if (load(words, file, NULL, &c, &err) != ENTRASQL_OK)
        fail_msg("%s / %s: %s", words, file != NULL ? file : "", err.message);
    return c;
}

/* ---- targets as arguments ---- */

static const struct {
    const char *text;
    const char *host;
    uint16_t port;
    const char *database;
    const char *listen;
    bool strict;
    const char *name;
} good[] = {
    {"a.example", "a.example", 1433, NULL, "127.0.0.1:1433", false, NULL},
    {"tcp:a.example,5000/db", "a.example", 5000, "db", "127.0.0.1:1433", false, NULL},
    {"a.example/", "a.example", 1433, NULL, "127.0.0.1:1433", false, NULL},
    {"a.example?listen=0", "a.example", 1433, NULL, "127.0.0.1:0", false, NULL},
    {"a.example/my%20db%3f?LISTEN=[::1]:14330&encrypt=strict", "a.example", 1433, "my db?",
     "[::1]:14330", true, NULL},
    {"a.example/db?listen=127.0.0.1:1&host-name-in-certificate=b%2ec", "a.example", 1433, "db",
     "127.0.0.1:1", false, "b.c"},
    {"a.example?listen=localhost:65535&encrypt=mandatory", "a.example", 1433, NULL,
     "127.0.0.1:65535", false, NULL},
    {"a.example/d?listen=unix:/run/a", "a.example", 1433, "d", "unix:/run/a", false, NULL},
    {"a.example/d?listen=/run/a", "a.example", 1433, "d", "unix:/run/a", false, NULL},
    {"a.example/d?listen=systemd:sql", "a.example", 1433, "d", "systemd:sql", false, NULL},
};

static void targets_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(good); i++) {
        proxy_config *c = must_load(good[i].text, NULL);
        assert_int_equal(c->target_count, 1);
        const proxy_target *t = &c->targets[0];
        assert_string_equal(t->name, good[i].text);
        assert_string_equal(t->host, good[i].host);
        assert_int_equal(t->port, good[i].port);
        assert_int_equal(t->listen_count, 1);
        assert_string_equal(t->listens[0].text, good[i].listen);
        assert_int_equal(t->strict, good[i].strict);
        assert_true(es_streq(t->database, good[i].database));
        assert_true(es_streq(t->host_name_in_certificate, good[i].name));
        assert_ptr_equal(t->identity, &c->identities[0]);
        proxy_config_unref(c);
    }
}

static const struct {
    const char *words;
    const char *part; /* of the message */
} bad[] = {
    {"", "needs a target"},
    {"/db", "target '/db'"},
    {"a,99999", "99999"},
    {"a?listen", "no '='"},
    {"a?listen=", "no port"},
    {"a?listen=65536", "65536"},
    {"a?listen=12x", "12x"},
    {"a?listen=0.0.0.0:1433", "other machines can reach 0.0.0.0:1433"},
    {"a?listen=[::]:1433", "not encrypted"},
    {"a?listen=*:1433", "not encrypted"},
    {"a?listen=somewhere:1433", "names are not looked up"},
    {"a?listen=::1:1433", "names are not looked up"},
    {"a?listen=unix:relative", "begins with '/'"},
    {"a?listen=systemd:", "no name"},
    {"a?listen=1,2,,3", "no port"},
    {"a?listen=1&listen=2", "given twice"},
    {"a?listen=5,127.0.0.1:5", "listen on 127.0.0.1:5"},
    {"a?listen=5 b?listen=5", "two targets listen on 127.0.0.1:5"},
    {"a?listen=1434 b", "two targets listen"},
    {"a?encrypt=no", "'no' is none of"},
    {"a?colour=red", "'colour' is no setting"},
    {"a?drain=5", "'drain' is no setting of a target"},
    {"a?server=b", "names its server twice"},
    {"a/d%2", "hexadecimal"},
    {"a/d%zz", "hexadecimal"},
    {"a/d%00", "hexadecimal"},
    {"a?listen=%", "hexadecimal"},
    {"a?pool-size=0", "a?pool-size=0: pool-size: '0' is not a number from 1"},
    {"a?identity=x", "there is no [identity x]"},
    {"a --identity x", "--identity: there is no [identity x]"},
    {"a --allow-uids 1,x", "--allow-uids: users are numbers"},
    {"a --allow-uids 4294967295", "users are numbers"},
    {"a --socket-mode 8", "--socket-mode: a mode is octal"},
    {"a --socket-mode 1777", "octal"},
    {"a --secret-file /no/such", "--secret-file: cannot open /no/such"},
    {"a --secret-file credential:x", "CREDENTIALS_DIRECTORY"},
    {"a --tls required", "--tls: encryption of clients' connections needs tls-certificate"},
    {"a --tls-certificate /c", "needs tls-key"},
    {"a --tls-key /k", "--tls-key: encryption of clients' connections needs tls-certificate"},
    {"a --tls-certificate /no/c --tls-key /no/k", "--tls-certificate: "},
    {"a --server b", "unknown option --server"},
};

/* [proxy] and the flag speak for the servers of all targets; a target's own goes before. */
static void a_ca_file_for_all_targets(void **state)
{
    static const char all[] = "[proxy]\nca-file = /nowhere/all.pem\n[target a]\nserver = a\n";
    static const char own[] = "[proxy]\nca-file = /nowhere/all.pem\n[target a]\nserver = a\n"
                              "ca-file = /nowhere/own.pem\n";
    proxy_config *c = NULL;
    entrasql_error err;
    (void)state;
    assert_int_equal(load("--ca-file /nowhere/all.pem a.example", NULL, NULL, &c, &err),
                     ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "/nowhere/all.pem"));
    assert_int_equal(load("", all, NULL, &c, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "/nowhere/all.pem"));
    assert_int_equal(load("", own, NULL, &c, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "/nowhere/own.pem"));
}

static void mistakes_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        proxy_config *c = NULL;
        entrasql_error err;
        entrasql_status status = load(bad[i].words, NULL, NULL, &c, &err);
        if (status != ENTRASQL_CONFIG && status != ENTRASQL_INVALID && status != ENTRASQL_NOT_FOUND)
            fail_msg("%s: status %d", bad[i].words, (int)status);
        if (strstr(err.message, bad[i].part) == NULL)
            fail_msg("%s: %s", bad[i].words, err.message);
    }
}

/* Cut at every length a target is taken or named in the refusal. */
static void every_truncation_of_a_target(void **state)
{
    static const char text[] = "tcp:a.example,5000/my%20db?listen=[::1]:14330&encrypt=strict";
    (void)state;
    for (size_t n = 1; n < sizeof text; n++) {
        char words[sizeof text];
        proxy_config *c = NULL;
        entrasql_error err;
        (void)snprintf(words, n + 1, "%s", text);
        if (load(words, NULL, NULL, &c, &err) == ENTRASQL_OK) {
            assert_string_equal(c->targets[0].name, words);
            proxy_config_unref(c);
        } else if (strstr(err.message, words) == NULL) {
            fail_msg("%s: %s", words, err.message);
        }
    }
}

/* ---- sources ---- */

static void a_flag_goes_before_a_variable_before_the_file(void **state)
{
    static const char file[] = "[proxy]\npool-size = 3\nhttp-quit = yes\n";
    (void)state;
    proxy_config *c = must_load("a", "[proxy]\n");
    assert_int_equal(c->targets[0].pool.size, 100);
    proxy_config_unref(c);
    c = must_load("a", file);
    assert_int_equal(c->targets[0].pool.size, 3);
    assert_true(c->ops.http_quit);
    proxy_config_unref(c);
    (void)setenv("ENTRASQL_PROXY_POOL_SIZE", "4", 1);
    (void)setenv("ENTRASQL_PROXY_HTTP_QUIT", "no", 1);
    c = must_load("a", file);
    assert_int_equal(c->targets[0].pool.size, 4);
    assert_false(c->ops.http_quit);
    proxy_config_unref(c);
    c = must_load("a --pool-size 5 --http-quit", file);
    assert_int_equal(c->targets[0].pool.size, 5);
    assert_true(c->ops.http_quit);
    proxy_config_unref(c);
    /* What the target says of itself goes before what is said for all. */
    c = must_load("a?pool-size=6 b --pool-size 5", file);
    assert_int_equal(c->targets[0].pool.size, 6);
    assert_int_equal(c->targets[1].pool.size, 5);
    proxy_config_unref(c);
    (void)unsetenv("ENTRASQL_PROXY_HTTP_QUIT");
    (void)setenv("ENTRASQL_PROXY_POOL_SIZE", "many", 1);
    entrasql_error err;
    assert_int_equal(load("a", NULL, NULL, &c, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "ENTRASQL_PROXY_POOL_SIZE: 'many' is not a number"));
    static const conf_args args = {.command = &command};
    size_t at = 0;
    size_t n = 0;
    assert_null(conf_args_unknown_variable(&args, &at, &n));
    (void)setenv("ENTRASQL_PROXY_POOL_SIZ", "4", 1);
    at = 0;
    assert_string_equal(conf_args_unknown_variable(&args, &at, &n), "ENTRASQL_PROXY_POOL_SIZ=4");
    assert_int_equal(n, strlen("ENTRASQL_PROXY_POOL_SIZ"));
    assert_null(conf_args_unknown_variable(&args, &at, &n));
    (void)unsetenv("ENTRASQL_PROXY_POOL_SIZ");
    (void)setenv("ENTRASQL_PROXY_POOL_SIZE", "", 1);
    proxy_config_unref(must_load("a", NULL));
    (void)unsetenv("ENTRASQL_PROXY_POOL_SIZE");
}

static void the_highest_that_names_targets_names_all(void **state)
{
    static const char file[] = "[target f]\nserver = f.example\n[target g]\nserver = g.example\n";
    (void)state;
    proxy_config *c = must_load("", file);
    assert_int_equal(c->target_count, 2);
    assert_string_equal(c->targets[1].name, "g");
    assert_string_equal(c->targets[1].listens[0].text, "127.0.0.1:1434");
    proxy_config_unref(c);
    (void)setenv("ENTRASQL_PROXY_TARGETS", " v.example/d?listen=5  w.example ", 1);
    c = must_load("", file);
    assert_int_equal(c->target_count, 2);
    assert_string_equal(c->targets[0].host, "v.example");
    assert_string_equal(c->targets[0].database, "d");
    assert_string_equal(c->targets[1].name, "w.example");
    proxy_config_unref(c);
    c = must_load("a.example", file);
    assert_int_equal(c->target_count, 1);
    assert_string_equal(c->targets[0].name, "a.example");
    proxy_config_unref(c);
    (void)unsetenv("ENTRASQL_PROXY_TARGETS");
}

static void a_whole_file(void **state)
{
    static const char file[] = "# all of it\n"
                               "[proxy]\n"
                               "max-clients = 50\n"
                               "max-clients-per-target = 20\n"
                               "max-clients-per-login = 7\n"
                               "allow-uids = 1, 2\n"
                               "[identity reader]\n"
                               "credential = managed-identity\n"
                               "client-id = 11\n"
                               "[target sales]\n"
                               "server = s.example,1500\n"
                               "database = sales db\n"
                               "listen = 14330, [::1]:14330, unix:/run/s.sock\n"
                               "socket-mode = 0660\n"
                               "identity = reader\n"
                               "max-clients = 5\n"
                               "when-full = queue\n"
                               "queue-timeout = 3\n"
                               "pool = on\n"
                               "allow = secret\n"
                               "secret-file = %s\n"
                               "[login report]\n"
                               "secret-file = %s\n"
                               "identity = reader\n"
                               "[login batch]\n"
                               "allow-uids = 33\n"
                               "max-clients = 2\n";
    char text[2048];
    (void)state;
    (void)snprintf(text, sizeof text, file, secret_path, secret_path);
    write_file(secret_path, "s3cret\nrest", 0600);
    proxy_config *c = must_load("", text);
    const proxy_target *t = &c->targets[0];
    assert_int_equal(c->max_clients, 50);
    assert_string_equal(t->database, "sales db");
    assert_int_equal(t->port, 1500);
    assert_int_equal(t->listen_count, 3);
    assert_string_equal(t->listens[2].text, "unix:/run/s.sock");
    assert_int_equal(t->socket_mode, 0660);
    assert_string_equal(t->identity->name, "reader");
    assert_int_equal(t->limits.max_clients, 5);
    assert_true(t->limits.queue);
    assert_int_equal(t->limits.queue_ms, 3000);
    assert_true(t->pool.on);
    assert_int_equal(t->access.allow, PROXY_ALLOW_SECRET);
    assert_true(es_secret_equal(t->access.secret, "s3cret", 6));
    assert_true(proxy_uids_hold(&t->access.uids, 2));
    assert_false(proxy_uids_hold(&t->access.uids, 3));
    const proxy_login_rule *report = proxy_config_login(c, "report");
    const proxy_login_rule *batch = proxy_config_login(c, "batch");
    assert_string_equal(report->identity->name, "reader");
    assert_true(es_secret_equal(report->secret, "s3cret", 6));
    assert_int_equal(report->max_clients, 7);
    assert_int_equal(batch->max_clients, 2);
    assert_null(batch->identity);
    assert_true(proxy_uids_hold(&batch->uids, 33));
    assert_null(proxy_config_login(c, "nobody"));
    proxy_config_unref(c);
}

static const struct {
    const char *file;
    const char *part;
} bad_files[] = {
    {"x = 1\n", ":1: a key before the first section"},
    {"[proxy]\nnonsense\n", ":2: neither 'key = value' nor [section]"},
    {"[proxy\n", ":1: a section is written"},
    {"[]\n", ":1: a section is written"},
    {"[proxy]\n\n[colour red]\n", ":3: [colour red] is not known"},
    {"[proxy red]\n", "[proxy red] takes no name"},
    {"[target]\nserver = a\n", "[target] needs a name"},
    {"[target a]\nserver = a\n[target a]\nserver = b\n", ":3: [target a] is there twice"},
    {"[target a]\n", ":1: [target a] names no server"},
    {"[target a]\nserver = a\nserver = b\n", ":3: server is given twice"},
    {"[target a]\nserver = a:1\n", ":1: [target a]: "},
    {"[target a]\nserver = a\ndrain = 1\n", ":3: 'drain' is no setting of a target"},
    {"[target a]\nserver = a\nlisten = x\n", ":3: listen: "},
    {"[target a]\nserver = a\npool-size = x\n", ":3: pool-size: 'x' is not a number"},
    {"[proxy]\nhttp-quit = maybe\n", ":2: http-quit takes yes or no"},
    {"[proxy]\nserver = x\n", ":2: 'server' is no setting of a proxy"},
    {"[identity default]\n", "choose another name"},
    {"[identity a]\npool = on\n", ":2: 'pool' is no setting of a identity"},
    {"[login a]\n", ":1: [login a] needs secret-file or allow-uids"},
    {"[login a]\nidentity = b\nallow-uids = 1\n", ":2: identity: there is no [identity b]"},
    {"[login a]\nsecret-file = /no/such\n", ":2: secret-file: cannot open"},
};

static void mistakes_in_the_file_have_file_and_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(bad_files); i++) {
        proxy_config *c = NULL;
        entrasql_error err;
        if (load(strstr(bad_files[i].file, "[target") != NULL ? "" : "a", bad_files[i].file, NULL,
                 &c, &err) == ENTRASQL_OK)
            fail_msg("%s: taken", bad_files[i].file);
        if (strstr(err.message, bad_files[i].part) == NULL ||
            strstr(err.message, config_path) == NULL)
            fail_msg("%s: %s", bad_files[i].file, err.message);
    }
}

static void a_secret_that_others_can_read_is_refused(void **state)
{
    char words[128];
    proxy_config *c = NULL;
    entrasql_error err;
    (void)state;
    (void)snprintf(words, sizeof words, "a --secret-file %s", secret_path);
    write_file(secret_path, "x\n", 0640);
    if (geteuid() != 0) {
        assert_int_equal(load(words, NULL, NULL, &c, &err), ENTRASQL_INVALID);
        assert_non_null(strstr(err.message, "open to other users"));
    }
    write_file(secret_path, "x\n", 0604);
    assert_int_equal(load(words, NULL, NULL, &c, &err), ENTRASQL_INVALID);
    assert_non_null(strstr(err.message, "open to other users"));
    write_file(secret_path, "\nx", 0600);
    assert_int_equal(load(words, NULL, NULL, &c, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "first line"));
    /* systemd's own files */
    write_file(secret_path, "y\r\n", 0444);
    (void)setenv("CREDENTIALS_DIRECTORY", folder, 1);
    c = must_load("a --secret-file credential:secret", NULL);
    assert_true(es_secret_equal(c->targets[0].access.secret, "y", 1));
    proxy_config_unref(c);
    assert_int_equal(load("a --secret-file credential:../x", NULL, NULL, &c, &err),
                     ENTRASQL_CONFIG);
    (void)unsetenv("CREDENTIALS_DIRECTORY");
}

/* A server's own authority has signed nothing of Entra's. */
static void a_servers_trust_is_not_entras(void **state)
{
    proxy_config *c = NULL;
    entrasql_error err;
    (void)state;
    made_with_trust = 0;
    /* It is the target's, which wants to read it; no identity was given it. */
    assert_int_not_equal(load("a --ca-file /no/own.pem", "[identity x]\n", NULL, &c, &err),
                         ENTRASQL_OK);
    assert_non_null(strstr(err.message, "/no/own.pem"));
    assert_int_equal(made_with_trust, 0);
    c = must_load("a", "[identity x]\nca-file = /no/company.pem\n");
    assert_null(c->targets[0].ca_file);
    assert_int_equal(made_with_trust, 1);
    proxy_config_unref(c);
}

static void a_reload_keeps_the_credentials_that_did_not_change(void **state)
{
    proxy_config *first = must_load("a", "[identity x]\nclient-id = 1\n[identity y]\n");
    proxy_config *second = NULL;
    entrasql_error err;
    (void)state;
    made = 0;
    assert_int_equal(load("a", "[identity x]\nclient-id = 2\n[identity y]\n", first, &second, &err),
                     ENTRASQL_OK);
    assert_int_equal(made, 1);
    assert_ptr_equal(second->identities[0].credential, first->identities[0].credential);
    assert_ptr_not_equal(second->identities[1].credential, first->identities[1].credential);
    proxy_config_unref(first);
    proxy_config_unref(second);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(config_path, sizeof config_path, "%s/proxy.ini", folder);
    (void)snprintf(secret_path, sizeof secret_path, "%s/secret", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(config_path);
    (void)unlink(secret_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_read),
        cmocka_unit_test(a_ca_file_for_all_targets),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(every_truncation_of_a_target),
        cmocka_unit_test(a_flag_goes_before_a_variable_before_the_file),
        cmocka_unit_test(the_highest_that_names_targets_names_all),
        cmocka_unit_test(a_whole_file),
        cmocka_unit_test(mistakes_in_the_file_have_file_and_line),
        cmocka_unit_test(a_secret_that_others_can_read_is_refused),
        cmocka_unit_test(a_servers_trust_is_not_entras),
        cmocka_unit_test(a_reload_keeps_the_credentials_that_did_not_change),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
