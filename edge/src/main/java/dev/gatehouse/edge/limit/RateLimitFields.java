package dev.gatehouse.edge.limit;

import java.util.concurrent.TimeUnit;

/// The one place that writes `RateLimit-Policy`, `RateLimit` and `Retry-After`.
///
/// The first two are structured fields (RFC 9651) as draft-ietf-httpapi-ratelimit-headers-10 has
/// them: quota `q` and window `w` in seconds; what remains `r`, and `t`, the seconds until the
/// quota is whole again. The draft still moves; `Retry-After` (RFC 9110 section 10.2.3) stands
/// whatever becomes of it. Names of limits need no escapes.
final class RateLimitFields {
  static final String POLICY = "RateLimit-Policy";
  static final String STATE = "RateLimit";

  private RateLimitFields() {}

  static String policy(Limit limit) {
    return "\""
        + limit.name()
        + "\";q="
        + limit.rate().permits()
        + ";w="
        + limit.rate().per().toSeconds();
  }

  /// @param left permits
  /// @param nanos until the quota is whole again
  static String state(Limit limit, long left, long nanos) {
    return "\"" + limit.name() + "\";r=" + left + ";t=" + seconds(nanos);
  }

  /// Rounded up, so that whoever waits that long does not come too early; at least 1.
  static long seconds(long nanos) {
    return Math.max(1, Math.ceilDiv(nanos, TimeUnit.SECONDS.toNanos(1)));
  }
}
