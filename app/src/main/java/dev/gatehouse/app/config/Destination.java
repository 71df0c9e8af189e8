package dev.gatehouse.app.config;

import dev.gatehouse.edge.route.Redirect;
import dev.gatehouse.edge.route.Split.Sticky;
import dev.gatehouse.http.Response;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Where a route leads.
public sealed interface Destination {
  /// What views and logs call it; of a service or an upstream, its key in [Config#services] or
  /// [Config#upstreams].
  String name();

  /// The services and upstreams behind it, in order.
  default List<Destination> each() {
    return List.of(this);
  }

  /// A service of this assembly.
  record Service(String name) implements Destination {}

  /// An upstream; one that a route named by its URL has that URL as its name.
  record Upstream(String name) implements Destination {}

  /// Several services and upstreams, each for its share.
  ///
  /// @param shares their weights, in the file's order
  record Split(Map<Destination, Integer> shares, Sticky sticky) implements Destination {
    @Override
    public String name() {
      return shares.entrySet().stream()
          .map(share -> share.getKey().name() + " " + share.getValue())
          .collect(Collectors.joining(", "));
    }

    @Override
    public List<Destination> each() {
      return List.copyOf(shares.keySet());
    }
  }

  /// Clients are told to ask elsewhere.
  record Redirected(Redirect redirect) implements Destination {
    @Override
    public String name() {
      return redirect.toString();
    }
  }

  /// Clients get this very answer.
  record Answered(Response response) implements Destination {
    @Override
    public String name() {
      return "respond " + response.status();
    }
  }
}
