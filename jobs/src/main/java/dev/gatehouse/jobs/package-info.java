/// The queue: jobs are rows in Postgres, worker processes claim them with `SKIP LOCKED` under a
/// lease, and a fencing token decides whose completion counts.
///
/// What may come in: everything every kind of job needs (claiming, retries, dead letters, waking
/// sleepers). What a job means stays with the service that enqueues it. [dev.gatehouse.jobs.Queue]
/// puts jobs in, [dev.gatehouse.jobs.Worker] runs them; all SQL is in `JobSql`.
@NullMarked
package dev.gatehouse.jobs;

import org.jspecify.annotations.NullMarked;
