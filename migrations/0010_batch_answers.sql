-- Rows that a provider's batch API answered, on their way into the history: in the same transaction as their lines.
-- Who serves gives each its number among the requests, and takes it out of here in the transaction that records it.
CREATE TABLE batch_answers (
    place  INTEGER PRIMARY KEY,
    record TEXT NOT NULL -- JSON: a request's record, without a number of its own
) STRICT;
