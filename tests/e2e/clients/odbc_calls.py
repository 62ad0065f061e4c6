# SPDX-License-Identifier: MIT
"""ODBC's calls one by one, by ctypes on the driver manager: argv is "ansi" or "wide", and a connection string.
Prints what they answered as JSON."""
import ctypes
import ctypes.util
import json
import sys

lib = ctypes.CDLL(ctypes.util.find_library("odbc"))
WIDE = sys.argv[1] == "wide"
STRING = sys.argv[2]
ENV, DBC, STMT, DESC = 1, 2, 3, 4
NTS, SUCCESS, INFO, NEED_DATA = -3, 0, 1, 99
P, SHORT, INT = ctypes.c_void_p, ctypes.c_short, ctypes.c_int
answers = {}


def text(value):
    if WIDE:
        return ctypes.create_string_buffer(value.encode("utf-16-le") + b"\0\0")
    return ctypes.create_string_buffer(value.encode())


def buffer(units=1024):
    return ctypes.create_string_buffer(units * (2 if WIDE else 1))


def read(raw):
    if WIDE:
        return raw.raw.decode("utf-16-le", "replace").split("\0", 1)[0]
    return raw.value.decode()


def call(name, *arguments):
    return ctypes.c_short(getattr(lib, name)(*arguments)).value


def texts(name, *arguments):
    """The ANSI form of a call or its W form."""
    return call(name + ("W" if WIDE else ""), *arguments)


def diagnostics(kind, handle):
    found, number = [], 1
    while True:
        state, message, native = buffer(6), buffer(1024), INT()
        rc = texts("SQLGetDiagRec", SHORT(kind), handle, SHORT(number), state, ctypes.byref(native), message,
                   SHORT(1024), None)
        if rc not in (SUCCESS, INFO):
            return found
        found.append([read(state), native.value, read(message)])
        number += 1


def new(kind, parent):
    handle = P()
    assert call("SQLAllocHandle", SHORT(kind), parent, ctypes.byref(handle)) == SUCCESS, diagnostics(kind - 1, parent)
    return handle


def good(rc, kind, handle):
    assert rc in (SUCCESS, INFO), diagnostics(kind, handle)


env = new(ENV, P())
good(call("SQLSetEnvAttr", env, INT(200), P(380), INT(0)), ENV, env)  # ODBC 3.8
dbc = new(DBC, env)

# SQLBrowseConnect asks for what is missing.
driver, rest = STRING.split(";", 1)
out, length = buffer(), SHORT()
rc = texts("SQLBrowseConnect", dbc, text(driver), SHORT(NTS), out, SHORT(1024), ctypes.byref(length))
answers["browse"] = [rc, read(out)]
rc = texts("SQLBrowseConnect", dbc, text(rest), SHORT(NTS), out, SHORT(1024), ctypes.byref(length))
answers["browsed"] = [rc, read(out)]
good(rc, DBC, dbc)

# Information, functions, translation.
info = {}
for name, number in (("dbms", 17), ("server", 13), ("source", 2), ("database", 16), ("quote", 29)):
    good(texts("SQLGetInfo", dbc, SHORT(number), out, SHORT(1024), ctypes.byref(length)), DBC, dbc)
    info[name] = read(out)
answers["info"] = info
bits = (ctypes.c_ushort * 250)()
good(call("SQLGetFunctions", dbc, ctypes.c_ushort(999), bits), DBC, dbc)
answers["functions"] = {name: bool(bits[n >> 4] & (1 << (n & 15))) for name, n in
                        (("SQLFetch", 13), ("SQLBrowseConnect", 55), ("SQLDescribeParam", 58), ("SQLCopyDesc", 1004))}
native, units = buffer(), INT()
good(texts("SQLNativeSql", dbc, text("SELECT {fn UCASE('a')}"), INT(NTS), native, INT(1024), ctypes.byref(units)), DBC,
     dbc)
answers["native"] = read(native)
good(texts("SQLGetConnectAttr", dbc, INT(109), out, INT(1024), ctypes.byref(units)), DBC, dbc)
answers["catalog"] = read(out)

# A statement with a parameter, its columns, and the texts that come back.
stmt = new(STMT, dbc)
good(texts("SQLPrepare", stmt, text("SELECT ID AS number, LastName FROM Persons WHERE FirstName = ?"), INT(NTS)), STMT,
     stmt)
count, kind, size, digits, nullable = SHORT(), SHORT(), ctypes.c_ulong(), SHORT(), SHORT()
# What it will give is known before it runs.
good(call("SQLNumResultCols", stmt, ctypes.byref(count)), STMT, stmt)
answers["prepared"] = count.value
rc = call("SQLDescribeParam", stmt, SHORT(1), ctypes.byref(kind), ctypes.byref(size), ctypes.byref(digits),
          ctypes.byref(nullable))
answers["describe param"] = "ok" if rc == SUCCESS else diagnostics(STMT, stmt)[0][0]
value, indicator = ctypes.create_string_buffer(b"Ada"), ctypes.c_long(3)
good(call("SQLBindParameter", stmt, SHORT(1), SHORT(1), SHORT(1), SHORT(12), ctypes.c_ulong(10), SHORT(0), value,
          ctypes.c_long(4), ctypes.byref(indicator)), STMT, stmt)
