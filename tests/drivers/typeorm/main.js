// SPDX-License-Identifier: MIT
// TypeORM on mssql on tedious.
'use strict';

require('reflect-metadata');
const { DataSource, EntitySchema, Table, TableColumn, TableIndex } = require('typeorm');
const {
  world, Failed, check, equal, unique, main,
} = require('../common/matrix.js');
const { logins, usual, admin } = require('../common/login.js');

function make({ authentication, ...rest } = { authentication: admin }, more = {}) {
  const own = usual(rest);
  return new DataSource({
    type: 'mssql',
    host: world.host,
    port: own.port,
    database: own.database,
    authentication,
    options: { ...own, cryptoCredentialsDetails: own.cryptoCredentialsDetails },
    extra: { options: own, pool: { max: 2 } },
    ...more,
  });
}

async function open(options) {
  const db = await make(options).initialize();
  return { value: async (text) => (await db.query(text))[0].v, close: () => db.destroy() };
}

function schema(name) {
  return new EntitySchema({
    name,
    columns: {
      id: { type: 'int', primary: true, generated: true },
      title: { type: 'nvarchar', length: 50 },
      code: { type: 'int', nullable: true, unique: true },
      price: { type: 'decimal', precision: 9, scale: 2, nullable: true },
      made: { type: 'datetime2', createDate: true },
      version: { type: 'int', version: true },
    },
    indices: [{ columns: ['title'] }],
    relations: { parent: { type: 'many-to-one', target: name, nullable: true } },
  });
}

async function withModel(act) {
  const name = unique('Item');
  const db = await make(undefined, { entities: [schema(name)], synchronize: true }).initialize();
  try {
    await act(db, db.getRepository(name), name);
  } finally {
    await db.query(`DROP TABLE "${db.getMetadata(name).tableName}"`);
    await db.destroy();
  }
}

main({
  ...logins(open),
  commit: () => withModel(async (db, items, name) => {
    await db.transaction(async (manager) => {
      await manager.getRepository(name).save({ title: 'a' });
      equal(await items.count(), 0);
    });
    equal(await items.count(), 1);
  }),
  rollback: () => withModel(async (db, items, name) => {
    await db.transaction(async (manager) => {
      await manager.getRepository(name).save({ title: 'a' });
      throw new Failed('back');
    }).catch((error) => check(error.message === 'back', error.message));
    equal(await items.count(), 0);
  }),
  isolation: () => withModel(async (db) => {
    await db.transaction('SERIALIZABLE', async (manager) => {
      const rows = await manager.query('SELECT transaction_isolation_level AS v FROM sys.dm_exec_sessions '
        + 'WHERE session_id = @@SPID');
      equal(rows[0].v, 4, 'isolation level');
    });
  }),
  savepoint: () => withModel(async (db, items, name) => {
    await db.transaction(async (manager) => {
      await manager.getRepository(name).save({ title: 'a' });
      await manager.transaction(async (inner) => {
        await inner.getRepository(name).save({ title: 'b', code: 2 });
        throw new Failed('inner');
      }).catch((error) => check(error.message === 'inner', error.message));
    });
    equal((await items.find()).map((item) => item.title), ['a']);
  }),
  orm_create: () => withModel(async (db, items) => {
    const runner = db.createQueryRunner();
    check(await runner.hasTable(items.metadata.tableName), 'the table is not there');
    await runner.release();
    await db.synchronize(); // again: nothing to change
  }),
  orm_insert: () => withModel(async (db, items) => {
    const one = await items.save({ title: 't\u00e9', price: 12.5 });
    check(one.id === 1 && one.made instanceof Date && one.version === 1, JSON.stringify(one));
    const many = await items.save([...Array(20).keys()].map((i) => ({ title: `${i}`, code: i })));
    equal(many.map((item) => item.id), [...Array(20).keys()].map((i) => i + 2));
    equal((await items.findOneBy({ id: 1 })).price, 12.5);
  }),
  orm_page: () => withModel(async (db, items) => {
    await items.save([...Array(30).keys()].map((i) => ({ title: String(i).padStart(2, '0'), code: i })));
    const [rows, total] = await items.findAndCount({ order: { title: 'DESC' }, skip: 10, take: 5 });
    equal([total, rows.map((item) => item.title)], [30, ['19', '18', '17', '16', '15']]);
    equal((await items.find({ take: 2 })).length, 2);
  }),
  orm_concurrency: () => withModel(async (db, items, name) => {
    await items.save({ title: 'a' });
    const item = await items.findOneBy({ id: 1 });
    await items.save({ ...item, title: 'b' });
    await items.createQueryBuilder('i').setLock('optimistic', item.version).getOne().then(() => {
      throw new Failed('the second writer was not told');
    }, (error) => check(error.name === 'OptimisticLockVersionMismatchError', String(error)));
  }),
  orm_upsert: () => withModel(async (db, items) => {
    for (const title of ['a', 'b']) {
      const old = await items.findOneBy({ code: 5 });
      await items.save({ ...(old || {}), title, code: 5 });
    }
    equal((await items.find()).map((item) => [item.title, item.version]), [['b', 2]]);
  }),
  orm_introspect: () => withModel(async (db, items) => {
    const runner = db.createQueryRunner();
    const table = await runner.getTable(items.metadata.tableName);
    equal(table.columns.map((column) => column.name),
      ['id', 'title', 'code', 'price', 'made', 'version', 'parentId']);
    const [id, title, , price] = table.columns;
    equal([id.isGenerated, id.isPrimary, title.type, title.length, title.isNullable, price.precision, price.scale],
      [true, true, 'nvarchar', '50', false, 9, 2]);
    equal(table.foreignKeys.map((key) => key.columnNames), [['parentId']]);
    check(table.indices.some((index) => index.columnNames.includes('title')), 'no index');
    await runner.release();
  }),
  orm_migrate: () => withModel(async (db, items) => {
    const name = items.metadata.tableName;
    await items.save({ title: 'a' });
    const runner = db.createQueryRunner();
    await runner.addColumn(name, new TableColumn({ name: 'extra', type: 'int', default: 7 }));
    const table = await runner.getTable(name);
    const longer = table.findColumnByName('price').clone();
    longer.precision = 12;
    await runner.changeColumn(name, 'price', longer);
    await runner.renameColumn(name, 'code', 'number');
    await runner.createIndex(name, new TableIndex({ name: `ix_${name}`, columnNames: ['extra'] }));
    equal(await runner.query(`SELECT extra, number FROM "${name}"`), [{ extra: 7, number: null }]);
    await runner.dropIndex(name, `ix_${name}`);
    await runner.dropColumn(name, 'extra');
    check(!(await runner.getTable(name)).findColumnByName('extra'), 'the column is still there');
    const other = unique('made');
    await runner.createTable(new Table({ name: other, columns: [{ name: 'id', type: 'int', isPrimary: true }] }));
    await runner.dropTable(other);
    await runner.release();
  }),
});
