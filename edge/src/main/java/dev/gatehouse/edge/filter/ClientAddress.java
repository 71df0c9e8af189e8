package dev.gatehouse.edge.filter;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/// Finds out who the client is when trusted proxies stand in front.
///
/// `X-Forwarded-For` is read from the right, where our own proxies wrote: the first address that is
/// not a trusted proxy's is the client. Whatever stands further left is the client's own claim and
/// counts for nothing, and so does the whole field when the peer itself is not trusted.
public final class ClientAddress implements Filter {
  private final Predicate<InetAddress> trusted;

  public ClientAddress(Predicate<InetAddress> trusted) {
    this.trusted = trusted;
  }

  @Override
  public Verdict apply(Visit visit) {
    var peer = visit.client().getAddress();
    if (peer != null && trusted.test(peer)) {
      named(visit.exchange().head().headers().getAll("X-Forwarded-For")).ifPresent(visit::client);
    }
    return Verdict.PROCEED;
  }

  private Optional<InetSocketAddress> named(List<String> lines) {
    var hops = new ArrayList<String>();
    for (var line : lines) {
      hops.addAll(List.of(line.split(",", -1)));
    }
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
