// SPDX-License-Identifier: MIT
// Sequelize on tedious.
'use strict';

const { Sequelize, DataTypes, Transaction } = require('sequelize');
const {
  world, Failed, check, equal, unique, main,
} = require('../common/matrix.js');
const { logins, usual, admin } = require('../common/login.js');

function make({ authentication, ...rest } = { authentication: admin }) {
  const own = usual(rest);
  return new Sequelize(own.database, null, null, {
    dialect: 'mssql',
    host: world.host,
    port: own.port,
    logging: false,
    pool: { max: 2 },
    dialectModule: require('tedious'),
    dialectOptions: { authentication, options: own },
  });
}

async function open(options) {
  const db = make(options);
  return {
    value: async (text) => {
      const [rows] = await db.query(text);
      return rows[0].v;
    },
    close: () => db.close(),
  };
}

async function withModel(act, options = {}) {
  const db = make();
  const Item = db.define(unique('Item'), {
    title: { type: DataTypes.STRING(50), allowNull: false },
    code: { type: DataTypes.INTEGER, unique: true },
    price: DataTypes.DECIMAL(9, 2),
    body: DataTypes.BLOB,
    flag: DataTypes.BOOLEAN,
    key: { type: DataTypes.UUID, defaultValue: DataTypes.UUIDV4 },
  }, { freezeTableName: true, indexes: [{ fields: ['title'] }], ...options });
  Item.belongsTo(Item, { as: 'parent' });
  await db.sync();
  try {
    await act(db, Item);
  } finally {
    await Item.drop();
    await db.close();
  }
}

main({
  ...logins(open),
  commit: () => withModel(async (db, Item) => {
    await db.transaction(async (transaction) => {
      await Item.create({ title: 'a' }, { transaction });
      equal(await Item.count(), 0);
    });
    equal(await Item.count(), 1);
  }),
  rollback: () => withModel(async (db, Item) => {
    const transaction = await db.transaction();
    await Item.create({ title: 'a' }, { transaction });
    await transaction.rollback();
    equal(await Item.count(), 0);
  }),
  isolation: () => withModel(async (db) => {
    const isolationLevel = Transaction.ISOLATION_LEVELS.SERIALIZABLE;
    await db.transaction({ isolationLevel }, async (transaction) => {
      const [rows] = await db.query('SELECT transaction_isolation_level AS v FROM sys.dm_exec_sessions '
        + 'WHERE session_id = @@SPID', { transaction });
      equal(rows[0].v, 4, 'isolation level');
    });
  }),
  savepoint: () => withModel(async (db, Item) => {
    await db.transaction(async (transaction) => {
      await Item.create({ title: 'a' }, { transaction });
      await db.transaction({ transaction }, async (inner) => {
        await Item.create({ title: 'b', code: 2 }, { transaction: inner });
        throw new Failed('inner');
      }).catch((error) => check(error.message === 'inner', error.message));
    });
    equal((await Item.findAll()).map((item) => item.title), ['a']);
  }),
  orm_create: () => withModel(async (db, Item) => {
    const tables = (await db.getQueryInterface().showAllTables()).map((t) => t.tableName || t);
    check(tables.includes(Item.getTableName()), 'the table is not there');
  }),
  orm_insert: () => withModel(async (db, Item) => {
    const one = await Item.create({ title: 't\u00e9', body: Buffer.from([0, 255]), flag: true, price: '12.50' });
    equal(one.id, 1);
    const again = await Item.findByPk(1);
    equal([again.title, again.body.toString('hex'), again.flag, Number(again.price)], ['t\u00e9', '00ff', true, 12.5]);
    equal(again.key.toLowerCase(), one.key.toLowerCase());
    const many = await Item.bulkCreate([...Array(20).keys()].map((i) => ({ title: `${i}`, code: i })));
    equal(many.map((item) => item.id), [...Array(20).keys()].map((i) => i + 2));
  }),
  orm_page: () => withModel(async (db, Item) => {
    await Item.bulkCreate([...Array(30).keys()].map((i) => ({ title: String(i).padStart(2, '0'), code: i })));
    const page = await Item.findAndCountAll({ order: [['title', 'DESC']], limit: 5, offset: 10 });
    equal([page.count, page.rows.map((item) => item.title)], [30, ['19', '18', '17', '16', '15']]);
  }),
  orm_concurrency: () => withModel(async (db, Item) => {
    await Item.create({ title: 'a' });
    const [mine, theirs] = [await Item.findByPk(1), await Item.findByPk(1)];
    await mine.update({ title: 'b' });
    await theirs.update({ title: 'c' }).then(() => {
      throw new Failed('the second writer was not told');
    }, (error) => check(error.name === 'SequelizeOptimisticLockError', String(error)));
  }, { version: true }),
  orm_upsert: () => withModel(async (db, Item) => {
    await Item.upsert({ title: 'a', code: 5 });
    await Item.upsert({ title: 'b', code: 5 });
    equal((await Item.findAll()).map((item) => [item.title, item.code]), [['b', 5]]);
  }),
  orm_introspect: () => withModel(async (db, Item) => {
    const ui = db.getQueryInterface();
    const columns = await ui.describeTable(Item.getTableName());
    equal(Object.keys(columns), ['id', 'title', 'code', 'price', 'body', 'flag', 'key', 'createdAt', 'updatedAt', 'parentId']);
    equal([columns.id.primaryKey, columns.id.autoIncrement, columns.title.type, columns.title.allowNull],
      [true, true, 'NVARCHAR(50)', false]);
    const indexes = await ui.showIndex(Item.getTableName());
    check(indexes.some((index) => index.fields.length === 1 && index.fields[0].attribute === 'title'), 'no index');
    const keys = await ui.getForeignKeyReferencesForTable(Item.getTableName());
    equal(keys.map((key) => key.columnName), ['parentId']);
  }),
  orm_migrate: () => withModel(async (db, Item) => {
    const ui = db.getQueryInterface();
    const table = Item.getTableName();
    await Item.create({ title: 'a' });
    await ui.addColumn(table, 'extra', { type: DataTypes.INTEGER, allowNull: false, defaultValue: 7 });
    await ui.changeColumn(table, 'price', { type: DataTypes.DECIMAL(12, 3) });
    await ui.renameColumn(table, 'flag', 'mark');
    await ui.addIndex(table, ['extra'], { name: `ix_${table}` });
    const [rows] = await db.query(`SELECT extra, mark FROM [${table}]`);
    equal(rows, [{ extra: 7, mark: null }]);
    await ui.removeIndex(table, `ix_${table}`);
    await ui.removeColumn(table, 'extra');
    check(!('extra' in await ui.describeTable(table)), 'the column is still there');
  }),
});
