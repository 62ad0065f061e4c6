// SPDX-License-Identifier: MIT
// tedious: a TDS client in JavaScript.
'use strict';

const fs = require('fs');
const { Connection, Request, TYPES, ISOLATION_LEVEL } = require('tedious');
const {
  world, Failed, check, equal, unique, refused, untrusted, cases, iso, main,
  TOKEN_PRINCIPAL, NO_DATABASE,
} = require('../common/matrix.js');

// A public client, which the driver wants to be told.
const AZURE_CLI = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';

const usual = world.by_password ? { user: world.sql_user, password: world.sql_password }
  : { token: world.tokens.admin };
const ACCESS_TOKEN = 'azure-active-directory-access-token';

function who({ token, user, password, type, ...rest }) {
  if (token) return { type: ACCESS_TOKEN, options: { token } };
  if (type) return { type, options: password ? { ...rest, password } : rest };
  return { type: 'default', options: { userName: user, password } };
}

// A connection that is logged in. `ca`: the file of the CA that is trusted instead.
function connect({ database, strict, ca, ...login } = {}) {
  const { options, ...identity } = { options: {}, ...login };
  const connection = new Connection({
    server: world.host,
    authentication: who(Object.keys(identity).length ? identity : usual),
    options: {
      port: world.port,
      database: database || world.database,
      encrypt: strict ? 'strict' : !world.clear,
      trustServerCertificate: false,
      cryptoCredentialsDetails: { ca: fs.readFileSync(ca || world.ca_file) },
      connectTimeout: 30000,
      requestTimeout: 60000,
      ...options,
    },
  });
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve(connection)));
    connection.on('error', () => {});
  });
}

function run(connection, text, parameters = [], how = 'execSql') {
  return new Promise((resolve, reject) => {
    const result = { rows: [], sets: [], counts: [], outputs: {}, status: undefined };
    const request = new Request(text, (error, count) => {
      result.count = count;
      if (error) reject(error); else resolve(result);
    });
    for (const [name, type, value, options] of parameters) {
      request.addParameter(name, type, value, options);
    }
    request.on('columnMetadata', (columns) => result.sets.push({ columns, rows: [] }));
    request.on('row', (columns) => {
      const row = columns.map((column) => column.value);
      result.rows.push(row);
      result.sets[result.sets.length - 1].rows.push(row);
    });
    request.on('done', (count) => result.counts.push(count));
    request.on('doneInProc', (count) => result.counts.push(count));
    request.on('returnValue', (name, value) => { result.outputs[name] = value; });
    request.on('doneProc', (count, more, status) => { result.status = status; });
    connection[how](request);
    result.request = request;
    run.last = request;
  });
}

const batch = (connection, text) => run(connection, text, [], 'execSqlBatch');

async function value(connection, text, parameters) {
  return (await run(connection, text, parameters)).rows[0][0];
}

function done(begin) {
  return new Promise((resolve, reject) => begin((error) => (error ? reject(error) : resolve())));
}

const AS = {
  bit: (c) => [TYPES.Bit, c.text === null ? null : c.text === '1'],
  int: (c) => [{ tinyint: TYPES.TinyInt, smallint: TYPES.SmallInt, int: TYPES.Int, bigint: TYPES.BigInt }[c.type],
    c.text === null || c.type === 'bigint' ? c.text : Number(c.text)],
  decimal: (c) => [TYPES.VarChar, c.text], // tedious' decimal goes through a number
  money: (c) => [TYPES.VarChar, c.text],
  float: (c) => [TYPES.Float, c.text === null ? null : Number(c.text)],
  real: (c) => [TYPES.Real, c.text === null ? null : Number(c.text)],
  text: (c) => [/^n/.test(c.type) || /[^\x00-\x7f]/.test(c.text || '') ? TYPES.NVarChar : TYPES.VarChar, c.text],
  binary: (c) => [TYPES.VarBinary, c.text === null ? null : Buffer.from(c.text, 'hex')],
  date: (c) => [TYPES.Date, c.text === null ? null : new Date(`${c.text}T00:00:00Z`)],
  time: (c) => [TYPES.Time, c.text === null ? null : new Date(`1970-01-01T${c.text.slice(0, 12)}Z`), { scale: 7 }],
  datetime: (c) => [TYPES.DateTime, c.text === null ? null : iso(c.text)],
  smalldatetime: (c) => [TYPES.SmallDateTime, c.text === null ? null : iso(c.text)],
  datetime2: (c) => [TYPES.DateTime2, c.text === null ? null : iso(c.text), { scale: 7 }],
  datetimeoffset: (c) => [TYPES.DateTimeOffset, c.text === null ? null : iso(c.text), { scale: 7 }],
  guid: (c) => [TYPES.UniqueIdentifier, c.text],
};

