package dev.gatehouse.app.config;

import dev.gatehouse.edge.auth.TokenSettings;
import dev.gatehouse.edge.limit.Limit;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// One assembly, as its file describes it: checked, with every default filled in.
///
/// @param file the file it was read from; empty for the assembly that ships with Gatehouse
/// @param data where state lives; a relative path is relative to the working directory
/// @param traces where spans go
/// @param reload when a changed file is taken over
/// @param stats the usage statistics
/// @param docs whether the admin port shows the API to people
/// @param services by name, in the file's order; a service that is absent is not run
/// @param authentication what credentials are checked against
/// @param credentials what upstreams are shown, by name
/// @param upstreams by name, in the file's order, then those that routes name by their URL
/// @param routes in the file's order; which one wins is a matter of [RouteConfig.Match], not of
///   order
/// @param limits in the file's order; order does not matter
public record Config(
    Optional<Path> file,
    Path data,
    DatabaseChoice database,
    EdgeConfig edge,
    AdminConfig admin,
    ReplicaConfig replica,
    LogConfig log,
    TracesConfig traces,
    ReloadConfig reload,
    StatsConfig stats,
    boolean docs,
    Map<String, ServiceConfig> services,
    AuthConfig authentication,
    Map<String, TokenSettings> credentials,
    Map<String, UpstreamConfig> upstreams,
    List<RouteConfig> routes,
    List<Limit> limits) {

  /// This, as read from `from`.
  Config in(Path from) {
    return new Config(
        Optional.of(from),
        data,
        database,
        edge,
        admin,
        replica,
        log,
        traces,
        reload,
        stats,
        docs,
        services,
        authentication,
        credentials,
        upstreams,
        routes,
        limits);
  }

  /// The settings of one service, if this assembly runs it: `service(ServiceConfig.Storage.class)`.
  public <S extends ServiceConfig> Optional<S> service(Class<S> type) {
    return services.values().stream().filter(type::isInstance).map(type::cast).findFirst();
  }

  /// How the replicas of a service are found, where they run elsewhere; of MultiVAC, its workers.
  public Optional<DiscoverConfig> discovered(String service) {
    return switch (services.get(service)) {
      case ServiceConfig.Storage storage -> storage.discover();
      case ServiceConfig.Counters counters -> counters.discover();
      case ServiceConfig.Compute compute -> compute.discover();
      case ServiceConfig.Accounts accounts -> accounts.discover();
      case ServiceConfig.Multivac multivac -> multivac.discover();
      case null -> Optional.empty();
    };
  }

  /// The upstream that a [Destination.Upstream] names.
  public UpstreamConfig upstream(String name) {
    var upstream = upstreams.get(name);
    if (upstream == null) {
      throw new IllegalArgumentException("there is no upstream '" + name + "'");
    }
    return upstream;
  }
}
