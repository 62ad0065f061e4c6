# SPDX-License-Identifier: MIT
"""Django with mssql-django, on pyodbc and Microsoft's driver."""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "common"))
sys.path.remove(str(HERE))

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connections, models, transaction  # noqa: E402

from dbapi import DbApi  # noqa: E402
from matrix import WORLD, check, equal, main, unique  # noqa: E402

ENCRYPT = "no" if WORLD.clear else "yes"


def database(*, token=None, user=None, password=None, database=None, strict=False, ca=None,
             authentication=None, isolation=None):
    os.environ["SSL_CERT_FILE"] = ca or WORLD.ca_file
    extra = f"Encrypt={'strict' if strict else ENCRYPT};TrustServerCertificate=no"
    if authentication:
        extra += f";Authentication={authentication}"
    server, name = WORLD.microsofts_server.split(";")
    extra += f";{name}"
    entry = {
        "ENGINE": "mssql",
        "NAME": database or WORLD.database,
        "HOST": server,
        "USER": user or "",
        "PASSWORD": password or "",
        "OPTIONS": {"driver": WORLD.msodbc, "extra_params": extra, "host_is_server": True, "connection_retries": 0,
                    "return_rows_bulk_insert": True,
                    **({"isolation_level": isolation} if isolation else {})},
        "TIME_ZONE": None, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False, "TEST": {},
    }
    if token:
        entry["TOKEN"] = token
    return entry


LOGIN = ({"user": WORLD.sql_user, "password": WORLD.sql_password} if WORLD.by_password
         else {"token": WORLD.tokens["admin"]})
settings.configure(
    DATABASES={"default": database(**LOGIN)},
    INSTALLED_APPS=[], USE_TZ=False, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
DEFAULTS = {key: value for key, value in connections.databases["default"].items() if key != "TOKEN"}


class Item(models.Model):
    title = models.CharField(max_length=50, db_index=True)
    code = models.IntegerField(unique=True, null=True)
    price = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    made = models.DateTimeField(auto_now_add=True)
    version = models.IntegerField(default=1)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE)

    class Meta:
        app_label = "matrix"


class Django(DbApi):
    def connect(self, *, autocommit=True, **options):
        alias = unique("db")
        connections.databases[alias] = {**DEFAULTS, **database(**options)}
        connection = connections[alias]
        connection.ensure_connection()
        return connection

    def describe(self, error):
        return str(error)

    def value(self, connection, text, *parameters):
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchone()[0]

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

    def stepped(self, act):
        default = connections["default"]
        with default.schema_editor() as editor:
            editor.create_model(Item)
        try:
            act()
        finally:
            with default.schema_editor() as editor:
                editor.delete_model(Item)

    def another(self):
        alias = unique("db")
        connections.databases[alias] = connections.databases["default"]
        return alias

    # Transactions.

    def commit(self):
        def act():
            other = self.another()
            with transaction.atomic():
                Item.objects.create(title="a")
                equal(Item.objects.using(other).count(), 0)
            equal(Item.objects.using(other).count(), 1)
            connections[other].close()

        self.stepped(act)

    def rollback(self):
        def act():
            with transaction.atomic():
                Item.objects.create(title="a")
                transaction.set_rollback(True)
            equal(Item.objects.count(), 0)

        self.stepped(act)

    def isolation(self):
        session = self.connect(**LOGIN, isolation="SERIALIZABLE")
        equal(self.value(session, self.LEVEL), 4, "isolation level")
        session.close()

    def savepoint(self):
        def act():
            with transaction.atomic():
                Item.objects.create(title="a")
                with transaction.atomic():
                    Item.objects.create(title="b")
                    transaction.set_rollback(True)
            equal([item.title for item in Item.objects.all()], ["a"])

        self.stepped(act)

    # ORM.

    def orm_create(self):
        default = connections["default"]

        def act():
            check(Item._meta.db_table in default.introspection.table_names(), "no table")

        self.stepped(act)
        check(Item._meta.db_table not in default.introspection.table_names(), "still there")

    def orm_insert(self):
        def act():
            equal(Item.objects.create(title="t\u00e9").id, 1)
            made = Item.objects.bulk_create([Item(title=f"{i}", code=i) for i in range(20)])
            equal([item.id for item in made], list(range(2, 22)), "ids")
            check(Item.objects.get(title="T\u00c9").made is not None, "no date")

        self.stepped(act)

    def orm_page(self):
        def act():
            Item.objects.bulk_create([Item(title=f"{i:02}", code=i) for i in range(30)])
            equal([i.title for i in Item.objects.order_by("-title")[10:15]],
                  ["19", "18", "17", "16", "15"])
            equal([i.title for i in Item.objects.order_by("title")[:2]], ["00", "01"])

        self.stepped(act)

    def orm_concurrency(self):
        def act():
            Item.objects.create(title="a")
            mine, theirs = Item.objects.get(id=1), Item.objects.get(id=1)

            def write(item, title):
                return Item.objects.filter(id=item.id, version=item.version).update(
                    title=title, version=models.F("version") + 1)

            equal(write(mine, "b"), 1)
            equal(write(theirs, "c"), 0, "rows of the second writer:")

        self.stepped(act)

    def orm_upsert(self):
        def act():
            for title, new in (("a", True), ("b", False)):
                item, created = Item.objects.update_or_create(code=5, defaults={"title": title})
                equal((item.title, created), (title, new))
            equal(Item.objects.count(), 1)

        self.stepped(act)

    def orm_introspect(self):
        def act():
            default = connections["default"]
            table = Item._meta.db_table
            with default.cursor() as cursor:
                inspector = default.introspection
                columns = [c.name for c in inspector.get_table_description(cursor, table)]
                equal(columns, ["id", "title", "code", "price", "made", "version", "parent_id"])
                equal(inspector.get_primary_key_column(cursor, table), "id")
                equal(inspector.get_relations(cursor, table), {"parent_id": ("id", table)})
                constraints = inspector.get_constraints(cursor, table).values()
                check(any(c["unique"] and c["columns"] == ["code"] for c in constraints),
                      "UNIQUE was not seen")
                check(any(c["index"] and c["columns"] == ["title"] for c in constraints),
                      "the index was not seen")

        self.stepped(act)

    def orm_migrate(self):
        def act():
            Item.objects.create(title="a", code=1)
            extra = models.IntegerField(default=7)
            extra.set_attributes_from_name("extra")
            extra.model = Item
            longer = models.CharField(max_length=80, null=True)
            longer.set_attributes_from_name("title")
            longer.model = Item
            default = connections["default"]
            with default.schema_editor() as editor:
                editor.add_field(Item, extra)
            with default.schema_editor() as editor:
                editor.alter_field(Item, Item._meta.get_field("title"), longer)
            with default.schema_editor() as editor:
                editor.add_index(Item, models.Index(fields=["version"], name="ix_matrix_version"))
            with default.cursor() as cursor:
                cursor.execute(f"SELECT extra, title FROM {Item._meta.db_table}")
                equal(cursor.fetchall(), [(7, "a")])
            with default.schema_editor() as editor:
                editor.remove_index(Item, models.Index(fields=["version"], name="ix_matrix_version"))
            with default.schema_editor() as editor:
                editor.remove_field(Item, extra)
            with default.cursor() as cursor:
                equal("extra" in [c.name for c in default.introspection.get_table_description(
                    cursor, Item._meta.db_table)], False)

        self.stepped(act)


main(Django())
