-- How far a journal is in the totals: all its chunks up to this one, none after it. Moved in the
-- chunk's own transaction, and only from the chunk before it. Rows are kept for good: a directory
-- with a journal may come back late, and they are few.
CREATE TABLE counters_marks (
  journal   uuid PRIMARY KEY,
  window_no bigint NOT NULL,
  chunk_no  integer NOT NULL,
  moved_at  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- The journals' marks take the place of a row for each chunk. Its rows were of processes that kept
-- their increments in memory; none of them can come back with a chunk.
DROP TABLE counters_flushed;

-- Requests with an Idempotency-Key that are in the totals, for 24 hours.
CREATE TABLE counters_requests (
  id       text COLLATE "C" PRIMARY KEY,
  body     text NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX counters_requests_taken_at ON counters_requests (taken_at);

-- Keys whose total was once beyond 2^62, so near the end of 64 bits that it must be looked at.
CREATE TABLE counters_large (
  key text COLLATE "C" PRIMARY KEY
);

-- Half of each page is free for new versions of its rows: an update then touches no index.
ALTER TABLE counters_totals SET (fillfactor = 50);
