package dev.gatehouse.edge.limit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.limit.Limit.KeyPart;
import dev.gatehouse.edge.limit.Limit.MissingKey;
import dev.gatehouse.edge.route.Condition;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.testkit.FakeTicker;
import dev.gatehouse.testkit.TestPostgres;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// Which limits concern a request, and what they say together.
class PermitsTest {
  private final FakeTicker ticker = new FakeTicker();
  private final Edges edge = new Edges(ticker, TestPostgres.database(), 1, List.of());

  private static Limit limit(String name, Limit.Match match, int perMinute, KeyPart... key) {
    return new Limit(
        name,
        match,
        List.of(key),
        new Limit.Rate(perMinute, Duration.ofMinutes(1)),
        OptionalInt.empty(),
        MissingKey.SKIP,
        1,
        Limit.Origin.FILE);
  }

  private static Limit.Match match(String client, String path) {
    return new Limit.Match(
        client.isEmpty() ? List.of() : List.of(block(client)),
        path.isEmpty() ? Optional.empty() : Optional.of(PathPattern.parse(path)),
        Optional.empty(),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of());
  }

  private static AddressBlock block(String text) {
    var parts = text.split("/", 2);
    var base = InetAddress.ofLiteral(parts[0]);
    return AddressBlock.of(
        base, parts.length == 2 ? Integer.parseInt(parts[1]) : base.getAddress().length * 8);
  }

  private int passed(int times, Subject subject) {
    int passed = 0;
    for (int i = 0; i < times; i++) {
      passed += edge.ask(subject) ? 1 : 0;
    }
    return passed;
  }

  @Test
  void a_request_takes_a_permit_of_every_limit_or_of_none() {
    edge.limits.file(
        List.of(
            limit("address", match("152.152.152.152", ""), 1000),
            limit("items", match("152.152.152.152", "/items/**"), 10)));
    var item = Edges.from("152.152.152.152", "GET", "/items/1");
    assertThat(passed(500, item)).isEqualTo(10);
    // The 490 that were refused took nothing of the other limit.
    assertThat(passed(2000, Edges.from("152.152.152.152", "GET", "/x"))).isEqualTo(990);
    assertThat(passed(100, Edges.from("152.152.152.153", "GET", "/items/1"))).isEqualTo(100);
  }

  @Test
  void ipv6_clients_share_a_bucket_by_their_first_64_bits_and_ipv4_clients_have_one_each() {
    edge.limits.file(
        List.of(limit("each", Limit.Match.ALL, 10, KeyPart.of(KeyPart.Source.CLIENT))));
    assertThat(passed(6, Edges.from("2001:db8::1", "GET", "/"))).isEqualTo(6);
    assertThat(passed(9, Edges.from("2001:db8::ffff:2", "GET", "/"))).isEqualTo(4);
    assertThat(passed(9, Edges.from("2001:db8:0:1::1", "GET", "/"))).isEqualTo(9);
    assertThat(passed(11, Edges.from("192.0.2.1", "GET", "/"))).isEqualTo(10);
    assertThat(passed(11, Edges.from("192.0.2.2", "GET", "/"))).isEqualTo(10);
  }

  @Test
  void a_request_without_the_key_is_not_limited_or_shares_or_is_refused() {
    for (var missing : MissingKey.values()) {
      edge.limits.file(
          List.of(
              new Limit(
                  "tenant",
                  Limit.Match.ALL,
                  List.of(new KeyPart(KeyPart.Source.HEADER, "x-tenant")),
                  new Limit.Rate(10, Duration.ofMinutes(1)),
                  OptionalInt.empty(),
                  missing,
                  1,
                  Limit.Origin.FILE)));
      assertThat(passed(20, Edges.from("192.0.2.1", "GET", "/", "X-Tenant", missing.name())))
          .isEqualTo(10);
      assertThat(passed(20, Edges.from("192.0.2.1", "GET", "/")))
          .isEqualTo(
              switch (missing) {
                case SKIP -> 20;
                case SHARE -> 10;
                case REFUSE -> 0;
              });
    }
  }

  /// The index is only a shorter way to what asking every rule finds.
  @Test
  void the_index_finds_what_asking_every_rule_finds() {
    var random = new SplittableRandom(11);
    var paths = List.of("", "/**", "/a/**", "/a/{id}", "/a/b", "/{x}/b", "/c/d/**");
    var clients = List.of("", "", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32");
    var limits = new ArrayList<Limit>();
    for (int i = 0; i < 300; i++) {
      var one = match(pick(random, clients), pick(random, paths));
      limits.add(
          limit(
              "l" + i,
              new Limit.Match(
                  one.clients(),
                  one.path(),
                  random.nextInt(4) == 0
                      ? Optional.of(pick(random, List.of("shop.example.com", "*.example.com", "b")))
                      : Optional.empty(),
                  random.nextInt(4) == 0 ? List.of(pick(random, List.of("GET", "PUT"))) : List.of(),
                  random.nextInt(4) == 0
                      ? List.of(
                          Condition.parse(
                              Condition.Source.HEADER,
                              "X-A",
                              pick(random, List.of("1", "2", "*", "!"))))
                      : List.of(),
                  random.nextInt(4) == 0
                      ? List.of(new Wildcard(pick(random, List.of("curl", "cu*", "*rl", "x*y"))))
                      : List.of(),
                  List.of(),
                  List.of(),
                  random.nextInt(4) == 0 ? List.of(pick(random, List.of("all", "b"))) : List.of()),
              5));
    }
    edge.limits.file(limits);
    for (int i = 0; i < 2_000; i++) {
      var subject =
          Edges.from(
              pick(random, List.of("10.1.2.3", "10.1.9.9", "10.9.9.9", "192.0.2.1", "2001:db8::5")),
              pick(random, List.of("GET", "HEAD", "PUT")),
              pick(random, List.of("/", "/a", "/a/b", "/a/c", "/a/", "/c/d/e/f", "/z/b")),
              "X-A",
              pick(random, List.of("1", "2", "3")),
              "User-Agent",
              pick(random, List.of("curl", "cut", "xyy", "other")));
      var found = new TreeSet<String>();
      edge.limits
          .rules()
          .open()
          .search(
              subject,
              rule -> {
                if (rule.matches(subject)) {
                  found.add(rule.limit.name());
                }
              });
      var wanted = new TreeSet<String>();
      for (var rule : edge.limits.rules().all()) {
        if (rule.matches(subject)) {
          wanted.add(rule.limit.name());
        }
      }
      assertThat(found).isEqualTo(wanted);
    }
  }

  private static String pick(SplittableRandom random, List<String> of) {
    return of.get(random.nextInt(of.size()));
  }
}
