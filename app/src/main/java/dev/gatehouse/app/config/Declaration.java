package dev.gatehouse.app.config;

import dev.gatehouse.app.config.RouteConfig.Retry;
import dev.gatehouse.edge.upstream.UpstreamSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// Everything that may be written in a configuration file, in the order in which it is read.
///
/// This is the only list: a key that is added here is loaded, suggested, overridable by a variable
/// and in the JSON Schema. Keep the order of [#ROOT]: routes ask which services and upstreams there
/// are.
final class Declaration {
  private static final Duration MS = Duration.ofMillis(1);
  private static final Duration HOUR = Duration.ofHours(1);

  // ---- the edge

  static final Key<Address> LISTEN_ADDRESS =
      Key.required("address", Texts.address(), "where to listen, such as ':8080'");
  static final Key<List<PathPattern>> LISTEN_ONLY =
      Key.optional(
          "only",
          new Shape.Items<>(Texts.pathPattern(), 1),
          "the only paths that are served here; anything else is 404");
  static final Key<Boolean> LISTEN_PROXY =
      Key.with(
          "proxy-protocol",
          Texts.flag(),
          "false",
          "whether trusted proxies begin every connection with a PROXY header, version 1 or 2; others"
              + " are closed");
  private static final Shape<ListenConfig> LISTENER =
      Shape.Section.of(
              List.of(LISTEN_ADDRESS, LISTEN_ONLY, LISTEN_PROXY),
              v ->
                  new ListenConfig(
                      v.name(),
                      v.get(LISTEN_ADDRESS),
                      v.find(LISTEN_ONLY).orElse(List.of()),
                      v.get(LISTEN_PROXY)))
          .orJust(LISTEN_ADDRESS);
  private static final Key<Map<String, ListenConfig>> LISTEN =
      Key.with(
          "listen",
          new Shape.Named<>(LISTENER, "listener", Optional.of("main")),
          ":8080",
          "where the edge listens: one address, or several by name");
  private static final Key<Integer> THREADS =
      Key.with("threads", Texts.number(0, 1024), "0", "event loops; 0 is one per core");
  private static final Key<List<Network>> TRUSTED_PROXIES =
      Key.optional(
          "trusted-proxies",
          new Shape.Items<>(Texts.network(), 0),
          "networks whose X-Forwarded-*, Forwarded and PROXY headers are believed");
  private static final Key<Long> REQUEST_LINE =
      Key.with("line", Texts.size(256, 1 << 20), "8KiB", "the longest request line, else 414");
  private static final Key<Long> REQUEST_HEADERS =
      Key.with("headers", Texts.size(1024, 1 << 20), "16KiB", "all header lines, else 431");
  private static final Key<Integer> REQUEST_HEADER_LINES =
      Key.with("header-lines", Texts.number(10, 10_000), "100", "how many header lines, else 431");
  private static final Key<EdgeConfig.RequestLimits> REQUEST =
      Key.section(
          "request",
          Shape.Section.of(
              List.of(REQUEST_LINE, REQUEST_HEADERS, REQUEST_HEADER_LINES),
              v ->
                  new EdgeConfig.RequestLimits(
                      Math.toIntExact(v.get(REQUEST_LINE)),
                      Math.toIntExact(v.get(REQUEST_HEADERS)),
                      v.get(REQUEST_HEADER_LINES))),
          "how large the head of a request may be");
  private static final Key<Long> CACHE_SIZE =
      Key.with(
          "size",
          Texts.size(1 << 20, 1L << 40),
          "64MiB",
          "memory for stored answers of all routes; the least used are forgotten first");
  private static final Key<Long> EDGE_CACHE =
      Key.section(
          "cache",
          Shape.Section.of(List.of(CACHE_SIZE), v -> v.get(CACHE_SIZE)),
          "what routes with 'cache' share");
  private static final Key<Integer> LIMIT_KEYS =
      Key.with(
          "keys",
          Texts.number(1_000, 100_000_000),
          "1000000",
          "clients, users and the like that are counted at once, 96 bytes each; beyond that, new"
              + " ones share buckets");
  private static final Key<Duration> LIMIT_EVERY =
      Key.with(
          "every",
          Texts.duration(Duration.ofMillis(50), Duration.ofSeconds(10)),
          "100ms",
          "how often edges on one database tell each other what they let in");
  private static final Key<Integer> LIMIT_EDGES =
      Key.with(
          "edges",
          Texts.number(1, 1_000),
          "1",
          "how many edges there are, for one that starts while the database is away");
  private static final Key<EdgeConfig.LimitSettings> EDGE_LIMITS =
      Key.section(
          "limits",
          Shape.Section.of(
              List.of(LIMIT_KEYS, LIMIT_EVERY, LIMIT_EDGES),
              v ->
                  new EdgeConfig.LimitSettings(
                      v.get(LIMIT_KEYS), v.get(LIMIT_EVERY), v.get(LIMIT_EDGES))),
          "what 'limits' are counted in");
  private static final Key<Address> RESOLVER =
      Key.optional(
          "resolver",
          Texts.address(),
          "the DNS server that 'dns' and 'srv' ask, such as 127.0.0.1:5353; else those of the system");
  private static final Key<EdgeConfig> EDGE =
      Key.section(
          "edge",
          Shape.Section.of(
              List.of(LISTEN, THREADS, TRUSTED_PROXIES, REQUEST, EDGE_CACHE, EDGE_LIMITS, RESOLVER),
              v ->
                  new EdgeConfig(
                      List.copyOf(v.get(LISTEN).values()),
                      v.get(THREADS),
                      v.find(TRUSTED_PROXIES).orElse(List.of()),
                      v.get(REQUEST),
                      v.get(EDGE_CACHE),
                      v.get(EDGE_LIMITS),
                      v.find(RESOLVER))),
          "the gateway");

