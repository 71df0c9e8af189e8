package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.http.Cookies;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.Optional;
import java.util.function.Function;

/// The session cookie of the accounts service.
final class SessionCookie implements Authenticator {
  private final Function<String, Optional<String>> userOf;
  private final Room room;

  /// @param userOf the user of a session's token; blocking
  SessionCookie(Function<String, Optional<String>> userOf, Room room) {
    this.userOf = userOf;
    this.room = room;
  }

  @Override
  public Claim claim(Visit visit) {
    var head = visit.exchange().head();
    var token = Cookies.find(head.headers().getAll(HttpHeaderNames.COOKIE), "session");
    if (token.isEmpty()) {
      return Claim.ABSENT;
    }
    if (Pages.fromElsewhere(head)) {
      return Pages.refusal();
    }
    return room.ask(() ->
        userOf
            .apply(token.get())
            .<Claim>map(user ->
                new Claim.Known(new Identity(user, Optional.empty(), Identity.Scheme.SESSION)))
            .orElseGet(() -> Claim.refused("The session is unknown or over.")));
  }

  /// There is no scheme for cookies.
  @Override
  public Optional<String> challenge(boolean refused) {
    return Optional.empty();
  }

  /// Cookies of ours are kept from strangers in any case, and services of ours may read them.
  @Override
  public Optional<String> field(Visit visit) {
    return Optional.empty();
  }
}
