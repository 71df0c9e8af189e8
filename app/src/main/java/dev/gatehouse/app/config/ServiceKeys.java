package dev.gatehouse.app.config;

import dev.gatehouse.state.journal.JournalSettings.Durability;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The part of the declaration that is about the built-in services.
final class ServiceKeys {
  private static final Duration MS = Duration.ofMillis(1);

  private static final Key<Integer> STORAGE_REPLICAS =
      Key.with("replicas", Texts.number(0, 100), "1", "processes of this service");
  private static final Key<Optional<Long>> STORAGE_CACHE =
      Key.with(
          "cache",
          Texts.sizeOrOff(1 << 20, 1L << 30),
          "32MiB",
          "memory of each for documents and ages it read; all replicas keep each other's true");
  private static final Key<Address> STORAGE_BUS =
      Key.optional(
          "bus",
          Texts.address(),
          "where each hears of the others' writes; port 0 is any free one, which is the default at"
              + " the address that the database is reached from");
  static final TrafficKeys STORAGE_TRAFFIC = TrafficKeys.own(false);
  private static final Key<ServiceConfig> STORAGE =
      Key.optional(
          "storage",
          Shape.Section.<ServiceConfig>of(
                  STORAGE_TRAFFIC.after(
                      STORAGE_REPLICAS, STORAGE_CACHE, STORAGE_BUS, DiscoverKeys.DISCOVER),
                  v ->
                      new ServiceConfig.Storage(
                          v.get(STORAGE_REPLICAS),
                          v.get(STORAGE_CACHE),
                          v.find(STORAGE_BUS),
                          v.find(DiscoverKeys.DISCOVER),
                          STORAGE_TRAFFIC.settings(v)))
              .checked(v -> Checks.discovered(v, STORAGE_REPLICAS)),
          "documents (/data) and ages (/age)");

  private static final Key<Integer> COUNTERS_REPLICAS =
      Key.with("replicas", Texts.number(0, 100), "1", "processes of this service");
  private static final Key<Duration> FLUSH_EVERY =
      Key.with(
          "flush-every",
          Texts.duration(MS.multipliedBy(10), Duration.ofSeconds(10)),
          "1s",
          "how long increments are gathered before they go to the database");

  private static final Key<Durability> DURABILITY =
      Key.with(
          "durability",
          Texts.oneOf(Durability.class),
          "process",
          "what an acknowledged increment survives: the end of its process, or that of the machine"
              + " too (disk)");
  private static final Key<Long> JOURNAL_SIZE =
      Key.with(
          "size",
          Texts.size(32L << 20, 1024L << 30),
          "1GiB",
          "how much disk a replica's increments may take until the database has them");
  private static final Key<Long> JOURNAL =
      Key.section(
          "journal",
          Shape.Section.of(List.of(JOURNAL_SIZE), v -> v.get(JOURNAL_SIZE)),
          "where increments are before the database has them");

  /// An increment with an `Idempotency-Key` counts once, however often it comes.
  static final TrafficKeys COUNTERS_TRAFFIC = TrafficKeys.own(true);

  private static final Key<ServiceConfig> COUNTERS =
      Key.optional(
          "counters",
          Shape.Section.<ServiceConfig>of(
                  COUNTERS_TRAFFIC.after(
                      COUNTERS_REPLICAS, FLUSH_EVERY, DURABILITY, JOURNAL, DiscoverKeys.DISCOVER),
                  v ->
                      new ServiceConfig.Counters(
                          v.get(COUNTERS_REPLICAS),
                          v.get(FLUSH_EVERY),
                          v.get(DURABILITY),
                          v.get(JOURNAL),
                          v.find(DiscoverKeys.DISCOVER),
                          COUNTERS_TRAFFIC.settings(v)))
              .checked(v -> Checks.discovered(v, COUNTERS_REPLICAS)),
          "increments (/increment, /counters)");

