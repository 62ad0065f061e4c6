/* SPDX-License-Identifier: MIT */
/*
 * The connection string's own faults: keywords that nobody knows, and settings that contradict each
 * other. Values are in no text.
 */
#include "doctor/inner.h"

#include "base/nearest.h"
#include "base/str.h"
#include "conf/keys.h"

#include <stdio.h>
#include <string.h>

#define MAX_WORDS 256
#define WORD_SIZE 48

/* Of the driver manager, data sources and their files. */
static const char of_manager[] = "Driver|Driver64|DSN|FILEDSN|SAVEFILE|Description|Setup|Trace|"
                                 "TraceFile|CPTimeout|Threading|FileUsage|UsageCount";

/* Microsoft's driver 18.6 reads these and passes over all others (SQLSTATE 01S00). */
static const char of_microsoft[] =
    "Server|Database|UID|PWD|Trusted_Connection|Authentication|Encrypt|TrustServerCertificate|"
    "HostNameInCertificate|ServerCertificate|APP|WSID|Language|Address|Addr|Network|Net|"
    "MARS_Connection|Failover_Partner|AutoTranslate|QueryLog_On|QueryLogFile|QueryLogTime|"
    "StatsLog_On|StatsLogFile|Regional|QuotedId|AnsiNPW|AttachDBFileName|ServerSPN|"
    "FailoverPartnerSPN|ApplicationIntent|MultiSubnetFailover|ConnectRetryCount|"
    "ConnectRetryInterval|ClientCertificate|ClientKey|ColumnEncryption|"
    "TransparentNetworkIPResolution|KeystoreAuthentication|KeystorePrincipalId|KeystoreSecret|"
    "KeystoreLocation|UseFMTONLY|KeepAlive|KeepAliveInterval|Replication|LongAsMax|"
    "GetDataExtensions|IpAddressPreference|RetryExec|ConcatNullYieldsNull|PacketSize|"
    "VectorTypeSupport|Desc|OemToAnsi|TranslationName|TranslationOption|TranslationDLL|"
    "FastConnectOption|UseProcForPrepare|Fallback|AKVTrustedEndpoints";

/* FreeTDS 1.3's ODBC driver, likewise. */
static const char of_freetds[] =
    "Servername|Server|Address|Port|UID|PWD|Database|TDS_Version|Language|TextSize|PacketSize|"
    "ClientCharset|DumpFile|DumpFileAppend|DebugFlags|Encryption|Trusted_Connection|APP|WSID|"
    "UseNTLMv2|MARS_Connection|REALM|ServerSPN|AttachDbFilename|ApplicationIntent|Timeout";

static const char of_entrasql[] = "UnderlyingDriver|TenantId|Tenant ID|ClientCertificatePassword";

/* What the others have beside the words of the table of settings (src/conf/keys.c). */
static const char *const of_forms[CONF_FORM_COUNT] = {
    [CONF_FORM_ADO] =
        "AttachDBFilename|Extended Properties|Initial File Name|Attestation Protocol|Enclave "
        "Attestation Url|Connection Lifetime|Load Balance Timeout|Context Connection|Enlist|"
        "Failover Partner SPN|FailoverPartnerSPN|Max Pool Size|Min Pool Size|Network Library|Net|"
        "Network|Persist Security Info|PersistSecurityInfo|Pooling|Pool Blocking Period|"
        "PoolBlockingPeriod|Replication|Server SPN|ServerSPN|Transaction Binding|Transparent "
        "Network IP Resolution|TransparentNetworkIPResolution|Type System Version|User Instance|"
        "Asynchronous Processing|Async|Connection Reset",
    [CONF_FORM_JDBC] =
        "accessToken|accessTokenCallbackClass|authenticationScheme|cacheBulkCopyMetadata|"
        "calcBigDecimalPrecision|cancelQueryTimeout|clientCertificate|clientKey|clientKeyPassword|"
        "concatNullYieldsNull|datetimeParameterType|delayLoadingLobs|disableStatementPooling|"
        "domain|enablePrepareOnFirstPreparedStatementCall|enclaveAttestationProtocol|"
        "enclaveAttestationUrl|fips|gsscredential|ignoreOffsetOnDateTimeOffsetConversion|"
        "jaasConfigurationName|keyStoreAuthentication|keyStoreLocation|keyStorePrincipalId|"
        "keyStoreSecret|lastUpdateCount|lockTimeout|maxResultBuffer|prepareMethod|"
        "quotedIdentifier|realm|replication|responseBuffering|retryConn|retryExec|selectMethod|"
        "sendStringParametersAsUnicode|sendTemporalDataTypesAsStringForBulkCopy|"
        "sendTimeAsDatetime|serverNameAsACE|serverPreparedStatementDiscardThreshold|serverSpn|"
        "socketFactoryClass|socketFactoryConstructorArg|socketTimeout|sslProtocol|"
        "statementPoolingCacheSize|transparentNetworkIPResolution|trustManagerClass|"
        "trustManagerConstructorArg|trustStore|trustStorePassword|trustStoreType|"
        "useBulkCopyForBatchInsert|useDefaultGSSCredential|useDefaultJaasConfig|useFmtOnly|"
        "vectorTypeSupport|xopenStates",
    [CONF_FORM_GO] =
        "log|connection timeout|failoverport|keepAlive|tlsmin|protocol|pipe|ServerSPN|"
        "authenticator|certificate|applicationclientid|clientcertpath|resource id|"
        "columnencryption|guid conversion|krb5-configfile|krb5-realm|krb5-keytabfile|"
        "krb5-credcachefile|krb5-dnslookupkdc|krb5-udppreferencelimit|epa enabled|timezone|"
        "disableretry|fedauth",
    [CONF_FORM_PYMSSQL] = "charset|as_dict|autocommit|conn_properties|tds_version|use_datetime2|"
                          "arraysize",
};

