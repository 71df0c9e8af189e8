-- Jobs of all queues: one table, one row a job.
--
-- `due_at` is when a worker may take the job: for a waiting job its next try, for a running one the
-- end of its worker's lease. So one index and one condition find new work, retries and the jobs of
-- crashed workers alike.
--
-- `token` fences: it grows with every claim, and only the holder of the newest may complete.
CREATE TABLE jobs (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue        text NOT NULL,
  kind         text NOT NULL,
  payload      text NOT NULL,
  state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'dead')),
  due_at       timestamptz NOT NULL DEFAULT now(),
  attempts     integer NOT NULL DEFAULT 0,
  max_attempts integer NOT NULL CHECK (max_attempts > 0),
  token        bigint NOT NULL DEFAULT 0,
  worker       text,
  last_error   text,
  enqueued_at  timestamptz NOT NULL DEFAULT now(),
  finished_at  timestamptz
);

-- What can be claimed, in the order it is; finished jobs are not in it, so it stays small.
CREATE INDEX jobs_due ON jobs (queue, due_at, id) WHERE state IN ('waiting', 'running');

-- What retention looks through.
CREATE INDEX jobs_done ON jobs (queue, finished_at) WHERE state = 'done';

-- What an operator looks for.
CREATE INDEX jobs_dead ON jobs (queue, id) WHERE state = 'dead';
