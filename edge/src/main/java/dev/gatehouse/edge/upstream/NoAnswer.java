package dev.gatehouse.edge.upstream;

import dev.gatehouse.http.Failure;
import dev.gatehouse.http.Problem;
import java.util.Locale;

/// What a client is told when no replica answered.
final class NoAnswer {
  private NoAnswer() {}

  /// @param retryAfter seconds, for failures that mean "later"
  static Problem problem(String upstream, Failure failure, long retryAfter) {
    var problem =
        new Problem(
                failure.status(),
                failure.slug(),
                title(failure),
                "The request to '" + upstream + "' failed: " + failure.sentence() + ".")
            .with("blame", failure.blame().name().toLowerCase(Locale.ROOT));
    return failure.status() == 503
        ? problem.header("Retry-After", Long.toString(retryAfter))
        : problem;
  }

  private static String title(Failure failure) {
    return switch (failure) {
      case NO_REPLICA -> "No replica is up";
      case BREAKER_OPEN -> "The upstream is left alone for a moment";
      case QUEUE_FULL, QUEUE_TIMEOUT -> "Every replica is busy";
      case NO_TOKEN -> "No token for the upstream";
      default -> "The upstream failed";
    };
  }
}
