# SPDX-License-Identifier: MIT
"""entrasql connstr: what it prints connects real drivers, and no password leaves it."""
import glob
import json
import os
import subprocess

import pymssql
import pyodbc
import pytest

import odbc
from conftest import ADMIN, APP_HOST, DATABASE, IDENTITY, clean_environment, run, wait_for
from test_drivers import SQL_COPT_SS_ACCESS_TOKEN, pack
from test_proxy import proxy

PASSWORD = "s3cr3t;W'0rd\"}"
CLIENT_ID = "11111111-2222-3333-4444-555555555555"


def connstr(programs, *words, text=None, env=None):
    return run([programs.entrasql, "connstr", *words], env=env,
               **({"input": text} if text is not None else {}))


def convert(programs, text, *words):
    result = connstr(programs, "convert", *words, text=text)
    assert result.returncode == 0, result.stderr
    assert PASSWORD not in result.stdout + result.stderr
    return result.stdout.strip()


# The same login in each form, with a password that holds every delimiter.
def forms(port):
    return {
        "odbc": f"Driver={{ODBC Driver 18 for SQL Server}};Server=tcp:localhost,{port};Database={DATABASE};"
                "UID=u;PWD={" + PASSWORD.replace("}", "}}") + "};Encrypt=yes",
        "ado": f"Data Source=localhost,{port};Initial Catalog={DATABASE};User ID=u;"
               "Password=\"" + PASSWORD.replace('"', '""') + "\"",
        "jdbc": f"jdbc:sqlserver://localhost:{port};databaseName={DATABASE};user=u;"
                "password={" + PASSWORD.replace("}", "}}") + "}",
        "go": f"sqlserver://u:s3cr3t%3BW%270rd%22%7D@localhost:{port}?database={DATABASE}",
        "sqlalchemy": f"mssql+pyodbc://u:s3cr3t%3BW%270rd%22%7D@localhost:{port}/{DATABASE}"
                      "?driver=ODBC+Driver+18+for+SQL+Server",
        "pymssql": f"pymssql.connect(server='localhost', port='{port}', user='u', "
                   f"password={PASSWORD!r}, database='{DATABASE}')",
    }


@pytest.mark.parametrize("form", list(forms(0)))
def test_any_form_converted_connects_microsofts_driver(emulator, programs, monkeypatch, form):
    """The tutorial's way: the program sets the token."""
    monkeypatch.setenv("SSL_CERT_FILE", emulator.environment(ADMIN)["SSL_CERT_FILE"])
    pyodbc.pooling = False
    text = convert(programs, forms(emulator.port())[form], "--to", "odbc", "--driver",
                   programs.msodbc)
    made = pyodbc.connect(text, attrs_before={SQL_COPT_SS_ACCESS_TOKEN: pack(emulator.token(ADMIN))})
    assert made.execute("SELECT DB_NAME()").fetchval() == DATABASE
    made.close()


@pytest.mark.parametrize("words", [["--identity", "default"], ["--client-id", "?"]])
def test_converted_for_our_driver_signs_in_by_itself(emulator, programs, words):
    env = emulator.environment(IDENTITY, APP_HOST)
    library = glob.glob(str(programs.library_dir / "**" / "libentrasqlodbc.so"), recursive=True)[0]
    env["ENTRASQL_ODBC_DRIVER"] = programs.tdsodbc
    words = [env["AZURE_CLIENT_ID"] if w == "?" else w for w in words]
    text = convert(programs, forms(emulator.port())["ado"], "--to", "odbc", "--driver", library,
                   *words)
    assert "Authentication=ActiveDirectory" in text
    program = ("import pyodbc, sys; pyodbc.pooling = False; "
               "print(pyodbc.connect(sys.stdin.read()).execute('SELECT USER_NAME()').fetchval())")
    result = run([programs.python, "-c", program], env=env | odbc.preload(), input=text)
    assert result.stdout.strip() == IDENTITY, result.stderr


def test_converted_for_pymssql_goes_through_the_proxy(emulator, programs):
    env = emulator.environment(IDENTITY, APP_HOST)
    with proxy(programs, env, [f"localhost,{emulator.port()}/{DATABASE}?listen=0"]) as p:
        result = connstr(programs, "convert", "--proxy", f"127.0.0.1,{p.port()}",
                         text=forms(emulator.port())["pymssql"])
        assert f"entrasql proxy localhost/{DATABASE}" in result.stderr
        with pymssql.connect(**eval(f"dict({result.stdout})")) as c:
            cursor = c.cursor()
            cursor.execute("SELECT USER_NAME()")
            assert cursor.fetchone() == (IDENTITY,)


def test_show_masks_every_secret(programs):
    text = "jdbc:sqlserver://h;user=u;password={" + PASSWORD.replace("}", "}}") + \
           "};trustStorePassword=keystorepw;loginTimeout=5"
    for words in (["show"], ["show", "--json"]):
        result = connstr(programs, *words, text=text)
        assert result.returncode == 0
        assert "***" in result.stdout and "keystorepw" not in result.stdout
        assert PASSWORD not in result.stdout and "W'0rd" not in result.stdout
    facts = json.loads(result.stdout)
    assert facts["form"] == "jdbc" and facts["settings"]["login timeout"] == "5"
    assert facts["settings"]["password"] == "***"


