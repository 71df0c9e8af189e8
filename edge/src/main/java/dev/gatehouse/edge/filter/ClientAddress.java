package dev.gatehouse.edge.filter;

import io.netty.handler.codec.http.HttpHeaders;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/// Finds out who the client is, and what it asked for, when trusted proxies stand in front.
///
/// `X-Forwarded-For` and `Forwarded` (RFC 7239) are read from the right, where our own proxies
/// wrote: the first address that is not a trusted proxy's is the client. Whatever stands further
/// left is the client's own claim and counts for nothing, and so do all these fields when the peer
/// itself is not trusted. Where both are there, `X-Forwarded-For` counts: it is what nearly every
/// proxy writes, and one that does leaves a client's `Forwarded` as it came. A proxy that writes
/// `Forwarded` only must therefore take `X-Forwarded-For` away.
///
/// On a listener with the PROXY protocol the peer is the one that the header names. A connection of
/// somebody whom the proxy does not know has the proxy's address, but not its word.
public final class ClientAddress implements Filter {
  private final Predicate<InetAddress> trusted;

  public ClientAddress(Predicate<InetAddress> trusted) {
    this.trusted = trusted;
  }

  @Override
  public Verdict apply(Visit visit) {
    var peer = visit.client().getAddress();
    if (peer != null && trusted.test(peer) && !visit.exchange().somebodys()) {
      visit.vouch();
      believe(visit, visit.exchange().head().headers());
    }
    return Verdict.PROCEED;
  }

  private void believe(Visit visit, HttpHeaders headers) {
    var plain = hops(headers.getAll("X-Forwarded-For"));
    if (plain.isEmpty()) {
      var hops = ForwardedField.read(headers.getAll("Forwarded"));
      client(hops.stream().map(ForwardedField.Hop::address).toList()).ifPresent(visit::client);
      // What the client asked for is told by the proxy that it asked.
      hops.stream()
          .map(ForwardedField.Hop::proto)
          .filter(ClientAddress::isProto)
          .reduce((_, last) -> last)
          .ifPresent(visit::proto);
      hops.stream()
          .map(ForwardedField.Hop::host)
          .filter(ClientAddress::isHost)
          .reduce((_, last) -> last)
          .ifPresent(visit::forwardedHost);
    } else {
      client(plain).ifPresent(visit::client);
    }
    last(headers.getAll("X-Forwarded-Proto"))
        .filter(ClientAddress::isProto)
        .ifPresent(visit::proto);
    last(headers.getAll("X-Forwarded-Host"))
        .filter(ClientAddress::isHost)
        .ifPresent(visit::forwardedHost);
  }

  private static List<String> hops(List<String> lines) {
    var hops = new ArrayList<String>();
    for (var line : lines) {
      hops.addAll(List.of(line.split(",", -1)));
    }
    return hops;
  }

  private static Optional<String> last(List<String> lines) {
    var hops = hops(lines);
    return hops.isEmpty() ? Optional.empty() : Optional.of(hops.getLast().trim());
  }

  private static boolean isProto(String text) {
    return text.equals("http") || text.equals("https");
  }

  private static boolean isHost(String text) {
    return text.matches("[A-Za-z0-9._:\\[\\]-]{1,255}");
  }

  private Optional<InetSocketAddress> client(List<String> hops) {
    Optional<InetSocketAddress> client = Optional.empty();
    for (var hop : hops.reversed()) {
      var address = address(hop.trim());
      if (address.isEmpty()) {
        break;
      }
      client = address.map(known -> new InetSocketAddress(known, 0));
      if (!trusted.test(address.get())) {
        break;
      }
    }
    return client;
  }

  /// An address literal, with or without brackets; names are never looked up.
  private static Optional<InetAddress> address(String text) {
    try {
      return Optional.of(
          InetAddress.ofLiteral(
              text.startsWith("[") && text.endsWith("]")
                  ? text.substring(1, text.length() - 1)
                  : text));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
