/* SPDX-License-Identifier: MIT */
/* The table of settings. Sources: the drivers' own lists of keywords and synonyms. */
#include "conf/keys.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

typedef enum kind {
    KIND_TEXT,
    KIND_SERVER,
    KIND_BOOL,
    KIND_NUMBER,
    KIND_ENCRYPT,
    KIND_INTENT,
    KIND_AUTHENTICATION
} kind;

/* The first of the words is the one that is printed; SQLAlchemy speaks its driver's. */
static const struct key_row {
    const char *name;
    kind kind;
    const char *words[CONF_FORM_COUNT];
} keys[CONF_KEY_COUNT] = {
    [CONF_KEY_DRIVER] = {"driver", KIND_TEXT, {[CONF_FORM_ODBC] = "Driver"}},
    [CONF_KEY_DSN] = {"data source name", KIND_TEXT, {[CONF_FORM_ODBC] = "DSN"}},
    [CONF_KEY_DIALECT] = {"dialect", KIND_TEXT, {NULL}},
    [CONF_KEY_SERVER] = {"server",
                         KIND_SERVER,
                         {[CONF_FORM_ODBC] = "Server|Address|Addr|Network Address|Data Source",
                          [CONF_FORM_ADO] = "Server|Data Source|Address|Addr|Network Address",
                          [CONF_FORM_JDBC] = "serverName|server",
                          [CONF_FORM_GO] = "server|data source|address|addr|network address",
                          [CONF_FORM_PYMSSQL] = "server|host"}},
    [CONF_KEY_INSTANCE] =
        {"instance",
         KIND_TEXT,
         {[CONF_FORM_JDBC] = "instanceName|instance", [CONF_FORM_GO] = "instance"}},
    [CONF_KEY_PORT] = {"port",
                       KIND_NUMBER,
                       {[CONF_FORM_ODBC] = "Port",
                        [CONF_FORM_JDBC] = "portNumber|port",
                        [CONF_FORM_GO] = "port",
                        [CONF_FORM_PYMSSQL] = "port"}},
    [CONF_KEY_DATABASE] = {"database",
                           KIND_TEXT,
                           {[CONF_FORM_ODBC] = "Database|Initial Catalog",
                            [CONF_FORM_ADO] = "Database|Initial Catalog",
                            [CONF_FORM_JDBC] = "databaseName|database",
                            [CONF_FORM_GO] = "database|initial catalog",
                            [CONF_FORM_PYMSSQL] = "database"}},
    [CONF_KEY_USER] = {"user",
                       KIND_TEXT,
                       {[CONF_FORM_ODBC] = "UID|User ID|User",
                        [CONF_FORM_ADO] = "User ID|UID|User",
                        [CONF_FORM_JDBC] = "user|userName|uid",
                        [CONF_FORM_GO] = "user id|user|uid",
                        [CONF_FORM_PYMSSQL] = "user"}},
    [CONF_KEY_PASSWORD] = {"password",
                           KIND_TEXT,
                           {[CONF_FORM_ODBC] = "PWD|Password",
                            [CONF_FORM_ADO] = "Password|PWD",
                            [CONF_FORM_JDBC] = "password|pwd",
                            [CONF_FORM_GO] = "password|pwd",
                            [CONF_FORM_PYMSSQL] = "password"}},
    [CONF_KEY_TRUSTED] = {"integrated security",
                          KIND_BOOL,
                          {[CONF_FORM_ODBC] = "Trusted_Connection|Integrated Security",
                           [CONF_FORM_ADO] = "Integrated Security|Trusted_Connection",
                           [CONF_FORM_JDBC] = "integratedSecurity|trusted_connection",
                           [CONF_FORM_GO] = "trusted_connection|integrated security"}},
    [CONF_KEY_AUTHENTICATION] = {"authentication",
                                 KIND_AUTHENTICATION,
                                 {[CONF_FORM_ODBC] = "Authentication",
                                  [CONF_FORM_ADO] = "Authentication",
                                  [CONF_FORM_JDBC] = "authentication",
                                  [CONF_FORM_GO] = "fedauth"}},
    [CONF_KEY_CLIENT_ID] = {"client id", KIND_TEXT, {[CONF_FORM_JDBC] = "msiClientId"}},
    [CONF_KEY_ENCRYPT] = {"encryption",
                          KIND_ENCRYPT,
                          {[CONF_FORM_ODBC] = "Encrypt",
                           [CONF_FORM_ADO] = "Encrypt",
                           [CONF_FORM_JDBC] = "encrypt",
                           [CONF_FORM_GO] = "encrypt",
                           [CONF_FORM_PYMSSQL] = "encryption"}},
    [CONF_KEY_TRUST_CERTIFICATE] =
        {"trust server certificate",
         KIND_BOOL,
         {[CONF_FORM_ODBC] = "TrustServerCertificate|Trust Server Certificate",
          [CONF_FORM_ADO] = "TrustServerCertificate|Trust Server Certificate",
          [CONF_FORM_JDBC] = "trustServerCertificate",
          [CONF_FORM_GO] = "trustservercertificate|trust server certificate"}},
    [CONF_KEY_HOST_IN_CERTIFICATE] = {"host name in certificate",
                                      KIND_TEXT,
                                      {[CONF_FORM_ODBC] =
                                           "HostNameInCertificate|Host Name In Certificate",
                                       [CONF_FORM_ADO] =
                                           "Host Name In Certificate|HostNameInCertificate",
                                       [CONF_FORM_JDBC] = "hostNameInCertificate",
                                       [CONF_FORM_GO] = "hostnameincertificate"}},
    [CONF_KEY_SERVER_CERTIFICATE] = {"server certificate",
                                     KIND_TEXT,
                                     {[CONF_FORM_ODBC] = "ServerCertificate",
                                      [CONF_FORM_ADO] = "Server Certificate|ServerCertificate",
                                      [CONF_FORM_JDBC] = "serverCertificate",
                                      [CONF_FORM_GO] = "servercertificate"}},
    /* go's "connection timeout" is for each read and write: another thing, and kept apart. */
    [CONF_KEY_LOGIN_TIMEOUT] =
        {"login timeout",
         KIND_NUMBER,
         {[CONF_FORM_ODBC] =
              "Connection Timeout|Connect Timeout|Timeout|LoginTimeout|Login Timeout",
          [CONF_FORM_ADO] = "Connect Timeout|Connection Timeout|Timeout",
          [CONF_FORM_JDBC] = "loginTimeout|connectTimeout",
          [CONF_FORM_GO] = "dial timeout",
          [CONF_FORM_PYMSSQL] = "login_timeout"}},
    [CONF_KEY_COMMAND_TIMEOUT] = {"command timeout",
                                  KIND_NUMBER,
                                  {[CONF_FORM_ADO] = "Command Timeout",
                                   [CONF_FORM_JDBC] = "queryTimeout",
                                   [CONF_FORM_PYMSSQL] = "timeout"}},
    [CONF_KEY_APP] = {"application name",
                      KIND_TEXT,
                      {[CONF_FORM_ODBC] = "APP|Application Name",
                       [CONF_FORM_ADO] = "Application Name|APP",
                       [CONF_FORM_JDBC] = "applicationName|app",
                       [CONF_FORM_GO] = "app name|application name",
                       [CONF_FORM_PYMSSQL] = "appname"}},
    [CONF_KEY_WORKSTATION] = {"workstation id",
                              KIND_TEXT,
                              {[CONF_FORM_ODBC] = "WSID|Workstation ID",
                               [CONF_FORM_ADO] = "Workstation ID|WSID",
                               [CONF_FORM_JDBC] = "workstationID|wsid",
                               [CONF_FORM_GO] = "workstation id"}},
    [CONF_KEY_LANGUAGE] =
        {"language",
         KIND_TEXT,
         {[CONF_FORM_ODBC] = "Language", [CONF_FORM_ADO] = "Current Language|Language"}},
    [CONF_KEY_INTENT] = {"application intent",
                         KIND_INTENT,
                         {[CONF_FORM_ODBC] = "ApplicationIntent|Application Intent",
                          [CONF_FORM_ADO] = "ApplicationIntent|Application Intent",
                          [CONF_FORM_JDBC] = "applicationIntent",
                          [CONF_FORM_GO] = "applicationintent",
                          [CONF_FORM_PYMSSQL] = "read_only"}},
    [CONF_KEY_MULTI_SUBNET] = {"multi-subnet failover",
                               KIND_BOOL,
                               {[CONF_FORM_ODBC] = "MultiSubnetFailover",
                                [CONF_FORM_ADO] = "MultiSubnetFailover|Multi Subnet Failover",
                                [CONF_FORM_JDBC] = "multiSubnetFailover",
                                [CONF_FORM_GO] = "multisubnetfailover"}},
    [CONF_KEY_MARS] = {"multiple active result sets",
                       KIND_BOOL,
                       {[CONF_FORM_ODBC] = "MARS_Connection",
                        [CONF_FORM_ADO] = "MultipleActiveResultSets|Multiple Active Result Sets"}},
    [CONF_KEY_RETRY_COUNT] = {"connect retry count",
                              KIND_NUMBER,
                              {[CONF_FORM_ODBC] = "ConnectRetryCount",
                               [CONF_FORM_ADO] = "ConnectRetryCount|Connect Retry Count",
                               [CONF_FORM_JDBC] = "connectRetryCount"}},
    [CONF_KEY_RETRY_INTERVAL] = {"connect retry interval",
                                 KIND_NUMBER,
                                 {[CONF_FORM_ODBC] = "ConnectRetryInterval",
                                  [CONF_FORM_ADO] = "ConnectRetryInterval|Connect Retry Interval",
                                  [CONF_FORM_JDBC] = "connectRetryInterval"}},
    [CONF_KEY_PACKET_SIZE] = {"packet size",
                              KIND_NUMBER,
                              {[CONF_FORM_ODBC] = "PacketSize|Packet Size",
                               [CONF_FORM_ADO] = "Packet Size",
                               [CONF_FORM_JDBC] = "packetSize",
                               [CONF_FORM_GO] = "packet size"}},
    [CONF_KEY_FAILOVER_PARTNER] = {"failover partner",
                                   KIND_TEXT,
                                   {[CONF_FORM_ODBC] = "Failover_Partner",
                                    [CONF_FORM_ADO] = "Failover Partner",
                                    [CONF_FORM_JDBC] = "failoverPartner",
                                    [CONF_FORM_GO] = "failoverpartner"}},
    [CONF_KEY_IP_PREFERENCE] = {"IP address preference",
                                KIND_TEXT,
                                {[CONF_FORM_ODBC] = "IpAddressPreference",
                                 [CONF_FORM_ADO] = "IP Address Preference|IPAddressPreference",
                                 [CONF_FORM_JDBC] = "iPAddressPreference"}},
    [CONF_KEY_COLUMN_ENCRYPTION] = {"column encryption",
                                    KIND_TEXT,
                                    {[CONF_FORM_ODBC] = "ColumnEncryption",
                                     [CONF_FORM_ADO] = "Column Encryption Setting",
                                     [CONF_FORM_JDBC] = "columnEncryptionSetting"}},
};