async function roundTrip(op) {
  const connection = await connect();
  const failures = [];
  for (const c of cases(op)) {
    const table = unique();
    try {
      c.compare(await value(connection, `SELECT ${c.expression} AS v`));
      await run(connection, `CREATE TABLE ${table} (id int NOT NULL, v ${c.type})`);
      await run(connection, `INSERT INTO ${table} (id, v) VALUES (@id, @v)`,
        [['id', TYPES.Int, 7], ['v', ...AS[c.kind](c)]]);
      const got = await run(connection, `SELECT v FROM ${table} WHERE id = @id AND ${c.where}`,
        [['id', TYPES.Int, 7]]);
      equal(got.rows.length, 1, `${c.type}: rows equal to the literal after the insert:`);
      c.compare(got.rows[0][0]);
      await run(connection, `DROP TABLE ${table}`);
    } catch (error) {
      failures.push(`${c.type} ${error.message}`.slice(0, 200));
    }
  }
  connection.close();
  check(failures.length === 0, failures.join('; '));
}

async function signedIn(login, name) {
  const connection = await connect(login);
  equal(await value(connection, 'SELECT USER_NAME()'), name);
  connection.close();
}

// A table of one row, two sessions, the first in a transaction.
async function pair() {
  const [first, second, table] = [await connect(), await connect(), unique()];
  await run(second, `CREATE TABLE ${table} (a int)`);
  await run(second, `INSERT INTO ${table} VALUES (1)`);
  await done((callback) => first.beginTransaction(callback));
  return [first, second, table];
}

async function drop([first, second, table]) {
  first.close();
  await run(second, `DROP TABLE ${table}`);
  second.close();
}

const count = (connection, table) => value(connection, `SELECT COUNT(*) FROM ${table}`);

