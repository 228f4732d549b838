#!/bin/sh
# Brings .venv up to date with the hash-locked requirements: `deploy/setup.sh` to run, `deploy/setup.sh dev` to test and check.
# Nothing to do when the locks did not change.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "setup: $*"
    exit 1
}
is_new_enough() { "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null; }

choose_python() {
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$name" >/dev/null 2>&1 && is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, found $("${PYTHON:-python3}" --version 2>/dev/null || echo none)." \
        "Run: apt-get install -y python3 python3-venv   (or name one: make setup PYTHON=/path/to/python3.12)"
}

make_venv() {
    if [ -x .venv/bin/python ] && is_new_enough .venv/bin/python; then
        return
    fi
    python=$(choose_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "Python's venv module is missing. Run: apt-get install -y python3-venv"
    say "Creating .venv with $("$python" --version) …"
    "$python" -m venv --clear .venv || fail "The virtual environment could not be created. Run: apt-get install -y python3-venv"
}

find_uv() {
    for name in uv .venv/bin/uv; do
        if "$name" --version >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    if .venv/bin/python -m pip install --quiet --disable-pip-version-check uv >/dev/null 2>&1; then
        echo .venv/bin/uv
    fi
}

# uv does not read pip's configuration: where pip was told to look, uv looks too. Hashes decide what may be installed.
pip_setting() { .venv/bin/python -m pip config get "global.$1" 2>/dev/null || true; }

install_with_uv() {
    uv=$(find_uv)
    [ -n "$uv" ] || return 1
    first=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$(pip_setting index-url)}}
    more=${UV_INDEX:-${PIP_EXTRA_INDEX_URL:-$(pip_setting extra-index-url)}}
    folders=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$(pip_setting find-links)}}
    [ -z "$first" ] || export UV_DEFAULT_INDEX="$first"
    [ -z "$more" ] || export UV_INDEX="$more"
    [ -z "$folders" ] || export UV_FIND_LINKS="$folders"
    "$uv" pip install --quiet --python .venv/bin/python --index-strategy unsafe-best-match --require-hashes -r "$1"
}

install_with_pip() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1"
}

digest() { .venv/bin/python -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"; }

install() {
    stamp=".venv/installed-$1"
    now=$(digest "$1")
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then
        return
    fi
    say "Installing $1 …"
    if ! install_with_uv "$1"; then
        say "uv could not install it, trying pip …"
        install_with_pip "$1" || fail "$1 could not be installed; what went wrong stands above."
    fi
    printf '%s\n' "$now" >"$stamp"
}

make_venv
install requirements.txt
if [ "${1:-}" = dev ]; then
    install requirements-dev.txt
fi