/* How each form spells a method; NULL: its driver lacks it. Synonyms are read, not written. */
static const struct method_row {
    const char *name;
    const char *spelling[CONF_FORM_COUNT];
} methods[] = {
    {"sql-password",
     {[CONF_FORM_ODBC] = "SqlPassword",
      [CONF_FORM_ADO] = "Sql Password",
      [CONF_FORM_JDBC] = "SqlPassword"}},
    {"password",
     {[CONF_FORM_ODBC] = "ActiveDirectoryPassword",
      [CONF_FORM_ADO] = "Active Directory Password",
      [CONF_FORM_JDBC] = "ActiveDirectoryPassword",
      [CONF_FORM_GO] = "ActiveDirectoryPassword"}},
    {"integrated",
     {[CONF_FORM_ODBC] = "ActiveDirectoryIntegrated",
      [CONF_FORM_ADO] = "Active Directory Integrated",
      [CONF_FORM_JDBC] = "ActiveDirectoryIntegrated",
      [CONF_FORM_GO] = "ActiveDirectoryIntegrated"}},
    {"interactive",
     {[CONF_FORM_ODBC] = "ActiveDirectoryInteractive",
      [CONF_FORM_ADO] = "Active Directory Interactive",
      [CONF_FORM_JDBC] = "ActiveDirectoryInteractive",
      [CONF_FORM_GO] = "ActiveDirectoryInteractive"}},
    {"managed-identity",
     {[CONF_FORM_ODBC] = "ActiveDirectoryMsi",
      [CONF_FORM_ADO] = "Active Directory Managed Identity",
      [CONF_FORM_JDBC] = "ActiveDirectoryManagedIdentity",
      [CONF_FORM_GO] = "ActiveDirectoryManagedIdentity"}},
    {"service-principal",
     {[CONF_FORM_ODBC] = "ActiveDirectoryServicePrincipal",
      [CONF_FORM_ADO] = "Active Directory Service Principal",
      [CONF_FORM_JDBC] = "ActiveDirectoryServicePrincipal",
      [CONF_FORM_GO] = "ActiveDirectoryServicePrincipal"}},
    {"device-code",
     {[CONF_FORM_ODBC] = "ActiveDirectoryDeviceCode",
      [CONF_FORM_ADO] = "Active Directory Device Code Flow",
      [CONF_FORM_GO] = "ActiveDirectoryDeviceCode"}},
    {"workload-identity",
     {[CONF_FORM_ODBC] = "ActiveDirectoryWorkloadIdentity",
      [CONF_FORM_ADO] = "Active Directory Workload Identity",
      [CONF_FORM_GO] = "ActiveDirectoryWorkloadIdentity"}},
    {"azure-cli",
     {[CONF_FORM_ODBC] = "ActiveDirectoryAzureCli", [CONF_FORM_GO] = "ActiveDirectoryAzCli"}},
    {"default",
     {[CONF_FORM_ODBC] = "ActiveDirectoryDefault",
      [CONF_FORM_ADO] = "Active Directory Default",
      [CONF_FORM_JDBC] = "ActiveDirectoryDefault",
      [CONF_FORM_GO] = "ActiveDirectoryDefault"}},
};

