#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs the built packages on a bare Debian 12 (debootstrap, minbase) with apt and nothing else,
# follows the README with them, and takes them off again: nothing may stay. Needs root,
# debootstrap and `tools/setup.sh packages`; takes about 15 minutes, 3 with built packages.
#
#   tests/long/packages.sh [DEBS_DIR]       default: builds them, twice, and compares
#
# CLEAN_MACHINE_BASE is a debootstrapped folder to copy, as for clean_machine.sh.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
base=${CLEAN_MACHINE_BASE:-/var/tmp/entrasql-clean-base}
if [ ! -e "$base/etc/debian_version" ]; then
    debootstrap --variant=minbase bookworm "$base"
fi

work=$(mktemp -d /var/tmp/entrasql-packages.XXXXXX)
machine=$work/root
release() {
    if [ -x "$machine/usr/bin/entrasql" ]; then
        inside 'HOME=/root entrasql emulator stop' >/dev/null 2>&1 || true
    fi
    for point in proc dev/pts dev/shm dev; do
        umount "$machine/$point" 2>/dev/null || umount -l "$machine/$point" 2>/dev/null || true
    done
    rm -rf --one-file-system "$work"
}
passed=0
pass() {
    passed=$((passed + 1))
    echo "ok: $1"
}
die() {
    echo "packages: FAILED: $1" >&2
    exit 1
}
inside() {
    chroot "$machine" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
        LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive sh -euc "cd /root; $1"
}
# says TEXT COMMANDS: they end with 0 and print the text.
says() {
    answer=$(inside "$2" 2>&1) || die "$2: $answer"
    case $answer in
    *"$1"*) pass "$2" ;;
    *) die "$2 does not say '$1': $answer" ;;
    esac
}
trap release EXIT
trap 'exit 130' INT TERM

debs=${1-}
if [ -z "$debs" ]; then
    debs=$work/debs
    "$ROOT/packaging/deb/build" --twice "$debs"
    pass "two builds are the same"
fi
if ! lintian --fail-on error,warning --allow-root "$debs"/*.changes; then
    die "lintian"
fi
pass "lintian"

cp -a "$base" "$machine"
cp /etc/resolv.conf "$machine/etc/resolv.conf"
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$(hostname)" >"$machine/etc/hosts"
mount -t proc proc "$machine/proc"
mount --bind /dev "$machine/dev"
mount -t devpts devpts "$machine/dev/pts" 2>/dev/null || mount --bind /dev/pts "$machine/dev/pts"
mount -t tmpfs tmpfs "$machine/dev/shm"
inside 'apt-get update -q' >"$work/apt.log" 2>&1 || { cat "$work/apt.log"; die "apt-get update"; }

# What a package manager keeps for itself, and what its programs write, is nobody's leftover.
listing() {
    (cd "$machine" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./var/lib/dpkg -o \
        -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log -o -path ./debs \) -prune \
        -o -print) | LC_ALL=C sort
}
listing >"$work/before"
cp "$machine/etc/passwd" "$work/passwd"

mkdir "$machine/debs"
for deb in "$debs"/*.deb; do
    case $deb in
    *-dbgsym_*) ;;
    *) cp "$deb" "$machine/debs/" ;;
    esac
done
inside 'apt-get install -q -y --no-install-recommends /debs/*.deb' >"$work/apt.log" 2>&1 ||
    { tail -n 40 "$work/apt.log"; die "apt-get install"; }
pass "apt-get install"

says "entrasql " 'entrasql --version'
says "[entrasql]" 'odbcinst -q -d'
says "libentrasqlodbc.so" 'entrasql odbc status'
says "ii" "dpkg-query -W -f '\${db:Status-Abbrev}' libentrasql0 libentrasql-odbc0 libentrasql-dev"
says "entrasql" 'getent passwd entrasql'
says "640 root entrasql" 'stat -c "%a %U %G" /etc/entrasql/proxy.ini'
says "/etc/entrasql/proxy.ini" 'dpkg-query -W -f "\${Conffiles}" entrasql-proxy'
says "ExecStart=/usr/bin/entrasql" 'cat /lib/systemd/system/entrasql-proxy.service'
# minbase leaves manual pages in place.
says ".TH" 'zcat /usr/share/man/man1/entrasql.1.gz; zcat /usr/share/man/man1/entrasql-proxy.1.gz'
says "complete" 'cat /usr/share/bash-completion/completions/entrasql'
# An upgrade neither counts the driver twice nor loses it.
inside 'apt-get install -q -y --reinstall /debs/entrasql-odbc-driver_*.deb' >"$work/apt.log" 2>&1 ||
    { tail -n 40 "$work/apt.log"; die "reinstall"; }
says "UsageCount=1" 'odbcinst -q -d -n entrasql'

# The README, with a compiler and isql beside.
inside 'apt-get install -q -y --no-install-recommends gcc libc6-dev pkg-config unixodbc' \
    >"$work/apt.log" 2>&1 || { tail -n 40 "$work/apt.log"; die "compiler"; }
says "SQL " 'entrasql emulator start --detach'
examples=/usr/share/doc/libentrasql-dev/examples
says "3 rows affected" "eval \"\$(entrasql emulator env --as admin@contoso.example)\"
    entrasql query -i $examples/persons.sql"
says "dev@contoso.example" 'eval "$(entrasql emulator env --as dev@contoso.example)"
    entrasql query -Q "SELECT USER_NAME()"'
says "object id" 'eval "$(entrasql emulator env --as dev@contoso.example)"; entrasql token --claims'
inside "cp $examples/persons.c . && cc persons.c \$(pkg-config --cflags --libs entrasql-odbc) -o persons" ||
    die "persons.c does not compile"
pass "cc persons.c"
says "Lovelace" 'eval "$(entrasql emulator env --as MigrationIdentity --host persons-app --driver FreeTDS)"; ./persons'
says "Lovelace" 'eval "$(entrasql emulator env --as dev@contoso.example)"
    address=$(printf "%s" "$AZURE_SQL_CONNECTIONSTRING" | sed -n "s/.*Server=\([^;]*\).*/\1/p")
    echo "SELECT LastName FROM Persons" | isql -b -k -v "Driver={entrasql};Server=$address;Database=persons;Encrypt=yes;HostNameInCertificate=localhost"'
inside 'entrasql emulator stop' >/dev/null

inside 'rm -rf /root/persons /root/persons.c /root/.local /root/.cache /root/.config
    apt-get purge -q -y --auto-remove $(dpkg-query -W -f "\${Package}\n" | grep entrasql) gcc libc6-dev \
        pkg-config unixodbc' >"$work/apt.log" 2>&1 || { tail -n 40 "$work/apt.log"; die "purge"; }
cmp "$machine/etc/passwd" "$work/passwd" || die "an account stays after purge"
listing >"$work/after"
# Other packages' own: odbcinst's empty lists, the linker's cache and kin.
if diff "$work/before" "$work/after" >"$work/left" || ! grep -i entrasql "$work/left"; then
    grep '^>' "$work/left" || true
    pass "nothing of ours stays after purge"
else
    die "files stay after purge"
fi
# passwd- and kin are the account tools' backups of one step before.
left=$(grep -rli --exclude='*-' entrasql "$machine/etc" || true)
[ -z "$left" ] || die "$left still names entrasql"
pass "nothing in /etc names it"
echo "packages: $passed passed, 0 failed"
