-- Sums by client and model, for charts that show whose traffic it was: one row for each combination and step.
--
-- Their columns mean what those of rollup_minute mean; the step comes first, because a chart reads all of a range.
CREATE TABLE part_minute (
    start            INTEGER NOT NULL,
    account          INTEGER NOT NULL,
    class            TEXT NOT NULL,
    client           TEXT NOT NULL,
    model            TEXT NOT NULL, -- as the request named it; '' if it named none
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
    PRIMARY KEY (start, account, class, client, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE part_hour (
    start            INTEGER NOT NULL,
    account          INTEGER NOT NULL,
    class            TEXT NOT NULL,
    client           TEXT NOT NULL,
    model            TEXT NOT NULL,
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
    PRIMARY KEY (start, account, class, client, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE part_day (
    start            INTEGER NOT NULL,
    account          INTEGER NOT NULL,
    class            TEXT NOT NULL,
    client           TEXT NOT NULL,
    model            TEXT NOT NULL,
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
    PRIMARY KEY (start, account, class, client, model)
) STRICT, WITHOUT ROWID;

-- What was there before has no such sums yet. It gets them in small steps while the app runs, newest first: from this row on downwards.
INSERT INTO settings (key, value) SELECT 'store.parts_requests', max(id) FROM requests HAVING max(id) IS NOT NULL;
INSERT INTO settings (key, value) SELECT 'store.parts_refusals', max(id) FROM refusals HAVING max(id) IS NOT NULL;
