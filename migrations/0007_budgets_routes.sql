-- What the user allows to be spent.
CREATE TABLE budgets (
    account     INTEGER REFERENCES accounts (id) ON DELETE CASCADE, -- NULL: all of them together
    period_secs INTEGER NOT NULL,                                   -- 86400 a day, 2592000 a month, by the calendar
    nanos       INTEGER NOT NULL,
    zone        TEXT NOT NULL                                       -- IANA name; its midnights begin the days
) STRICT;
CREATE UNIQUE INDEX budgets_key ON budgets (ifnull(account, 0), period_secs);

-- Where a request for a model may go when its own account cannot serve it.
CREATE TABLE routes (
    model       TEXT NOT NULL,    -- as requests name it
    place       INTEGER NOT NULL, -- the lowest is tried first
    account     INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    replacement TEXT NOT NULL,    -- the model's name there
    PRIMARY KEY (model, account, replacement)
) STRICT, WITHOUT ROWID;

-- `account/model`, where a route led the request away from the account and model that it named.
ALTER TABLE requests ADD COLUMN served_by TEXT;