  // ---- admin and replicas

  private static final Key<Address> ADMIN_LISTEN =
      Key.with(
          "listen", Texts.address(), "127.0.0.1:9000", "console, admin API, /metrics, /readyz");
  private static final Key<List<String>> ADMIN_HOSTS =
      Key.optional(
          "hosts",
          new Shape.Items<>(Texts.hostName(), 1),
          "names it may be reached by, such as the edge's in a network of containers; addresses and"
              + " localhost always do");
  private static final Key<AdminConfig> ADMIN =
      Key.section(
          "admin",
          Shape.Section.of(
              List.of(ADMIN_LISTEN, ADMIN_HOSTS),
              v -> new AdminConfig(v.get(ADMIN_LISTEN), v.find(ADMIN_HOSTS).orElse(List.of()))),
          "the port for operators");
  private static final Key<Address> REPLICA_LISTEN =
      Key.with(
          "listen",
          Texts.address(),
          "127.0.0.1:9100",
          "the first replica's address, the others follow; port 0: any free ports");
  private static final Key<ReplicaConfig> REPLICA =
      Key.section(
          "replica",
          Shape.Section.of(List.of(REPLICA_LISTEN), v -> new ReplicaConfig(v.get(REPLICA_LISTEN))),
          "where replicas of services listen");

  // ---- the log, and changes while it runs

  private static final Key<LogConfig.Level> LOG_LEVEL =
      Key.with(
          "level", Texts.oneOf(LogConfig.Level.class), "info", "the lowest level that is written");
  private static final Key<Boolean> LOG_ACCESS =
      Key.with("access", Texts.flag(), "false", "whether the edge writes a line for each exchange");
  private static final Key<Integer> LOG_SAMPLE =
      Key.with(
          "access-sample",
          Texts.percent(),
          "100%",
          "of how many exchanges that went well there is a line; of the others there always is");
  private static final Key<Long> LOG_KEEP =
      Key.with(
          "keep",
          Texts.size(1 << 20, 1L << 40),
          "100MiB",
          "how much of all that is logged is kept in logs/ below 'data'; the oldest goes first");
  private static final Key<LogConfig> LOG =
      Key.section(
          "log",
          Shape.Section.of(
              List.of(LOG_LEVEL, LOG_ACCESS, LOG_SAMPLE, LOG_KEEP),
              v ->
                  new LogConfig(
                      v.get(LOG_LEVEL), v.get(LOG_ACCESS), v.get(LOG_SAMPLE), v.get(LOG_KEEP))),
          "what is logged");
  // ---- traces