def test_sources(programs, tmp_path):
    text = forms(1433)["odbc"]
    expected = convert(programs, text)
    file = tmp_path / "string"
    file.write_text(text + "\n")
    assert connstr(programs, "convert", "--file", file).stdout.strip() == expected
    env = {**clean_environment(), "DB": text}
    assert connstr(programs, "convert", "--env", "DB", env=env).stdout.strip() == expected
    assert connstr(programs, "convert", "--env", "NOSUCH").returncode == 2
    assert connstr(programs, "convert", "--env", "DB", "--file", file).returncode == 2
    as_argument = connstr(programs, "convert", text)
    assert as_argument.stdout.strip() == expected
    assert "warning" in as_argument.stderr and PASSWORD not in as_argument.stderr


def test_an_argument_is_overwritten_at_once(programs, tmp_path):
    """A reader that never comes holds the program after it has taken its argument."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    while True:  # full, so that the program waits when it writes
        try:
            os.write(writer, b"x" * 65536)
        except BlockingIOError:
            break
    blocking = os.open(pipe, os.O_WRONLY)
    p = subprocess.Popen([programs.entrasql, "connstr", "convert", forms(1)["odbc"]],
                         stdout=blocking, stderr=subprocess.DEVNULL)
    try:
        line = wait_for(lambda: b"***" in open(f"/proc/{p.pid}/cmdline", "rb").read())
        assert line and b"s3cr3t" not in open(f"/proc/{p.pid}/cmdline", "rb").read()
        assert p.poll() is None
    finally:
        p.kill()
        p.wait()
        for fd in (reader, writer, blocking):
            os.close(fd)


@pytest.mark.parametrize("text, place", [
    ("Server=s;PWD=open;sesame", "character 19, after PWD=: no '='"),
    ("Server=s;Password=\"open", "character 19, after Password=: the quote that opens"),
    ("sqlserver://u:open#sesame@h", "character 19: a '#'"),
    ("jdbc:sqlserver://h;password={open", "character 29, after password=: the brace that opens"),
])
def test_errors_name_the_place_and_quote_nothing(programs, text, place):
    result = connstr(programs, "convert", text=text)
    assert result.returncode == 2 and result.stdout == ""
    assert place in result.stderr and "hint: " in result.stderr
    assert "open" not in result.stderr.replace("opens", "") and "sesame" not in result.stderr


def write_tree(root):
    (root / "app" / ".git").mkdir(parents=True)
    (root / "web").mkdir()
    secret = "hunter2hunter2"
    files = {
        ".env": f"A=1\nDB=Server=s;Database=d;UID=u;PWD={secret}\n",
        "app/db.py": f"c = pymssql.connect(server='s', user='u',\n    password='{secret}', database='d')\n",
        "app/main.go": f"var s = `sqlserver://u:{secret}@s?database=d`\n",
        "app/application.properties":
            f"spring.datasource.url=jdbc:sqlserver://s;databaseName=d;user=u;password={secret}\n",
        "web/appsettings.json": '{"ConnectionStrings": {\n "D": "Server=s;Initial Catalog=d;User ID=u;'
                                f'Password={secret}"}}}}\n',
        "web/web.config": '<add name="d" connectionString="Server=s;Initial Catalog=d;User ID=u;'
                          f'Password=&quot;{secret};x&quot;" />\n',
        "web/values.yaml": "db:\n  url: Server=s;UID=u;PWD=${DB_PASSWORD}\n",
        "web/good.json": '{"D": "Server=s;Database=d;Authentication=Active Directory Default"}',
        "app/.git/config": f"DB=Server=s;UID=u;PWD={secret}\n",
        "app/blob.bin": f"\0\0DB=Server=s;UID=u;PWD={secret}\n",
    }
    for name, text in files.items():
        (root / name).write_text(text)
    (root / "outside").symlink_to("/etc")
    (root / "again.env").symlink_to(root / ".env")
    return secret


def test_scan_finds_each_and_prints_no_password(programs, tmp_path):
    secret = write_tree(tmp_path)
    result = connstr(programs, "scan", tmp_path, "--json")
    assert result.returncode == 12, result.stderr
    assert secret not in result.stdout + result.stderr
    facts = json.loads(result.stdout)
    found = {(os.path.relpath(f["file"], tmp_path), f["line"]): f for f in facts["found"]}
    assert {place: f["form"] for place, f in found.items()} == {
        (".env", 2): "odbc", ("app/db.py", 1): "pymssql", ("app/main.go", 1): "go",
        ("app/application.properties", 1): "jdbc", ("web/appsettings.json", 2): "ado",
        ("web/web.config", 1): "ado", ("web/values.yaml", 2): "odbc"}
    assert found["web/values.yaml", 2]["placeholder"] is True
    assert found[".env", 2]["placeholder"] is False
    assert "Active Directory Default" in found["web/web.config", 1]["becomes"]["connectionString"]
    assert found["app/db.py", 1]["becomes"]["needsProxy"] is True
    text = connstr(programs, "scan", tmp_path)
    assert text.returncode == 12 and secret not in text.stdout
    assert f"{tmp_path}/web/appsettings.json:2: ADO.NET with a password" in text.stdout
    assert "7 connection strings with a password" in text.stdout


def test_scan_of_a_clean_tree(programs, tmp_path):
    (tmp_path / "a.env").write_text("DB=Server=s;Database=d;Encrypt=yes\n")
    result = connstr(programs, "scan", tmp_path)
    assert result.returncode == 0 and result.stdout.startswith("0 connection strings")
    assert connstr(programs, "scan", tmp_path / "nosuch").returncode not in (0, 12)
