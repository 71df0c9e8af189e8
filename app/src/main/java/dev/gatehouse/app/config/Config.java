package dev.gatehouse.app.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// One assembly, as its file describes it: checked, with every default filled in.
///
/// @param file the file it was read from; empty for the assembly that ships with Gatehouse
/// @param data where state lives; a relative path is relative to the working directory
/// @param services by name, in the file's order; a service that is absent is not run
/// @param upstreams by name, in the file's order, then those that routes name by their URL
/// @param routes in the file's order; which one wins is a matter of [RouteConfig.Match], not of
///   order
public record Config(
    Optional<Path> file,
    Path data,
    DatabaseChoice database,
    EdgeConfig edge,
    AdminConfig admin,
    ReplicaConfig replica,
    Map<String, ServiceConfig> services,
    Map<String, UpstreamConfig> upstreams,
    List<RouteConfig> routes) {

  /// The settings of one service, if this assembly runs it: `service(ServiceConfig.Storage.class)`.
  public <S extends ServiceConfig> Optional<S> service(Class<S> type) {
    return services.values().stream().filter(type::isInstance).map(type::cast).findFirst();
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
