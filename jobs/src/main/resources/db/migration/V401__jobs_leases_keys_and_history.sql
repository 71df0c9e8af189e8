-- The queue in its working shape: `jobs` holds what is still to be done, and what asks for a person;
-- `jobs_finished` remembers, without payloads, what has ended.
--
-- A claim must write little. It changes `token`, `worker`, `leased_until` and `crashes`, which stand in
-- no index, on pages that are filled by half: the new row version lies beside the old one and no index
-- is touched. So "running" is no state of its own but a lease that has not run out.

CREATE TABLE jobs_finished (
  id           bigint NOT NULL,
  queue        text NOT NULL,
  kind         text NOT NULL,
  state        text NOT NULL CHECK (state IN ('done', 'cancelled')),
  attempts     integer NOT NULL,
  max_attempts integer NOT NULL,
  enqueued_at  timestamptz NOT NULL,
  finished_at  timestamptz NOT NULL,
  worker       text,
  PRIMARY KEY (queue, id)
);

-- What retention looks through.
CREATE INDEX jobs_finished_at ON jobs_finished (queue, finished_at);

INSERT INTO jobs_finished (id, queue, kind, state, attempts, max_attempts, enqueued_at, finished_at, worker)
SELECT id, queue, kind, 'done', attempts, max_attempts, enqueued_at, coalesce(finished_at, now()), worker
FROM jobs WHERE state = 'done';
DELETE FROM jobs WHERE state = 'done';

DROP INDEX jobs_due;
DROP INDEX jobs_done;
ALTER TABLE jobs DROP CONSTRAINT jobs_state_check;

-- `leased_until`: until when its worker has it; NULL: nobody has it. One that has run out belongs to a
-- worker that is gone, and `crashes` counts those.
-- `parked`: waits for one of the `key_slots` jobs of its `limit_key` to end; a claim passes it by.
-- `priority`: 0 before 1 before 2.
ALTER TABLE jobs
  ADD COLUMN leased_until timestamptz,
  ADD COLUMN crashes      smallint NOT NULL DEFAULT 0,
  ADD COLUMN priority     smallint NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 2),
  ADD COLUMN parked       boolean NOT NULL DEFAULT false,
  ADD COLUMN key_slots    smallint NOT NULL DEFAULT 1 CHECK (key_slots > 0),
  ADD COLUMN limit_key    text,
  ADD COLUMN unique_key   text;
UPDATE jobs SET state = 'waiting', leased_until = due_at, due_at = enqueued_at WHERE state = 'running';
ALTER TABLE jobs ADD CONSTRAINT jobs_state_check CHECK (state IN ('waiting', 'dead'));

ALTER TABLE jobs SET (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0
);

-- What can be claimed, in the order it is.
CREATE INDEX jobs_due ON jobs (queue, priority, due_at, id) WHERE state = 'waiting' AND NOT parked;

-- How many of a key are out, and which is next.
CREATE INDEX jobs_keyed ON jobs (queue, limit_key, parked, due_at, id)
  WHERE state = 'waiting' AND limit_key IS NOT NULL;

-- One job at a time for a unique key, while it waits or runs.
CREATE UNIQUE INDEX jobs_unique ON jobs (queue, unique_key)
  WHERE state = 'waiting' AND unique_key IS NOT NULL;

-- Queues that give out nothing for now.
CREATE TABLE jobs_paused (
  queue text PRIMARY KEY,
  since timestamptz NOT NULL DEFAULT now()
);
