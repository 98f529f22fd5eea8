-- Batches: files of requests that are run at the limit, and where each row of them stands.
--
-- The requests stay in the input file; a row only knows its place there. Answers are here from their arrival until they
-- are safely in the output file, and no longer.

CREATE TABLE batches (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    input         TEXT NOT NULL,             -- a whole path
    output        TEXT NOT NULL,             -- a whole path
    account       TEXT NOT NULL,             -- the account's label
    options       TEXT NOT NULL,             -- JSON: how rows are read, and what the input was
    state         TEXT NOT NULL,             -- planning, running, paused, done, cancelled
    wanted        TEXT,                      -- pause or cancel: what is asked of the process that runs it
    reason        TEXT,                      -- why it is paused
    rows          INTEGER NOT NULL DEFAULT 0,
    answered      INTEGER NOT NULL DEFAULT 0,
    failed        INTEGER NOT NULL DEFAULT 0,
    resent        INTEGER NOT NULL DEFAULT 0, -- rows that were in flight when the process ended, and went out again
    cost_nanos    INTEGER NOT NULL DEFAULT 0,
    unpriced      INTEGER NOT NULL DEFAULT 0, -- answers whose cost is unknown
    input_tokens  INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    written       INTEGER NOT NULL DEFAULT 0, -- rows that are safely in the output, from the first
    output_bytes  INTEGER NOT NULL DEFAULT 0, -- how long the output is with them
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE batch_rows (
    batch     INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    row       INTEGER NOT NULL,              -- from 0
    line      INTEGER NOT NULL,              -- in the input, from 1
    offset    INTEGER NOT NULL,
    length    INTEGER NOT NULL,
    custom_id TEXT NOT NULL,
    state     INTEGER NOT NULL DEFAULT 0,    -- 0 planned, 1 sent (or about to be), 2 answered, 3 failed
    sends     INTEGER NOT NULL DEFAULT 0,    -- how often it was sent
    PRIMARY KEY (batch, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX batch_rows_open ON batch_rows (batch, state, row) WHERE state < 2;

-- Lines for the output that wait for the rows before them.
CREATE TABLE batch_lines (
    batch INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    row   INTEGER NOT NULL,
    line  TEXT NOT NULL,
    PRIMARY KEY (batch, row)
) STRICT;
