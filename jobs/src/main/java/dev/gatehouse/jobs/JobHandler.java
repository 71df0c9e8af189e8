package dev.gatehouse.jobs;

/// Does one kind of job, with plain blocking code on a thread of its own.
///
/// It should end soon after it is interrupted: that happens when it takes longer than its queue
/// allows, when it was cancelled or taken over, and when its worker closes.
///
/// Throwing fails this attempt: the job waits for its backoff and runs again, until its attempts
/// are used up and it is dead. A job may run more than once (a worker can die after its work and
/// before its completion), so an effect that must happen once belongs in the [Completion].
@FunctionalInterface
public interface JobHandler {
  Completion run(Job job) throws Exception;
}
