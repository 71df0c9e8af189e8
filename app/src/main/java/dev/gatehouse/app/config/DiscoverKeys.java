package dev.gatehouse.app.config;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// The part of the declaration that is about finding replicas by DNS: keys of an upstream, and the
/// section `discover` of a service.
final class DiscoverKeys {
  static final Key<DiscoverConfig> DNS =
      Key.optional(
          "dns",
          Texts.discoveredHost(),
          "every address of this name (A, AAAA) is a server, such as storage.default.svc:9100");
  static final Key<DiscoverConfig> SRV =
      Key.optional(
          "srv",
          Texts.discoveredService(),
          "every SRV record of this name is a server, such as _http._tcp.storage.default.svc");
  static final Key<Duration> EVERY =
      Key.optional(
          "every",
          Texts.duration(Duration.ofSeconds(1), Duration.ofHours(1)),
          "how often DNS is asked; else as its answers say, between 1s and 30s");

  static final Key<DiscoverConfig> DISCOVER =
      Key.optional(
          "discover",
          Shape.Section.of(List.of(DNS, SRV, EVERY), v -> chosen(v).orElseThrow())
              .checked(v -> {
                if (v.find(DNS).isPresent() == v.find(SRV).isPresent()) {
                  v.wrong(DNS, v.path() + ": give either 'dns' or 'srv'");
                }
              }),
          "its replicas run elsewhere; they are found by DNS, and none is started here");

  private DiscoverKeys() {}

  /// What a section with these keys says.
  static Optional<DiscoverConfig> chosen(Values values) {
    return Stream.of(DNS, SRV)
        .flatMap(key -> values.find(key).stream())
        .findFirst()
        .map(said -> new DiscoverConfig(said.question(), said.tls(), values.find(EVERY)));
  }
}
