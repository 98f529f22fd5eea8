-- Batches that are handed to the provider's own batch API, in parts; and output as answers come.

ALTER TABLE batches ADD COLUMN via TEXT NOT NULL DEFAULT 'gateway';      -- gateway or provider_batch
ALTER TABLE batches ADD COLUMN ordered INTEGER NOT NULL DEFAULT 1;       -- 0: lines as answers come
ALTER TABLE batch_rows ADD COLUMN part INTEGER;                          -- the part it was handed over in last
CREATE INDEX batch_rows_part ON batch_rows (batch, part, row) WHERE part IS NOT NULL;

CREATE TABLE batch_parts (
    batch          INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    part           INTEGER NOT NULL,             -- from 1
    tag            TEXT NOT NULL,                -- our name for it, by which it is found again at the provider
    endpoint       TEXT NOT NULL,
    model          TEXT NOT NULL,
    state          INTEGER NOT NULL DEFAULT 0,   -- 0 is being submitted, 1 is at the provider, 2 is over
    remote         TEXT,                         -- the provider's name for it
    not_ours       TEXT NOT NULL DEFAULT '[]',   -- JSON: batches that looked like it and were not
    rows           INTEGER NOT NULL,
    tokens         INTEGER NOT NULL,             -- input, estimated
    may_cost_nanos INTEGER NOT NULL,
    at             INTEGER NOT NULL,             -- when it was written down, before it was submitted
    PRIMARY KEY (batch, part)
) STRICT, WITHOUT ROWID;