  static final Key<List<String>> COMMAND =
      Key.optional(
          "command",
          new Shape.Items<>(Texts.anyText("a program or an argument"), 1),
          "program and arguments, run without a shell; the program that ships with Gatehouse if"
              + " absent");
  private static final Key<Duration> TIME_LIMIT =
      Key.with(
          "time-limit",
          Texts.duration(MS, Duration.ofHours(1)),
          "5s",
          "after which it is killed and the answer is 504");
  private static final Key<Integer> CONCURRENCY =
      Key.with("concurrency", Texts.number(1, 1000), "4", "how many run at once");
  private static final Key<Integer> QUEUE =
      Key.with(
          "queue", Texts.number(0, 100_000), "64", "requests that may wait for a run, else 503");
  private static final Key<ServiceConfig.Program> PROGRAM =
      Key.section(
          "program",
          Shape.Section.of(
                  List.of(COMMAND, TIME_LIMIT, CONCURRENCY, QUEUE),
                  v ->
                      new ServiceConfig.Program(
                          v.find(COMMAND).orElse(List.of()),
                          v.get(TIME_LIMIT),
                          v.get(CONCURRENCY),
                          v.get(QUEUE)))
              .checked(Checks::program),
          "what /local_program runs");
  private static final Key<Integer> BUFFER =
      Key.with("buffer", Texts.number(0, 100_000), "64", "answers kept ready");
  private static final Key<ServiceConfig> COMPUTE =
      Key.optional(
          "compute",
          Shape.Section.of(
              List.of(BUFFER, PROGRAM, DiscoverKeys.DISCOVER),
              v ->
                  new ServiceConfig.Compute(
                      v.get(BUFFER), v.get(PROGRAM), v.find(DiscoverKeys.DISCOVER))),
          "/cpu and /local_program, inside the edge unless they are discovered");

  private static final Key<Duration> IDLE =
      Key.with(
          "idle",
          Texts.duration(Duration.ofSeconds(1), Duration.ofDays(1)),
          "8h",
          "a session that was not used for so long is over; after a day every one is");
  private static final Key<ServiceConfig> ACCOUNTS =
      Key.optional(
          "accounts",
          Shape.Section.of(
              List.of(IDLE, DiscoverKeys.DISCOVER),
              v -> new ServiceConfig.Accounts(v.get(IDLE), v.find(DiscoverKeys.DISCOVER))),
          "users and sessions (/api), inside the edge unless they are discovered");

  private static final Key<Integer> WORKERS =
      Key.with("workers", Texts.number(0, 100), "2", "processes that work on the queue");
  private static final Key<ServiceConfig> MULTIVAC =
      Key.optional(
          "multivac",
          Shape.Section.<ServiceConfig>of(
                  List.of(WORKERS, DiscoverKeys.DISCOVER),
                  v -> new ServiceConfig.Multivac(v.get(WORKERS), v.find(DiscoverKeys.DISCOVER)))
              .checked(v -> Checks.discovered(v, WORKERS)),
          "MultiVAC (/multivac, /zzz), inside the edge, with workers of its own");

  private static final List<Key<ServiceConfig>> ALL =
      List.of(STORAGE, COUNTERS, COMPUTE, ACCOUNTS, MULTIVAC);

  static final List<String> NAMES = ALL.stream().map(Key::name).toList();

  /// Those that are processes of their own.
  static final Set<String> REPLICATED = Set.of("storage", "counters");

  static final Key<Map<String, ServiceConfig>> SERVICES =
      Key.section(
          "services",
          Shape.Section.of(
              List.copyOf(ALL),
              v -> {
                var services = new LinkedHashMap<String, ServiceConfig>();
                ALL.forEach(key -> v.find(key).ifPresent(s -> services.put(key.name(), s)));
                return Collections.unmodifiableMap(services);
              }),
          "the built-in services to run; what is absent is not run");

  private ServiceKeys() {}
}
