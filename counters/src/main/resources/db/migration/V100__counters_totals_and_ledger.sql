-- Totals are numeric: several replicas may together pass 64 bits, and what they acknowledged stays
-- exact. Keys sort by byte (collation "C"), which for UTF-8 is the order of code points.
CREATE TABLE counters_totals (
  key   text COLLATE "C" PRIMARY KEY,
  value numeric NOT NULL
);

-- One row for each chunk that is in the totals, written in the chunk's own transaction: a chunk
-- whose row is here is never added again.
CREATE TABLE counters_flushed (
  process    uuid NOT NULL,
  window_no  bigint NOT NULL,
  chunk_no   integer NOT NULL,
  flushed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (process, window_no, chunk_no)
);
