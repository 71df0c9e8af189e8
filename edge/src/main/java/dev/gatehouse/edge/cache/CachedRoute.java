package dev.gatehouse.edge.cache;

import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.upstream.Relay;
import dev.gatehouse.edge.upstream.Reply;

/// A route whose answers are kept: the door between the walk of a request and the cache.
public final class CachedRoute {
  /// Makes the relay that brings the origin's answer to `visit` into `reply`; it is not started.
  @FunctionalInterface
  public interface Carrier {
    Relay carry(Visit visit, Reply reply);
  }

  /// What goes on for a client.
  public interface Ongoing {
    /// The client's exchange is over, answered or not.
    void over();
  }

  private final Route.Caching caching;
  private final String place;
  private final Cache cache;

  /// @param place who answers; routes of the same place share what is stored
  public CachedRoute(Route.Caching caching, String place, Cache cache) {
    this.caching = caching;
    this.place = place;
    this.cache = cache;
  }

  /// Answers the visit, from what is stored or by way of `carrier`. Called on its event loop.
  public Ongoing handle(Visit visit, Carrier carrier) {
    var head = visit.head();
    var lookup =
        new Lookup(
            cache, caching, Cache.key(place, head.host(), head.target().raw()), visit, carrier);
    lookup.begin();
    return lookup;
  }
}
