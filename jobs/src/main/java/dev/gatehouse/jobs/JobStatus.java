package dev.gatehouse.jobs;

import java.time.Instant;
import java.util.Optional;

/// A job as an operator sees it; the payload stays out, it may be large and is nobody's business.
///
/// @param attempts how many tries have counted; see [Worker] for what a crash does
/// @param dueAt waiting: the next try; running: the end of the lease; else: when it ended
/// @param worker who has it, or had it last
public record JobStatus(
    long id,
    String kind,
    JobState state,
    int attempts,
    int maxAttempts,
    Instant enqueuedAt,
    Instant dueAt,
    Optional<Instant> finishedAt,
    Optional<String> worker,
    Optional<String> lastError) {}
