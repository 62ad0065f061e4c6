#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Run by `meson install`: the manual pages and the shells' completion, made by the built program.
set -eu

program=$1
share=$MESON_INSTALL_DESTDIR_PREFIX/share

"$program" manual --dir "$share/man/man1"
put() {
    mkdir -p "$share/$2"
    "$program" completion "$1" >"$share/$2/$3"
}
put bash bash-completion/completions entrasql
put zsh zsh/site-functions _entrasql
put fish fish/vendor_completions.d entrasql.fish
