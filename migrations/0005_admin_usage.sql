-- What a provider's admin API reported as used and billed, by UTC day; an import replaces the days that it covers.
CREATE TABLE admin_usage (
    account     INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE, -- for which it was read; the report is its organisation's
    day         INTEGER NOT NULL, -- its start
    model       TEXT NOT NULL,    -- empty: the report does not say
    part        TEXT NOT NULL,    -- project or workspace; empty: none
    requests    INTEGER,          -- NULL: the report does not count them
    input       INTEGER NOT NULL, -- tokens; neither from a cache nor into one
    cache_read  INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    output      INTEGER NOT NULL,
    read_at     INTEGER NOT NULL,
    PRIMARY KEY (account, day, model, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE admin_costs (
    account    INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    day        INTEGER NOT NULL, -- its start
    item       TEXT NOT NULL,    -- what is billed, in the provider's words
    part       TEXT NOT NULL,    -- project or workspace; empty: none
    cost_nanos INTEGER,          -- NULL: no amount of US dollars
    read_at    INTEGER NOT NULL,
    PRIMARY KEY (account, day, item, part)
) STRICT, WITHOUT ROWID;
