# SPDX-License-Identifier: MIT
"""freetds.conf: where FreeTDS is told the CA, TLS and the protocol's version."""
import os
import pathlib
import tempfile

from matrix import WORLD

DIRECTORY = pathlib.Path(tempfile.mkdtemp(prefix="freetds-"))
SERVER = "matrix"


def configure(ca=None, version="7.4", encryption="require"):
    """Writes freetds.conf and names it in the environment; certificate and host name are checked."""
    if WORLD.clear:
        encryption = "request"  # its default
    path = DIRECTORY / "freetds.conf"
    path.write_text(f"[global]\n tds version = {version}\n encryption = {encryption}\n"
                    f" ca file = {ca or WORLD.ca_file}\n check certificate hostname = yes\n"
                    " client charset = UTF-8\n"
                    f"[{SERVER}]\n host = {WORLD.host}\n port = {WORLD.port}\n")
    os.environ["FREETDSCONF"] = str(path)
    return SERVER
