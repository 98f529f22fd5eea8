-- Tierline's history, version 1.
--
-- Every time is a whole number of Unix milliseconds, UTC. Money is in nano-dollars. A number that nobody said is NULL,
-- never zero. Names (provider, lane, outcome, ...) are spelled as in exports and on the command line.
-- No table holds a key, a token, or a word of a request's or an answer's body.

CREATE TABLE accounts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again, so that old rows keep meaning what they meant
    provider    TEXT NOT NULL,
    label       TEXT NOT NULL COLLATE NOCASE UNIQUE,
    base_url    TEXT NOT NULL,
    fingerprint TEXT NOT NULL,                     -- the first 48 bits of the key's SHA-256
    key_ref     TEXT NOT NULL,                     -- JSON: where the key is kept
    created_at  INTEGER NOT NULL
) STRICT;

-- Scopes to which an account was seen to belong; an account without a row is a scope of its own.
CREATE TABLE account_scopes (
    account INTEGER NOT NULL,
    kind    TEXT NOT NULL, -- organization, project, workspace
    scope   TEXT NOT NULL, -- the provider's id
    PRIMARY KEY (account, kind, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE client_tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL COLLATE NOCASE, -- the client's
    sha256       BLOB NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;
-- a revoked name may be given again
CREATE UNIQUE INDEX client_tokens_name ON client_tokens (name) WHERE revoked_at IS NULL;

-- Ceilings that the user set.
CREATE TABLE user_limits (
    account     INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    class       TEXT,             -- NULL: every class
    dimension   TEXT NOT NULL,
    period_secs INTEGER NOT NULL, -- 0: at the same time
    capacity    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX user_limits_key ON user_limits (account, ifnull(class, ''), dimension, period_secs);

-- Finished requests, one row each.
CREATE TABLE requests (
    id                  INTEGER PRIMARY KEY,
    arrived_at          INTEGER NOT NULL,
    finished_at         INTEGER NOT NULL,
    account             INTEGER NOT NULL,
    account_label       TEXT NOT NULL,    -- as it was then
    provider            TEXT NOT NULL,
    client              TEXT NOT NULL,
    lane                TEXT NOT NULL,
    api                 TEXT NOT NULL,
    model_asked         TEXT,
    model_served        TEXT,
    class               TEXT NOT NULL,
    status              INTEGER NOT NULL, -- HTTP; 0: the client saw none
    outcome             TEXT NOT NULL,
    wait_millis         INTEGER NOT NULL, -- for room
    first_byte_millis   INTEGER,          -- last attempt
    attempts            INTEGER NOT NULL,
    input               INTEGER NOT NULL, -- tokens; neither from a cache nor into one
    cache_read          INTEGER NOT NULL,
    cache_write         INTEGER NOT NULL,
    cache_write_long    INTEGER NOT NULL, -- part of cache_write
    tool_input          INTEGER NOT NULL, -- part of the input
    output              INTEGER NOT NULL, -- reasoning included
    reasoning           INTEGER NOT NULL, -- part of output
    images              INTEGER NOT NULL,
    certainty           TEXT NOT NULL,    -- of these counts
    service_tier        TEXT,
    counted_input       INTEGER NOT NULL, -- tokens as the provider counts them toward limits
    counted_output      INTEGER NOT NULL,
    cost_nanos          INTEGER,
    reserved_input      INTEGER NOT NULL,
    reserved_output     INTEGER NOT NULL,
    bound_by            TEXT,             -- RPM, OTPM, ...
    verdict             TEXT,
    upstream_request_id TEXT,
    request_bytes       INTEGER NOT NULL,
    response_bytes      INTEGER NOT NULL
) STRICT;
CREATE INDEX requests_arrived ON requests (arrived_at);
CREATE INDEX requests_account ON requests (account); -- with the row's id at its end: pages of one account

-- What response heads said about limits, never edited. Heads that said nothing have no row.
CREATE TABLE snapshots (
    id                  INTEGER PRIMARY KEY,
    at                  INTEGER NOT NULL,
    request             INTEGER NOT NULL,
    account             INTEGER NOT NULL,
    class               TEXT NOT NULL,
    status              INTEGER NOT NULL,
    retry_after_millis  INTEGER,
    organization        TEXT,
    project             TEXT,
    workspace           TEXT,
    upstream_request_id TEXT,
    readings            TEXT NOT NULL, -- JSON: [[dimension, period_secs, pool, limit, remaining, full_at, grain], ...]
    oddities            TEXT           -- JSON: [[header, what], ...]
) STRICT;
CREATE INDEX snapshots_at ON snapshots (at);

-- Attempts that a provider refused, one row each.
CREATE TABLE refusals (
    id                 INTEGER PRIMARY KEY,
    at                 INTEGER NOT NULL,
    request            INTEGER NOT NULL,
    attempt            INTEGER NOT NULL,
    account            INTEGER NOT NULL,
    account_label      TEXT NOT NULL,
    client             TEXT NOT NULL,
    class              TEXT NOT NULL,
    model              TEXT,
    status             INTEGER NOT NULL,
    kind               TEXT NOT NULL, -- the verdict, from here on
    dimension          TEXT,
    period_secs        INTEGER,
    capacity           INTEGER,
    used               INTEGER,
    requested          INTEGER,
    retry_after_millis INTEGER,
    scope              TEXT,
    whose              TEXT NOT NULL,
    reason             TEXT NOT NULL,
    advice             TEXT NOT NULL,
    ledger             TEXT NOT NULL  -- JSON: what our own buckets held then, a line each
) STRICT;
CREATE INDEX refusals_at ON refusals (at);

CREATE TABLE limit_changes (
    id           INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    provider     TEXT NOT NULL,
    scope_kind   TEXT NOT NULL,
    scope        TEXT NOT NULL,
    class        TEXT NOT NULL,
    dimension    TEXT NOT NULL,
    period_secs  INTEGER NOT NULL,
    old_capacity INTEGER,
    new_capacity INTEGER NOT NULL,
    source       TEXT NOT NULL
) STRICT;
CREATE INDEX limit_changes_bucket ON limit_changes (provider, scope_kind, scope, class, dimension, period_secs, at);
CREATE INDEX limit_changes_at ON limit_changes (at);

-- Every bucket as it stood when it was saved last: for a restart, and for looking at it while nothing serves.
CREATE TABLE bucket_state (
    key      TEXT PRIMARY KEY, -- JSON
    view     TEXT NOT NULL,    -- JSON
    saved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was worked out about providers (charge rules, bursts, ...), by name.
CREATE TABLE learned (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL, -- JSON
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Which model names are in use, by UTC day of arrival: a retirement is warned of from here.
CREATE TABLE model_days (
    day      INTEGER NOT NULL, -- its start
    account  INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model    TEXT NOT NULL,    -- as the request named it
    requests INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    PRIMARY KEY (day, account, model)
) STRICT, WITHOUT ROWID;

-- Sums for charts. Every request is added four times: to its account and class, to its account (class ''), to its class
-- (account 0), and to everything (0 and ''), so that one chart reads one row a step, and a peak is a true peak.
-- A request belongs to the minute in which it was sent (arrival plus wait), a refusal to the minute in which it came.
-- refused_upstream counts refused attempts; sent counts requests that reached the provider at least once;
-- cached is the input read from the provider's prompt cache; counted_total is counted_input plus counted_output.
CREATE TABLE rollup_minute (
    account          INTEGER NOT NULL,
    class            TEXT NOT NULL,
    start            INTEGER NOT NULL,
    ended            INTEGER NOT NULL,
    sent             INTEGER NOT NULL,
    ok               INTEGER NOT NULL,
    refused_local    INTEGER NOT NULL,
    refused_upstream INTEGER NOT NULL,
    input            INTEGER NOT NULL,
    output           INTEGER NOT NULL,
    cached           INTEGER NOT NULL,
    counted_input    INTEGER NOT NULL,
    counted_output   INTEGER NOT NULL,
    counted_total    INTEGER NOT NULL,
    wait_millis      INTEGER NOT NULL,
    retries          INTEGER NOT NULL,
    cost_nanos       INTEGER NOT NULL,
    PRIMARY KEY (account, class, start)
) STRICT, WITHOUT ROWID;

-- A peak is the highest single minute within.
CREATE TABLE rollup_hour (
    account               INTEGER NOT NULL,
    class                 TEXT NOT NULL,
    start                 INTEGER NOT NULL,
    ended                 INTEGER NOT NULL,
    sent                  INTEGER NOT NULL,
    ok                    INTEGER NOT NULL,
    refused_local         INTEGER NOT NULL,
    refused_upstream      INTEGER NOT NULL,
    input                 INTEGER NOT NULL,
    output                INTEGER NOT NULL,
    cached                INTEGER NOT NULL,
    counted_input         INTEGER NOT NULL,
    counted_output        INTEGER NOT NULL,
    counted_total         INTEGER NOT NULL,
    wait_millis           INTEGER NOT NULL,
    retries               INTEGER NOT NULL,
    cost_nanos            INTEGER NOT NULL,
    peak_sent             INTEGER NOT NULL,
    peak_refused_upstream INTEGER NOT NULL,
    peak_counted_input    INTEGER NOT NULL,
    peak_counted_output   INTEGER NOT NULL,
    peak_counted_total    INTEGER NOT NULL,
    peak_cost_nanos       INTEGER NOT NULL,
    PRIMARY KEY (account, class, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup_day (
    account               INTEGER NOT NULL,
    class                 TEXT NOT NULL,
    start                 INTEGER NOT NULL,
    ended                 INTEGER NOT NULL,
    sent                  INTEGER NOT NULL,
    ok                    INTEGER NOT NULL,
    refused_local         INTEGER NOT NULL,
    refused_upstream      INTEGER NOT NULL,
    input                 INTEGER NOT NULL,
    output                INTEGER NOT NULL,
    cached                INTEGER NOT NULL,
    counted_input         INTEGER NOT NULL,
    counted_output        INTEGER NOT NULL,
    counted_total         INTEGER NOT NULL,
    wait_millis           INTEGER NOT NULL,
    retries               INTEGER NOT NULL,
    cost_nanos            INTEGER NOT NULL,
    peak_sent             INTEGER NOT NULL,
    peak_refused_upstream INTEGER NOT NULL,
    peak_counted_input    INTEGER NOT NULL,
    peak_counted_output   INTEGER NOT NULL,
    peak_counted_total    INTEGER NOT NULL,
    peak_cost_nanos       INTEGER NOT NULL,
    PRIMARY KEY (account, class, start)
) STRICT, WITHOUT ROWID;
