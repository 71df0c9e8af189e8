package dev.gatehouse.jobs;

/// What became of a [NewJob].
///
/// @param fresh whether it was put in; otherwise `id` is the job that holds its unique key
public record Enqueued(long id, boolean fresh) {}
