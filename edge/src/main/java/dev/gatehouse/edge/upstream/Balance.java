package dev.gatehouse.edge.upstream;

/// How the replicas of an upstream share its requests, as the configuration says it; a [Balancer]
/// does it.
public sealed interface Balance {
  /// Everyone in turn.
  record RoundRobin() implements Balance {}

  /// In turn, a replica of weight 3 three times as often as one of weight 1.
  record Weighted() implements Balance {}

  /// The less busy of two drawn at random.
  record LeastRequests() implements Balance {}

  /// The one of two drawn at random that would answer sooner, as far as its last answers tell.
  record Fastest() implements Balance {}

  /// Equal requests go to the same replica.
  record Hash(By by) implements Balance {}

  /// A client stays with the replica that a cookie of the edge names.
  record Sticky(String cookie) implements Balance {}

  /// What makes two requests equal.
  sealed interface By {
    record Path() implements By {}

    record Header(String name) implements By {}

    record Cookie(String name) implements By {}

    record Client() implements By {}
  }

  /// As the configuration writes it.
  default String text() {
    return switch (this) {
      case RoundRobin() -> "round-robin";
      case Weighted() -> "weighted";
      case LeastRequests() -> "least-requests";
      case Fastest() -> "peak-ewma";
      case Hash(By.Path()) -> "consistent-hash by path";
      case Hash(By.Client()) -> "consistent-hash by client";
      case Hash(By.Header(var name)) -> "consistent-hash by header:" + name;
      case Hash(By.Cookie(var name)) -> "consistent-hash by cookie:" + name;
      case Sticky(var name) -> "sticky by cookie:" + name;
    };
  }
}
