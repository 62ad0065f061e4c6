#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of calls (src/azure/calls.c) against Microsoft's own packages.

Method, path, api-version and the required fields of each body are taken from the sources of the
azure-mgmt-* packages, whose exact versions are in tests/versions.lock ([azure-mgmt]). The wheels
are read as they are; nothing of them is installed or run. Every difference needs a row with its
reason in reasons.toml, and every row a difference.

usage: truth.py BUILD/tests/unit/azure/azure_calls FOLDER_WITH_WHEELS
"""
import ast
import json
import pathlib
import re
import subprocess
import sys
import tomllib
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
REASONS = HERE / "reasons.toml"


def normal(path):
    """Names of parameters do not count, nor the slash that a whole scope begins with."""
    path = re.sub(r"\{[^}]*\}", "{}", path.rstrip("/"))
    return path[1:] if path.startswith("/{}/providers") else path


def chunks(text, start):
    """The top-level definitions of a generated module that begin with `start`."""
    for piece in re.split(r"^(?=def |class |@)", text, flags=re.M):
        if piece.startswith(start):
            yield piece


def constant(node):
    return node.value if isinstance(node, ast.Constant) else None


def builder_facts(piece):
    """Method, path and api-version of one build_..._request function."""
    facts = {}
    for node in ast.walk(ast.parse(piece)):
        if not isinstance(node, ast.Call):
            continue
        args = node.args
        if isinstance(node.func, ast.Attribute) and node.func.attr == "pop" and len(args) == 2:
            if constant(args[0]) == "template_url":
                facts["path"] = constant(args[1])
            elif constant(args[0]) == "api-version":
                value = args[1].values[-1] if isinstance(args[1], ast.BoolOp) else args[1]
                facts["version"] = constant(value)
        if isinstance(node.func, ast.Name) and node.func.id == "HttpRequest":
            facts["method"] = next(constant(k.value) for k in node.keywords if k.arg == "method")
    return facts


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def body_model(module, operation):
    """The model class of an operation's body; None when it has none."""
    # Some packages have all groups in one module, and the group's name before the operation's.
    for piece in chunks(module, "class "):
        group = snake(re.match(r"class (\w+?)(?:Operations)?\b", piece).group(1))
        if operation.startswith(group + "_"):
            module, operation = piece, operation[len(group) + 1:]
            break
    signature = re.search(
        rf"^    def (?:begin_|_)?{operation}(?:_initial)?\((.*?)\) ->", module, re.M | re.S)
    if signature is None:
        raise LookupError(f"no method {operation}")
    # Names of parameters in the path may be enumerations, as Union[str, _models.X].
    models = re.findall(r"\w+: (?:Union\[)?_models\.(\w+)", signature.group(1))
    return models[0] if models else None


def class_tables(models, name):
    """_validation and _attribute_map of a model."""
    piece = next(chunks(models, f"class {name}("))
    tables = {"_validation": {}, "_attribute_map": {}}
    for node in ast.parse(piece).body[0].body:
        if isinstance(node, ast.Assign) and node.targets[0].id in tables:
            tables[node.targets[0].id] = ast.literal_eval(node.value)
    return tables["_validation"], tables["_attribute_map"]


def body_facts(models, name):
    """What a body must have, and all that it may."""
    validation, attributes = class_tables(models, name)
    return {"required": sorted(attributes[field]["key"] for field, rules in validation.items()
                               if rules.get("required") and not rules.get("readonly")),
            "known": {a["key"] for a in attributes.values()}}