good(call("SQLExecute", stmt), STMT, stmt)
good(call("SQLNumResultCols", stmt, ctypes.byref(count)), STMT, stmt)
columns = []
for column in range(1, count.value + 1):
    good(texts("SQLDescribeCol", stmt, SHORT(column), out, SHORT(1024), ctypes.byref(length), ctypes.byref(kind),
               ctypes.byref(size), ctypes.byref(digits), ctypes.byref(nullable)), STMT, stmt)
    label = buffer()
    good(texts("SQLColAttribute", stmt, SHORT(column), SHORT(18), label, SHORT(1024), ctypes.byref(length), None), STMT,
         stmt)
    columns.append([read(out), read(label)])
answers["columns"] = columns
good(call("SQLFetch", stmt), STMT, stmt)
name = ctypes.create_string_buffer(100)
good(call("SQLGetData", stmt, SHORT(2), SHORT(1), name, ctypes.c_long(100), ctypes.byref(indicator)), STMT, stmt)
answers["value"] = name.value.decode()
good(call("SQLFreeStmt", stmt, SHORT(0)), STMT, stmt)

# A procedure's call is prepared once and made twice, with other values.
called = new(STMT, dbc)
good(texts("SQLPrepare", called, text("{CALL sp_tables(?)}"), INT(NTS)), STMT, called)
value = ctypes.create_string_buffer(b"Persons")
indicator = ctypes.c_long(7)
good(call("SQLBindParameter", called, SHORT(1), SHORT(1), SHORT(1), SHORT(12), ctypes.c_ulong(10), SHORT(0), value,
          ctypes.c_long(8), ctypes.byref(indicator)), STMT, called)
answers["called"] = []
for value.value in (b"Persons", b"Nothing"):
    good(call("SQLExecute", called), STMT, called)
    rows = 0
    while call("SQLFetch", called) == SUCCESS:
        rows += 1
    answers["called"].append(rows)
    good(call("SQLFreeStmt", called, SHORT(0)), STMT, called)
good(call("SQLFreeHandle", SHORT(STMT), called), STMT, called)

# Descriptors are handles of ours: implicit ones, an explicit one set and taken away, a copy.
handles = []
for attribute in (10010, 10011, 10012, 10013):
    handle = P()
    good(texts("SQLGetStmtAttr", stmt, INT(attribute), ctypes.byref(handle), INT(-4), None), STMT, stmt)
    handles.append(handle.value)
answers["descriptors"] = len(set(handles)) == 4 and all(handles)
explicit = new(DESC, dbc)
good(texts("SQLSetStmtAttr", stmt, INT(10010), explicit, INT(-6)), STMT, stmt)
handle = P()
good(texts("SQLGetStmtAttr", stmt, INT(10010), ctypes.byref(handle), INT(-4), None), STMT, stmt)
answers["explicit"] = handle.value == explicit.value
number = SHORT()
good(texts("SQLGetDescField", explicit, SHORT(0), SHORT(1001), ctypes.byref(number), INT(0), None), DESC, explicit)
good(call("SQLCopyDesc", explicit, P(handles[1])), DESC, P(handles[1]))
good(call("SQLFreeHandle", SHORT(DESC), explicit), DESC, explicit)
good(texts("SQLGetStmtAttr", stmt, INT(10010), ctypes.byref(handle), INT(-4), None), STMT, stmt)
answers["implicit again"] = handle.value == handles[0]

# Catalog, errors, cursor names.
good(texts("SQLTables", stmt, None, SHORT(0), None, SHORT(0), text("Persons"), SHORT(NTS), None, SHORT(0)), STMT, stmt)
answers["tables"] = 0
while call("SQLFetch", stmt) == SUCCESS:
    answers["tables"] += 1
good(call("SQLFreeStmt", stmt, SHORT(0)), STMT, stmt)
texts("SQLExecDirect", stmt, text("SELECT * FROM nosuch"), INT(NTS))
answers["error"] = diagnostics(STMT, stmt)[0][:2]
field = buffer()
good(texts("SQLGetDiagField", SHORT(STMT), stmt, SHORT(1), SHORT(4), field, SHORT(1024), None), STMT, stmt)
answers["sqlstate"] = read(field)
good(texts("SQLSetCursorName", stmt, text("mine"), SHORT(NTS)), STMT, stmt)
good(texts("SQLGetCursorName", stmt, out, SHORT(1024), ctypes.byref(length)), STMT, stmt)
answers["cursor"] = read(out)

# Transactions on the environment, and the way back.
good(call("SQLEndTran", SHORT(ENV), env, SHORT(1)), ENV, env)
good(call("SQLFreeHandle", SHORT(STMT), stmt), STMT, stmt)
good(call("SQLDisconnect", dbc), DBC, dbc)
rc = texts("SQLDriverConnect", dbc, None, text(STRING), SHORT(NTS), out, SHORT(1024), ctypes.byref(length), SHORT(0))
good(rc, DBC, dbc)
answers["again"] = read(out)
good(call("SQLDisconnect", dbc), DBC, dbc)
good(call("SQLFreeHandle", SHORT(DBC), dbc), DBC, dbc)
good(call("SQLFreeHandle", SHORT(ENV), env), ENV, env)
print(json.dumps(answers))