/* Further spellings that any form reads. */
static const struct {
    const char *spelling;
    const char *name;
} method_synonyms[] = {
    {"ActiveDirectoryManagedIdentity", "managed-identity"},
    {"ActiveDirectoryMSI", "managed-identity"},
    {"ActiveDirectoryApplication", "service-principal"},
    {"ActiveDirectoryDeviceCodeFlow", "device-code"},
    {"ActiveDirectoryAzCli", "azure-cli"},
};

/* ---- words ---- */

/* Is `keyword` one of "a|b|c"? */
static bool is_one_of(const char *keyword, const char *words)
{
    size_t length = strlen(keyword);
    size_t n = 0;
    const char *word;
    while ((word = es_piece_next(&words, &n)) != NULL) {
        if (n == length && es_strncaseeq(word, keyword, n))
            return true;
    }
    return false;
}

const char *conf_key_word(conf_key key, conf_form words)
{
    return keys[key].words[words];
}

const char *conf_key_name(conf_key key)
{
    return keys[key].name;
}

unsigned conf_key_find(const char *keyword, conf_form words)
{
    unsigned i = 0;
    while (i < CONF_KEY_COUNT && !is_one_of(keyword, keys[i].words[words]))
        i++;
    return i;
}

/* ---- values ---- */

static entrasql_status not_understood(const char *keyword, const char *allowed, entrasql_error *err)
{
    char shown[80];
    es_printable(shown, sizeof shown, keyword, strlen(keyword));
    es_fail(err, ENTRASQL_CONFIG, "connection string: the value of %s is not understood", shown);
    es_hint(err, "%s takes %s", shown, allowed);
    return ENTRASQL_CONFIG;
}