class Packages:
    """The operations of all wheels of a folder, found by method and path."""

    def __init__(self, folder):
        self.wheels = [zipfile.ZipFile(p) for p in sorted(pathlib.Path(folder).glob("*.whl"))]
        if not self.wheels:
            raise SystemExit(f"no wheels in {folder}: tools/setup.sh test")

    def search(self, calls):
        """name -> the operations that have the call's method and path, of every api-version."""
        wanted = {}
        for call in calls:
            wanted.setdefault((call["method"], normal(call["path"]).lower()), []).append(call)
        found = {call["name"]: [] for call in calls}
        for wheel in self.wheels:
            for name in wheel.namelist():
                if not re.search(r"/operations/_\w+\.py$", name) or "/aio/" in name:
                    continue
                self.search_module(wheel, name, wanted, found)
        return found

    def search_module(self, wheel, name, wanted, found):
        module = wheel.read(name).decode()
        paths = {path for _, path in wanted}
        for piece in chunks(module, "def build_"):
            match = re.search(r'"template_url",\s*((?:"[^"]*"\s*)+)', piece)
            text = "".join(re.findall(r'"([^"]*)"', match.group(1))) if match else ""
            if normal(text).lower() not in paths:
                continue
            facts = builder_facts(piece)
            for call in wanted.get((facts["method"], normal(facts["path"]).lower()), ()):
                operation = re.match(r"def build_(\w+)_request", piece).group(1)
                found[call["name"]].append({
                    **facts, "module": name, "operation": operation, "wheel": wheel,
                    "source": module})


def body_of(operation):
    """The facts of an operation's body; requests without one have none."""
    nothing = {"required": [], "known": set()}
    if operation["method"] in ("GET", "DELETE"):
        return nothing
    model = body_model(operation["source"], operation["operation"])
    if model is None:
        return nothing
    place = re.sub(r"operations/_\w+\.py$", "models/_models_py3.py", operation["module"])
    return body_facts(operation["wheel"].read(place).decode(), model)


def newest(operations):
    """The latest one that is no preview, else the latest."""
    stable = [o for o in operations if "preview" not in o["version"]]
    return max(stable or operations, key=lambda o: o["version"])


def differences(call, operations):
    """(field, ours, theirs) of each way in which a call is not Microsoft's."""
    if not operations:
        return [("path", f"{call['method']} {call['path']}", "")]
    result = []
    same = [o for o in operations if o["version"] == call["version"]]
    theirs = same[0] if same else newest(operations)
    if not same:
        result.append(("version", call["version"], theirs["version"]))
    if normal(call["path"]) not in {normal(o["path"]) for o in same or [theirs]}:
        result.append(("spelling", normal(call["path"]), normal(theirs["path"])))
    body = body_of(theirs)
    if sorted(call["required"]) != body["required"]:
        result.append(("required", " ".join(sorted(call["required"])), " ".join(body["required"])))
    unknown = set(call["required"]) - body["known"]
    if unknown:
        result.append(("unknown", " ".join(sorted(unknown)), ""))
    return result


def explained(difference, name, rows, used):
    field, ours, theirs = difference
    for i, row in enumerate(rows):
        if (re.fullmatch(row["call"], name) and row["field"] == field
                and row.get("ours", ours) == ours and row.get("theirs", theirs) == theirs):
            used.add(i)
            return True
    return False


def load_calls(program):
    return json.loads(subprocess.run([str(program)], check=True, capture_output=True,
                                     text=True).stdout)


def compare(calls, found, reasons=REASONS):
    """The differences without a row, and the rows without a difference, as lines of text."""
    rows = tomllib.loads(pathlib.Path(reasons).read_text())["row"]
    problems, used = [], set()
    for call in calls:
        for difference in differences(call, found[call["name"]]):
            if not explained(difference, call["name"], rows, used):
                field, ours, theirs = difference
                problems.append(f"{call['name']}: {field}: ours \"{ours}\", theirs \"{theirs}\"")
    return problems + [
        f"reasons.toml: no difference for row {i + 1} ({row['call']}, {row['field']})"
        for i, row in enumerate(rows) if i not in used]


def main():
    calls = load_calls(sys.argv[1])
    problems = compare(calls, Packages(sys.argv[2]).search(calls))
    print("\n".join(problems) if problems else f"{len(calls)} calls are Microsoft's own")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
