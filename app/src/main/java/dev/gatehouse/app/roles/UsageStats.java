package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Config;
import dev.gatehouse.edge.ExchangeRecord;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.usage.Question;
import dev.gatehouse.edge.usage.Usage;
import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.observe.Metrics;
import dev.gatehouse.state.Database;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Supplier;

/// The usage statistics of this edge, or none where the configuration wants none, and what the
/// admin API shows of them.
///
/// `GET /admin/stats?by=route,client&window=1h` is [Question]'s query and [Usage#report]'s answer.
final class UsageStats implements AutoCloseable {
  /// As long as the supervisor lets a role drain that is told to hurry.
  private static final Duration CLOSE_WITHIN = Duration.ofMillis(1500);

  private final Optional<Usage> usage;
  private final Optional<ScheduledExecutorService> scheduler;

  private UsageStats(Optional<Usage> usage, Optional<ScheduledExecutorService> scheduler) {
    this.usage = usage;
    this.scheduler = scheduler;
  }

  /// @param database may wait for it; never called where there are no statistics
  static UsageStats start(
      Config config, RoleContext context, Loops loops, Supplier<Database> database) {
    if (!config.stats().keep()) {
      return new UsageStats(Optional.empty(), Optional.empty());
    }
    var scheduler =
        Executors.newScheduledThreadPool(2, Thread.ofVirtual().name("usage-", 0).factory());
    var usage =
        Usage.start(
            loops,
            database,
            new Usage.Settings(config.stats().flushEvery(), CLOSE_WITHIN),
            UUID.randomUUID(),
            scheduler,
            context.clock());
    return new UsageStats(Optional.of(usage), Optional.of(scheduler));
  }

  /// On the exchange's event loop.
  void count(ExchangeRecord done) {
    if (usage.isPresent()) {
      usage.get().count(done);
    }
  }

  /// As above: a limit let a request pass, or turned it away.
  void limit(String name, boolean allowed) {
    if (usage.isPresent()) {
      usage.get().limit(name, allowed);
    }
  }

  /// @param all the routes in force
  Routes routes(Supplier<List<Route>> all) {
    return Routes.builder()
        .get(
            "/admin/stats",
            request ->
                Response.json(
                    200,
                    usage
                        .orElseThrow(() -> off().refusal())
                        .report(Question.of(request.target().query()), paths(all.get()))))
        .build();
  }

  private static Problem off() {
    return Problem.notFound("This assembly keeps no usage statistics.")
        .hint("Set stats.keep to true and restart it.");
  }

  /// What every route matches, by its name; also the two names that no route has.
  private static Map<String, String> paths(List<Route> routes) {
    var paths = new LinkedHashMap<String, String>();
    routes.forEach(route -> paths.put(route.name(), route.match().path().toString()));
    paths.putIfAbsent("gatehouse", "-");
    paths.putIfAbsent("-", "-");
    return paths;
  }

  void metrics(Metrics metrics) {
    usage.ifPresent(running -> {
      metrics.gauge(
          "gatehouse_stats_waiting_requests",
          "Requests whose usage statistics are not in the database yet.",
          running::waiting);
      metrics.counter(
          "gatehouse_stats_stored_requests",
          "Requests whose usage statistics this edge has stored.",
          running::stored);
      metrics.counter(
          "gatehouse_stats_coarsened",
          "Times that a minute of usage statistics lost detail, the database being away too long.",
          running::coarsened);
    });
  }

  @Override
  public void close() {
    usage.ifPresent(Usage::close);
    scheduler.ifPresent(ScheduledExecutorService::shutdownNow);
  }
}