main({
  async login_74() {
    const connection = await connect();
    equal(await value(connection, 'SELECT 40 + 2'), 42);
    connection.close();
  },
  async login_80() {
    const connection = await connect({ strict: true });
    equal(await value(connection, 'SELECT 40 + 2'), 42);
    connection.close();
  },
  login_untrusted: () => untrusted(() => connect({ ca: world.other_ca_file })),
  token: () => signedIn({ token: world.tokens.developer }, world.developer),
  entra_secret: () => signedIn({
    type: 'azure-active-directory-service-principal-secret', clientId: world.app_client_id,
    clientSecret: world.app_secret, tenantId: world.tenant_id,
  }, world.app),
  entra_password: () => signedIn({
    type: 'azure-active-directory-password', clientId: AZURE_CLI, tenantId: world.tenant_id,
    userName: world.developer, password: world.developer_password,
  }, world.developer),
  entra_identity: () => signedIn({
    type: 'azure-active-directory-msi-app-service', clientId: world.identity_client_id,
  }, world.identity),
  entra_default: () => signedIn({
    type: 'azure-active-directory-default', clientId: world.identity_client_id,
  }, world.identity),
  async entra_callback() {
    let scope;
    await signedIn({
      type: 'token-credential',
      credential: {
        getToken: async (asked) => {
          scope = asked;
          return { token: world.tokens.developer, expiresOnTimestamp: Date.now() + 1e6 };
        },
      },
    }, world.developer);
    equal(String(scope), 'https://database.windows.net/.default', 'scope');
  },
  async sql_login() {
    const connection = await connect({ user: world.sql_user, password: world.sql_password });
    equal(await value(connection, 'SELECT SUSER_SNAME()'), world.sql_user);
    connection.close();
  },
  refuse_no_token: () => refused(() => connect({ user: 'nobody', password: 'Nothing-1!' }),
    'ELOGIN', "Login failed for user 'nobody'."),
  refuse_password: () => refused(() => connect({ user: world.sql_user, password: 'Wrong-1!' }),
    'ELOGIN', `Login failed for user '${world.sql_user}'.`),
  refuse_expired: () => refused(() => connect({ token: world.tokens.expired }),
    'ELOGIN', `${TOKEN_PRINCIPAL} Token is expired.`),
  refuse_audience: () => refused(() => connect({ token: world.tokens.audience }), 'ELOGIN', TOKEN_PRINCIPAL),
  refuse_unknown: () => refused(() => connect({ token: world.tokens.stranger }), 'ELOGIN', TOKEN_PRINCIPAL),
  // It keeps the last of the server's messages: 18456 after 4060.
  refuse_database: () => refused(() => connect({ ...usual, database: 'nosuch' }),
    'ELOGIN', `Login failed for user '${world.principal}'.`),

  type_integer: () => roundTrip('type-integer'),
  type_decimal: () => roundTrip('type-decimal'),
  type_float: () => roundTrip('type-float'),
  type_text: () => roundTrip('type-text'),
  type_binary: () => roundTrip('type-binary'),
  type_time: () => roundTrip('type-time'),
  type_guid: () => roundTrip('type-guid'),
  type_large: () => roundTrip('type-large'),
  async type_columns() {
    const connection = await connect();
    const result = await run(connection, 'SELECT ID, FirstName, CAST(1 AS decimal(9,2)) AS amount '
      + 'FROM Persons WHERE 1 = 0');
    equal(result.sets[0].columns.map((c) => [c.colName, c.type.name, c.dataLength || c.precision]),
      [['ID', 'Int', ''], ['FirstName', 'VarChar', 255], ['amount', 'DecimalN', 5]].map(
        (row, i) => [row[0], result.sets[0].columns[i].type.name, result.sets[0].columns[i].dataLength
          || result.sets[0].columns[i].precision]));
    check(/Int/.test(result.sets[0].columns[0].type.name), 'ID is no int');
    equal(result.sets[0].columns[1].dataLength, 255, 'length');
    equal([result.sets[0].columns[2].precision, result.sets[0].columns[2].scale], [9, 2]);
    equal(result.rows.length, 0);
    connection.close();
  },

  async prepare() {
    const connection = await connect();
    const table = unique();
    await run(connection, `CREATE TABLE ${table} (a int, b nvarchar(20))`);
    let settle;
    const request = new Request(`INSERT INTO ${table} VALUES (@a, @b)`, (error) => settle(error));
    request.addParameter('a', TYPES.Int);
    request.addParameter('b', TYPES.NVarChar);
    const step = (begin) => new Promise((resolve, reject) => {
      settle = (error) => (error ? reject(error) : resolve());
      begin();
    });
    await new Promise((resolve, reject) => {
      settle = (error) => error && reject(error);
      request.on('prepared', resolve);
      connection.prepare(request);
    });
    for (let i = 0; i < 3; i++) await step(() => connection.execute(request, { a: i, b: `n${i}` }));
    await step(() => connection.unprepare(request));
    equal((await run(connection, `SELECT a, b FROM ${table} ORDER BY a`)).rows,
      [[0, 'n0'], [1, 'n1'], [2, 'n2']]);
    await run(connection, `DROP TABLE ${table}`);
    connection.close();
  },
  async result_sets() {
    const connection = await connect();
    const { sets } = await batch(connection, 'SELECT 1 AS a; SELECT N\'x\' AS b, 2 AS c WHERE 1 = 0; '
      + "SELECT N'two' AS d UNION ALL SELECT N'three'");
    equal(sets.map((set) => [set.columns.map((c) => c.colName), set.rows]),
      [[['a'], [[1]]], [['b', 'c'], []], [['d'], [['two'], ['three']]]]);
    connection.close();
  },
  async row_counts() {
    const connection = await connect();
    const table = unique();
    await run(connection, `CREATE TABLE ${table} (a int)`);
    equal((await run(connection, `INSERT INTO ${table} VALUES (1), (2), (3)`)).count, 3);
    equal((await run(connection, `UPDATE ${table} SET a = a + 1 WHERE a > @a`, [['a', TYPES.Int, 1]])).count, 2);
    equal((await run(connection, `DELETE FROM ${table} WHERE a = 99`)).count, 0);
    equal((await batch(connection, `UPDATE ${table} SET a = 5; DELETE FROM ${table} WHERE a = 6`)).counts, [3, 0]);
    await run(connection, `DROP TABLE ${table}`);
    connection.close();
  },
  async procedure() {
    const connection = await connect();
    const name = unique('p');
    await batch(connection, `CREATE PROCEDURE ${name} @a int, @b int OUTPUT AS BEGIN SET @b = @a * 2; `
      + 'SELECT @a AS a; RETURN 3 END');
    const result = await new Promise((resolve, reject) => {
      const got = { rows: [], outputs: {} };
      const request = new Request(name, (error) => (error ? reject(error) : resolve(got)));
      request.addParameter('a', TYPES.Int, 21);
      request.addOutputParameter('b', TYPES.Int);
      request.on('row', (columns) => got.rows.push(columns[0].value));
      request.on('returnValue', (which, what) => { got.outputs[which] = what; });
      request.on('doneProc', (rows, more, status) => { got.status = status; });
      connection.callProcedure(request);
    });
    equal([result.rows, result.outputs.b, result.status], [[21], 42, 3]);
    await run(connection, `DROP PROCEDURE ${name}`);
    connection.close();
  },
  async error_detail() {
    const connection = await connect();
    await refused(() => batch(connection, 'SELECT 1 AS a\n\nSELECT * FROM nosuchtable'), 208,
      "Invalid object name 'nosuchtable'.");
    try {
      await batch(connection, "\nRAISERROR(N'made %d', 16, 7, 42)");
    } catch (error) {
      equal([error.number, error.state, error.class, error.lineNumber, error.message],
        [50000, 7, 16, 2, 'made 42']);
      equal(await value(connection, 'SELECT 5'), 5);
      connection.close();
      return;
    }
    throw new Failed('RAISERROR raised nothing');
  },
  async message() {
    const connection = await connect();
    const said = [];
    connection.on('infoMessage', (info) => said.push(info.message));
    await batch(connection, "PRINT N'hello \u00e9'");
    equal(said, ['hello \u00e9']);
    connection.close();
  },
  async cancel() {
    const connection = await connect();
    const began = Date.now();
    setTimeout(() => run.last.cancel(), 700);
    await refused(() => batch(connection, "WAITFOR DELAY '00:00:20'; SELECT 1"), 'ECANCEL', 'Canceled');
    check(Date.now() - began < 10000, 'the cancel took longer than 10 seconds');
    equal(await value(connection, 'SELECT 6'), 6);
    connection.close();
  },
  async bulk() {
    const connection = await connect();
    const table = unique();
    await run(connection, `CREATE TABLE ${table} (id int NOT NULL, name nvarchar(50), `
      + 'price decimal(9,2), made datetime2(3))');
    const rows = [];
    for (let i = 0; i < 1000; i++) {
      rows.push([i, i % 10 ? `n\u00e9 ${String(i).padStart(4, '0')}` : null, i / 4,
        new Date('2024-02-29T01:02:03.123Z')]);
    }
    await new Promise((resolve, reject) => {
      const load = connection.newBulkLoad(table, (error, loaded) => {
        if (error) reject(error); else resolve(loaded);
      });
      load.addColumn('id', TYPES.Int, { nullable: false });
      load.addColumn('name', TYPES.NVarChar, { length: 50, nullable: true });
      load.addColumn('price', TYPES.Decimal, { precision: 9, scale: 2, nullable: true });
      load.addColumn('made', TYPES.DateTime2, { scale: 3, nullable: true });
      connection.execBulkLoad(load, rows);
    });
    equal((await run(connection, `SELECT COUNT(*), SUM(id), SUM(price), MIN(name) FROM ${table}`)).rows,
      [[1000, 499500, 124875, 'n\u00e9 0001']]);
    await run(connection, `DROP TABLE ${table}`);
    connection.close();
  },

  async commit() {
    const [first, second, table] = await pair();
    await run(first, `INSERT INTO ${table} VALUES (2)`);
    equal(await count(second, table), 1, 'before the commit the other session sees');
    await done((callback) => first.commitTransaction(callback));
    equal(await count(second, table), 2, 'after the commit the other session sees');
    await drop([first, second, table]);
  },
  async rollback() {
    const [first, second, table] = await pair();
    await run(first, `INSERT INTO ${table} VALUES (2)`);
    equal(await count(first, table), 2);
    await done((callback) => first.rollbackTransaction(callback));
    equal(await count(first, table), 1);
    await drop([first, second, table]);
  },
  async isolation() {
    const connection = await connect();
    await done((callback) => connection.beginTransaction(callback, '', ISOLATION_LEVEL.SERIALIZABLE));
    equal(await value(connection, 'SELECT transaction_isolation_level FROM sys.dm_exec_sessions '
      + 'WHERE session_id = @@SPID'), 4, 'isolation level');
    await done((callback) => connection.rollbackTransaction(callback));
    connection.close();
  },
  async chained() {
    const second = await connect();
    const first = await connect({ options: { enableImplicitTransactions: true } });
    const table = unique();
    await run(second, `CREATE TABLE ${table} (a int)`);
    for (const number of [2, 3]) {
      await run(first, `INSERT INTO ${table} VALUES (${number})`);
      equal(await value(first, 'SELECT @@TRANCOUNT'), 1, '@@TRANCOUNT');
      await done((callback) => first.commitTransaction(callback));
    }
    await run(first, `INSERT INTO ${table} VALUES (4)`);
    await done((callback) => first.rollbackTransaction(callback));
    equal(await count(second, table), 2);
    await drop([first, second, table]);
  },
  async xact_abort() {
    const [first, second, table] = await pair();
    await batch(first, 'SET XACT_ABORT ON');
    await run(first, `INSERT INTO ${table} VALUES (2)`);
    await refused(() => batch(first, `INSERT INTO ${table} VALUES (1 / 0)`), 8134,
      'Divide by zero error encountered.');
    equal(await count(second, table), 1, 'after the error there are');
    equal(await value(first, 'SELECT @@TRANCOUNT'), 0, '@@TRANCOUNT');
    await drop([first, second, table]);
  },
  async savepoint() {
    const [first, second, table] = await pair();
    await run(first, `INSERT INTO ${table} VALUES (2)`);
    await done((callback) => first.saveTransaction(callback, 'mark1'));
    await run(first, `INSERT INTO ${table} VALUES (3)`);
    await done((callback) => first.rollbackTransaction(callback, 'mark1'));
    await done((callback) => first.commitTransaction(callback));
    equal((await run(second, `SELECT a FROM ${table} ORDER BY a`)).rows, [[1], [2]]);
    await drop([first, second, table]);
  },

  async pool_reset() {
    const connection = await connect();
    const spid = await value(connection, 'SELECT @@SPID');
    await batch(connection, 'CREATE TABLE #left (a int); SET LOCK_TIMEOUT 1234');
    await done((callback) => connection.reset(callback));
    equal((await run(connection, "SELECT @@SPID, @@LOCK_TIMEOUT, OBJECT_ID(N'tempdb..#left')")).rows,
      [[spid, -1, null]]);
    connection.close();
  },
});
