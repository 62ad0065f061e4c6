# SPDX-License-Identifier: MIT
"""SQLAlchemy on pyodbc and Microsoft's driver, with tokens as its documentation shows."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
sys.path.remove(str(pathlib.Path(__file__).resolve().parent))

import sqlalchemy as sa  # noqa: E402
from sqlalchemy import orm  # noqa: E402

from dbapi import DbApi  # noqa: E402
from matrix import WORLD, Failed, check, equal, main, unique  # noqa: E402
from odbc import SQL_COPT_SS_ACCESS_TOKEN, msodbc_string, token_block  # noqa: E402


def make_engine(*, token=None, **options):
    url = sa.URL.create("mssql+pyodbc", query={"odbc_connect": msodbc_string(**options)})
    engine = sa.create_engine(url)
    if token:
        @sa.event.listens_for(engine, "do_connect")
        def provide_token(dialect, record, arguments, keywords):
            keywords["attrs_before"] = {SQL_COPT_SS_ACCESS_TOKEN: token_block(token)}
    return engine


class Alchemy(DbApi):
    def connect(self, *, autocommit=True, **options):
        engine = make_engine(**options)
        return engine.connect()

    def describe(self, error):
        return str(getattr(error, "orig", error))

    def value(self, connection, text, *parameters):
        return connection.execute(sa.text(text)).scalar()

    def engine(self):
        return make_engine(**self.login())

    def entra_secret(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryServicePrincipal",
                                    user=WORLD.app_client_id, password=WORLD.app_secret),
                       WORLD.app)

    def entra_password(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryPassword", user=WORLD.developer,
                                    password=WORLD.developer_password), WORLD.developer)

    def entra_identity(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryMsi",
                                    user=WORLD.identity_client_id), WORLD.identity)
        # By the string that `entrasql connstr convert` printed.
        self.signed_in(sa.create_engine(WORLD.converted_sqlalchemy, poolclass=sa.pool.NullPool)
                       .connect(), WORLD.identity)

    def model(self):
        """A mapped class over a table of its own name, created."""
        base = orm.declarative_base()
        name = unique("Item")

        class Item(base):
            __tablename__ = name
            id = sa.Column(sa.Integer, primary_key=True)
            title = sa.Column(sa.Unicode(50), nullable=False, index=True)
            price = sa.Column(sa.Numeric(9, 2))
            made = sa.Column(sa.DateTime, server_default=sa.func.getdate())
            version = sa.Column(sa.Integer, nullable=False)
            parent_id = sa.Column(sa.ForeignKey(f"{name}.id"))
            __mapper_args__ = {"version_id_col": version}

        engine = self.engine()
        base.metadata.create_all(engine)
        return engine, base, Item

    def drop_model(self, engine, base):
        base.metadata.drop_all(engine)
        engine.dispose()

    def stepped(self, act):
        engine, base, item = self.model()
        act(engine, item)
        self.drop_model(engine, base)

    # Transactions.

    def commit(self):
        def act(engine, item):
            with orm.Session(engine) as one, orm.Session(engine) as two:
                one.add(item(title="a"))
                one.flush()
                equal(two.scalar(sa.select(sa.func.count()).select_from(item)), 0)
                two.rollback()
                one.commit()
                equal(two.scalar(sa.select(sa.func.count()).select_from(item)), 1)

        self.stepped(act)

    def rollback(self):
        def act(engine, item):
            with orm.Session(engine) as one:
                one.add(item(title="a"))
                one.flush()
                one.rollback()
                equal(one.scalar(sa.select(sa.func.count()).select_from(item)), 0)

        self.stepped(act)

    def isolation(self):
        with self.engine().connect().execution_options(isolation_level="SERIALIZABLE") as connection:
            equal(self.value(connection, self.LEVEL), 4, "isolation level")
            equal(connection.get_isolation_level(), "SERIALIZABLE")

    def savepoint(self):
        def act(engine, item):
            with orm.Session(engine) as one:
                one.add(item(title="a"))
                one.flush()
                inner = one.begin_nested()
                one.add(item(title="b"))
                one.flush()
                inner.rollback()
                one.commit()
                equal(one.scalars(sa.select(item.title)).all(), ["a"])

        self.stepped(act)

    # ORM.

    def orm_create(self):
        engine, base, item = self.model()
        check(sa.inspect(engine).has_table(item.__tablename__), "the table is not there")
        self.drop_model(engine, base)
        check(not sa.inspect(engine).has_table(item.__tablename__), "the table is still there")

    def orm_insert(self):
        def act(engine, item):
            with orm.Session(engine) as session:
                items = [item(title=f"t\u00e9 {i}", price=i) for i in range(20)]
                session.add_all(items)
                session.commit()
                equal([one.id for one in items], list(range(1, 21)), "ids")
                equal(session.get(item, 7).title, "t\u00e9 6")
                check(items[0].made is not None, "the server's default did not come back")

        self.stepped(act)

    def orm_page(self):
        def act(engine, item):
            with orm.Session(engine) as session:
                session.add_all([item(title=f"{i:02}") for i in range(30)])
                session.commit()
                page = sa.select(item.title).order_by(item.title.desc()).limit(5).offset(10)
                equal(session.scalars(page).all(), ["19", "18", "17", "16", "15"])
                first = sa.select(item.title).order_by(item.title).limit(2)
                equal(session.scalars(first).all(), ["00", "01"])

        self.stepped(act)

    def orm_concurrency(self):
        def act(engine, item):
            with orm.Session(engine) as one, orm.Session(engine) as two:
                one.add(item(title="a"))
                one.commit()
                theirs = two.get(item, 1)
                equal(theirs.title, "a")
                two.commit()
                one.get(item, 1).title = "b"
                one.commit()
                two.execute(sa.text("SELECT 1"))
                sa.orm.attributes.set_committed_value(theirs, "version", 1)
                theirs.title = "c"
                try:
                    two.commit()
                except orm.exc.StaleDataError:
                    return
                raise Failed("the second writer was not told")

        self.stepped(act)

    def orm_introspect(self):
        engine = self.engine()
        parent, child = unique("parent"), unique("child")
        with engine.begin() as connection:
            connection.execute(sa.text(
                f"CREATE TABLE {parent} (id int IDENTITY PRIMARY KEY, code nvarchar(20) NOT NULL "
                "DEFAULT N'x', amount decimal(9,2), CONSTRAINT "
                f"uq_{parent} UNIQUE (code))"))
            connection.execute(sa.text(
                f"CREATE TABLE {child} (pid int NOT NULL CONSTRAINT fk_{child} REFERENCES "
                f"{parent}(id) ON DELETE CASCADE, note varchar(max))"))
            connection.execute(sa.text(f"CREATE INDEX ix_{child} ON {child}(pid)"))
        inspector = sa.inspect(engine)
        check({parent, child} <= set(inspector.get_table_names()), "the tables are not listed")
        columns = {c["name"]: c for c in inspector.get_columns(parent)}
        equal([str(columns[n]["type"]) for n in ("id", "code", "amount")],
              ["INTEGER", 'NVARCHAR(20) COLLATE "SQL_Latin1_General_CP1_CI_AS"', "DECIMAL(9, 2)"])
        equal([columns[n]["nullable"] for n in ("id", "code", "amount")], [False, False, True])
        check("identity" in columns["id"], "IDENTITY was not seen")
        equal(inspector.get_pk_constraint(parent)["constrained_columns"], ["id"])
        key = inspector.get_foreign_keys(child)[0]
        equal((key["name"], key["constrained_columns"], key["referred_table"],
               key["referred_columns"]), (f"fk_{child}", ["pid"], parent, ["id"]))
        equal([(i["name"], i["column_names"]) for i in inspector.get_indexes(child)],
              [(f"ix_{child}", ["pid"])])
        reflected = sa.Table(child, sa.MetaData(), autoload_with=engine)
        equal([c.name for c in reflected.columns], ["pid", "note"])
        with engine.begin() as connection:
            reflected.drop(connection)
            connection.execute(sa.text(f"DROP TABLE {parent}"))


main(Alchemy())
