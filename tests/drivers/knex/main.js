// SPDX-License-Identifier: MIT
// Knex on tedious.
'use strict';

const knex = require('knex');
const {
  world, Failed, check, equal, unique, main,
} = require('../common/matrix.js');
const { logins, usual, admin } = require('../common/login.js');

// Knex hands `type` and `options` on as it knows them; a token goes into options.token.
function connection({ authentication, ...rest }) {
  const { type, options } = authentication;
  const own = usual(rest);
  return {
    server: world.host,
    port: own.port,
    database: own.database,
    type,
    userName: options.userName,
    password: options.password,
    token: options.token,
    clientId: options.clientId,
    clientSecret: options.clientSecret,
    tenantId: options.tenantId,
    credential: options.credential,
    options: own,
  };
}

function make(options = { authentication: admin }, pool = { min: 0, max: 2 }) {
  return knex({ client: 'mssql', connection: connection(options), pool, acquireConnectionTimeout: 30000 });
}

async function open(options) {
  const db = make(options, { min: 0, max: 1, createRetryIntervalMillis: 20000 });
  db.client.pool.propagateCreateError = true;
  return {
    value: async (text) => {
      const rows = await db.raw(text);
      return rows[0].v;
    },
    close: () => db.destroy(),
  };
}

async function withTable(act) {
  const db = make();
  const table = unique('items');
  await db.schema.createTable(table, (t) => {
    t.increments('id');
    t.string('title', 50).notNullable().index();
    t.integer('code').unique();
    t.decimal('price', 9, 2);
    t.integer('version').notNullable().defaultTo(1);
    t.integer('parent_id').unsigned().references(`${table}.id`);
    t.timestamps(true, true);
  });
  try {
    await act(db, table);
  } finally {
    await db.schema.dropTable(table);
    await db.destroy();
  }
}

const count = async (db, table) => Number((await db(table).count({ n: '*' }))[0].n);

main({
  ...logins(open),
  commit: () => withTable(async (db, table) => {
    await db.transaction(async (tx) => {
      await tx(table).insert({ title: 'a' });
      equal(await count(db, table), 0);
    });
    equal(await count(db, table), 1);
  }),
  rollback: () => withTable(async (db, table) => {
    const tx = await db.transaction();
    await tx(table).insert({ title: 'a' });
    await tx.rollback();
    equal(await count(db, table), 0);
  }),
  isolation: () => withTable(async (db) => {
    await db.transaction(async (tx) => {
      const rows = await tx.raw('SELECT transaction_isolation_level AS v FROM sys.dm_exec_sessions '
        + 'WHERE session_id = @@SPID');
      equal(rows[0].v, 4, 'isolation level');
    }, { isolationLevel: 'serializable' });
  }),
  savepoint: () => withTable(async (db, table) => {
    await db.transaction(async (tx) => {
      await tx(table).insert({ title: 'a' });
      await tx.transaction(async (inner) => {
        await inner(table).insert({ title: 'b' });
        throw new Failed('inner');
      }).catch((error) => check(error.message === 'inner', error.message));
    });
    equal((await db(table).select('title')).map((row) => row.title), ['a']);
  }),
  orm_create: () => withTable(async (db, table) => {
    check(await db.schema.hasTable(table), 'the table is not there');
    check(await db.schema.hasColumn(table, 'price'), 'the column is not there');
  }),
  orm_insert: () => withTable(async (db, table) => {
    equal(await db(table).insert({ title: 't\u00e9' }, ['id']), [{ id: 1 }]);
    const rows = [...Array(20).keys()].map((i) => ({ title: `${i}`, code: i }));
    equal((await db(table).insert(rows, ['id'])).map((row) => row.id), [...Array(20).keys()].map((i) => i + 2));
  }),
  orm_page: () => withTable(async (db, table) => {
    await db(table).insert([...Array(30).keys()].map((i) => ({ title: String(i).padStart(2, '0'), code: i })));
    equal((await db(table).orderBy('title', 'desc').limit(5).offset(10)).map((row) => row.title),
      ['19', '18', '17', '16', '15']);
    equal((await db(table).orderBy('title').limit(2)).map((row) => row.title), ['00', '01']);
  }),
  orm_concurrency: () => withTable(async (db, table) => {
    await db(table).insert({ title: 'a' });
    const write = (title) => db(table).where({ id: 1, version: 1 }).update({ title, version: 2 });
    equal(await write('b'), 1);
    equal(await write('c'), 0, 'rows of the second writer:');
  }),
  orm_introspect: () => withTable(async (db, table) => {
    const info = await db(table).columnInfo();
    equal(Object.keys(info),
      ['id', 'title', 'code', 'price', 'version', 'parent_id', 'created_at', 'updated_at']);
    equal([info.title.type, info.title.maxLength, info.title.nullable, info.price.type],
      ['nvarchar', 50, false, 'decimal']);
  }),
  orm_migrate: () => withTable(async (db, table) => {
    const migration = {
      up: async (k) => {
        await k.schema.alterTable(table, (t) => { t.integer('extra').notNullable().defaultTo(7); });
        await k.schema.alterTable(table, (t) => {
          t.string('title', 80).alter();
          t.renameColumn('price', 'amount');
          t.index(['version'], `ix_${table}_version`);
        });
      },
      down: async (k) => {
        await k.schema.alterTable(table, (t) => {
          t.dropIndex(['version'], `ix_${table}_version`);
          t.dropColumn('extra');
        });
      },
    };
    const source = {
      getMigrations: async () => [`m_${table}`], getMigrationName: (name) => name, getMigration: async () => migration,
    };
    await db(table).insert({ title: 'a' });
    await db.migrate.latest({ migrationSource: source, tableName: `log_${table}` });
    const row = await db(table).first('extra', 'amount', 'title');
    equal([row.extra, row.amount, row.title], [7, null, 'a']);
    await db.migrate.rollback({ migrationSource: source, tableName: `log_${table}` });
    check(!(await db.schema.hasColumn(table, 'extra')), 'the column is still there');
    await db.schema.dropTable(`log_${table}`);
    await db.schema.dropTable(`log_${table}_lock`);
  }),
});
