#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Plays "Migrate a Python application to use passwordless connections with
# Azure SQL Database" in C, offline: installs what is missing, builds, starts
# the emulator on free ports, signs in as everybody the tutorial names, stops
# what it started. Ends with 0 when every step did what it should.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$ROOT"
BUILD=build-demo

tools/setup.sh demo
if [ ! -f $BUILD/build.ninja ]; then
    meson setup $BUILD -Dtests=false >/dev/null
fi
ninja -C $BUILD --quiet >$BUILD/ninja.log || {
    cat $BUILD/ninja.log
    exit 1
}

entrasql=$ROOT/$BUILD/src/cli/entrasql
persons=$ROOT/$BUILD/examples/persons
driver=$(find /usr/lib -name libtdsodbc.so 2>/dev/null | head -n 1)
if [ -z "$driver" ]; then
    echo "demo: libtdsodbc.so is not under /usr/lib; install tdsodbc" >&2
    exit 1
fi

# The play starts on a machine where nobody is signed in.
unset AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_AUTHORITY_HOST \
    AZURE_TOKEN_CREDENTIALS AZURE_POD_IDENTITY_AUTHORITY_HOST IDENTITY_ENDPOINT IDENTITY_HEADER \
    MSI_ENDPOINT MSI_SECRET AZURE_SQL_CONNECTIONSTRING SSL_CERT_FILE ENTRASQL_EMULATOR_DIR

work=$(mktemp -d)
stop() {
    "$entrasql" emulator stop --data-dir "$work/emulator" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
    printf '\n== %s\n' "$1"
}

show() {
    printf '$ %s\n' "$*"
}

# as NAME [HOST]: sets the environment in which a program is that principal.
as() {
    if [ $# = 2 ]; then
        eval "$("$entrasql" emulator env --data-dir "$work/emulator" --as "$1" --host "$2" \
            --driver "$driver")"
    else
        eval "$("$entrasql" emulator env --data-dir "$work/emulator" --as "$1" --driver "$driver")"
    fi
}

# Runs a command that must fail and say the given text.
must_fail_with() {
    text=$1
    shift
    if output=$("$@" 2>&1); then
        printf '%s\n' "$output"
        echo "demo: this should have been refused" >&2
        exit 1
    fi
    printf '%s\n' "$output"
    case $output in
    *"$text"*) ;;
    *)
        echo "demo: the refusal does not say '$text'" >&2
        exit 1
        ;;
    esac
}

# Runs a command whose output must hold the given text.
must_say() {
    text=$1
    shift
    output=$("$@")
    printf '%s\n' "$output"
    case $output in
    *"$text"*) ;;
    *)
        echo "demo: the output does not hold '$text'" >&2
        exit 1
        ;;
    esac
}

say "1. An Azure SQL server with an Entra admin, a developer and a managed identity (emulated)"
show entrasql emulator start --detach
"$entrasql" emulator start --detach --data-dir "$work/emulator"

say "2. As the Entra admin: the table, and database users without passwords"
cat examples/persons.sql
(
    as admin@contoso.example
    show entrasql query -i examples/persons.sql
    "$entrasql" query -i examples/persons.sql
)

say "3. The program in the web app: managed identity, no password anywhere"
(
    as MigrationIdentity persons-app
    env | grep -E '^(AZURE_|IDENTITY_ENDPOINT)' | sort
    show persons
    must_say "Lovelace" "$persons"
)

say "4. The same program on the developer's machine, signed in with az"
(
    as dev@contoso.example
    show persons
    must_say "Lovelace" "$persons"
)

say "5. An identity that has no database user is refused, and told what to do"
(
    as StrangerIdentity stranger-app
    show persons
    must_fail_with "18456" "$persons"
)

say "6. A reader reads, and may not write"
(
    as reader@contoso.example
    show persons
    must_say "Lovelace" "$persons"
    show persons add Grace Hopper
    must_fail_with "INSERT permission was denied" "$persons" add Grace Hopper
)

say "7. A web app that signs in with a password moves to an identity, is verified, and could go back"
(
    as admin@contoso.example
    port=$("$entrasql" emulator status --json | sed -n 's/.*"sql_port":\([0-9]*\).*/\1/p')
    cat >"$work/orders.ini" <<INI
azure-subscription = 5ab5c810-7e57-4000-8000-000000000001
resource-group = persons-rg
host = app-service
app = orders-app
sql-server = contoso-sql
sql-address = localhost,$port
database = persons
identity = OrdersIdentity
all-settings = yes
journal = $work/orders.journal
INI
    show entrasql migrate plan --config orders.ini
    must_say "with a password" "$entrasql" migrate plan --config "$work/orders.ini"
    show entrasql migrate apply --config orders.ini --keep-old orders.old --yes
    must_say "applied" "$entrasql" migrate apply --config "$work/orders.ini" \
        --keep-old "$work/orders.old" --yes
    show entrasql migrate verify --config orders.ini
    must_say "no setting has a password" "$entrasql" migrate verify --config "$work/orders.ini"
    as OrdersIdentity orders-app
    show entrasql migrate verify --inside "  # in the web app"
    must_say "signed in as OrdersIdentity" "$entrasql" migrate verify --inside
    as admin@contoso.example
    show entrasql migrate rollback --config orders.ini --yes
    must_say "rolled back" "$entrasql" migrate rollback --config "$work/orders.ini" --yes
)

say "Done: no password was used. The emulator is stopped."
