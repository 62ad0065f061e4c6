#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The package of the service under a real systemd, which is process 1 of namespaces of its own: first
# start, confinement, an upgrade with clients at the door, removal, purge, and the configuration
# through all of it. Needs root, debootstrap and built packages; takes about 2 minutes.
#
#   tests/long/packages_service.sh DEBS_DIR
#
# The older version is the same packages, numbered 0.0.9, with another default of proxy.ini.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$ROOT/tests/long/machine.sh"
[ -d "${1-}" ] || { echo "usage: tests/long/packages_service.sh DEBS_DIR" >&2; exit 2; }

init=
inside() {
    commands=$1
    entered nsenter -t "$init" -m -p -u -i -n -C -r -w
}
# Its first process takes all others of the namespaces with it.
machine_stop() {
    if [ -n "$init" ]; then kill -9 "$init" 2>/dev/null || true; fi
}
machine_begin service

# ---- a machine with systemd, and with what the packages depend on ----

machine_make "$machine"
machine_mount "$machine"
machine_debs "$machine" "$1"
# What the packages depend on comes with them, and stays when they go: inside there is no network.
commands='apt-get update -q
    apt-get install -q --no-install-recommends systemd dbus unixodbc procps
    apt-get install -q ./debs/*.deb
    apt-get purge -q $(dpkg-query -W -f "\${Package}\n" | grep entrasql)'
entered chroot "$machine" >"$work/apt.log" 2>&1 || { tail -n 40 "$work/apt.log" >&2; die "apt-get"; }
machine_umount "$machine"

older() {
    mkdir -p "$machine/root/older"
    for deb in "$machine"/root/debs/*.deb; do
        dpkg-deb -R "$deb" "$work/deb"
        version=$(sed -n 's/^Version: //p' "$work/deb/DEBIAN/control")
        sed -i "s/\\([ (=]\\)$version/\\10.0.9/g" "$work/deb/DEBIAN/control"
        if [ -e "$work/deb/etc/entrasql/proxy.ini" ]; then
            echo '# as it was in 0.0.9' >>"$work/deb/etc/entrasql/proxy.ini"
        fi
        dpkg-deb -b "$work/deb" "$machine/root/older/$(basename "$deb")" >/dev/null
        rm -rf "$work/deb"
    done
}
older

# shellcheck disable=SC2016 # the new process's own $1
start='
    root=$1
    mount --make-rprivate /
    mount --bind "$root" "$root" # the sandboxes of services want a mount point
    ip link set lo up
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for node in null zero full random urandom tty; do
        : >"$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    exec chroot "$root" /usr/bin/env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        /lib/systemd/systemd'
unshare -m -p -u -i -n -C --fork --kill-child sh -euc "$start" sh "$machine" >"$work/init.log" 2>&1 </dev/null &
outer=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    init=$(pgrep -P $outer || true)
    if [ -n "$init" ] && inside 'systemctl is-system-running --wait' >/dev/null 2>&1; then break; fi
done
[ -n "$init" ] || { cat "$work/init.log" >&2; die "systemd does not start"; }
says "0 loaded units" 'systemctl --failed --no-pager'

# ---- installed, and started by the administrator ----

quietly "install 0.0.9" 'apt-get install -q ./older/*.deb'
says "0.0.9" 'dpkg-query -W -f "\${Version}" entrasql-proxy'
says "inactive" 'systemctl is-active entrasql-proxy.socket entrasql-proxy.service || true'
says "disabled" 'systemctl is-enabled entrasql-proxy.socket entrasql-proxy.service || true'
says "# as it was in 0.0.9" 'cat /etc/entrasql/proxy.ini'
# An unedited file is replaced without a question.
quietly "upgrade, nothing edited" 'apt-get install -q ./debs/*.deb'
says "0" 'grep -c "0.0.9" /etc/entrasql/proxy.ini || true'
quietly "purge" 'apt-get purge -q entrasql-proxy; apt-get install -q --allow-downgrades ./older/*.deb'

quietly "the emulator" 'entrasql emulator start --detach
    eval "$(entrasql emulator env --as admin@contoso.example)"
    entrasql query -i /usr/share/doc/libentrasql-dev/examples/persons.sql
    cp "$SSL_CERT_FILE" /srv/ca.pem
    port=$(printf "%s" "$AZURE_SQL_CONNECTIONSTRING" | sed -n "s/.*Server=[^,]*,\([0-9]*\).*/\1/p")
    sed -i "s/^server = .*/server = localhost,$port/; s/^database = .*/database = persons/" /etc/entrasql/proxy.ini
    entrasql emulator env --as MigrationIdentity --host persons-app --format dotenv |
        sed "s,/[^ ]*/ca.pem,/srv/ca.pem," >/srv/emulator.env'
# The environment is what Azure gives a machine. A descriptor limit above this machine's own takes a
# right that process 1 may not have here.
quietly "the drop-in" 'mkdir -p /etc/systemd/system/entrasql-proxy.service.d
    printf "[Service]\nEnvironmentFile=/srv/emulator.env\nLimitNOFILE=%s\n" "$(ulimit -Hn)" \
        >/etc/systemd/system/entrasql-proxy.service.d/test.conf'