/* Equal without case and blanks: "Active Directory Default" is ActiveDirectoryDefault. */
static bool same_method(const char *a, const char *b)
{
    for (;;) {
        while (es_is_space(*a))
            a++;
        while (es_is_space(*b))
            b++;
        if (es_ascii_lower(*a) != es_ascii_lower(*b))
            return false;
        if (*a == '\0')
            return true;
        a++;
        b++;
    }
}

/* A method that is not in the table stays as it was written. */
static const char *method_name(const char *value)
{
    for (size_t i = 0; i < ES_COUNT_OF(methods); i++) {
        for (size_t form = 0; form < CONF_FORM_COUNT; form++) {
            const char *spelling = methods[i].spelling[form];
            if (spelling != NULL && same_method(spelling, value))
                return methods[i].name;
        }
    }
    for (size_t i = 0; i < ES_COUNT_OF(method_synonyms); i++) {
        if (same_method(method_synonyms[i].spelling, value))
            return method_synonyms[i].name;
    }
    return value;
}

bool conf_is_identity(const char *authentication)
{
    return authentication != NULL &&
           (es_streq(authentication, "managed-identity") || es_streq(authentication, "default") ||
            es_streq(authentication, "workload-identity"));
}

static const char *read_bool(const char *value)
{
    if (is_one_of(value, "yes|true|1|on|sspi"))
        return "yes";
    return is_one_of(value, "no|false|0|off") ? "no" : NULL;
}

