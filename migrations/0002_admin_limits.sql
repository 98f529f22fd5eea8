-- Limits as a provider's admin API says they are configured; each import replaces the account's rows.
CREATE TABLE admin_limits (
    account     INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    class       TEXT NOT NULL,
    dimension   TEXT NOT NULL,
    period_secs INTEGER NOT NULL,
    capacity    INTEGER NOT NULL,
    read_at     INTEGER NOT NULL,
    PRIMARY KEY (account, class, dimension, period_secs)
) STRICT, WITHOUT ROWID;
