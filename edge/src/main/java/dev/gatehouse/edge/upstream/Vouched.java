package dev.gatehouse.edge.upstream;

import dev.gatehouse.edge.filter.Visit;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// What an origin is told of a request that a trusted proxy has passed to us: what the proxy says,
/// and that it was the proxy.
///
/// Of `X-Forwarded-For` goes on what stands from the client to the right, which trusted proxies
/// have written; what the client itself claimed further left stays behind, where other proxies pass
/// on everything and leave it to the origin to count. `Forwarded` is made anew from the same list,
/// so the two cannot contradict each other.
final class Vouched {
  private static final Pattern TRACE =
      Pattern.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");

  private Vouched() {}

  static void add(HttpHeaders to, Visit visit, HttpHeaders from) {
    var hops = hops(visit, from);
    var proto = visit.proto();
    var host = visit.forwardedHost();
    to.add("X-Forwarded-For", String.join(", ", hops));
    to.add("X-Forwarded-Proto", proto);
    if (!host.isEmpty()) {
      to.add("X-Forwarded-Host", host);
    }
    var elements = new ArrayList<String>();
    for (var hop : hops) {
      elements.add(
          elements.isEmpty()
              ? Forwarding.forwarded(hop, host, proto)
              : "for=" + (hop.indexOf(':') >= 0 ? "\"[" + hop + "]\"" : hop));
    }
    to.add("Forwarded", String.join(", ", elements));
    trace(to, from);
  }

  /// The client, the proxies after it, and last the one that is connected to us.
  private static List<String> hops(Visit visit, HttpHeaders from) {
    var all = new ArrayList<String>();
    for (var line : from.getAll("X-Forwarded-For")) {
      for (var hop : line.split(",", -1)) {
        var text = hop.trim();
        boolean bracketed = text.startsWith("[") && text.endsWith("]");
        all.add(bracketed ? text.substring(1, text.length() - 1) : text);
      }
    }
    var client = visit.clientText();
    var peer = visit.exchange().peerText();
    var hops = new ArrayList<String>();
    int at = all.lastIndexOf(client);
    if (at >= 0) {
      hops.addAll(all.subList(at, all.size()));
    } else if (!client.equals(peer)) {
      hops.add(client);
    }
    hops.add(peer);
    return hops;
  }

  /// The trace goes on when it can be read (W3C Trace Context section 2.2), and a new one begins
  /// when it cannot.
  private static void trace(HttpHeaders to, HttpHeaders from) {
    var parents = from.getAll("traceparent");
    if (parents.size() == 1 && TRACE.matcher(parents.getFirst()).matches()) {
      to.add("traceparent", parents.getFirst());
      to.add("tracestate", from.getAll("tracestate"));
    } else {
      to.add("traceparent", Forwarding.traceparent());
    }
  }
}
