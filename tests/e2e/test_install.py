# SPDX-License-Identifier: MIT
"""The installed tree as a developer uses it: pkg-config, the example, the libraries' symbols."""
import os
import subprocess

import pytest

from conftest import APP_HOST, IDENTITY, ROOT, run

SANITIZED = os.environ.get("ENTRASQL_SANITIZE", "none") != "none"


def pkg_config(programs, *arguments):
    env = dict(os.environ, PKG_CONFIG_PATH=str(programs.library_dir / "pkgconfig"),
               PKG_CONFIG_SYSROOT_DIR=str(ROOT / programs.prefix).replace("/usr/local", ""))
    result = run(["pkg-config", *arguments], env=env)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def compile_example(programs, tmp_path, compiler, source):
    flags = pkg_config(programs, "--cflags", "--libs", "entrasql-odbc")
    target = tmp_path / "example"
    command = [compiler, *os.environ.get("ENTRASQL_CFLAGS", "").split(), "-o", str(target),
               str(source), *flags]
    if SANITIZED:
        compiler = os.environ["ENTRASQL_CC"]
        command[0] = compiler.replace("clang", "clang++") if compiler == "g++" else compiler
        command.insert(1, f"-fsanitize={os.environ['ENTRASQL_SANITIZE']}")
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return target


def test_example_against_the_installed_library(emulator, programs, driver, tmp_path):
    target = compile_example(programs, tmp_path, "gcc", ROOT / "examples" / "persons.c")
    env = emulator.environment(IDENTITY, APP_HOST, driver)
    env["LD_LIBRARY_PATH"] = str(programs.library_dir)
    result = run([target], env=env)
    assert result.returncode == 0, result.stderr
    assert "Lovelace" in result.stdout


@pytest.mark.skipif(SANITIZED, reason="the C++ build is checked once, without sanitizers")
def test_headers_from_cplusplus(programs, tmp_path):
    source = tmp_path / "use.cpp"
    source.write_text(
        "#include <entrasql/odbc.h>\n#include <cstdio>\n"
        "int main() {\n"
        "    entrasql_credential *credential = nullptr;\n"
        "    entrasql_error error;\n"
        "    if (entrasql_default_azure_credential_new(nullptr, &credential, &error) != ENTRASQL_OK)\n"
        "        return 1;\n"
        '    std::printf("%s %s\\n", entrasql_version(), entrasql_credential_name(credential));\n'
        "    entrasql_credential_unref(credential);\n"
        "}\n")
    target = compile_example(programs, tmp_path, "g++", source)
    result = run([target], env={**os.environ, "LD_LIBRARY_PATH": str(programs.library_dir)})
    assert result.stdout == "0.1.0 DefaultAzureCredential\n"


def test_libraries_need_only_what_they_should(programs):
    """The glue uses the credentials through libentrasql, and carries no second copy of them."""
    result = run(["readelf", "-d", programs.library_dir / "libentrasql-odbc.so"])
    assert "libentrasql.so" in result.stdout and "libodbc.so" in result.stdout
    result = run(["nm", "-D", "--defined-only", programs.library_dir / "libentrasql-odbc.so"])
    names = [line.split()[-1].split("@")[0] for line in result.stdout.splitlines()]
    assert "entrasql_odbc_connect" in names
    assert "entrasql_default_azure_credential_new" not in names