# Word for word from docs/packages.md.
enable=$(grep -x 'systemctl enable --now entrasql-proxy.*' "$ROOT/docs/packages.md")
quietly "$enable" "systemctl daemon-reload; $enable"
pass "$enable"
says "active" 'systemctl is-active entrasql-proxy.service'
says "enabled" 'systemctl is-enabled entrasql-proxy.socket entrasql-proxy.service'

# query UID: what a client of that user gets on the service's address.
query() {
    commands="echo 'SELECT USER_NAME() + SPACE(1) + LastName FROM Persons WHERE ID = 1' |
        timeout 60 setpriv --reuid=$1 --regid=$1 --clear-groups isql -b -k -v \
        'Driver=/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so;Server=127.0.0.1;Port=1433;UID=any;PWD=any;TDS_Version=7.4;Encryption=off;Database=persons'"
    entered nsenter -t "$init" -m -p -u -i -n -C -r -w 2>&1
}
served() {
    answer=$(query 33) || true
    case $answer in
    *"MigrationIdentity Lovelace"*) pass "$1" ;;
    *) inside 'journalctl -u entrasql-proxy -n 20 --no-pager' >&2 || true; die "$1: $answer" ;;
    esac
}
served "a client of an allowed user"
if answer=$(query 65534); then die "a client of another user came in: $answer"; fi
pass "a client of another user is refused"

# ---- confined, as the unit says ----

main_pid() { inside 'systemctl show -P MainPID entrasql-proxy.service'; }
pid=$(main_pid)
says "entrasql" "ps -o user= -p $pid"
says "NoNewPrivs:	1" "cat /proc/$pid/status"
says "CapEff:	0000000000000000" "cat /proc/$pid/status"
says "Seccomp:	2" "cat /proc/$pid/status"
says "done" 'systemd-analyze verify entrasql-proxy.service entrasql-proxy.socket; echo done'
says "Overall exposure level" 'systemd-analyze security --threshold=20 --no-pager entrasql-proxy.service'
quietly "reload" 'systemctl reload entrasql-proxy.service'
[ "$(main_pid)" = "$pid" ] || die "a reload changed the process"
served "a client after a reload"

# ---- an upgrade, with clients at the door ----

(
    while [ ! -e "$work/enough" ]; do
        answer=$(query 33) || true
        case $answer in
        *Lovelace*) echo in ;;
        *) echo "out: $answer" ;;
        esac >>"$work/clients"
    done
) &
clients=$!
sleep 2
quietly "upgrade" 'apt-get install -q -o Dpkg::Options::=--force-confold ./debs/*.deb'
sleep 2
touch "$work/enough"
wait $clients
came=$(grep -cx in "$work/clients") || true
out=$(grep -c '^out' "$work/clients") || true
[ "$came" -ge 4 ] && [ "$out" = 0 ] || {
    cat "$work/quietly.log" >&2
    inside 'systemctl status --no-pager entrasql-proxy.socket entrasql-proxy.service || true
        journalctl -n 60 --no-pager' >&2 || true
    die "clients during the upgrade: $came came in, $out did not: $(grep -A 5 '^out' "$work/clients" | head -n 20)"
}
pass "an upgrade: $came clients came in, none was refused"
[ "$(main_pid)" != "$pid" ] || die "the upgrade left the old process running"
says "0.1.0" 'dpkg-query -W -f "\${Version}" entrasql-proxy'
says "server = localhost," 'cat /etc/entrasql/proxy.ini'
says "640 root entrasql" 'stat -c "%a %U %G" /etc/entrasql/proxy.ini'
says "server = myserver" 'cat /etc/entrasql/proxy.ini.dpkg-dist'
says "640 root entrasql" 'stat -c "%a %U %G" /etc/entrasql/proxy.ini.dpkg-dist'
says "UsageCount=1" 'odbcinst -q -d -n entrasql'
says "enabled" 'systemctl is-enabled entrasql-proxy.service'

# ---- removed, installed again, purged ----

quietly "remove" 'apt-get remove -q entrasql-proxy'
says "inactive" 'systemctl is-active entrasql-proxy.service || true'
says "0" 'pgrep -c -u entrasql || true'
says "server = localhost," 'cat /etc/entrasql/proxy.ini'
quietly "install again" 'apt-get install -q -o Dpkg::Options::=--force-confold ./debs/*.deb; systemctl daemon-reload'
says "server = localhost," 'cat /etc/entrasql/proxy.ini'
says "640 root entrasql" 'stat -c "%a %U %G" /etc/entrasql/proxy.ini'
quietly "start" "$enable"
served "a client after removal and installation"

quietly "purge" 'apt-get purge -q entrasql-proxy; rm -r /etc/systemd/system/entrasql-proxy.service.d
    systemctl daemon-reload'
says "none" 'getent passwd entrasql || getent group entrasql || echo none'
says "none" 'find /etc /run /var/lib/systemd -iname "*entrasql-proxy*" -o -path "/etc/entrasql*" | grep . || echo none'
says "could not be found" 'systemctl status entrasql-proxy.service 2>&1 || true'
quietly "install anew" 'apt-get install -q ./debs/*.deb'
says "server = myserver" 'cat /etc/entrasql/proxy.ini'
says "disabled" 'systemctl is-enabled entrasql-proxy.service || true'
says "inactive" 'systemctl is-active entrasql-proxy.service || true'
echo "packages_service: $passed passed, 0 failed"
