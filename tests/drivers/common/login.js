// SPDX-License-Identifier: MIT
// The logins of a package over tedious. `open(options)` gives { value(sql), close() }; options are
// { authentication, database, encrypt, ca } in tedious' words.
'use strict';

const fs = require('fs');
const {
  world, equal, refused, untrusted, TOKEN_PRINCIPAL,
} = require('./matrix.js');

const token = (which) => ({
  type: 'azure-active-directory-access-token', options: { token: world.tokens[which] },
});
const sql = (userName, password) => ({ type: 'default', options: { userName, password } });

function usual({ database, encrypt, ca } = {}) {
  return {
    port: world.port,
    database: database || world.database,
    encrypt: encrypt === undefined ? true : encrypt,
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
  const admin = token('admin');
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
      TOKEN_PRINCIPAL),
  };
}

module.exports = { logins, usual, admin: token('admin') };