  private static final Key<UpstreamConfig.Server> TRACES_ENDPOINT =
      Key.optional(
          "endpoint",
          Texts.server(),
          "an OTLP receiver over HTTP, such as http://127.0.0.1:4318; without it nothing is measured");
  private static final Key<Double> TRACES_SAMPLE =
      Key.with(
          "sample",
          Texts.share(),
          "0.01",
          "the share of requests that are traced, from 0 to 1; a trusted proxy's word comes first");
  private static final Key<TracesConfig> TRACES =
      Key.section(
          "traces",
          Shape.Section.of(
              List.of(TRACES_ENDPOINT, TRACES_SAMPLE),
              v -> new TracesConfig(v.find(TRACES_ENDPOINT), v.get(TRACES_SAMPLE))),
          "spans of requests, tries, handlers, statements and jobs");
  private static final Key<Boolean> WATCH =
      Key.with(
          "watch",
          Texts.flag(),
          "true",
          "whether a change of this file is taken over by itself; gatehouse reload and SIGHUP always"
              + " do it");
  private static final Key<ReloadConfig> RELOAD =
      Key.section(
          "reload",
          Shape.Section.of(List.of(WATCH), v -> new ReloadConfig(v.get(WATCH))),
          "changes while it runs");

  // ---- statistics

  private static final Key<Boolean> KEEP_STATS =
      Key.with(
          "keep", Texts.flag(), "true", "whether requests are counted by route, status and client");
  private static final Key<Duration> STATS_EVERY =
      Key.with(
          "flush-every",
          Texts.duration(MS.multipliedBy(100), Duration.ofMinutes(1)),
          "5s",
          "how long counts are gathered before they go to the database; a crash of the edge loses"
              + " them");
  private static final Key<StatsConfig> STATS =
      Key.section(
          "stats",
          Shape.Section.of(
              List.of(KEEP_STATS, STATS_EVERY),
              v -> new StatsConfig(v.get(KEEP_STATS), v.get(STATS_EVERY))),
          "usage statistics, kept by the minute for two days and by the hour for a year");

  private static final Key<Boolean> DOCS =
      Key.with(
          "docs",
          Texts.flag(),
          "false",
          "whether the admin port shows the API to people, at /admin/docs");

  // ---- upstreams

  private static final Shape<Duration> WAIT = Texts.duration(MS, HOUR);
  static final Key<UpstreamConfig.Server> URL =
      Key.optional("url", Texts.server(), "the server, http:// or https://");
  private static final Key<UpstreamConfig.Server> TARGET_URL =
      Key.required("url", Texts.server(), "the server, http:// or https://");
  private static final Key<Integer> TARGET_WEIGHT =
      Key.with("weight", Texts.number(1, 100), "1", "its share, with 'balance: weighted'");
  private static final Key<Integer> TARGET_GROUP =
      Key.with(
          "group",
          Texts.number(1, 100),
          "1",
          "servers of a higher group are used only while none of a lower one is well");
  private static final Shape<UpstreamConfig.Target> TARGET =
      Shape.Section.of(
              List.of(TARGET_URL, TARGET_WEIGHT, TARGET_GROUP),
              v ->
                  new UpstreamConfig.Target(
                      v.get(TARGET_URL), v.get(TARGET_WEIGHT), v.get(TARGET_GROUP)))
          .orJust(TARGET_URL);
  static final Key<List<UpstreamConfig.Target>> URLS =
      Key.optional(
          "urls", new Shape.Items<>(TARGET, 1), "several servers, such as [http://a, http://b]");
  static final Key<Duration> CONNECT_TIMEOUT =
      Key.with("connect-timeout", WAIT, "2s", "for a connection to be made, else 502");
  static final Key<Duration> UPSTREAM_TIMEOUT =
      Key.with("timeout", WAIT, "30s", "for an answer to begin, else 504");
  private static final Key<Boolean> PRESERVE_HOST =
      Key.with(
          "preserve-host",
          Texts.flag(),
          "false",
          "whether it gets the client's Host instead of its own; a route's rewrite of the host comes"
              + " first");
  private static final Key<String> TLS_CA =
      Key.required(
          "ca",
          Texts.certificates(),
          "a file with the PEM certificates of the only issuers to trust");
  private static final Key<String> TLS =
      Key.optional(
          "tls",
          Shape.Section.of(List.of(TLS_CA), v -> v.get(TLS_CA)),
          "how https:// is spoken with it; without it, the system's issuers are trusted");
  private static final TrafficKeys TRAFFIC = TrafficKeys.external();
  private static final Shape<UpstreamConfig> UPSTREAM =
      Shape.Section.of(
              TRAFFIC.after(
                  URL,
                  URLS,
                  DiscoverKeys.DNS,
                  DiscoverKeys.SRV,
                  DiscoverKeys.EVERY,
                  CredentialKeys.OF_UPSTREAM,
                  CONNECT_TIMEOUT,
                  UPSTREAM_TIMEOUT,
                  PRESERVE_HOST,
                  TLS),
              v ->
                  new UpstreamConfig(
                      v.name(),
                      v.find(URLS)
                          .or(() ->
                              v.find(URL).map(url -> List.of(new UpstreamConfig.Target(url, 1, 1))))
                          .orElse(List.of()),
                      DiscoverKeys.chosen(v),
                      v.find(CredentialKeys.OF_UPSTREAM),
                      v.get(CONNECT_TIMEOUT),
                      v.get(UPSTREAM_TIMEOUT),
                      TRAFFIC
                          .settings(v)
                          .with(
                              new UpstreamSettings.Outgoing(
                                  v.get(PRESERVE_HOST), v.find(TLS).orElse("")))))
          .orJust(URL)
          .checked(Checks::upstream);
  private static final Key<Map<String, UpstreamConfig>> UPSTREAMS =
      Key.optional(
          "upstreams",
          new Shape.Named<>(UPSTREAM, "upstream", Optional.empty()),
          "servers that routes lead to, by name");

