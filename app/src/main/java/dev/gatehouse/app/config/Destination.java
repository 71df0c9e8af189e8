package dev.gatehouse.app.config;

/// Where a route leads.
public sealed interface Destination {
  /// A key of [Config#services] or of [Config#upstreams].
  String name();

  /// A service of this assembly.
  record Service(String name) implements Destination {}

  /// An upstream; one that a route named by its URL has that URL as its name.
  record Upstream(String name) implements Destination {}
}
