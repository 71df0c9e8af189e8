package dev.gatehouse.http;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;

/// Serves a replica's [Routes]; believes what the edge says of the caller only with the assembly's
/// own secret.
///
/// `X-Gatehouse-User` and `X-Gatehouse-Client` are the edge's words. Whoever reaches the replica's
/// port without the secret is an unknown client with no user, whatever the request claims.
public final class ReplicaHandler implements ExchangeHandler {
  private final RoutesHandler routes;
  private final byte[] secret;

  public ReplicaHandler(RoutesHandler routes, String secret) {
    this.routes = routes;
    this.secret = secret.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void handle(Exchange exchange) {
    var headers = exchange.head().headers();
    var claimed = headers.get("X-Gatehouse-Secret");
    boolean trusted =
        claimed != null && MessageDigest.isEqual(claimed.getBytes(StandardCharsets.UTF_8), secret);
    headers.remove("X-Gatehouse-Secret");
    if (!trusted) {
      routes.handle(exchange, new RoutesHandler.Caller(exchange.peer(), Optional.empty()));
      return;
    }
    var user = headers.get("X-Gatehouse-User");
    Trace.sampled(headers.get("traceparent")).ifPresent(exchange::trace);
    routes.handle(
        exchange,
        new RoutesHandler.Caller(
            client(headers.get("X-Gatehouse-Client")).orElse(exchange.peer()),
            Optional.ofNullable(user)));
  }

  /// `<address literal> <port>`; a literal is never looked up.
  private static Optional<InetSocketAddress> client(
      @org.jspecify.annotations.Nullable String text) {
    if (text == null) {
      return Optional.empty();
    }
    int space = text.indexOf(' ');
    try {
      return Optional.of(
          new InetSocketAddress(
              java.net.InetAddress.ofLiteral(text.substring(0, space)),
              Integer.parseInt(text.substring(space + 1))));
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      return Optional.empty();
    }
  }
}
