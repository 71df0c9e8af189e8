package dev.gatehouse.compute;

import java.time.Duration;
import java.util.List;

/// How much compute makes ahead and what it may run.
///
/// @param buffer values of `/cpu` kept ahead of demand; 0 computes every value on demand. Of
///   `/local_program` at most [#PROGRAM_BUFFER] are kept, since each costs a process
/// @param producers threads that fill the buffer of `/cpu`; that of `/local_program` has one, or
///   none where `concurrency` is 1
/// @param command the program and its arguments, started as it is, without a shell; empty for the
///   one that ships with Gatehouse
/// @param timeLimit how long one run may take, and how long a request waits for its turn
/// @param concurrency runs at once
/// @param queue requests that may wait for a run; one more is refused with 503
public record ComputeSettings(
    int buffer,
    int producers,
    List<String> command,
    Duration timeLimit,
    int concurrency,
    int queue) {
  static final int PROGRAM_BUFFER = 8;

  public ComputeSettings {
    command = List.copyOf(command);
    if (buffer < 0 || queue < 0) {
      throw new IllegalArgumentException("buffer and queue must not be negative");
    }
    if (producers < 1 || concurrency < 1) {
      throw new IllegalArgumentException("producers and concurrency must be at least 1");
    }
    if (timeLimit.isNegative() || timeLimit.isZero()) {
      throw new IllegalArgumentException("the time limit must be longer than nothing");
    }
  }

  public static ComputeSettings defaults() {
    return new ComputeSettings(64, 1, List.of(), Duration.ofSeconds(5), 4, 64);
  }
}
