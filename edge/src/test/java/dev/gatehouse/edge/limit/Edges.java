package dev.gatehouse.edge.limit;

import dev.gatehouse.http.RequestHead;
import dev.gatehouse.http.Target;
import dev.gatehouse.state.Database;
import dev.gatehouse.testkit.FakeTicker;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.net.InetAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// An edge's limits without the edge: it is asked about requests, and exchanges when it is told to.
final class Edges {
  final Limits limits;
  final Exchange exchange;

  Edges(FakeTicker ticker, Database database, long number, List<Limit> file) {
    limits = new Limits(100_000, ticker, new SecureRandom(), Limits.Witness.NOBODY);
    limits.file(file);
    exchange =
        new Exchange(
            limits,
            () -> database,
            (name, text) -> Optional.of(named(name, Integer.parseInt(text))),
            Duration.ofMillis(100),
            number);
  }

  static Limit named(String name, int perSecond) {
    return new Limit(
        name,
        Limit.Match.ALL,
        List.of(Limit.KeyPart.of(Limit.KeyPart.Source.CLIENT)),
        new Limit.Rate(perSecond, Duration.ofSeconds(1)),
        java.util.OptionalInt.empty(),
        Limit.MissingKey.SKIP,
        1,
        Limit.Origin.FILE);
  }

  static Subject from(String client, String method, String path, String... fields) {
    var headers = new DefaultHttpHeaders();
    for (int i = 0; i < fields.length; i += 2) {
      headers.add(fields[i], fields[i + 1]);
    }
    var address = InetAddress.ofLiteral(client);
    return new Subject(
        AddressBlock.high(address),
        AddressBlock.low(address),
        new RequestHead(method, Target.parse(path), "shop.example.com:8080", headers, false),
        "all",
        Optional.empty(),
        Optional.empty());
  }

  /// Whether a request may pass.
  boolean ask(Subject subject) {
    var permits = new Permits(limits, subject);
    limits.rules().open().search(subject, permits);
    limits.rules().identified().search(subject, permits);
    boolean passed = permits.settle();
    if (passed) {
      permits.passed();
    }
    return passed;
  }

  boolean ask(String client) {
    return ask(from(client, "GET", "/"));
  }
}
