-- Answers whose price is unknown are few, and a budget counts them at every start.
CREATE INDEX requests_unpriced ON requests (arrived_at) WHERE cost_nanos IS NULL AND outcome = 'ok' AND certainty <> 'unknown';
