package dev.gatehouse.edge.upstream;

import dev.gatehouse.edge.route.Route;
import dev.gatehouse.http.RequestHead;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;

/// Which requests may be carried out twice, when something of them was sent already.
final class Repeatable {
  private Repeatable() {}

  /// What is idempotent (RFC 9110 section 9.2.2), and where the upstream honours it, what carries
  /// an `Idempotency-Key`. A write under a condition is neither: the second would find what the
  /// first has done, and answer 412.
  static boolean is(Route route, UpstreamSettings.Retries rules, RequestHead head) {
    if (route.retry() != Route.Retry.IDEMPOTENT) {
      return false;
    }
    return switch (head.method()) {
      case "GET", "HEAD", "OPTIONS" -> true;
      case "PUT", "DELETE" -> !conditional(head.headers());
      case "POST", "PATCH" -> rules.idempotencyKey() && head.headers().contains("Idempotency-Key");
      default -> false;
    };
  }

  /// Whether it only reads (RFC 9110 section 9.2.1), so that a second may run beside the first.
  static boolean isSafe(RequestHead head) {
    return switch (head.method()) {
      case "GET", "HEAD", "OPTIONS" -> true;
      default -> false;
    };
  }

  private static boolean conditional(HttpHeaders headers) {
    return headers.contains(HttpHeaderNames.IF_MATCH)
        || headers.contains(HttpHeaderNames.IF_NONE_MATCH)
        || headers.contains(HttpHeaderNames.IF_UNMODIFIED_SINCE);
  }
}
