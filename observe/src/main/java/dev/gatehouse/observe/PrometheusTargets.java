package dev.gatehouse.observe;

import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// `GET /prometheus/targets`: every process that has metrics, in the form that Prometheus' HTTP
/// service discovery reads, so that no list of targets is ever kept by hand.
public final class PrometheusTargets {
  /// One process.
  ///
  /// @param address of its `/metrics`, `host:port`
  public record Target(String address, String service, String replica, String version) {}

  private PrometheusTargets() {}

  /// @param targets as they are to be reached by who reached this port by the given `Host`, which
  ///   may be empty
  public static Routes routes(Function<String, List<Target>> targets) {
    return Routes.builder()
        .get(
            "/prometheus/targets",
            request ->
                Response.json(
                    200,
                    targets.apply(request.header("host").orElse("")).stream()
                        .map(PrometheusTargets::group)
                        .toList()))
        .build();
  }

  /// A group of its own for each, since labels belong to groups.
  private static Map<String, Object> group(Target target) {
    var labels = new LinkedHashMap<String, String>();
    labels.put("service", target.service);
    labels.put("replica", target.replica);
    labels.put("version", target.version);
    var group = new LinkedHashMap<String, Object>();
    group.put("targets", List.of(target.address));
    group.put("labels", labels);
    return group;
  }
}
