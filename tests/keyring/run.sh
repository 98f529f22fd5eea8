#!/usr/bin/env bash
# Keys in a real Secret Service, on a session bus and in a home of their own: one that is open, one that is locked, and none at all.
# Needs dbus-run-session, gdbus, gnome-keyring-daemon, secret-tool and curl.
set -euo pipefail
source "$(dirname "$0")/../support/stage.sh"

export CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}"

vault_tests() {
    TIERLINE_TEST_SECRET_SERVICE="$1" cargo test --quiet --test vault
}

open_service() {
    printf 'password of this test' | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null
    await 10 "the Secret Service" gdbus wait --session --timeout 1 org.freedesktop.secrets
}

stored() {
    secret-tool search --all --unlock service tierline 2>&1 | grep -cF "secret = $KEY" || true
}

# The program keeps a key in the keyring, uses it, and leaves it nowhere else.
program() {
    WORK="$HOME/work"
    mkdir -p "$WORK"
    export TIERLINE_DATA_DIR="$WORK/data" KEY
    KEY="sk-ant-ci-$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')"
    local tierline="$TIERLINE_BIN"

    start "$WORK/sim.log" "$tierline" sim --provider anthropic --rpm 600 --key-env KEY
    local upstream
    upstream="$(url_in "$WORK/sim.log")"

    printf '%s\n' "$KEY" | "$tierline" accounts add --vault keyring --provider anthropic --label ci --base-url "$upstream" --key-stdin \
        >"$WORK/add.log" 2>&1 || fail "the account was not added"
    "$tierline" accounts list --vault keyring >"$WORK/list.log" 2>&1
    grep -qw ci "$WORK/list.log" || fail "the account is not listed"
    (($(stored) == 1)) || fail "the key is not in the keyring"

    start "$WORK/serve.log" env -u KEY "$tierline" serve --vault keyring --listen 127.0.0.1:0
    local server="$STARTED" url status body
    url="$(url_in "$WORK/serve.log")"
    body='{"model":"claude-sonnet-5-5","max_tokens":16,"messages":[{"role":"user","content":"hello"}]}'
    ask() { curl -sS -o "$WORK/$1.log" -w '%{http_code}' -H "x-api-key: $2" -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' -d "$body" "$url/anthropic/v1/messages"; }
    status="$(ask answer "$KEY")"
    [[ "$status" == 200 ]] || fail "a client with the stored key got $status instead of 200"
    status="$(ask refusal "$KEY-wrong")"
    [[ "$status" == 401 ]] || fail "a client with another key got $status instead of 401"
    kill -TERM "$server"
    ended "$server" 15 "tierline serve"

    "$tierline" export --what requests --format json --out - >"$WORK/export.log"
    grep -q '"output_tokens"' "$WORK/export.log" || fail "the request is not in the history"

    "$tierline" accounts remove ci --vault keyring >"$WORK/remove.log" 2>&1
    (($(stored) == 0)) || fail "the key is still in the keyring after its account was removed"

    [[ -s "$TIERLINE_DATA_DIR/tierline.db" ]] || fail "there is no database"
    # The history, its write-ahead log, every output, and the keyring's own file, which is encrypted.
    if grep -rlaF -- "$KEY" "$HOME"; then
        fail "the key is in the files named above"
    fi
    local wrong
    wrong="$(find "$TIERLINE_DATA_DIR" \( -type d ! -perm 700 -o -type f ! -perm 600 \) -printf '%m %p\n')"
    [[ -z "$wrong" ]] || fail "others may read: $wrong"
    echo "the key was stored, used and removed, and is in no file and no output"
}

case "${1:-}" in
open)
    open_service
    vault_tests 1
    program
    ;;
locked)
    # The home has a keyring already, and nobody gives its password.
    gnome-keyring-daemon --start --components=secrets >/dev/null
    await 10 "the Secret Service" gdbus wait --session --timeout 1 org.freedesktop.secrets
    vault_tests locked
    ;;
none)
    vault_tests none
    ;;
*)
    cargo test --quiet --test vault --no-run
    HOME="$(mktemp -d)"
    export HOME XDG_DATA_HOME="$HOME/.local/share" XDG_CONFIG_HOME="$HOME/.config" XDG_CACHE_HOME="$HOME/.cache"
    trap 'finish; rm -rf "$HOME"' EXIT
    # A bus that knows no service files, so that nothing starts the daemon behind our back.
    cat >"$HOME/bare-bus.conf" <<'CONF'
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default"><allow send_destination="*"/><allow own="*"/><allow eavesdrop="true"/></policy>
</busconfig>
CONF
    for case in none open locked; do
        echo "-- Secret Service: $case"
        bus=(dbus-run-session)
        [[ "$case" != none ]] || bus+=("--config-file=$HOME/bare-bus.conf")
        "${bus[@]}" -- bash "$0" "$case"
    done
    ;;
esac