/* ---- lists ---- */

typedef struct word_list {
    char words[MAX_WORDS][WORD_SIZE];
    size_t count;
} word_list;

static void add_words(word_list *l, const char *words)
{
    size_t n = 0;
    const char *word;
    while (l->count < MAX_WORDS && (word = es_piece_next(&words, &n)) != NULL)
        (void)snprintf(l->words[l->count++], WORD_SIZE, "%.*s", (int)n, word);
}

static bool holds(const word_list *l, const char *keyword)
{
    for (size_t i = 0; i < l->count; i++) {
        if (es_strcaseeq(l->words[i], keyword))
            return true;
    }
    return false;
}

static void add_table(word_list *l, conf_form words)
{
    for (unsigned key = 0; key < CONF_KEY_COUNT; key++)
        add_words(l, conf_key_word((conf_key)key, words));
}

/* Everything that some driver of that form reads. */
static void known_words(word_list *l, conf_form words)
{
    l->count = 0;
    add_table(l, words);
    add_words(l, of_forms[words]);
    if (words != CONF_FORM_ODBC)
        return;
    add_words(l, of_manager);
    add_words(l, of_microsoft);
    add_words(l, of_freetds);
    add_words(l, of_entrasql);
}

const char *doctor_keyword_meant(const char *keyword, conf_form words, char *ret, size_t size)
{
    word_list known;
    es_nearest near = {0};
    known_words(&known, words);
    if (holds(&known, keyword))
        return NULL;
    for (size_t i = 0; i < known.count; i++)
        es_nearest_offer(&near, keyword, strlen(keyword), known.words[i]);
    es_strlcpy_utf8(ret, size, near.word != NULL ? near.word : "");
    return ret;
}

/* ---- keywords ---- */

static void add_keyword(char *list, size_t size, const char *keyword)
{
    size_t n = strlen(list);
    char shown[WORD_SIZE];
    es_printable(shown, sizeof shown, keyword, strlen(keyword));
    if (n + strlen(shown) + 3 < size)
        (void)snprintf(list + n, size - n, "%s%s=", n != 0 ? ", " : "", shown);
}

static bool check_unknown(doctor *d, const conf_connstr *list, conf_form words)
{
    char meant[WORD_SIZE];
    char shown[WORD_SIZE];
    bool good = true;
    for (size_t i = 0; i < list->count; i++) {
        const char *keyword = list->pairs[i].keyword;
        if (doctor_keyword_meant(keyword, words, meant, sizeof meant) == NULL)
            continue;
        es_printable(shown, sizeof shown, keyword, strlen(keyword));
        doctor_line *line =
            doctor_add(d, "environment", DOCTOR_WARN, "keyword-unknown",
                       "%s= in the connection string is a keyword of no driver", shown);
        if (meant[0] != '\0')
            doctor_fix(line,
                       "Did you mean %s=? Drivers refuse what they do not know, or go on "
                       "without it.",
                       meant);
        good = false;
    }
    return good;
}

