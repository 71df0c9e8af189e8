package dev.gatehouse.app.config;

import dev.gatehouse.edge.upstream.UpstreamSettings;
import dev.gatehouse.state.journal.JournalSettings.Durability;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// The settings of one built-in service.
public sealed interface ServiceConfig {
  /// Documents and ages, in `replicas` processes of their own.
  ///
  /// @param cache bytes that each may remember; empty: none
  /// @param bus where each hears of the others' writes; empty: a free port of the address that the
  ///   database is reached from
  /// @param discover where they run elsewhere: how the edge finds them
  /// @param traffic how the edge shares requests among them
  record Storage(
      int replicas,
      Optional<Long> cache,
      Optional<Address> bus,
      Optional<DiscoverConfig> discover,
      UpstreamSettings traffic)
      implements ServiceConfig {}

  /// Increments, in `replicas` processes of their own.
  ///
  /// @param flushEvery how long increments are gathered before they are added to the database
  /// @param durability what an acknowledged increment survives
  /// @param journal how many bytes of disk each may take until the database has its increments
  /// @param discover where they run elsewhere: how the edge finds them
  /// @param traffic how the edge shares requests among them
  record Counters(
      int replicas,
      Duration flushEvery,
      Durability durability,
      long journal,
      Optional<DiscoverConfig> discover,
      UpstreamSettings traffic)
      implements ServiceConfig {}

  /// `/cpu` and `/local_program`, inside the edge unless they are discovered.
  ///
  /// @param buffer how many answers are kept ready
  /// @param discover where it runs elsewhere: how the edge finds it
  record Compute(int buffer, Program program, Optional<DiscoverConfig> discover)
      implements ServiceConfig {}

  /// Users and sessions, inside the edge unless they are discovered.
  ///
  /// @param idle a session that was not used for so long is over
  /// @param discover where it runs elsewhere: how the edge finds it
  record Accounts(Duration idle, Optional<DiscoverConfig> discover) implements ServiceConfig {}

  /// MultiVAC, its HTTP side inside the edge.
  ///
  /// @param workers processes that work on its queue
  /// @param discover where those run elsewhere: how the edge finds them, for what it shows of them
  record Multivac(int workers, Optional<DiscoverConfig> discover) implements ServiceConfig {}

  /// The program that `/local_program` runs.
  ///
  /// @param command program and arguments; empty for the program that ships with Gatehouse
  /// @param timeLimit after which it is killed and the answer is 504
  /// @param concurrency how many run at once
  /// @param queue how many requests may wait for one; beyond that the answer is 503
  record Program(List<String> command, Duration timeLimit, int concurrency, int queue) {}
}