static const char *read_encrypt(const char *value)
{
    if (is_one_of(value, "yes|true|1|mandatory|require|required"))
        return "mandatory";
    if (es_strcaseeq(value, "strict"))
        return "strict";
    return is_one_of(value, "no|false|0|optional|off|disable|request|default") ? "optional" : NULL;
}

/* pymssql's read_only=True says the same as ApplicationIntent=ReadOnly. */
static const char *read_intent(const char *value)
{
    if (is_one_of(value, "ReadOnly|True"))
        return "ReadOnly";
    return is_one_of(value, "ReadWrite|False") ? "ReadWrite" : NULL;
}

entrasql_status conf_value_read(conf_key key, conf_form words, const char *keyword,
                                const char *value, char **ret, entrasql_error *err)
{
    const char *meaning = value;
    const char *allowed = "";
    uint64_t number;
    (void)words;
    switch (keys[key].kind) {
    case KIND_BOOL:
        meaning = read_bool(value);
        allowed = "yes or no, true or false";
        break;
    case KIND_NUMBER:
        allowed = "a number";
        if (es_parse_u64(value, strlen(value), UINT32_MAX, &number) != ENTRASQL_OK)
            meaning = NULL;
        break;
    case KIND_ENCRYPT:
        meaning = read_encrypt(value);
        allowed = "yes, no, true, false, optional, mandatory or strict";
        break;
    case KIND_INTENT:
        meaning = read_intent(value);
        allowed = "ReadOnly or ReadWrite";
        break;
    case KIND_AUTHENTICATION:
        meaning = method_name(value);
        break;
    case KIND_TEXT:
    case KIND_SERVER:
        break;
    }
    if (meaning == NULL)
        return not_understood(keyword, allowed, err);
    *ret = es_strdup(meaning);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static const char *write_bool(conf_form words, bool yes)
{
    if (words == CONF_FORM_ODBC)
        return yes ? "yes" : "no";
    if (words == CONF_FORM_ADO || words == CONF_FORM_PYMSSQL)
        return yes ? "True" : "False";
    return yes ? "true" : "false";
}

static const char *write_encrypt(conf_form words, const char *value)
{
    bool mandatory = es_streq(value, "mandatory");
    if (words == CONF_FORM_PYMSSQL)
        return es_streq(value, "strict") ? NULL : mandatory ? "require" : "off";
    if (es_streq(value, "strict"))
        return words == CONF_FORM_ADO ? "Strict" : "strict";
    return write_bool(words, mandatory);
}

static const char *write_method(conf_form words, const char *value)
{
    for (size_t i = 0; i < ES_COUNT_OF(methods); i++) {
        if (es_streq(methods[i].name, value))
            return methods[i].spelling[words];
    }
    return value;
}

entrasql_status conf_value_write(conf_key key, conf_form words, const char *value, char **ret)
{
    const char *text = value;
    switch (keys[key].kind) {
    case KIND_BOOL:
        text = write_bool(words, es_streq(value, "yes"));
        break;
    case KIND_ENCRYPT:
        text = write_encrypt(words, value);
        break;
    case KIND_INTENT:
        if (words == CONF_FORM_PYMSSQL)
            text = write_bool(words, es_streq(value, "ReadOnly"));
        break;
    case KIND_AUTHENTICATION:
        text = write_method(words, value);
        break;
    case KIND_TEXT:
    case KIND_NUMBER:
    case KIND_SERVER:
        break;
    }
    *ret = es_strdup(text);
    return text == NULL || *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}
