#!/usr/bin/env bash
# The official SDKs, unmodified but for base URL and key, through `tierline serve` to the simulated providers; then the command lines and
# libraries that people use (`clients/`), set up as `tierline connect` says.
# Needs python3 with venv, and node with npm; what is installed goes into target/e2e/ and nowhere else, and stays for the next run.
set -euo pipefail
source "$(dirname "$0")/../support/stage.sh"

E2E="$PWD/target/e2e"
WORK="$E2E/run"
rm -rf "$WORK"
mkdir -p "$WORK"
export TIERLINE_DATA_DIR="$WORK/data" LEDGER="$WORK/ledger.jsonl"

# python_packages VENV LIST, node_packages FOLDER: as the lists pin them.
python_packages() {
    [[ -x "$1/bin/python" ]] || python3 -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --no-compile -r "$2"
}
node_packages() {
    (cd "$1" && npm install --silent --no-audit --no-fund --no-package-lock)
}

echo "-- packages"
mkdir -p "$E2E/node" "$E2E/clients"
cp tests/e2e/node/package.json tests/e2e/node/sdks.mjs "$E2E/node/"
cp tests/e2e/clients/package.json "$E2E/clients/"
declare -A installs
python_packages "$E2E/venv" tests/e2e/requirements.txt & installs["the SDKs for Python"]=$!
python_packages "$E2E/clients/venv" tests/e2e/clients/requirements.txt & installs["the clients in Python"]=$!
{ node_packages "$E2E/node" && node_packages "$E2E/clients"; } & installs["the SDKs and clients in Node"]=$!
for what in "${!installs[@]}"; do
    wait "${installs[$what]}" || fail "$what could not be installed: their installer's words stand above"
done

# The provider's keys: only the simulated provider and the gateway know them.
for name in ANTHROPIC OPENAI GEMINI DEEPSEEK; do
    export "E2E_$name"="sk-e2e-$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')"
done
tierline() {
    "$TIERLINE_BIN" --vault env "$@"
}

# 60 calls at once do not fit beside those before them: the last ones wait for the next seconds' refill.
# DeepSeek limits nothing but calls at the same time.
minute=(--rpm 60 --latency-ms 50)
declare -A upstream
for provider in anthropic openai gemini deepseek; do
    limits=("${minute[@]}")
    [[ "$provider" != deepseek ]] || limits=(--concurrency 8 --latency-ms 200)
    start "$WORK/sim-$provider.log" "$TIERLINE_BIN" sim --provider "$provider" "${limits[@]}" --key-env "E2E_${provider^^}"
    upstream[$provider]="$(url_in "$WORK/sim-$provider.log")"
    tierline accounts add --provider "$provider" --label "e2e-$provider" --base-url "${upstream[$provider]}" \
        --key-env "E2E_${provider^^}" >>"$WORK/accounts.log"
done
# These two send no headers that tell a limit.
tierline limits set --account e2e-gemini --rpm 60 >>"$WORK/accounts.log"
tierline limits set --account e2e-deepseek --concurrency 8 >>"$WORK/accounts.log"

TIERLINE_TOKEN="$(tierline token new --client e2e --json | "$E2E/venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["token"])')"
start "$WORK/serve.log" "$TIERLINE_BIN" serve --vault env --listen 127.0.0.1:0
server="$STARTED"
TIERLINE_URL="$(url_in "$WORK/serve.log")"
export TIERLINE_TOKEN TIERLINE_URL

for sdk in anthropic openai gemini; do
    echo "-- python: $sdk"
    timeout 120 env -u E2E_ANTHROPIC -u E2E_OPENAI -u E2E_GEMINI -u E2E_DEEPSEEK "$E2E/venv/bin/python" "tests/e2e/with_$sdk.py"
done
echo "-- node"
timeout 120 env -u E2E_ANTHROPIC -u E2E_OPENAI -u E2E_GEMINI -u E2E_DEEPSEEK node "$E2E/node/sdks.mjs"

kill -TERM "$server"
ended "$server" 20 "tierline serve"
tierline export --what requests --format json --out - >"$WORK/requests.json"
for provider in anthropic openai gemini deepseek; do
    curl --silent --show-error --fail "${upstream[$provider]}/__sim/stats" >"$WORK/stats-$provider.json"
done
"$E2E/venv/bin/python" tests/e2e/check.py "$WORK"

for secret in "$E2E_ANTHROPIC" "$E2E_OPENAI" "$E2E_GEMINI" "$E2E_DEEPSEEK" "$TIERLINE_TOKEN"; do
    if grep -rlaF -- "$secret" "$WORK"; then
        fail "a key or token is in the files named above"
    fi
done

echo "-- clients"
E2E_DIR="$E2E" timeout 420 "$E2E/venv/bin/python" tests/e2e/clients/run.py
