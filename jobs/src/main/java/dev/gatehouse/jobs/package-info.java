/// The queue: jobs are rows in Postgres, worker processes claim them with `SKIP LOCKED` under a
/// lease, and a fencing token decides whose completion counts.
///
/// What may come in: everything every kind of job needs (claiming, retries, dead letters, waking
/// sleepers). What a job means stays with the service that enqueues it.
///
/// A service makes one [dev.gatehouse.jobs.QueueSettings] and gives it to both sides:
///
/// - [dev.gatehouse.jobs.Queue] puts jobs in, in a transaction of their own or of the caller's, one
///   or many ([dev.gatehouse.jobs.NewJob]: priority, start time, unique key, limit by key), and
///   looks after them: find, list, cancel, retry the dead, pause and resume.
/// - [dev.gatehouse.jobs.Worker] runs them with a [dev.gatehouse.jobs.JobHandler] for each kind.
///   Its promises stand there.
///
/// All SQL is in `JobSql` (the workers') and `QueueSql` (the others').
@NullMarked
package dev.gatehouse.jobs;

import org.jspecify.annotations.NullMarked;
