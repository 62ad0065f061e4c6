#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs the built packages on a bare Debian 12 (debootstrap, minbase) with apt and nothing else,
# follows the README's section "Install the packages" word for word, and takes them off again:
# nothing may stay. Then the service under a systemd of its own (packages_service.sh). Needs root,
# debootstrap and `tools/setup.sh packages`; takes about 10 minutes, 4 with built packages.
#
#   tests/long/packages.sh [DEBS_DIR]       default: builds them, twice, and compares
#
# CLEAN_MACHINE_BASE is a debootstrapped folder to copy, as for clean_machine.sh.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$ROOT/tests/long/machine.sh"

machine_begin packages

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

machine_make "$machine"
machine_mount "$machine"
quietly "apt-get update" 'apt-get update -q'

# What a package manager keeps for itself, and what its programs write, is nobody's leftover.
listing() {
    (cd "$machine" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./var/lib/dpkg -o \
        -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log -o -path ./root \) -prune \
        -o -print) | LC_ALL=C sort
}
listing >"$work/before"
cp "$machine/etc/passwd" "$work/passwd"
machine_debs "$machine" "$debs"

# The README as one session; what it prints is looked at afterwards.
"$ROOT/tests/long/readme_section.py" "Install the packages" tests/long/packages.sh \
    >"$machine/root/readme.sh"
commands='sh -eu readme.sh'
if ! entered chroot "$machine" >"$work/readme.log" 2>&1; then
    tail -n 60 "$work/readme.log" >&2
    die "the README's commands"
fi
prints() {
    grep -qF -- "$2" "$work/readme.log" || {
        cat "$work/readme.log" >&2
        die "the README's $1: no '$2'"
    }
    pass "the README's $1"
}
prints "apt-get install" "Setting up entrasql-odbc-driver"
prints "odbc status" "libentrasqlodbc.so"
prints "emulator start" "status page"
prints "query" "3 rows affected"
prints "doctor" "No link fails."
[ "$(grep -c Lovelace "$work/readme.log")" = 2 ] || die "the C program and isql do not both see Lovelace"
prints "C program" "ID	FirstName	LastName"
prints "isql" "SQLRowCount returns"
if grep -F "[fail" "$work/readme.log"; then die "a link fails"; fi

says "entrasql " 'entrasql --version'
says "[entrasql]" 'odbcinst -q -d'
says "ii" "dpkg-query -W -f '\${db:Status-Abbrev}' libentrasql0 libentrasql-odbc0 libentrasql-dev"
says "entrasql" 'getent passwd entrasql'
says "640 root entrasql" 'stat -c "%a %U %G" /etc/entrasql/proxy.ini'
says "/etc/entrasql/proxy.ini" 'dpkg-query -W -f "\${Conffiles}" entrasql-proxy'
for library in libentrasql libentrasql-odbc; do
    readelf -d "$machine"/usr/lib/*/$library.so.0 | grep -qF "soname: [$library.so.0]" ||
        die "the SONAME of $library"
    pass "SONAME $library.so.0"
done
# An upgrade neither counts the driver twice nor loses it.
quietly "reinstall" 'apt-get install -q --reinstall ./debs/entrasql-odbc-driver_*.deb'
says "UsageCount=1" 'odbcinst -q -d -n entrasql'

# What reads the pages and words is not ours, and may come after.
quietly "man" 'apt-get install -q --no-install-recommends man-db bash bash-completion'
for page in entrasql entrasql-query entrasql-doctor entrasql-migrate entrasql-proxy; do
    says "SYNOPSIS" "man --warnings -E UTF-8 $page 2>&1"
done
says "entrasql-doctor" 'whatis entrasql-doctor'
says "doctor" 'bash -ec ". /usr/share/bash-completion/bash_completion; _completion_loader entrasql || true
    complete -p entrasql >/dev/null; COMP_WORDS=(entrasql do); COMP_CWORD=1; COMP_LINE=\"entrasql do\"; COMP_POINT=11
    \$(complete -p entrasql | sed \"s/.*-F \\([^ ]*\\).*/\\1/\") entrasql do entrasql; echo \"\${COMPREPLY[@]}\""'

quietly "purge" 'rm -rf persons readme.sh debs .local .cache .config
    apt-get purge -q --auto-remove $(dpkg-query -W -f "\${Package}\n" | grep entrasql) gcc libc6-dev \
        pkg-config unixodbc man-db bash-completion'
cmp "$machine/etc/passwd" "$work/passwd" || die "an account stays after purge"
listing >"$work/after"
# Other packages' own: odbcinst's empty lists, recommended manual pages and kin.
if diff "$work/before" "$work/after" >"$work/left" || ! grep -i entrasql "$work/left"; then
    pass "nothing of ours stays after purge"
else
    die "files stay after purge"
fi
# passwd- and kin are the account tools' backups of one step before.
left=$(grep -rli --exclude='*-' entrasql "$machine/etc" || true)
[ -z "$left" ] || die "$left still names entrasql"
pass "nothing in /etc names it"

"$ROOT/tests/long/packages_service.sh" "$debs"
echo "packages: $passed passed, 0 failed"
