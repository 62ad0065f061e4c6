# SPDX-License-Identifier: MIT
"""The calls to Azure Resource Manager are those of Microsoft's own packages."""
import pathlib
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "arm"))
import truth  # noqa: E402

WHEELS = ROOT / ".venv" / "azure-mgmt"


# What could be wrong with a row, and how the comparison calls it.
WRONG = [
    ("method", "POST", "path"),
    ("path", "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Web/site/{n}", "path"),
    ("version", "2023-12-02", "version"),
    ("required", ["location"], "required"),
    ("required", ["kindly"], "unknown"),
    ("path", "/subscriptions/{s}/resourcegroups/{g}/providers/Microsoft.Web/sites/{n}", "spelling"),
]


@pytest.fixture(scope="module")
def calls(programs):
    return truth.load_calls(
        pathlib.Path(programs.build) / "tests" / "unit" / "azure" / "azure_calls")


@pytest.fixture(scope="module")
def wrong_calls(calls):
    right = next(c for c in calls if c["name"] == "site.patch")
    return [{**right, field: wrong, "name": f"wrong.{i}"}
            for i, (field, wrong, _) in enumerate(WRONG)]


@pytest.fixture(scope="module")
def found(calls, wrong_calls):
    """One walk through the packages for all tests."""
    return truth.Packages(WHEELS).search(calls + wrong_calls)


def locked_versions():
    """Of the section of tests/versions.lock."""
    section = (ROOT / "tests" / "versions.lock").read_text().split("[azure-mgmt]\n")[1]
    lines = section.split("\n[")[0].splitlines()
    return {name.replace("-", "_"): version for name, version in map(str.split, filter(None, lines))}


def test_versions_are_the_locked_ones():
    found = dict(p.name.split("-")[:2] for p in WHEELS.glob("*.whl"))
    assert found == locked_versions()


def test_calls_are_microsofts(calls, found):
    assert truth.compare(calls, found) == []
    assert len(calls) > 50


@pytest.mark.parametrize("i", range(len(WRONG)))
def test_a_wrong_call_is_noticed(wrong_calls, found, i):
    call = wrong_calls[i]
    assert WRONG[i][2] in [d[0] for d in truth.differences(call, found[call["name"]])]


def test_actions_belong_to_the_paths(calls):
    """The namespace of a call's action is that of its path."""
    for call in calls:
        if "/providers/Microsoft." in call["path"]:
            namespace = call["path"].split("/providers/")[1].split("/")[0]
            assert call["action"].startswith(namespace + "/"), call["name"]
        verb = {"GET": "/read", "PUT": "/write", "PATCH": "/write", "DELETE": "/delete",
                "POST": "/action"}[call["method"]]
        assert call["action"].endswith(verb), call["name"]
