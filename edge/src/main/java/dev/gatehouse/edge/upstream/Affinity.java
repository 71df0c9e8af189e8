package dev.gatehouse.edge.upstream;

import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.http.Cookies;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Optional;

/// What in a request ties it to one replica rather than another, and the cookie that keeps a client
/// with its replica.
final class Affinity {
  private Affinity() {}

  /// What [Balance.Hash] goes by; 0 for every other balance.
  static long hash(Balance balance, Visit visit) {
    if (!(balance instanceof Balance.Hash(var by))) {
      return 0;
    }
    return switch (by) {
      case Balance.By.Path() -> ConsistentHash.hash(visit.head().target().rawPath());
      case Balance.By.Client() -> ConsistentHash.hash(visit.clientText());
      case Balance.By.Header(var name) -> {
        var value = visit.head().headers().get(name);
        yield ConsistentHash.hash(value == null ? visit.clientText() : value);
      }
      case Balance.By.Cookie(var name) ->
          ConsistentHash.hash(cookie(visit.head().headers(), name).orElseGet(visit::clientText));
    };
  }

  /// The replica that the client's cookie names; empty when none.
  static String stuckTo(Balance balance, Visit visit) {
    return balance instanceof Balance.Sticky(var name)
        ? cookie(visit.exchange().head().headers(), name).orElse("")
        : "";
  }

  /// Has the client stay with the replica that answered.
  static void stick(Balance balance, Visit visit, HttpHeaders answer, Replica to) {
    // An answer that may be kept for others carries nobody's cookie.
    if (balance instanceof Balance.Sticky(var name)
        && visit.route().cache().isEmpty()
        && !to.nickname().equals(stuckTo(balance, visit))) {
      answer.add(
          HttpHeaderNames.SET_COOKIE,
          name + "=" + to.nickname() + "; Path=/; HttpOnly; SameSite=Lax");
    }
  }

  private static Optional<String> cookie(HttpHeaders headers, String name) {
    return Cookies.find(headers.getAll(HttpHeaderNames.COOKIE), name);
  }
}
