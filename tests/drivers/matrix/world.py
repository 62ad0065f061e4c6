# SPDX-License-Identifier: MIT
"""The emulator that the matrix runs against: one database per driver, tokens good and bad."""
import datetime
import json
import pathlib
import sys
import time

from matrix.catalog import HERE

ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import conftest as e2e  # noqa: E402
import proxies  # noqa: E402

SQL_USER = "tester"
# A driver's program may keep a session for each of its operations.
POOL_SIZE = 100
SQL_PASSWORD = "Local-only-1!"
PERSON_PASSWORD = "Person's only+1&%"


def write_seed(path, databases):
    seed = json.loads((ROOT / "examples" / "seed.json").read_text("utf-8"))
    seed["server"]["databases"] = databases
    for user in seed["users"]:
        if user["upn"] == e2e.DEVELOPER:
            user["password"] = PERSON_PASSWORD
    path.write_text(json.dumps(seed))


def write_other_ca(path):
    """A CA that signed nothing here: what a driver must not be content with."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "another CA")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Emulator(e2e.Emulator):
    """One that logs why it refused a login."""

    def command(self, *words, **kwargs):
        kwargs.setdefault("env", {**e2e.clean_environment(), "ENTRASQL_LOG": "info"})
        return super().command(*words, **kwargs)


class World:
    """Starts the emulator and describes it to the programs; with `way` (of ways.py) they get the auth
    proxy in front of it instead."""

    def __init__(self, directory, drivers, way=None):
        self.directory = pathlib.Path(directory)
        self.programs = e2e.Programs()
        seed = self.directory / "seed.json"
        write_seed(seed, ["persons", *(driver.database for driver in drivers)])
        password = self.directory / "password"
        password.write_text(SQL_PASSWORD)
        password.chmod(0o600)
        self.record = self.directory / "record"
        self.record.mkdir()
        self.emulator = Emulator(self.programs, self.directory / "data", "--seed", seed,
                                 "--sql-login", SQL_USER, "--password-file", password,
                                 "--record", self.record)
        try:
            self.describe()
            self.proxy = self.start_proxy(way) if way else None
        except BaseException:
            self.emulator.stop()
            raise

    def stop(self):
        if self.proxy:
            self.proxy.stop(timeout=60)
        self.emulator.stop()

    def start_proxy(self, way):
        """Programs log in to it with a name and a password that mean nothing."""
        proxy = proxies.Proxy(self.programs, self.emulator.environment(e2e.ADMIN),
                              [f"localhost,{self.facts['port']}?listen=0"],
                              *proxies.pool_words(self.programs, way.pool, POOL_SIZE),
                              *(self.tls_words() if way.tls else []),
                              log_file=self.directory / "proxy.log")
        self.facts.update(port=proxy.port(), clear=not way.tls, by_password=True, sql_password="any",
                          principal=SQL_USER, tokens={},
                          microsofts_server=e2e.microsofts_server(proxy.port()))
        return proxy

    def tls_words(self):
        """The proxy's options for certificates that it makes itself; drivers trust their CA alone."""
        folder = self.directory / "tls"
        made = e2e.run([self.programs.entrasql, "proxy", "init-tls", "--dir", folder])
        if made.returncode != 0:
            raise SystemExit(f"proxy init-tls: {made.stderr}")
        self.facts["ca_file"] = str(folder / "ca.pem")
        return ["--tls", "required", "--tls-certificate", folder / "server.pem", "--tls-key",
                folder / "server-key.pem"]

    def describe(self):
        emulator = self.emulator
        admin = emulator.environment(e2e.ADMIN)
        self.identity = emulator.environment(e2e.IDENTITY, e2e.APP_HOST)
        self.app = emulator.environment("ci-app")
        other_ca = self.directory / "other-ca.pem"
        write_other_ca(other_ca)
        good = emulator.token(e2e.ADMIN)
        now = int(time.time())
        self.facts = {
            "host": "localhost",
            "microsofts_server": e2e.microsofts_server(emulator.port()),
            "clear": False,
            "by_password": False,
            "principal": "<token-identified principal>",  # whom a refusal names
            "port": emulator.port(),
            "ca_file": admin["SSL_CERT_FILE"],
            "other_ca_file": str(other_ca),
            "sql_user": SQL_USER,
            "sql_password": SQL_PASSWORD,
            "developer": e2e.DEVELOPER,
            "developer_password": PERSON_PASSWORD,
            "identity": e2e.IDENTITY,
            "identity_client_id": self.identity["AZURE_CLIENT_ID"],
            "app": "ci-app",
            "app_client_id": self.app["AZURE_CLIENT_ID"],
            "app_secret": self.app["AZURE_CLIENT_SECRET"],
            "tenant_id": self.app["AZURE_TENANT_ID"],
            "authority": self.app["AZURE_AUTHORITY_HOST"],
            "node_modules": str(ROOT / "build-drivers" / "node" / "node_modules"),
            "tdsodbc": self.programs.tdsodbc,
            "msodbc": self.programs.msodbc,
            "tokens": {
                "admin": good,
                "developer": emulator.token(e2e.DEVELOPER),
                "expired": emulator.signed(good, iat=now - 7300, nbf=now - 7300, exp=now - 3600),
                "audience": emulator.token(e2e.ADMIN, resource="arm"),
                "stranger": emulator.token("StrangerIdentity", "stranger-app"),
            },
        }

    def converted(self, database):
        """What `entrasql connstr convert` makes of a string with a password, for the identity."""
        old = (f"Server=tcp:localhost,{self.facts['port']};Initial Catalog={database};"
               f"User ID={SQL_USER};Password=\"a;b\"")
        strings = {}
        for form in ("go", "jdbc", "sqlalchemy"):
            result = e2e.run([self.programs.entrasql, "connstr", "convert", "--to", form,
                              "--client-id", self.facts["identity_client_id"], "--driver",
                              self.facts["msodbc"]], input=old)
            if result.returncode != 0:
                raise SystemExit(f"connstr convert: {result.stderr}")
            strings[f"converted_{form}"] = result.stdout.strip()
        return strings

    def prepare(self, driver):
        """The driver's database with the tutorial's table and users, and the file that says so."""
        script = self.directory / "persons.sql"
        script.write_text((ROOT / "examples" / "persons.sql").read_text("utf-8")
                          + "CREATE USER [ci-app] FROM EXTERNAL PROVIDER;\n"
                          "ALTER ROLE db_owner ADD MEMBER [ci-app];\nGO\n")
        env = self.emulator.environment(e2e.ADMIN)
        result = e2e.run([self.programs.entrasql, "query", "-S", f"localhost,{self.emulator.port()}",
                          "-d", driver.database, "-i", script], env=env)
        if result.returncode != 0:
            raise SystemExit(f"{driver.database}: {result.stdout}{result.stderr}")
        path = self.directory / f"{driver.name}.json"
        path.write_text(json.dumps({**self.facts, **self.converted(driver.database),
                                    "database": driver.database}))
        path.chmod(0o600)
        return path

    def environment(self, driver, world_file):
        """A machine's environment with the managed identity of the web app, and no other sign-in."""
        env = dict(self.identity)
        for name in ("SSL_CERT_FILE", "AZURE_SQL_CONNECTIONSTRING"):
            env.pop(name, None)
        env["MATRIX_WORLD"] = str(world_file)
        for name, value in driver.environment.items():
            env[name] = value.format(**self.facts)
        return env

    def with_system_store(self, command):
        """The command in a mount namespace of its own whose system store also has the emulator's CA."""
        bundle = self.directory / "bundle.pem"
        store = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
        if not bundle.exists():
            bundle.write_text(store.read_text() + pathlib.Path(self.facts["ca_file"]).read_text())
        return ["unshare", "--mount", *([] if _is_root() else ["--map-root-user"]), "sh", "-c",
                'mount --bind "$0" "$1" && shift && exec "$@"', str(bundle), str(store), *command]


def _is_root():
    import os

    return os.geteuid() == 0
