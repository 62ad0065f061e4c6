// SPDX-License-Identifier: MIT
// The logins of a package over tedious. `open(options)` gives { value(sql), close() }; options are
// { authentication, database, encrypt, ca } in tedious' words.
'use strict';

const fs = require('fs');
const {
  world, equal, refused, untrusted, TOKEN_PRINCIPAL,
} = require('./matrix.js');

// A public client, which tedious wants to be told for a person's password.
const AZURE_CLI = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

const token = (which) => ({
  type: 'azure-active-directory-access-token', options: { token: world.tokens[which] },
});
const sql = (userName, password) => ({ type: 'default', options: { userName, password } });

const admin = world.by_password ? sql(world.sql_user, world.sql_password) : token('admin');

function usual({ database, encrypt, ca } = {}) {
  return {
    port: world.port,
    database: database || world.database,
    encrypt: encrypt === undefined ? !world.clear : encrypt,
    trustServerCertificate: false,
    cryptoCredentialsDetails: { ca: fs.readFileSync(ca || world.ca_file) },
  };
}

function logins(open) {
  const signedIn = async (options, name, column = 'USER_NAME()') => {
    const session = await open(options);
    equal(await session.value(`SELECT ${column} AS v`), name);
    await session.close();
  };
  const attempt = (options) => async () => {
    const session = await open(options);
    try {
      await session.value('SELECT 1 AS v');
    } finally {
      await session.close();
    }
  };
  return {
    login_74: attempt({ authentication: admin }),
    login_80: attempt({ authentication: admin, encrypt: 'strict' }),
    login_untrusted: () => untrusted(attempt({ authentication: admin, ca: world.other_ca_file })),
    token: () => signedIn({ authentication: token('developer') }, world.developer),
    entra_identity: () => signedIn({
      authentication: {
        type: 'azure-active-directory-msi-app-service',
        options: { clientId: world.identity_client_id },
      },
    }, world.identity),
    entra_default: () => signedIn({
      authentication: {
        type: 'azure-active-directory-default', options: { clientId: world.identity_client_id },
      },
    }, world.identity),
    entra_secret: () => signedIn({
      authentication: {
        type: 'azure-active-directory-service-principal-secret',
        options: {
          clientId: world.app_client_id, clientSecret: world.app_secret, tenantId: world.tenant_id,
        },
      },
    }, world.app),
    entra_password: () => signedIn({
      authentication: {
        type: 'azure-active-directory-password',
        options: {
          clientId: AZURE_CLI,
          tenantId: world.tenant_id,
          userName: world.developer,
          password: world.developer_password,
        },
      },
    }, world.developer),
    entra_callback: async () => {
      let scope;
      await signedIn({
        authentication: {
          type: 'token-credential',
          options: {
            credential: {
              getToken: async (asked) => {
                scope = asked;
                return { token: world.tokens.developer, expiresOnTimestamp: Date.now() + 1e6 };
              },
            },
          },
        },
      }, world.developer);
      equal(String(scope), 'https://database.windows.net/.default', 'scope');
    },
    sql_login: () => signedIn({ authentication: sql(world.sql_user, world.sql_password) },
      world.sql_user, 'SUSER_SNAME()'),
    refuse_no_token: () => refused(attempt({ authentication: sql('nobody', 'Nothing-1!') }), '',
      "Login failed for user 'nobody'."),
    refuse_password: () => refused(attempt({ authentication: sql(world.sql_user, 'Wrong-1!') }), '',
      `Login failed for user '${world.sql_user}'.`),
    refuse_expired: () => refused(attempt({ authentication: token('expired') }), '',
      `${TOKEN_PRINCIPAL} Token is expired.`),
    refuse_audience: () => refused(attempt({ authentication: token('audience') }), '', TOKEN_PRINCIPAL),
    refuse_unknown: () => refused(attempt({ authentication: token('stranger') }), '', TOKEN_PRINCIPAL),
    refuse_database: () => refused(attempt({ authentication: admin, database: 'nosuch' }), '',
      `Login failed for user '${world.principal}'.`),
  };
}

module.exports = { logins, usual, admin };
