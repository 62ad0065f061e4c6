# SPDX-License-Identifier: MIT
"""People sign in: in a real browser, by device code, and for other programs on the same cache."""
import json
import os
import pathlib
import pty
import re
import stat
import subprocess
import threading

import pytest

from browser import Browser
from conftest import ADMIN, DEVELOPER, READER, clean_environment, run, wait_for


@pytest.fixture
def home(emulator, tmp_path):
    """The environment of somebody at a fresh machine whose cloud is the emulator."""
    env = clean_environment()
    state = emulator.state()
    env.update(HOME=str(tmp_path), SSL_CERT_FILE=state["ca_file"],
               AZURE_AUTHORITY_HOST=state["authority"], NO_PROXY="*")
    env.pop("DISPLAY", None)
    return env


def cache_file(env):
    return pathlib.Path(env["HOME"]) / ".IdentityService" / "entrasql.cache"


def approve(emulator, code, user):
    result = emulator.command("device-code", *(["approve", code, "--as", user] if user
                                               else ["refuse", code]))
    assert result.returncode == 0, result.stderr


def by_device_code(emulator, programs, env, words, user):
    """Runs a command that shows a code on standard error, and answers the code."""
    process = subprocess.Popen([programs.entrasql, *words], env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    code = re.search(r"enter the code ([A-Z0-9]{9}) ", line)
    assert code, line
    approve(emulator, code.group(1), user)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def login(emulator, programs, env, user, *options):
    code, out, err = by_device_code(emulator, programs, env,
                                    ["login", "--device-code", *options], user)
    assert code == 0, err
    return out


def upn(programs, env, *words):
    result = run([programs.entrasql, "token", "--claims", "--json", *words], env=env)
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout)
    return facts["claims"]["upn"], facts["source"]


