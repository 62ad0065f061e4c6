#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What built Debian packages are made of: a CycloneDX 1.5 list of components, as JSON on stdout.

Read from the packages themselves: their ELF files name the libraries they load (DT_NEEDED); the
linker's cache says which file each of these is here, dpkg which package and version it came with.
Libraries' own libraries are followed to the end. Nothing in it depends on when or where it was run.

  packaging/sbom.py --debs FOLDER --epoch SECONDS
"""
import argparse
import datetime
import hashlib
import json
import pathlib
import re
import subprocess
import tempfile
import uuid


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed(elf):
    return re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-dW", str(elf)))


def is_elf(path):
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


class System:
    """The libraries of the machine that built, and the packages they came with."""

    def __init__(self):
        self.arch = run("dpkg", "--print-architecture").strip()
        words = dict(
            line.split("=", 1)
            for line in pathlib.Path("/etc/os-release").read_text().splitlines()
            if "=" in line
        )
        self.distro = f'{words["ID"]}-{words.get("VERSION_ID", "").strip(chr(34))}'
        self.vendor = words["ID"].strip('"')
        self.files = {}
        for line in run("/sbin/ldconfig", "-p").splitlines():
            match = re.match(r"\s+(\S+) \(([^)]*)\) => (\S+)", line)
            if match and ("64" in match[2]) == ("64" in self.arch):
                self.files.setdefault(match[1], pathlib.Path(match[3]))
        self.components = {}
        self.refs = {}

    def package(self, path):
        for name in (path, path.resolve()):
            # On merged systems dpkg may know a file by the name without /usr.
            for spelled in (str(name), str(name).removeprefix("/usr")):
                answer = subprocess.run(
                    ["dpkg-query", "-S", spelled], capture_output=True, text=True, check=False
                )
                if answer.returncode == 0:
                    return answer.stdout.split(":", 1)[0]
        raise SystemExit(f"sbom: no package owns {path}")

    def add(self, soname):
        """The bom-ref of the package that holds a library; its own libraries come along."""
        if soname in self.refs:
            return self.refs[soname]
        path = self.files.get(soname)
        if path is None:
            raise SystemExit(f"sbom: {soname} is not on this machine")
        name = self.package(path)
        fields = run("dpkg-query", "-W", "-f", "${Version}\t${source:Package}\n", f"{name}:{self.arch}")
        version, source = fields.strip().split("\t")
        purl = f"pkg:deb/{self.vendor}/{name}@{version}?arch={self.arch}&distro={self.distro}"
        self.refs[soname] = purl
        entry = self.components.setdefault(purl, {
            "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
            "source": source, "sonames": set(), "depends": set(),
        })
        entry["sonames"].add(soname)
        for other in needed(path):
            if other in self.files:
                ref = self.add(other)
                if ref != purl:
                    entry["depends"].add(ref)
        return purl


def read_deb(deb, system, ours):
    """A package of ours as a component: its checksum, and what its ELF files load."""
    name, version, arch = run("dpkg-deb", "-W", "--showformat=${Package}\t${Version}\t${Architecture}",
                              str(deb)).strip().split("\t")
    ref = f"pkg:deb/entrasql/{name}@{version}?arch={arch}"
    depends = set()
    sonames = {}
    with tempfile.TemporaryDirectory() as folder:
        run("dpkg-deb", "-x", str(deb), folder)
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if is_elf(path):
                for soname in needed(path):
                    depends.add(soname)
                match = re.search(r"\(SONAME\).*\[(.+)\]", run("readelf", "-dW", str(path)))
                if match:
                    sonames[match[1]] = ref
    ours.update(sonames)
    component = {
        "type": "library" if name.startswith("lib") else "application",
        "bom-ref": ref, "name": name, "version": version, "purl": ref,
        "licenses": [{"license": {"id": "MIT"}}],
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(deb.read_bytes()).hexdigest()}],
    }
    return component, depends


def plain(entry):
    component = {key: entry[key] for key in ("type", "bom-ref", "name", "version", "purl")}
    component["properties"] = [{"name": "entrasql:source-package", "value": entry["source"]}]
    component["properties"] += [
        {"name": "entrasql:soname", "value": soname} for soname in sorted(entry["sonames"])
    ]
    return component


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--debs", type=pathlib.Path, required=True)
    parser.add_argument("--epoch", type=int, required=True, help="the time that it states")
    options = parser.parse_args()
    debs = [deb for deb in sorted(options.debs.glob("*.deb")) if "-dbgsym_" not in deb.name]
    if not debs:
        raise SystemExit(f"sbom: no packages in {options.debs}")
    system, ours = System(), {}
    read = [read_deb(deb, system, ours) for deb in debs]
    graph = {}
    for component, sonames in read:
        refs = {ours.get(soname) or system.add(soname) for soname in sonames}
        graph[component["bom-ref"]] = refs - {component["bom-ref"]}
    for purl, entry in system.components.items():
        graph[purl] = entry["depends"]
    components = [component for component, _ in read]
    components += [plain(entry) for _, entry in sorted(system.components.items())]
    version = read[0][0]["version"]
    root = {"type": "application", "bom-ref": "entrasql", "name": "entrasql", "version": version,
            "licenses": [{"license": {"id": "MIT"}}]}
    graph["entrasql"] = {component["bom-ref"] for component, _ in read}
    moment = datetime.datetime.fromtimestamp(options.epoch, datetime.timezone.utc)
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": root},
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": sorted(refs)} for ref, refs in sorted(graph.items())],
    }
    text = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, text)}"
    print(json.dumps(document, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
