package dev.gatehouse.jobs;

import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/// What a worker needs of the process it is in.
///
/// @param nanos a monotonic clock
/// @param random for the jitter of retries
/// @param end ends the process, for another to take its place: called when a job neither ended in
///   time nor when it was interrupted, after all others were handed back
public record Host(LongSupplier nanos, RandomGenerator random, Runnable end) {}
