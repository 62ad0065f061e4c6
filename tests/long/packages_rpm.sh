#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The RPMs that packaging/rpm/check built (of Debian's libraries, which a bare Debian 12 therefore
# has for them): rpm installs, verifies, upgrades and takes them off, with their scripts. What this
# cannot show is Fedora's and RHEL's own names of what the packages require. Needs root and
# debootstrap; takes about 1 minute.
#
#   tests/long/packages_rpm.sh RPMS_DIR
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$ROOT/tests/long/machine.sh"
[ -d "${1-}" ] || { echo "usage: tests/long/packages_rpm.sh RPMS_DIR" >&2; exit 2; }

machine_begin rpm

machine_make "$machine"
machine_mount "$machine"
mkdir "$machine/root/rpms"
cp "$1"/*.rpm "$machine/root/rpms/"
quietly "apt-get" 'apt-get update -q
    apt-get install -q --no-install-recommends rpm unixodbc odbcinst tdsodbc libcurl4 libssl3 libjansson4 \
        libodbc2 libodbcinst2 libsqlite3-0 libmicrohttpd12 libuv1 libedit2
    echo /usr/lib64 >/etc/ld.so.conf.d/lib64.conf'

quietly "rpm -i" 'rpm -i --nodeps rpms/*.rpm && ldconfig'
pass "rpm -i"
says "entrasql " 'entrasql --version'
says "[entrasql]" 'odbcinst -q -d'
says "entrasql" 'getent passwd entrasql'
says "640 root entrasql" 'stat -c "%a %U %G" /etc/entrasql/proxy.ini'
quietly "rpm -V" 'rpm -V --nodeps $(rpm -qa | grep entrasql)'
pass "rpm -V"
quietly "emulator start" 'entrasql emulator start --detach'
quietly "a user" 'eval "$(entrasql emulator env --as admin@contoso.example --driver entrasql)"
    entrasql query -Q "CREATE USER [dev@contoso.example] FROM EXTERNAL PROVIDER"'
says "dev@contoso.example" 'eval "$(entrasql emulator env --as dev@contoso.example --driver entrasql)"
    echo "SELECT USER_NAME()" | isql -b -k "$AZURE_SQL_CONNECTIONSTRING"'
quietly "emulator stop" 'entrasql emulator stop'

quietly "rpm -U" 'echo "# mine" >>/etc/entrasql/proxy.ini; rpm -U --nodeps --replacepkgs rpms/*.rpm'
says "UsageCount=1" 'odbcinst -q -d -n entrasql'
says "# mine" 'cat /etc/entrasql/proxy.ini'

quietly "rpm -e" 'entrasql odbc install --system; rpm -e --nodeps $(rpm -qa | grep entrasql)'
pass "rpm -e"
says "gone" 'odbcinst -q -d -n entrasql >/dev/null 2>&1 || echo gone'
says "# mine" 'cat /etc/entrasql/proxy.ini.rpmsave'
left=$(cd "$machine" && find usr etc -name '*entrasql*' ! -path etc/entrasql)
[ -z "$left" ] || die "stays after rpm -e: $left"
pass "nothing of ours stays after rpm -e"
# A registration of somebody's own is left alone.
quietly "the driver again" 'printf "[entrasql]\nDriver=/opt/mine.so\n" | odbcinst -i -d -r
    rpm -i --nodeps rpms/entrasql-odbc-driver*.rpm && rpm -e --nodeps entrasql-odbc-driver'
says "/opt/mine.so" 'odbcinst -q -d -n entrasql'
echo "packages: RPMs: $passed passed, 0 failed"
