/* SPDX-License-Identifier: MIT */
/*
 * entrasql/odbc.h - passwordless ODBC connections to Azure SQL.
 *
 * Link with -lentrasql-odbc -lentrasql -lodbc (pkg-config: entrasql-odbc).
 *
 *     entrasql_odbc_connect(dbc, getenv("AZURE_SQL_CONNECTIONSTRING"), cred, NULL, &err);
 *
 * then plain ODBC. With Microsoft's ODBC driver the token goes into the
 * driver's access-token attribute (1256). Any other driver (FreeTDS's tdsodbc)
 * is led through an in-process tunnel on loopback that signs in for it.
 */
#ifndef ENTRASQL_ODBC_H
#define ENTRASQL_ODBC_H

#include <entrasql/entrasql.h>

#include <sql.h>
#include <sqlext.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct entrasql_odbc_options {
    size_t size;
    const char *ca_file; /* trust for the tunnel; NULL: SSL_CERT_FILE, else the system store */
    uint32_t login_timeout_ms; /* 0: the connection string's, else 30 000 (300 000 where a person
                                  has to sign in) */
    /* Called for each thing the caller should know (an ignored keyword ...); NULL: nobody is told.
     */
    void (*warning)(void *context, const char *message);
    void *warning_context;
    /* For all tries together; 0: the login timeout, or 120 000 as long as a paused serverless
     * database wakes up and no timeout was set. */
    uint32_t total_timeout_ms;
    uint32_t first_retry_pause_ms; /* 0: 5000; doubled up to 60 000, a fifth more or less */
    /* Shows a device code (Authentication=ActiveDirectoryDeviceCode); NULL: the terminal. */
    void (*device_code_prompt)(void *context, const entrasql_device_code *code);
    void *device_code_prompt_context;
} entrasql_odbc_options;

/*
 * Connects dbc (allocated, not connected) by an ODBC connection string, with
 * DSN= and FILEDSN= merged as the driver manager does.
 *
 * credential given: the string must not hold UID, PWD, Authentication or
 * Trusted_Connection (CONFIG, naming the keyword).
 *
 * credential NULL: the string says who signs in. Authentication= takes
 * ActiveDirectoryDefault, -ManagedIdentity or -Msi (UID: client id),
 * -ServicePrincipal (UID: client id, TenantId, and PWD: secret or
 * ClientCertificate: path with ClientCertificatePassword), -WorkloadIdentity,
 * -AzureCli, -AzurePowerShell, -AzureDeveloperCli, -Environment, -DeviceCode,
 * -Interactive; their credentials are kept for the process, so that tokens are
 * shared by all connections of the same settings. Without Authentication=, UID,
 * PWD and Trusted_Connection it is ActiveDirectoryDefault; UID and PWD alone are
 * a SQL login, which the driver does by itself.
 *
 * `Connection Timeout`, `Connect Timeout` and `Timeout` set the login timeout
 * and are not handed to the driver. Refusals that go away by themselves (40613
 * and kin) are tried again within it.
 *
 * Errors: those of entrasql_credential_get_token(), LOGIN_FAILED with SQL
 * Server's number and state, NETWORK, TLS, TIMEOUT, CONFIG (also for a driver
 * manager that pools connections, which cannot tell principals apart). After a
 * failure the handle is not connected and may be used again. Blocks for at most
 * the timeouts. Any thread, as ODBC allows for the handle.
 */
ENTRASQL_API entrasql_status entrasql_odbc_connect(SQLHDBC dbc, const char *connection_string,
                                                   entrasql_credential *credential,
                                                   const entrasql_odbc_options *options,
                                                   entrasql_error *err);

/* The same with the string in UTF-16, ended by NUL, for programs on ODBC's wide calls. */
ENTRASQL_API entrasql_status entrasql_odbc_connect_w(SQLHDBC dbc, const SQLWCHAR *connection_string,
                                                     entrasql_credential *credential,
                                                     const entrasql_odbc_options *options,
                                                     entrasql_error *err);

/*
 * True when the connection of dbc is broken (server gone, session ended) or was
 * never made. Asks the driver and, as drivers notice a lost connection only when
 * it is used, the server: one round trip (SELECT 1), with a query timeout of 5 s.
 * It starts no transaction; a connection that is busy with the rows of another
 * statement counts as alive. Where a network swallows packets and says nothing
 * it may block as long as the driver waits for its cancelled query and TCP for
 * the peer. As ODBC allows for the handle.
 */
ENTRASQL_API bool entrasql_odbc_is_dead(SQLHDBC dbc);

/*
 * Ends what is left of the connection of dbc (an open transaction is lost, the
 * statements of the handle are freed) and connects it anew, with a token that
 * is valid now. Arguments and errors as entrasql_odbc_connect().
 */
ENTRASQL_API entrasql_status entrasql_odbc_reconnect(SQLHDBC dbc, const char *connection_string,
                                                     entrasql_credential *credential,
                                                     const entrasql_odbc_options *options,
                                                     entrasql_error *err);

/*
 * True when the connection string asks for a sign-in of its own (UID, PWD,
 * Authentication or Trusted_Connection), so that it wants no credential: for
 * programs whose users may still bring a string with a password. False for a
 * string that cannot be parsed. Pure; any thread.
 */
ENTRASQL_API bool entrasql_odbc_has_own_login(const char *connection_string);

/*
 * Turns the diagnostic records of an ODBC handle, after a call on it failed,
 * into an error record: all records in the message, SQL Server's number, and
 * a hint. SQL_ERROR, or NETWORK, TIMEOUT, CANCELLED where the SQLSTATE says
 * so; the returned status is never OK. As ODBC allows for the handle.
 */
ENTRASQL_API entrasql_status entrasql_odbc_failure(SQLSMALLINT handle_type, SQLHANDLE handle,
                                                   entrasql_error *err);

#ifdef __cplusplus
}
#endif

#endif