def test_login_accounts_logout(emulator, programs, home):
    assert run([programs.entrasql, "accounts"], env=home).stdout == "Nobody is signed in.\n"
    assert "Signed in as " + DEVELOPER in login(emulator, programs, home, DEVELOPER)
    assert stat.S_IMODE(cache_file(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(cache_file(home).parent.stat().st_mode) == 0o700
    assert DEVELOPER not in cache_file(home).read_text()
    account, = json.loads(run([programs.entrasql, "accounts", "--json"], env=home).stdout)
    assert account["username"] == DEVELOPER
    # The chain uses it, after what a deployed service has.
    chain = dict(home, AZURE_TOKEN_CREDENTIALS="dev")
    assert upn(programs, chain) == (DEVELOPER, "CachedSignInCredential")
    facts = json.loads(login(emulator, programs, home, READER, "--json"))
    assert facts["username"] == READER
    result = run([programs.entrasql, "token", "--credential", "cached-sign-in"], env=home)
    assert result.returncode == 2 and DEVELOPER in result.stderr and READER in result.stderr
    result = run([programs.entrasql, "logout"], env=home)
    assert result.returncode == 2 and "several" in result.stderr
    assert run([programs.entrasql, "logout", READER], env=home).returncode == 0
    assert upn(programs, home, "--credential", "cached-sign-in")[0] == DEVELOPER
    assert run([programs.entrasql, "logout"], env=home).stdout == DEVELOPER + " is signed out.\n"
    result = run([programs.entrasql, "token", "--credential", "cached-sign-in"], env=home)
    assert result.returncode == 3 and "entrasql login" in result.stderr
    assert run([programs.entrasql, "logout", "nobody@x"], env=home).returncode != 0


def test_refused_code_and_missing_terminal(emulator, programs, home):
    code, out, err = by_device_code(emulator, programs, home, ["login", "--device-code"], None)
    assert code == 3 and out == "" and "AADSTS65004" in err
    result = run([programs.entrasql, "login"], env=home)
    assert result.returncode == 2 and "--device-code" in result.stderr
    assert not cache_file(home).exists()


def test_login_that_could_not_be_kept_asks_nobody(emulator, programs, home):
    login(emulator, programs, home, DEVELOPER)
    result = run([programs.entrasql, "login", "--device-code", "--plain-file"], env=home)
    assert result.returncode == 2 and "encrypted" in result.stderr
    assert "enter the code" not in result.stderr
    cache_file(home).chmod(0o644)
    result = run([programs.entrasql, "login", "--device-code"], env=home)
    assert result.returncode == 2 and "chmod 600" in result.stderr


def test_token_by_device_code(emulator, programs, home):
    code, out, err = by_device_code(emulator, programs, home,
                                    ["token", "--credential", "device-code"], ADMIN)
    assert code == 0 and out.count(".") == 2, err
    assert not cache_file(home).exists()


def wait_for_page(path):
    url = wait_for(lambda: path.exists() and path.read_text().strip(), 30)
    assert url.startswith("https://localhost:"), url
    return url


def test_login_in_a_real_browser(emulator, programs, home, tmp_path):
    """xdg-open hands the page to Chromium; a person picks an account and consents."""
    page = tmp_path / "page"
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$1\" >{page}.new && mv {page}.new {page}\n")
    opener.chmod(0o755)
    env = dict(home, PATH=f"{opener.parent}:{home['PATH']}", DISPLAY=":99")
    shots = pathlib.Path(os.environ.get("ENTRASQL_SCREENSHOTS", tmp_path))
    terminal, child_side = pty.openpty()
    process = subprocess.Popen([programs.entrasql, "login"], env=env, stdin=child_side,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(child_side)
    browser = Browser(tmp_path / "profile")
    try:
        browser.open(wait_for_page(page))
        browser.wait_for_title("Who is signing in?")
        browser.screenshot(shots / "sign-in.png")
        browser.click(f"button[value='{DEVELOPER}']")
        browser.wait_for_title("Permissions requested")
        browser.screenshot(shots / "consent.png")
        browser.click("button[value='accept']")
        browser.wait_for_title("You are signed in")
        browser.screenshot(shots / "landing.png")
        assert DEVELOPER in browser.text()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "Signed in as " + DEVELOPER in out
        # The code was posted: it is in no address that a history would keep.
        assert "code=" not in browser._call("GET", "/url")
    finally:
        browser.close()
        os.close(terminal)
        process.kill()
        process.wait()
    assert upn(programs, home, "--credential", "cached-sign-in")[0] == DEVELOPER


MSAL = """
import json, subprocess, sys, msal
from msal_extensions import FilePersistence, PersistedTokenCache
authority, path, action, program, data_dir = sys.argv[1:6]
scopes = ["https://database.windows.net/.default"]
app = msal.PublicClientApplication(
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46", authority=authority + "/organizations",
    instance_discovery=False, token_cache=PersistedTokenCache(FilePersistence(path)))
if action == "silent":
    account, = app.get_accounts()
    result = app.acquire_token_silent(scopes, account, force_refresh=True)
else:
    flow = app.initiate_device_flow(scopes)
    subprocess.run([program, "emulator", "device-code", "approve", flow["user_code"], "--as",
                    action, "--data-dir", data_dir], check=True)
    result = app.acquire_token_by_device_flow(flow)
print(json.dumps({"token": result["access_token"], "accounts": app.get_accounts()}))
"""


def msal(emulator, programs, env, action):
    env = dict(env, REQUESTS_CA_BUNDLE=env["SSL_CERT_FILE"])
    result = run([programs.python, "-c", MSAL, env["AZURE_AUTHORITY_HOST"], cache_file(env), action,
                  programs.entrasql, emulator.directory], env=env)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_msal_reads_what_we_wrote(emulator, programs, home):
    login(emulator, programs, home, DEVELOPER, "--plain-file")
    before = json.loads(cache_file(home).read_text())
    facts = msal(emulator, programs, home, "silent")
    assert [a["username"] for a in facts["accounts"]] == [DEVELOPER]
    after = json.loads(cache_file(home).read_text())
    assert set(before["Account"]) <= set(after["Account"])
    # And we what it added.
    assert upn(programs, home, "--credential", "cached-sign-in")[0] == DEVELOPER


def test_we_read_what_msal_wrote(emulator, programs, home):
    cache_file(home).parent.mkdir(mode=0o700)
    msal(emulator, programs, home, READER)
    accounts = json.loads(run([programs.entrasql, "accounts", "--json"], env=home).stdout)
    assert [a["username"] for a in accounts] == [READER]
    assert upn(programs, home, "--credential", "cached-sign-in")[0] == READER
    # Both at once, on one lock file. (Two of MSAL's would disturb each other: it truncates the file
    # and then writes it, and takes an empty one for nobody.)
    results = []
    threads = [threading.Thread(target=lambda: results.append(
        msal(emulator, programs, home, "silent")))]
    threads += [threading.Thread(target=lambda: results.append(
        upn(programs, home, "--credential", "cached-sign-in"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 7
    assert READER in cache_file(home).read_text()
    assert not pathlib.Path(str(cache_file(home)) + ".lockfile").exists()
