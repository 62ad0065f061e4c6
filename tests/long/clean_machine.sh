#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the README's two commands as a newcomer would: a fresh clone of the
# committed tree on a bare Debian 12 (debootstrap, minbase) that has a shell and
# apt, nothing else. Needs root and debootstrap; takes about 15 minutes.
#
#   tests/long/clean_machine.sh [command ...]     default: ./demo.sh, ./demo.sh again, the README's
#                                                 "Build and install" (root), ./test.sh
#
# EXTRA_CA=FILE adds a PEM file to the machine's trust store, for networks that inspect TLS.
# CLEAN_MACHINE_USER=sudo runs them as an ordinary user who may use sudo; =nosudo as one on a machine
# without it, where root then runs the one command that the refusal gives, and nothing else.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
user=${CLEAN_MACHINE_USER:-root}
case $user in root | sudo | nosudo) ;; *) sed -n '4,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
base=${CLEAN_MACHINE_BASE:-/var/tmp/entrasql-clean-base}
if [ ! -e "$base/etc/debian_version" ]; then
    debootstrap --variant=minbase bookworm "$base"
fi

work=$(mktemp -d /var/tmp/entrasql-clean.XXXXXX)
machine=$work/root
release() {
    for point in /proc /dev/pts /dev/shm /dev ''; do
        umount "$machine$point" 2>/dev/null || umount -l "$machine$point" 2>/dev/null || true
    done
    # What is still mounted is not followed: it is this machine's own.
    rm -rf --one-file-system "$work"
}
trap release EXIT
trap 'exit 130' INT TERM

cp -a "$base" "$machine"
cp /etc/resolv.conf "$machine/etc/resolv.conf"
# As Debian's installer writes it.
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$(hostname)" >"$machine/etc/hosts"
mount --bind "$machine" "$machine" # a root has to be a mount's
mount -t proc proc "$machine/proc"
mount --bind /dev "$machine/dev"
mount -t devpts devpts "$machine/dev/pts" 2>/dev/null || mount --bind /dev/pts "$machine/dev/pts"
mount -t tmpfs tmpfs "$machine/dev/shm"

if [ -n "${EXTRA_CA:-}" ]; then
    mkdir -p "$machine/usr/local/share/ca-certificates"
    cp "$EXTRA_CA" "$machine/usr/local/share/ca-certificates/extra.crt"
fi

# inside ID HOME COMMAND ...: in the clone of that account.
inside() {
    id=$1 home=$2
    shift 2
    # Not by chroot: in one nobody gets namespaces of his own, which some tests need.
    unshare --mount --propagation private sh -euc 'cd "$1"; shift
        pivot_root . mnt; umount -l mnt; exec "$@"' sh "$machine" \
        /usr/bin/setpriv --reuid="$id" --regid="$id" --clear-groups /usr/bin/env -i HOME="$home" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
        ${EXTRA_CA:+PIP_CERT=/usr/local/share/ca-certificates/extra.crt} \
        ${EXTRA_CA:+NODE_EXTRA_CA_CERTS=/usr/local/share/ca-certificates/extra.crt} \
        sh -c 'cd "$HOME/entrasql" && exec "$@"' sh "$@"
}

if [ "$user" = root ]; then
    id=0 home=/root
else
    id=1000 home=/home/newcomer
    chroot "$machine" useradd -m -u $id -s /bin/bash newcomer
fi
git clone -q "$ROOT" "$machine$home/entrasql"
chown -R "$id:$id" "$machine$home/entrasql"
if [ "$user" = sudo ]; then
    chroot "$machine" sh -c 'apt-get update -q && apt-get install -q -y --no-install-recommends sudo' \
        >"$work/sudo.log" 2>&1 || { cat "$work/sudo.log"; exit 1; }
    echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$machine/etc/sudoers.d/newcomer"
fi

# Ends with 3 where packages are missing; then root does what the refusal asks for, no more.
without_sudo() {
    status=0
    inside "$id" "$home" "$@" >"$work/said.log" 2>&1 || status=$?
    cat "$work/said.log"
    [ $status = 3 ] || return $status
    asked=$(sed -n 's/^  \(apt-get update && apt-get install .*\)/\1/p' "$work/said.log")
    [ -n "$asked" ] || { echo "clean machine: no command for root"; return 1; }
    echo "== clean machine: root does so"
    inside 0 "$home" sh -c "yes | { $asked; }" >"$work/asked.log" 2>&1 ||
        { cat "$work/asked.log"; return 1; }
    inside "$id" "$home" "$@"
}

run() {
    printf '\n== clean machine: %s\n' "$*"
    began=$(date +%s)
    if [ "$user" = nosudo ]; then
        without_sudo "$@"
    else
        inside "$id" "$home" "$@"
    fi
    echo "== took $(($(date +%s) - began)) s"
}

if [ $# -gt 0 ]; then
    run "$@"
else
    run ./demo.sh
    run ./demo.sh
    if [ "$user" = root ]; then
        "$ROOT/tests/long/readme_section.py" "Build and install" tests/long/clean_machine.sh \
            >"$machine$home/entrasql/readme.sh"
        run sh -eu readme.sh
        run entrasql --version
        run sh -c 'rm readme.sh; ninja -C build-release uninstall >/dev/null; ldconfig'
    fi
    run ./test.sh
fi