  // ---- routes

  private static final Key<String> ROUTE_NAME =
      Key.optional(
          "name",
          Texts.text("a name of letters, digits, '.', '_' and '-'", "[A-Za-z][A-Za-z0-9._-]{0,62}"),
          "what logs and metrics call it");
  private static final Key<Retry> RETRY =
      Key.with(
          "retry",
          Texts.oneOf(Retry.class),
          "idempotent",
          "which failed requests go to the next replica: those with an idempotent method, or only"
              + " those of which nothing was sent, or none");
  private static final Key<RouteConfig.AllDown> ALL_DOWN =
      Key.with(
          "all-down",
          Texts.oneOf(RouteConfig.AllDown.class),
          "stale",
          "while no replica is well: stale is what the cache has, else 503; fail-closed is 503;"
              + " fail-open tries them all the same");
  private static final Key<Long> BODY_LIMIT =
      Key.optional("body-limit", Texts.size(0, 1L << 40), "the largest request body, else 413");
  private static final Key<Duration> ROUTE_TIMEOUT =
      Key.optional("timeout", WAIT, "for an answer to begin, instead of the upstream's");
  private static final Key<CacheConfig.Mode> CACHE_MODE =
      Key.with(
          "mode",
          Texts.oneOf(CacheConfig.Mode.class),
          "on",
          "on: as RFC 9111 says; stale-only: stored answers are used only when nobody else can"
              + " answer");
  private static final Shape<Duration> AGE = Texts.duration(Duration.ZERO, Duration.ofDays(365));
  private static final Key<Duration> CACHE_TTL =
      Key.optional("ttl", AGE, "how long an answer is fresh, whatever the origin says");
  private static final Key<Duration> CACHE_STALE_IF_ERROR =
      Key.optional(
          "stale-if-error",
          AGE,
          "how long after that it stands in for an origin that fails, where the origin does not"
              + " say; 1h, or 1d with stale-only");
  private static final Key<Duration> CACHE_STALE_WHILE_REVALIDATE =
      Key.with(
          "stale-while-revalidate",
          AGE,
          "0s",
          "how long after that it is given while a new one is fetched, where the origin does not"
              + " say");
  private static final Key<Long> CACHE_MAX_OBJECT =
      Key.with("max-object", Texts.size(1, 1 << 30), "1MiB", "larger bodies are not stored");
  static final Key<CacheConfig> CACHE =
      Key.optional(
          "cache",
          Shape.Section.of(
                  List.of(
                      CACHE_MODE,
                      CACHE_TTL,
                      CACHE_STALE_IF_ERROR,
                      CACHE_STALE_WHILE_REVALIDATE,
                      CACHE_MAX_OBJECT),
                  v ->
                      new CacheConfig(
                          v.get(CACHE_MODE),
                          v.find(CACHE_TTL),
                          v.find(CACHE_STALE_IF_ERROR),
                          v.get(CACHE_STALE_WHILE_REVALIDATE),
                          v.get(CACHE_MAX_OBJECT)))
              .orJust(CACHE_MODE),
          "whether answers are kept: on, stale-only, or a section");
  private static final Shape<RouteConfig> ROUTE =
      Shape.Section.of(
              List.of(
                  ROUTE_NAME,
                  RouteKeys.MATCH,
                  RouteKeys.TO,
                  RouteKeys.STICKY,
                  RouteKeys.REDIRECT,
                  RouteKeys.RESPOND,
                  RouteKeys.REWRITE,
                  RouteKeys.REQUEST_HEADERS,
                  RouteKeys.RESPONSE_HEADERS,
                  RouteKeys.MAINTENANCE,
                  RETRY,
                  ALL_DOWN,
                  AuthKeys.AUTHENTICATE,
                  AuthKeys.ANONYMOUS,
                  AuthKeys.PASS_IDENTITY,
                  BODY_LIMIT,
                  ROUTE_TIMEOUT,
                  CACHE),
              v -> {
                var match = v.get(RouteKeys.MATCH);
                return new RouteConfig(
                    v.find(ROUTE_NAME).orElseGet(match::toString),
                    match,
                    RouteKeys.destination(v),
                    RouteKeys.changes(v),
                    v.find(RouteKeys.MAINTENANCE).flatMap(maintenance -> maintenance),
                    v.get(RETRY),
                    v.get(ALL_DOWN),
                    AuthKeys.authentication(v),
                    v.find(BODY_LIMIT).map(OptionalLong::of).orElse(OptionalLong.empty()),
                    v.find(ROUTE_TIMEOUT),
                    v.find(CACHE),
                    v.place().file() + ":" + v.place().line());
              })
          .choosing(RouteKeys.DESTINATIONS)
          .checked(RouteChecks::route);
  private static final Key<List<RouteConfig>> ROUTES =
      Key.required(
          "routes",
          new Shape.Items<>(ROUTE, 1),
          "what goes where, such as [{match: {path: /**}, to: \"http://127.0.0.1:5000\"}]");

