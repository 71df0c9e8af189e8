package dev.gatehouse.jobs;

import java.time.Instant;

/// A job as its handler sees it: one attempt at it.
///
/// @param attempt 1 for the first try
/// @param token fences this attempt: a later claim has a greater one
public record Job(
    long id,
    String kind,
    String payload,
    int attempt,
    int maxAttempts,
    long token,
    Instant enqueuedAt) {}