/* By the driver: all that it passes over without an error. */
static void ignored_words(const conf_connstr *list, glue_driver_kind kind, char *ret, size_t size)
{
    static const char portal[] = "Connection Timeout"; /* the portal writes it into every string */
    word_list read = {.count = 0};
    char meant[WORD_SIZE];
    add_words(&read, of_manager);
    add_words(&read, portal);
    add_words(&read, kind == GLUE_DRIVER_FREETDS ? of_freetds : of_microsoft);
    for (size_t i = 0; i < list->count; i++) {
        const char *keyword = list->pairs[i].keyword;
        /* What no driver knows has a line of its own. */
        if (!holds(&read, keyword) &&
            doctor_keyword_meant(keyword, CONF_FORM_ODBC, meant, sizeof meant) == NULL)
            add_keyword(ret, size, keyword);
    }
}

bool doctor_ignored_keywords(doctor *d, const char *driver, glue_driver_kind kind)
{
    char ignored[300] = "";
    /* With a token FreeTDS is never alone, and what signs in for it puts other words in. */
    if (kind == GLUE_DRIVER_OTHER || (kind == GLUE_DRIVER_FREETDS && d->by_token))
        return true;
    if (d->options->written != NULL)
        ignored_words(d->options->written, kind, ignored, sizeof ignored);
    if (ignored[0] == '\0')
        return true;
    doctor_line *line = doctor_add(d, "driver", DOCTOR_WARN, "keyword-ignored", "%s passes over %s",
                                   driver, ignored);
    if (kind == GLUE_DRIVER_FREETDS)
        doctor_fix(line,
                   "FreeTDS reads Encryption=require in place of Encrypt=, Server=host,port or "
                   "Server=host with Port=, Timeout=; a certificate it checks by "
                   "freetds.conf (ca file).");
    else
        doctor_fix(line, "Microsoft's driver reads Server=host,port, Database=, UID=, PWD=, APP=, "
                         "WSID=, PacketSize=; times are the program's (SQL_ATTR_LOGIN_TIMEOUT).");
    return false;
}

/* Before it is converted: the form that drivers get always has the prefix. */
static const char *server_as_written(const doctor *d)
{
    const char *server = NULL;
    if (d->options->written != NULL)
        server = conf_connstr_get_any(d->options->written, conf_keywords_server, NULL);
    if (server == NULL && d->options->written != NULL && d->target.dsn != NULL)
        server = conf_connstr_get_any(&d->list, conf_keywords_server, NULL);
    return server;
}

bool doctor_server_prefix(doctor *d, const char *driver, glue_driver_kind kind)
{
    const char *server = server_as_written(d);
    /* With a token another server is put in, as above. */
    if (kind != GLUE_DRIVER_FREETDS || d->by_token || server == NULL ||
        !es_strncaseeq(server, "tcp:", 4))
        return true;
    doctor_line *line = doctor_add(
        d, "driver", DOCTOR_FAIL, "server-prefix",
        "%s does not know the tcp: of Server=, and looks for a host of that name", driver);
    doctor_fix(line, "Write Server=%s,%u, without tcp:.", d->target.host, (unsigned)d->target.port);
    return false;
}

const char *doctor_driver_misspelt(const doctor *d, char *ret, size_t size)
{
    const conf_connstr *list = d->options->written;
    char meant[WORD_SIZE];
    ret[0] = '\0';
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const char *keyword = list->pairs[i].keyword;
        if (doctor_keyword_meant(keyword, CONF_FORM_ODBC, meant, sizeof meant) != NULL &&
            es_strcaseeq(meant, "Driver"))
            es_printable(ret, size, keyword, strlen(keyword));
    }
    return ret;
}

/* ---- contradictions ---- */

static bool check_trusted(doctor *d)
{
    bool token = doctor_asks_for_token(&d->login);
    if (!es_streq(conf_login_get(&d->login, CONF_KEY_TRUSTED), "yes"))
        return true;
    doctor_line *line =
        doctor_add(d, "environment", token ? DOCTOR_FAIL : DOCTOR_WARN, "windows-login", "%s",
                   token ? "the string asks for a Windows login and for a token at once"
                         : "the string asks for a Windows login, which Azure SQL does not have");
    doctor_evidence(line, token ? "Drivers refuse Trusted_Connection or Integrated Security beside "
                                  "Authentication="
                                : "the links below are looked at with a token in its place");
    return false;
}

bool doctor_words(doctor *d)
{
    const conf_login *given = d->options->login;
    /* Those of a data source are read in ODBC's words alone. */
    const conf_login *login = given->words == CONF_FORM_ODBC ? &d->login : given;
    bool good = check_unknown(d, &login->own, login->words);
    return check_trusted(d) && good;
}