  // ---- the whole

  static final Key<Path> DATA =
      Key.with(
          "data",
          Texts.path("a directory"),
          "./data",
          "where state lives; relative to the working directory");
  private static final Key<DatabaseChoice> DATABASE =
      Key.with(
          "database",
          Texts.database(),
          "embedded",
          "embedded, or postgres://user:${PASSWORD}@host:5432/name");

  static final Shape.Section<Config> ROOT =
      Shape.Section.of(
              List.of(
                  DATA,
                  DATABASE,
                  EDGE,
                  ADMIN,
                  REPLICA,
                  LOG,
                  TRACES,
                  RELOAD,
                  STATS,
                  DOCS,
                  ServiceKeys.SERVICES,
                  AuthKeys.AUTHENTICATION,
                  CredentialKeys.CREDENTIALS,
                  UPSTREAMS,
                  ROUTES,
                  LimitKeys.LIMITS),
              Declaration::config)
          .checked(Checks::whole);

  private Declaration() {}

  private static Config config(Values v) {
    var upstreams = new LinkedHashMap<String, UpstreamConfig>(v.find(UPSTREAMS).orElse(Map.of()));
    for (var route : v.get(ROUTES)) {
      for (var to : route.to().each()) {
        if (to instanceof Destination.Upstream(String name)) {
          upstreams.computeIfAbsent(name, url -> unnamed(url, v.reading()));
        }
      }
    }
    return new Config(
        Optional.empty(),
        v.get(DATA),
        v.get(DATABASE),
        v.get(EDGE),
        v.get(ADMIN),
        v.get(REPLICA),
        v.get(LOG),
        v.get(TRACES),
        v.get(RELOAD),
        v.get(STATS),
        v.get(DOCS),
        v.get(ServiceKeys.SERVICES),
        v.get(AuthKeys.AUTHENTICATION),
        v.find(CredentialKeys.CREDENTIALS).orElse(Map.of()),
        Collections.unmodifiableMap(upstreams),
        v.get(ROUTES),
        v.find(LimitKeys.LIMITS).orElse(List.of()));
  }

  /// The upstream of a route that names it by URL: what an upstream with no other setting is.
  private static UpstreamConfig unnamed(String url, Reading reading) {
    try {
      return new UpstreamConfig(
          url,
          List.of(new UpstreamConfig.Target(Texts.parseServer(url), 1, 1)),
          Optional.empty(),
          Optional.empty(),
          fallback(CONNECT_TIMEOUT, reading),
          fallback(UPSTREAM_TIMEOUT, reading),
          UpstreamSettings.external(Optional.empty()));
    } catch (Wrong e) {
      throw new IllegalStateException("a URL that was understood before: " + url, e);
    }
  }

  private static Duration fallback(Key<Duration> key, Reading reading) throws Wrong {
    if (key.shape() instanceof Shape.Scalar<Duration> scalar) {
      return scalar.parser().parse(key.fallback().orElseThrow(), reading);
    }
    throw new IllegalStateException(key.name());
  }
}
