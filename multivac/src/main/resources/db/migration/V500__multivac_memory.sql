-- What MultiVAC remembers; the data themselves pass through the queue.

-- The answer: the first processed datum. One row, written once, outside any retention.
CREATE TABLE multivac_answer (
  single       boolean PRIMARY KEY DEFAULT true CHECK (single),
  datum        text NOT NULL,
  job          bigint NOT NULL,
  processed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The newest processed datum. One row; `turn` says which of two completions was later.
CREATE TABLE multivac_newest (
  single       boolean PRIMARY KEY DEFAULT true CHECK (single),
  turn         bigint NOT NULL,
  datum        text NOT NULL,
  job          bigint NOT NULL,
  processed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE SEQUENCE multivac_turns;
