package dev.gatehouse.edge.upstream;

import java.time.Duration;

/// How many failed requests of an upstream may be sent again: a share of the requests of the last
/// ten seconds, and always a few a second.
///
/// Without it a fault multiplies the load just when there is least room for it. A replica that is
/// lost may spend the ten seconds' share in one go, since its requests fail all at once. An answer
/// such as 503 may not: it comes from a replica that is alive and asks for less, so each second has
/// to do with its own share, and the load is never above that. The idea is Finagle's
/// (`RetryBudget`), the shares are the configuration's.
///
/// Counted without a lock; when many threads spend the last of it at once, one too many may pass.
final class RetryBudget {
  private static final Duration WINDOW = Duration.ofSeconds(10);

  private final Recent requests = new Recent(WINDOW);
  private final Recent retries = new Recent(WINDOW);

  void request(long now) {
    requests.add(now);
  }

  /// How many more may be sent now, were they to fail without an answer.
  long left(UpstreamSettings.Retries limits, long now) {
    long second = limits.perSecond() - retries.latest(now);
    long share = requests.sum(now) * limits.percent() / 100 - retries.sum(now);
    return Math.max(0, Math.max(second, share));
  }

  /// Takes one retry out, if there is one.
  ///
  /// @param answered whether the replica gave an answer, though a bad one
  boolean spend(UpstreamSettings.Retries limits, boolean answered, long now) {
    long lately = retries.latest(now);
    boolean within =
        lately < limits.perSecond()
            || ((retries.sum(now) + 1) * 100 <= requests.sum(now) * limits.percent()
                && (!answered || (lately + 1) * 100 <= requests.latest(now) * limits.percent()));
    if (within) {
      retries.add(now);
    }
    return within;
  }
}
