package dev.gatehouse.edge.limit;

import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.http.RequestHead;
import dev.gatehouse.http.Target;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// What asking the limits costs one request: finding the rules that concern it, hashing its keys,
/// taking its permits; and the same with the fields for its answer.
///
/// The rules and the clients are those of `bench/limits`: a request meets a bucket of its own client
/// and one of its path. The next request is another client's, so that its bucket is cold: with a
/// million clients the table is far larger than the processor's caches.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LimitCheck {
  /// Shares no factor with the number of clients.
  private static final int STRIDE = 611_953;

  @Param({"1", "1000"})
  public int rules;

  @Param({"1000", "1000000"})
  public int clients;

  private final HttpHeaders fields = new DefaultHttpHeaders();
  private final RequestHead head =
      new RequestHead("GET", Target.parse("/p7/x"), "shop.example.com:8080", fields, false);
  private Limits limits;
  private int next;

  @Setup
  public void fill() {
    limits =
        new Limits(
            clients + clients / 10 + 1_000, System::nanoTime, new SecureRandom(), Limits.Witness.NOBODY);
    limits.file(rules());
    for (int i = 0; i < clients; i++) {
      check();
    }
    limits.buckets().sweep(limits.now());
    var figures = limits.figures();
    System.out.printf(
        "%n%d rules; %d keys in %d bytes: %.1f bytes a key%n",
        limits.standing().size(),
        figures.keys(),
        figures.bytes(),
        (double) figures.bytes() / figures.keys());
  }

  @Benchmark
  public Optional<Permits.Fields> checkAndFields() {
    return check().fields();
  }

  @Benchmark
  public Permits check() {
    next += STRIDE;
    if (next >= clients) {
      next %= clients;
    }
    var subject =
        new Subject(0, 0xffff_0a00_0000L + next, head, "origin", Optional.empty(), Optional.empty());
    var permits = new Permits(limits, subject);
    limits.rules().open().search(subject, permits);
    limits.rules().identified().search(subject, permits);
    if (!permits.settle()) {
      throw new IllegalStateException("a limit was reached");
    }
    permits.passed();
    return permits;
  }

  private List<Limit> rules() {
    var all = new ArrayList<Limit>();
    all.add(limit("each", Limit.Match.ALL, "client", 3600));
    for (int i = 0; all.size() < rules && i < 499; i++) {
      var block = AddressBlock.of(java.net.InetAddress.ofLiteral("10.0." + i / 250 + "." + i % 250), 32);
      all.add(limit("address-" + i, match(List.of(block), "", ""), "", 1));
    }
    for (int i = 0; all.size() < rules && i < 400; i++) {
      all.add(limit("path-" + i, match(List.of(), "/p" + i + "/**", ""), "", 1));
    }
    for (int i = 0; all.size() < rules && i < 100; i++) {
      all.add(limit("host-" + i, match(List.of(), "", "h" + i + ".example.com"), "client", 1));
    }
    return all;
  }

  private static Limit.Match match(List<AddressBlock> clients, String path, String host) {
    return new Limit.Match(
        clients,
        path.isEmpty() ? Optional.empty() : Optional.of(PathPattern.parse(path)),
        host.isEmpty() ? Optional.empty() : Optional.of(host),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of());
  }

  /// So large a limit that none is reached, but counted like any other.
  private static Limit limit(String name, Limit.Match match, String key, int seconds) {
    return new Limit(
        name,
        match,
        key.isEmpty() ? List.of() : List.of(Limit.KeyPart.of(Limit.KeyPart.Source.CLIENT)),
        new Limit.Rate(Limit.MOST, Duration.ofSeconds(seconds)),
        OptionalInt.empty(),
        Limit.MissingKey.SKIP,
        1,
        Limit.Origin.FILE);
  }
}
