package dev.gatehouse.app.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.edge.route.HeaderEdits;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import dev.gatehouse.state.journal.JournalSettings.Durability;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigFileTest {
  private static final String SMALLEST =
      "routes: [{match: {path: /**}, to: \"http://127.0.0.1:5000\"}]";

  static Loaded read(String text, Map<String, String> environment) {
    return ConfigFile.read("my.yaml", text.getBytes(StandardCharsets.UTF_8), environment, Map.of());
  }

  static Config good(Loaded loaded) {
    return switch (loaded) {
      case Loaded.Good(Config config, var _) -> config;
      case Loaded.Bad bad -> throw new AssertionError(bad.render());
    };
  }

  private static List<String> sentences(Loaded loaded) {
    return switch (loaded) {
      case Loaded.Good _ -> List.of();
      case Loaded.Bad bad -> bad.mistakes().stream().map(Mistake::sentence).toList();
    };
  }

  private static Setting setting(Loaded loaded, String path) {
    assertThat(loaded).isInstanceOf(Loaded.Good.class);
    return ((Loaded.Good) loaded)
        .settings().stream().filter(s -> s.path().equals(path)).findFirst().orElseThrow();
  }

  @Test
  void the_default_assembly_is_what_the_design_says() {
    var config = good(ConfigFile.loadDefault(Map.of(), Map.of()));

    assertThat(config.file()).isEmpty();
    assertThat(config.data()).isEqualTo(Path.of("./data"));
    assertThat(config.database()).isEqualTo(new DatabaseChoice.Embedded());
    assertThat(config.edge().listen().stream().map(l -> l.address().toString()))
        .containsExactly(":8080", ":3333");
    assertThat(config.edge().request()).isEqualTo(new EdgeConfig.RequestLimits(8192, 16384, 100));
    assertThat(config.admin().listen()).isEqualTo(new Address("127.0.0.1", 9000));
    assertThat(config.replica().listen()).isEqualTo(new Address("127.0.0.1", 9100));
    assertThat(config.services())
        .isEqualTo(
            Map.of(
                "storage",
                    new ServiceConfig.Storage(
                        3,
                        Optional.of(32L << 20),
                        Optional.empty(),
                        Optional.empty(),
                        UpstreamSettings.own(false)),
                "counters",
                    new ServiceConfig.Counters(
                        1,
                        Duration.ofSeconds(1),
                        Durability.PROCESS,
                        1L << 30,
                        Optional.empty(),
                        UpstreamSettings.own(true)),
                "compute",
                    new ServiceConfig.Compute(
                        64,
                        new ServiceConfig.Program(List.of(), Duration.ofSeconds(5), 4, 64),
                        Optional.empty()),
                "accounts", new ServiceConfig.Accounts(Duration.ofHours(8), Optional.empty()),
                "multivac", new ServiceConfig.Multivac(2, Optional.empty())));
    assertThat(config.service(ServiceConfig.Multivac.class))
        .contains(new ServiceConfig.Multivac(2, Optional.empty()));
    assertThat(config.upstream("meli").urls())
        .containsExactly(new UpstreamConfig.Server(true, "api.mercadolibre.com", 443));
    assertThat(config.routes().stream().map(r -> r.match().path() + " " + r.to().name()))
        .containsExactly(
            "/data/** storage",
            "/age/** storage",
            "/increment counters",
            "/counters/** counters",
            "/api/increment counters",
            "/api/** accounts",
            "/cpu compute",
            "/local_program compute",
            "/ multivac",
            "/multivac/** multivac",
            "/zzz/** multivac",
            "/** meli");
    assertThat(config.routes().get(1).retry()).isEqualTo(RouteConfig.Retry.UNSENT);
    assertThat(config.routes().get(4).authenticate()).isEqualTo(Route.Authentication.SESSION);
    assertThat(config.routes().get(1).origin()).startsWith("gatehouse.yaml:");
  }

  @Test
  void the_second_door_opens_on_nothing_but_counters_and_accounts() {
    var door = good(ConfigFile.loadDefault(Map.of(), Map.of())).edge().listen().get(1);

    assertThat(door.serves(List.of("increment"))).isTrue();
    assertThat(door.serves(List.of("counters"))).isTrue();
    assertThat(door.serves(List.of("counters", "k"))).isTrue();
    assertThat(door.serves(List.of("api", "sessions"))).isTrue();
    assertThat(door.serves(List.of("health"))).isTrue();
    assertThat(door.serves(List.of("data"))).isFalse();
    assertThat(door.serves(List.of("increment", "x"))).isFalse();
    assertThat(door.serves(List.of(""))).isFalse();
  }

  @Test
  void one_line_is_an_assembly() {
    var config = good(read(SMALLEST, Map.of()));

    assertThat(config.services()).isEmpty();
    assertThat(config.edge().listen())
        .containsExactly(new ListenConfig("main", new Address("*", 8080), List.of(), false));
    var to = config.routes().getFirst().to();
    assertThat(to).isEqualTo(new Destination.Upstream("http://127.0.0.1:5000"));
    assertThat(config.upstream(to.name()).urls())
        .containsExactly(new UpstreamConfig.Server(false, "127.0.0.1", 5000));
    assertThat(config.upstream(to.name()).timeout()).isEqualTo(Duration.ofSeconds(30));
    assertThat(config.routes().getFirst().name()).isEqualTo("/**");
  }

  @Test
  void a_file_is_read_from_disk_and_known_by_its_name(@TempDir Path dir) throws Exception {
    var file = Files.writeString(dir.resolve("mine.yaml"), "\uFEFF" + SMALLEST);

    var config = good(ConfigFile.load(file, Map.of()));

    assertThat(config.file()).contains(file);
    assertThat(config.routes().getFirst().origin()).isEqualTo(file + ":1");
  }

  @Test
  void a_file_that_is_not_there_or_no_text_is_one_sentence(@TempDir Path dir) throws Exception {
    var binary = Files.write(dir.resolve("binary.yaml"), new byte[] {(byte) 0xC3, 0x28});

    assertThat(sentences(ConfigFile.load(dir.resolve("nowhere.yaml"), Map.of())))
        .containsExactly("there is no such file.");
    assertThat(sentences(ConfigFile.load(dir, Map.of())))
        .containsExactly("this is a directory, not a file.");
    assertThat(sentences(ConfigFile.load(binary, Map.of())))
        .containsExactly("this is not UTF-8 text.");
  }

  @Test
  void the_environment_overrides_the_file_and_the_command_line_both() {
    var environment =
        Map.of(
            "GATEHOUSE_DATA", "/tmp/env",
            "GATEHOUSE_ADMIN_LISTEN", "127.0.0.1:0",
            "GATEHOUSE_REPLICA_LISTEN", "127.0.0.1:0",
            "GATEHOUSE_EDGE_LISTEN", "127.0.0.1:18080",
            "GATEHOUSE_EDGE_LISTEN_COUNTING", "127.0.0.1:13333",
            "GATEHOUSE_SERVICES_STORAGE_REPLICAS", "5",
            "GATEHOUSE_DATABASE", "postgres://me:hush@db:5432/gatehouse",
            "MELI_URL", "http://127.0.0.1:4000/");
    var loaded = ConfigFile.loadDefault(environment, Map.of("data", "/tmp/flag"));
    var config = good(loaded);

    assertThat(config.data()).isEqualTo(Path.of("/tmp/flag"));
    assertThat(setting(loaded, "data").origin()).hasToString("command line");
    assertThat(config.admin().listen().port()).isZero();
    assertThat(config.edge().listen().stream().map(ListenConfig::address))
        .containsExactly(new Address("127.0.0.1", 18080), new Address("127.0.0.1", 13333));
    assertThat(setting(loaded, "edge.listen.main.address").origin())
        .hasToString("environment GATEHOUSE_EDGE_LISTEN");
    assertThat(config.service(ServiceConfig.Storage.class).orElseThrow().replicas()).isEqualTo(5);
    assertThat(config.database())
        .isEqualTo(new DatabaseChoice.Given("postgres://me:hush@db:5432/gatehouse"));
    assertThat(config.upstream("meli").urls())
        .containsExactly(new UpstreamConfig.Server(false, "127.0.0.1", 4000));
  }

  @Test
  void a_variable_sets_what_the_file_leaves_out() {
    var config =
        good(read(SMALLEST, Map.of("GATEHOUSE_EDGE_LISTEN", ":1", "GATEHOUSE_EDGE_THREADS", "2")));

    assertThat(config.edge().listen().getFirst().address()).isEqualTo(new Address("*", 1));
    assertThat(config.edge().threads()).isEqualTo(2);
  }

  @Test
  void every_setting_says_where_it_came_from() {
    var loaded =
        read(
            "data: /srv\ndatabase: ${DB:-embedded}\n" + SMALLEST,
            Map.of("GATEHOUSE_EDGE_THREADS", "3"));

    assertThat(
            ((Loaded.Good) loaded)
                .settings().stream().map(s -> s.path() + "=" + s.value() + " " + s.origin()))
        .contains(
            "data=/srv my.yaml:1",
            "database=embedded my.yaml:2",
            "edge.threads=3 environment GATEHOUSE_EDGE_THREADS",
            "admin.listen=127.0.0.1:9000 default",
            "routes[0].to=http://127.0.0.1:5000 my.yaml:3");
  }

  @Test
  void a_password_is_shown_nowhere() {
    var loaded =
        read("database: postgres://me:hush@db/x?sslpassword=hush&a=b\n" + SMALLEST, Map.of());
    assertThat(setting(loaded, "database").value())
        .isEqualTo("postgres://me:***@db/x?sslpassword=***&a=b");
    assertThat(good(loaded).toString()).doesNotContain("hush");

    for (var wrong :
        List.of(
            "database: postgres:/me:hush@db/x\n" + SMALLEST,
            "database: mysql://me:hush@db/x\n" + SMALLEST,
            "database: 'me:hush@db/x'\n" + SMALLEST,
            "database: {url: 'postgres://me:hu@sh@db/x'}\n" + SMALLEST,
            "datbase: \"postgres://me:hush@db/x\"\n" + SMALLEST,
            "routes: [{match: {path: /**}, to: 'http://me:hush@host'}]")) {
      var rendered = ((Loaded.Bad) read(wrong, Map.of())).render();
      assertThat(rendered).doesNotContain("hush").doesNotContain("sh@").contains("***");
    }
    var environment = Map.of("GATEHOUSE_DATABASE", "postgres:me:hush@db", "PW", "hush");
    assertThat(((Loaded.Bad) read(SMALLEST, environment)).render()).doesNotContain("hush");
  }

  @Test
  void overrides_that_reach_nothing_are_mistakes_and_foreign_variables_are_not() {
    assertThat(sentences(read(SMALLEST, Map.of("GATEHOUSE_ADMIN_LISTN", "127.0.0.1:1"))))
        .containsExactly("no setting is called so; did you mean 'GATEHOUSE_ADMIN_LISTEN'?");
    assertThat(sentences(read(SMALLEST, Map.of("GATEHOUSE_SERVICES_STORAGE_REPLICAS", "2"))))
        .containsExactly(
            "this sets 'services.storage.replicas', but there is no 'services.storage' in my.yaml.");
    var kubernetes =
        Map.of(
            "GATEHOUSE_PORT_8080_TCP", "tcp://10.0.0.1:8080", "GATEHOUSE_SERVICE_HOST", "10.0.0.1");
    assertThat(sentences(read(SMALLEST, kubernetes))).isEmpty();
    assertThat(sentences(read(SMALLEST, Map.of("GATEHOUSE_DATA", "")))).isEmpty();
  }

  @Test
  void a_wrong_override_is_shown_as_it_was_set() {
    var bad = (Loaded.Bad) read(SMALLEST, Map.of("GATEHOUSE_ADMIN_LISTEN", "nine"));

    assertThat(bad.render())
        .isEqualTo(
            """
            environment variable GATEHOUSE_ADMIN_LISTEN: admin.listen: 'nine' is not an address such as 127.0.0.1:9000, [::1]:9000, or :8080 for every interface.
              | GATEHOUSE_ADMIN_LISTEN=nine
              |                        ^\
            """);
  }

  @Test
  void variables_are_filled_in_as_a_shell_would() throws Exception {
    var environment = Map.of("A", "1", "EMPTY", "");

    assertThat(Variables.fillIn("x${A}y${B:-2}z${EMPTY:-3}${EMPTY}", environment))
        .isEqualTo("x1y2z3");
    assertThat(Variables.fillIn("$${A} $A $", environment)).isEqualTo("${A} $A $");
  }

  @Test
  void a_listener_can_ask_trusted_proxies_whose_its_connections_are() {
    var config =
        good(
            read(
                """
                edge:
                  listen: {main: ":8080", proxied: {address: ":8081", proxy-protocol: true}}
                  trusted-proxies: [10.0.0.0/8]
                routes: [{match: {path: /**}, to: "http://127.0.0.1:5000"}]
                """,
                Map.of()));

    assertThat(config.edge().listen())
        .extracting(ListenConfig::proxyProtocol)
        .containsExactly(false, true);
  }

  @Test
  void addresses_and_servers_are_read_as_they_are_usually_written() {
    var config =
        good(
            read(
                """
                edge: {listen: "[::1]:8443", trusted-proxies: [10.0.0.0/8, "fd00::/8", 192.0.2.1]}
                upstreams:
                  one: https://my_host.example.com
                  two: {urls: ["http://[::1]:81/", HTTP://Example.com]}
                routes:
                  - {match: {path: "/a/{id}", host: "*.Example.com.", method: GET}, to: one, body-limit: 64KiB, timeout: 1m}
                  - {match: {path: "/a/{id}/x"}, to: two}
                """,
                Map.of()));

    assertThat(config.edge().listen().getFirst().address()).hasToString("[::1]:8443");
    assertThat(
            config.edge().trustedProxies().getFirst().contains(InetAddress.ofLiteral("10.9.8.7")))
        .isTrue();
    assertThat(
            config.edge().trustedProxies().getFirst().contains(InetAddress.ofLiteral("11.9.8.7")))
        .isFalse();
    assertThat(config.edge().trustedProxies().getLast()).hasToString("192.0.2.1/32");
    assertThat(config.upstream("one").urls().toString()).isEqualTo("[https://my_host.example.com]");
    assertThat(config.upstream("two").urls().toString())
        .isEqualTo("[http://[::1]:81, http://example.com]");
    var route = config.routes().getFirst();
    assertThat(route.name()).isEqualTo("GET *.example.com/a/{id}");
    assertThat(route.bodyLimit()).hasValue(65536);
    assertThat(route.timeout()).contains(Duration.ofMinutes(1));
  }

  @Test
  void a_route_says_which_requests_where_they_go_and_what_is_changed() {
    var config =
        good(
            read(
                """
                upstreams: {old: "http://a", new: "http://b"}
                routes:
                  - match: {path: "/items/{id}/**", method: [GET, PUT], header: {X-Beta: "1"}, query: {debug: "*"}, cookie: {plan: "!"}}
                    to: {old: 95, new: 5, "http://c": 1}
                    sticky: client
                    rewrite: {path: "/x/{id}/**", host: b.example.com}
                    request-headers: {set: {X-One: 1}, add: {X-Two: two}, remove: [Cookie]}
                    response-headers: {remove: [Server]}
                  - {match: {path: /a}, redirect: "https://{host}/{path}"}
                  - {match: {path: /b}, respond: {status: 410, body: gone}, maintenance: {retry-after: 1h}}
                  - {match: {path: /c}, to: old, maintenance: false}
                """,
                Map.of()));

    var first = config.routes().getFirst();
    assertThat(first.name())
        .isEqualTo("GET,PUT /items/{id}/** header x-beta=1 query debug no cookie plan");
    assertThat(first.to().name()).isEqualTo("old 95, new 5, http://c 1");
    assertThat(config.upstream("http://c").urls().getFirst()).hasToString("http://c");
    assertThat(first.changes().rewrite().orElseThrow())
        .hasToString("path /x/{id}/**, host b.example.com");
    assertThat(first.changes().request().set())
        .containsExactly(new HeaderEdits.Field("X-One", "1"));
    assertThat(first.changes().response().remove()).containsExactly("Server");
    assertThat(config.routes().get(1).to().name()).isEqualTo("307 https://{host}/{path}");
    assertThat(config.routes().get(2).to().name()).isEqualTo("respond 410");
    assertThat(config.routes().get(2).maintenance().orElseThrow().retryAfter())
        .isEqualTo(Duration.ofHours(1));
    assertThat(config.routes().get(3).maintenance()).isEmpty();
  }

  @Test
  void a_route_is_switched_off_and_moved_by_variables() {
    var config =
        good(
            read(
                "upstreams: {a: 'http://a', b: 'http://b'}\n"
                    + "routes: [{match: {path: /a}, to: {a: 1, b: 1}, maintenance: false}]",
                Map.of("GATEHOUSE_ROUTES_0_MAINTENANCE", "true", "GATEHOUSE_ROUTES_0_TO", "b")));

    assertThat(config.routes().getFirst().maintenance()).isPresent();
    assertThat(config.routes().getFirst().to()).isEqualTo(new Destination.Upstream("b"));
  }

  @Test
  void a_header_that_is_a_secret_is_shown_nowhere() {
    var loaded =
        read(
            "routes: [{match: {path: /a}, to: 'http://a',"
                + " request-headers: {set: {Authorization: Bearer hush}}}]",
            Map.of());
    assertThat(setting(loaded, "routes[0].request-headers.set.Authorization").value())
        .isEqualTo("***");

    for (var wrong : List.of("Authorization: Bearer hush", "x-api-key: 'hush, hush'")) {
      var bad =
          "routes: [{match: {path: /a}, to: 'http://a', request-headers: {set: {"
              + wrong
              + "}, sett: 1}}]";
      assertThat(((Loaded.Bad) read(bad, Map.of())).render()).doesNotContain("hush");
    }
  }

  @Test
  void patterns_match_decoded_segments() throws Exception {
    assertThat(PathPattern.parse("/").matches(List.of(""))).isTrue();
    assertThat(PathPattern.parse("/**").matches(List.of(""))).isTrue();
    assertThat(PathPattern.parse("/a/**").matches(List.of("a"))).isTrue();
    assertThat(PathPattern.parse("/a/**").matches(List.of("ab"))).isFalse();
    assertThat(PathPattern.parse("/a/{x}").matches(List.of("a", "b/c"))).isTrue();
    assertThat(PathPattern.parse("/a/{x}").matches(List.of("a", ""))).isFalse();
    assertThat(PathPattern.parse("/a/{x}/**").matches(List.of("a", "b", "c", "d"))).isTrue();
  }
}
