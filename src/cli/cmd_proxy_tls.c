/* SPDX-License-Identifier: MIT */
/* entrasql proxy init-tls: certificates for the proxy's clients. */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/str.h"
#include "proxy/init_tls.h"

#include <string.h>

static const conf_option options[] = {
    {.name = "dir",
     .type = CONF_OPTION_FILE,
     .value_name = "DIR",
     .help = "where the files go; made when it is missing"},
    {.name = "hosts",
     .type = CONF_OPTION_TEXT,
     .value_name = "HOST,...",
     .help = "names and addresses by which clients reach the proxy, beside localhost"},
    {.name = "days",
     .type = CONF_OPTION_NUMBER,
     .value_name = "N",
     .default_value = "825",
     .min = 1,
     .max = 3650,
     .help = "how long they are valid"},
    {.name = "force", .type = CONF_OPTION_FLAG, .help = "replace the files that are there"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command command = {
    .name = "entrasql proxy init-tls",
    .summary = "Makes a certificate for the proxy and an authority for its clients to trust.",
    .options = options,
    .notes = "The authority can vouch for these names alone, and its key is thrown away.",
};

/* The list's parts, cut in place, after the names of this machine. */
static entrasql_status read_hosts(char *text, const char **ret, size_t *ret_n, entrasql_error *err)
{
    static const char *const own[] = {"localhost", "127.0.0.1", "::1"};
    *ret_n = 0;
    for (size_t i = 0; i < ES_COUNT_OF(own); i++)
        ret[(*ret_n)++] = own[i];
    while (text != NULL && *text != '\0') {
        size_t n = strcspn(text, ",");
        char *next = text[n] == ',' ? text + n + 1 : text + n;
        text[n] = '\0';
        if (*ret_n == PROXY_INIT_TLS_HOSTS_MAX)
            return es_fail(err, ENTRASQL_INVALID, "--hosts takes at most %zu names",
                           PROXY_INIT_TLS_HOSTS_MAX - ES_COUNT_OF(own));
        ret[(*ret_n)++] = text;
        text = next;
    }
    return ENTRASQL_OK;
}

static entrasql_status explain(const char *dir, es_buf *out)
{
    ES_TRY(es_buf_printf(out,
                         "made %s/" PROXY_CA_FILE ", %s/" PROXY_SERVER_FILE
                         " and %s/" PROXY_SERVER_KEY "\n\n"
                         "The proxy:\n"
                         "  entrasql proxy --tls-certificate %s/" PROXY_SERVER_FILE
                         " --tls-key %s/" PROXY_SERVER_KEY " SERVER/DATABASE\n\n",
                         dir, dir, dir, dir, dir));
    ES_TRY(es_buf_printf(
        out,
        "Its clients trust %s/" PROXY_CA_FILE ":\n"
        "  Microsoft's ODBC driver  Encrypt=strict;ServerCertificate=%s/" PROXY_SERVER_FILE "\n"
        "                           or the machine's store (below), or "
        "SSL_CERT_FILE=%s/" PROXY_CA_FILE "\n"
        "  FreeTDS                  freetds.conf: encryption = require, ca file = %s/" PROXY_CA_FILE
        "\n",
        dir, dir, dir, dir));
    ES_TRY(es_buf_printf(out,
                         "  python-tds               cafile=\"%s/" PROXY_CA_FILE "\"\n"
                         "  Node.js (tedious)        NODE_EXTRA_CA_CERTS=%s/" PROXY_CA_FILE "\n"
                         "  JDBC                     serverCertificate=%s/" PROXY_SERVER_FILE "\n"
                         "  go-mssqldb               certificate=%s/" PROXY_CA_FILE "\n",
                         dir, dir, dir, dir));
    return es_buf_printf(
        out,
        "  the whole machine        cp %s/" PROXY_CA_FILE
        " /usr/local/share/ca-certificates/entrasql-proxy.crt && update-ca-certificates\n",
        dir);
}

static entrasql_status run(const cli_terminal *t, const conf_args *args, entrasql_error *err)
{
    const char *hosts[PROXY_INIT_TLS_HOSTS_MAX];
    const char *listed = conf_args_text(args, "hosts");
    ES_CLEANUP(es_cleanup_free) char *copy = es_strdup(listed);
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(64 * 1024);
    proxy_init_tls_options o = {
        .dir = conf_args_text(args, "dir"),
        .hosts = hosts,
        .days = conf_args_number(args, "days"),
        .force = conf_args_flag(args, "force"),
    };
    if (listed != NULL && copy == NULL)
        return es_nomem(err);
    if (es_str_is_empty(o.dir)) {
        es_fail(err, ENTRASQL_INVALID, "where the certificates go is missing");
        es_hint(err, "entrasql proxy init-tls --dir DIR");
        return ENTRASQL_INVALID;
    }
    ES_TRY(read_hosts(copy, hosts, &o.host_count, err));
    ES_TRY(proxy_init_tls(&o, err));
    if (explain(o.dir, &text) != ENTRASQL_OK)
        return es_nomem(err);
    return cli_write(t, &text, err);
}

int cli_proxy_init_tls(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    entrasql_error err;
    int exit_code = 0;
    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    return run(t, &args, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}
