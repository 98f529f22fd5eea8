# Sourced by the stages that run the program: starts programs, waits for named conditions, ends what it started by its pid.

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [[ -z "${TIERLINE_BIN:-}" ]]; then
    cargo build --quiet --bin tierline
    TIERLINE_BIN="$(realpath "${CARGO_TARGET_DIR:-target}")/debug/tierline"
fi
export TIERLINE_BIN
unset TIERLINE_DATA_DIR DISPLAY WAYLAND_DISPLAY WAYLAND_SOCKET XDG_RUNTIME_DIR
unset ANTHROPIC_API_KEY OPENAI_API_KEY GEMINI_API_KEY GOOGLE_API_KEY DEEPSEEK_API_KEY # no stage may find a real key

PIDS=()

# start LOG COMMAND...: in the background. Its pid is then in $STARTED.
start() {
    local log="$1"
    shift
    "$@" >"$log" 2>&1 </dev/null &
    STARTED=$!
    PIDS+=("$STARTED")
}

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
    local deadline=$((SECONDS + $1)) seconds="$1" what="$2"
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || fail "waited $seconds s in vain for $what"
        sleep 0.1
    done
}

# url_in LOG: the address that a server printed, once it has.
url_in() {
    await 20 "an address in $1" grep -qE 'http://127\.0\.0\.1:[0-9]+' "$1"
    grep -oE 'http://127\.0\.0\.1:[0-9]+' "$1" | head -1
}

gone() {
    ! kill -0 "$1"
}

# ended PID SECONDS WHAT: it ends by itself, with exit code 0.
ended() {
    await "$2" "the end of $3" gone "$1"
    local code=0
    wait "$1" || code=$?
    ((code == 0)) || fail "$3 ended with exit code $code"
}

fail() {
    echo "FAILED: $*" >&2
    for log in "${WORK:-/nonexistent}"/*.log; do
        [[ -s "$log" ]] && { echo "--- $log"; tail -20 "$log"; } >&2
    done
    exit 1
}

finish() {
    for ((at = ${#PIDS[@]} - 1; at >= 0; at--)); do
        kill "${PIDS[at]}" 2>/dev/null && wait "${PIDS[at]}" 2>/dev/null
    done
    return 0
}
trap finish EXIT
