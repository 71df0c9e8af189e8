package dev.gatehouse.edge.cache;

/// What the cache did for an answer, in the words of RFC 9211.
final class CacheStatus {
  static final String FIELD = "Cache-Status";

  /// Why a request went on to the origin.
  enum Forwarded {
    /// The route keeps answers for nothing but failure.
    BYPASS("bypass"),
    METHOD("method"),
    /// Nothing is stored here.
    URI_MISS("uri-miss"),
    /// Something is, for requests that say other things.
    VARY_MISS("vary-miss"),
    STALE("stale"),
    /// The client asked for more than a stored answer.
    REQUEST("request");

    private final String word;

    Forwarded(String word) {
      this.word = word;
    }

    String word() {
      return word;
    }
  }

  private CacheStatus() {}

  static String hit(long leftMillis) {
    return "gatehouse; hit; ttl=" + Math.floorDiv(leftMillis, 1000);
  }

  /// A stale answer was given for `reason`.
  static String stale(long leftMillis, String reason) {
    return "gatehouse; hit; fwd=stale; ttl="
        + Math.floorDiv(leftMillis, 1000)
        + "; detail="
        + reason;
  }

  static String forwarded(Forwarded why) {
    return "gatehouse; fwd=" + why.word;
  }

  static String forwarded(Forwarded why, int status, boolean stored) {
    return "gatehouse; fwd=" + why.word + "; fwd-status=" + status + (stored ? "; stored" : "");
  }

  /// The origin said that what is stored is still good.
  static String validated(Forwarded why, long leftMillis) {
    return "gatehouse; fwd="
        + why.word
        + "; fwd-status=304; stored; ttl="
        + Math.floorDiv(leftMillis, 1000);
  }

  /// Another client's request was answered, and this one with it.
  static String collapsed(Forwarded why) {
    return "gatehouse; fwd=" + why.word + "; collapsed";
  }

  /// Nobody could answer.
  static String failed(Forwarded why, String reason) {
    return "gatehouse; fwd=" + why.word + "; detail=" + reason;
  }
}
