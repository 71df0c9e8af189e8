-- What was set by the admin API, and how often each limit was reset, those of a file included.
CREATE TABLE limits_stored (
  name       text PRIMARY KEY,
  definition text,                    -- JSON; null: not set here, only reset
  generation bigint NOT NULL DEFAULT 0
);

-- One row. Whoever changes limits_stored counts it up first, so changes come one after the other.
CREATE TABLE limits_version (
  version bigint NOT NULL,
  secret  uuid NOT NULL               -- what the keys of buckets are hashed with, on every edge
);
INSERT INTO limits_version VALUES (1, gen_random_uuid());

-- What edges tell each other, several times a second: worth nothing after a crash.
CREATE UNLOGGED TABLE limits_edges (
  edge    bigint PRIMARY KEY,
  seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE UNLOGGED TABLE limits_usage (
  key        bigint NOT NULL,
  edge       bigint NOT NULL,
  rule       bigint NOT NULL,
  used       bigint NOT NULL,         -- let in by this edge since it began to tell
  held       bigint NOT NULL,         -- permits taken by all, as far as this edge knows
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (key, edge)
) WITH (fillfactor = 50);
