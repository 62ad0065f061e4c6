# SPDX-License-Identifier: MIT
"""The operations on bsqldb."""
from bsqldb_tool import Bsqldb
from matrix import main

main(Bsqldb())
