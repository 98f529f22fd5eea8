-- Model names that are rewritten before an account's requests leave.
CREATE TABLE aliases (
    account     INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    model       TEXT NOT NULL,    -- as requests name it
    replacement TEXT NOT NULL,
    parameters  TEXT NOT NULL,    -- JSON object: top-level fields that are set along with it
    until       INTEGER,          -- NULL: for good
    PRIMARY KEY (account, model)
) STRICT, WITHOUT ROWID;
