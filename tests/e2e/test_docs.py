# SPDX-License-Identifier: MIT
"""Every fenced block of README.md and docs/ does what the page says; every link leads somewhere."""
import re

import pytest
import yaml

import docpages
import docrun
import odbc
import proxies
from arm import seeded_cloud
from conftest import run

PAGES = {docpages.name(path): path for path in docpages.pages()}
once = pytest.mark.skipif(odbc.SANITIZED, reason="many foreign programs, run once, without sanitizers")


@pytest.fixture(scope="module")
def cloud(programs, tmp_path_factory):
    with seeded_cloud(programs, tmp_path_factory.mktemp("cloud")) as emulator:
        yield docrun.Cloud(programs, emulator, tmp_path_factory.mktemp("docs"))


@once
@pytest.mark.parametrize("page", PAGES)
def test_page(cloud, page, tmp_path):
    items = docpages.read(PAGES[page])
    wrong = list(docpages.check(items))
    assert not wrong, "\n".join(wrong)
    if any(isinstance(item, docpages.Block) and item.is_run for item in items):
        left = docrun.play(cloud, items, tmp_path / "home")
        assert not left or not docrun.IS_CI, "\n".join(left)


@once
def test_compose_recipe(cloud, tmp_path):
    """The proxy starts with the arguments of the page, is healthy as its image asks, and serves the string of the page."""
    blocks = [item for item in docpages.read(PAGES["docs/recipes.md"]) if isinstance(item, docpages.Block)]
    block, = [item for item in blocks if item.text.startswith("services:\n")]
    cloud.begin(table=True)
    session = docrun.Session(cloud, tmp_path / "home")
    session.become(docrun.IDENTITY, docrun.APP_HOST)
    services = yaml.safe_load(session.substitute(block))["services"]
    env = {**session.env, **services["proxy"]["environment"]}
    health = f"127.0.0.1:{session.ports['9090']}"
    with proxies.running(cloud.programs, env, services["proxy"]["command"]):
        waited = run([cloud.programs.entrasql, "proxy", "wait", "--timeout", "20", "--http", health], env=env)
        assert waited.returncode == 0, waited.stderr
        string = services["app"]["environment"]["AZURE_SQL_CONNECTIONSTRING"]
        asks = "import pyodbc, sys; print(pyodbc.connect(sys.argv[1]).execute('SELECT USER_NAME()').fetchval())"
        asked = run([cloud.programs.python, "-c", asks, "Driver={FreeTDS};TDS_Version=7.4;" + string], env=env)
        assert asked.stdout.strip() == docrun.IDENTITY, asked.stderr


def test_count():
    blocks = [item for path in PAGES.values() for item in docpages.read(path)
              if isinstance(item, docpages.Block)]
    run = [block for block in blocks if block.is_run and not docrun.lacking(block)]
    refused = [block for block in blocks if "not run" in block.marks]
    lacking = [block for block in blocks if block.is_run and docrun.lacking(block)]
    figures = [block for block in blocks if block.language in docpages.FIGURES
               and block not in refused]
    print(f"docs: {len(run)} blocks run, {len(refused) + len(lacking)} not run, "
          f"{len(figures)} are no commands")
    for block in refused:
        print(f"  {block}: {block.marks['not run']}")
    for block in lacking:
        print(f"  {block}: {docrun.lacking(block)}")
    assert len(run) + len(refused) + len(lacking) + len(figures) == len(blocks)
    assert len(refused) <= len(run) / 3, "too many blocks say that they cannot be run"


def test_readers_need_no_checkout():
    """The packages bring the examples to a known place, and how the pages are tested is no reader's matter."""
    found = [f"{item}: {line}" for path in PAGES.values() for item in docpages.read(path)
             if isinstance(item, docpages.Block) and item.is_run
             for line in item.text.splitlines() if re.search(r"(?<![\w/])examples/", line)]
    assert not found, "\n".join(found)
    assert "tests/e2e" not in PAGES["docs/README.md"].read_text()


@pytest.mark.parametrize("page", PAGES)
def test_links(page):
    broken = []
    for line, target in docpages.links(PAGES[page]):
        file, _, anchor = target.partition("#")
        path = (PAGES[page].parent / file).resolve() if file else PAGES[page]
        if not path.exists():
            broken.append(f"{page}:{line}: {target}: there is no such file")
        elif anchor and path.suffix == ".md" and anchor not in docpages.anchors(
                path.read_text("utf-8")):
            broken.append(f"{page}:{line}: {target}: there is no such heading")
    assert not broken, "\n".join(broken)
