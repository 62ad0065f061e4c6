# SPDX-License-Identifier: MIT
#
# A bare Debian 12 to install on, for the tests of the packages. Sourced; needs root and debootstrap.
# The caller sets ROOT. CLEAN_MACHINE_BASE is a debootstrapped folder to copy.

base=${CLEAN_MACHINE_BASE:-/var/tmp/entrasql-clean-base}
passed=0

pass() {
    passed=$((passed + 1))
    echo "ok: $1"
}

die() {
    echo "packages: FAILED: $1" >&2
    exit 1
}

# machine_begin NAME: sets work and machine, folders of this run, and takes all away at its end.
machine_begin() {
    work=$(mktemp -d "/var/tmp/entrasql-$1.XXXXXX")
    machine=$work/root
    trap machine_end EXIT
    trap 'exit 130' INT TERM
}

machine_end() {
    machine_stop
    machine_umount "$machine"
    rm -rf --one-file-system "$work"
}

# What runs in there. Who enters it in another way has inside() and machine_stop() of its own.
machine_stop() {
    if [ -x "$machine/usr/bin/entrasql" ]; then
        inside 'entrasql emulator stop' >/dev/null 2>&1 || true
    fi
}

inside() {
    commands=$1
    entered chroot "$machine"
}

# machine_make DIR: a copy of the base, as Debian's installer would leave it.
machine_make() {
    if [ ! -e "$base/etc/debian_version" ]; then
        debootstrap --variant=minbase bookworm "$base"
    fi
    cp -a "$base" "$1"
    cp /etc/resolv.conf "$1/etc/resolv.conf"
    printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$(hostname)" >"$1/etc/hosts"
    # Whoever follows a manual answers apt's question with yes.
    echo 'APT::Get::Assume-Yes "true";' >"$1/etc/apt/apt.conf.d/90yes"
}

machine_mount() {
    mount -t proc proc "$1/proc"
    mount --bind /dev "$1/dev"
    mount -t devpts devpts "$1/dev/pts" 2>/dev/null || mount --bind /dev/pts "$1/dev/pts"
    mount -t tmpfs tmpfs "$1/dev/shm"
}

machine_umount() {
    for point in proc dev/pts dev/shm dev; do
        umount "$1/$point" 2>/dev/null || umount -l "$1/$point" 2>/dev/null || true
    done
}

# machine_debs DIR FROM: the packages into DIR/root/debs, without those for debuggers.
machine_debs() {
    mkdir -p "$1/root/debs"
    for deb in "$2"/*.deb; do
        case $deb in
        *-dbgsym_*) ;;
        *) cp "$deb" "$1/root/debs/" ;;
        esac
    done
}

# enter COMMAND ... by chroot or nsenter: with a login's environment, and nothing of this one's.
entered() {
    "$@" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive sh -euc "cd /root; $commands" </dev/null
}

# says TEXT COMMANDS: run by inside(), they end with 0 and print the text.
says() {
    answer=$(inside "$2" 2>&1) || die "$2: $answer"
    case $answer in
    *"$1"*) pass "$2" ;;
    *) die "$2 does not say '$1': $answer" ;;
    esac
}

# quietly WHAT COMMANDS: the output is shown when they fail.
quietly() {
    inside "$2" >"$work/quietly.log" 2>&1 || {
        tail -n 40 "$work/quietly.log" >&2
        die "$1"
    }
}
