#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the README's two commands as a newcomer would: a fresh clone of the
# committed tree on a bare Debian 12 (debootstrap, minbase) that has a shell and
# apt, nothing else. Needs root and debootstrap; takes about 15 minutes.
#
#   tests/long/clean_machine.sh [command ...]     default: ./demo.sh, ./demo.sh again, ./test.sh
#
# EXTRA_CA=FILE adds a PEM file to the machine's trust store, for networks that inspect TLS.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
base=${CLEAN_MACHINE_BASE:-/var/tmp/entrasql-clean-base}
if [ ! -e "$base/etc/debian_version" ]; then
    debootstrap --variant=minbase bookworm "$base"
fi

work=$(mktemp -d /var/tmp/entrasql-clean.XXXXXX)
machine=$work/root
release() {
    for point in proc dev/pts dev/shm dev sys; do
        umount "$machine/$point" 2>/dev/null || umount -l "$machine/$point" 2>/dev/null || true
    done
    # What is still mounted is not followed: it is this machine's own.
    rm -rf --one-file-system "$work"
}
trap release EXIT
trap 'exit 130' INT TERM

cp -a "$base" "$machine"
git clone -q "$ROOT" "$machine/root/entrasql"
cp /etc/resolv.conf "$machine/etc/resolv.conf"
# As Debian's installer writes it.
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$(hostname)" >"$machine/etc/hosts"
mount -t proc proc "$machine/proc"
mount --bind /dev "$machine/dev"
mount -t devpts devpts "$machine/dev/pts" 2>/dev/null || mount --bind /dev/pts "$machine/dev/pts"
mount -t tmpfs tmpfs "$machine/dev/shm"

if [ -n "${EXTRA_CA:-}" ]; then
    mkdir -p "$machine/usr/local/share/ca-certificates"
    cp "$EXTRA_CA" "$machine/usr/local/share/ca-certificates/extra.crt"
fi

run() {
    printf '\n== clean machine: %s\n' "$*"
    began=$(date +%s)
    chroot "$machine" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
        ${EXTRA_CA:+PIP_CERT=/usr/local/share/ca-certificates/extra.crt} \
        ${EXTRA_CA:+NODE_EXTRA_CA_CERTS=/usr/local/share/ca-certificates/extra.crt} \
        sh -c 'cd /root/entrasql && exec "$@"' sh "$@"
    echo "== took $(($(date +%s) - began)) s"
}

if [ $# -gt 0 ]; then
    run "$@"
else
    run ./demo.sh
    run ./demo.sh
    run ./test.sh
fi
