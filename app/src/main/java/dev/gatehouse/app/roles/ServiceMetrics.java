package dev.gatehouse.app.roles;

import dev.gatehouse.accounts.Accounts;
import dev.gatehouse.compute.Compute;
import dev.gatehouse.observe.Metrics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What accounts and compute tell of themselves, in the edge or in processes of their own.
final class ServiceMetrics {
  private ServiceMetrics() {}

  static void of(Accounts accounts, Metrics metrics) {
    metrics.counters(
        "gatehouse_accounts_attempts",
        "Tries to sign in, to sign up and to change a password, by how they ended; throttled: too"
            + " many wrong ones before.",
        List.of("attempt", "end"),
        () -> attempts(accounts));
    metrics.gauge(
        "gatehouse_accounts_hashing", "Passwords that are being hashed now.", accounts::hashing);
  }

  private static Map<List<String>, Double> attempts(Accounts accounts) {
    var all = new LinkedHashMap<List<String>, Double>();
    accounts
        .attempts()
        .forEach((attempt, ends) ->
            ends.forEach((end, count) -> all.put(List.of(attempt, end), (double) count)));
    return all;
  }

  static void of(Compute compute, Metrics metrics) {
    metrics.gauges(
        "gatehouse_compute_ready",
        "Values that are ready before anybody asked for them.",
        List.of("value"),
        () -> {
          var all = new LinkedHashMap<List<String>, Double>();
          compute.stocked().forEach((value, count) -> all.put(List.of(value), (double) count));
          return all;
        });
    metrics.gauge("gatehouse_compute_programs_running", "Programs that run now.", compute::running);
  }
}
