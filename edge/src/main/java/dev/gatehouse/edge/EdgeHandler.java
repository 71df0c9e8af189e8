package dev.gatehouse.edge;

import dev.gatehouse.edge.cache.Cache;
import dev.gatehouse.edge.cache.CachedRoute;
import dev.gatehouse.edge.filter.ChangeRequest;
import dev.gatehouse.edge.filter.ChangeResponse;
import dev.gatehouse.edge.filter.Filter;
import dev.gatehouse.edge.filter.Steps;
import dev.gatehouse.edge.filter.Verdict;
import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Redirect;
import dev.gatehouse.edge.route.Rewrite;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.edge.route.RouteTable;
import dev.gatehouse.edge.route.Split;
import dev.gatehouse.edge.upstream.Forwarding;
import dev.gatehouse.edge.upstream.Relay;
import dev.gatehouse.edge.upstream.Reply;
import dev.gatehouse.edge.upstream.Upstream;
import dev.gatehouse.http.Exchange;
import dev.gatehouse.http.ExchangeHandler;
import dev.gatehouse.http.Failure;
import dev.gatehouse.http.OriginPools;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.RoutesHandler;
import dev.gatehouse.http.Spans;
import dev.gatehouse.http.Trace;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The walk of one request through the edge: route, filters, destination, and one record at the
/// end.
final class EdgeHandler implements ExchangeHandler {
  private static final Logger LOG = LoggerFactory.getLogger(EdgeHandler.class);

  /// A route with everything it needs, made once.
  private record Line(List<Filter> filters, Arrival arrival, Records records) {}

  /// The end of the walk.
  private sealed interface Arrival {
    record Service(RoutesHandler service) implements Arrival {}

    record Replicas(Upstream upstream) implements Arrival {}

    record Shared(Split split, List<Arrival> arrivals) implements Arrival {}

    record Elsewhere(Redirect redirect) implements Arrival {}

    record Fixed(Response response) implements Arrival {}

    /// Switched off.
    record Closed(Problem problem) implements Arrival {}

    /// The same, with answers that are kept.
    record Kept(Upstream upstream, CachedRoute route) implements Arrival {}
  }

  private final RouteTable table;
  private final IdentityHashMap<Route, Line> lines;
  private final RoutesHandler own;
  private final OriginPools pools;
  private final Forwarding forwarding;
  private final Records ofOurOwn;
  private final Records ofNobody;
  private final LongSupplier nanos;
  private final IntUnaryOperator draw;

  EdgeHandler(
      RouteTable table,
      Gateway.Destinations destinations,
      Function<Route, List<Filter>> filters,
      RoutesHandler own,
      OriginPools pools,
      Forwarding forwarding,
      Records records,
      Cache cache,
      LongSupplier nanos,
      IntUnaryOperator draw) {
    this.table = table;
    this.own = own;
    this.pools = pools;
    this.forwarding = forwarding;
    this.ofOurOwn = records.of("gatehouse");
    this.ofNobody = records.of("-");
    this.nanos = nanos;
    this.draw = draw;
    var made = new IdentityHashMap<Route, Line>();
    for (var route : table.routes()) {
      made.put(route, line(route, destinations, filters, cache, records.of(route.name())));
    }
    this.lines = made;
  }

  /// In the order they are tried.
  List<Route> routes() {
    return table.routes();
  }

  private static Line line(
      Route route,
      Gateway.Destinations destinations,
      Function<Route, List<Filter>> filters,
      Cache cache,
      Records records) {
    if (route.maintenance().isPresent()) {
      return new Line(List.of(), closed(route.maintenance().get()), records);
    }
    var all = new ArrayList<>(filters.apply(route));
    var changes = route.changes();
    // After all that looks at the client's own request.
    if (changes.rewrite().isPresent() || !changes.request().isEmpty()) {
      all.add(new ChangeRequest(changes));
    }
    // Last: only what comes from the destination is changed.
    if (!changes.response().isEmpty()) {
      all.add(new ChangeResponse(changes.response()));
    }
    return new Line(List.copyOf(all), arrival(route, route.to(), destinations, cache), records);
  }

  private static Arrival closed(Route.Maintenance maintenance) {
    return new Arrival.Closed(
        new Problem(503, "maintenance", "Closed for maintenance", maintenance.message())
            .header("Retry-After", Long.toString(maintenance.retryAfter().toSeconds())));
  }

  private static Arrival arrival(
      Route route, Route.Destination to, Gateway.Destinations destinations, Cache cache) {
    return switch (to) {
      case Route.Destination.Local(var name) -> new Arrival.Service(destinations.service(name));
      case Route.Destination.Replicated(var name) ->
          replicas(route, destinations.upstream(name), cache);
      case Route.Destination.External(var name) ->
          replicas(route, destinations.upstream(name), cache);
      case Route.Destination.Shared(var split) ->
          new Arrival.Shared(
              split,
              split.shares().stream()
                  .map(share -> arrival(route, share.to(), destinations, cache))
                  .toList());
      case Route.Destination.Elsewhere(var redirect) -> new Arrival.Elsewhere(redirect);
      case Route.Destination.Fixed(var response) -> new Arrival.Fixed(response);
    };
  }

  private static Arrival replicas(Route route, Upstream upstream, Cache cache) {
    return route
        .cache()
        .<Arrival>map(caching ->
            new Arrival.Kept(upstream, new CachedRoute(caching, place(route, upstream), cache)))
        .orElseGet(() -> new Arrival.Replicas(upstream));
  }

  /// Routes to one upstream share what is stored, unless one tells the origin more than the client
  /// did.
  private static String place(Route route, Upstream upstream) {
    var changes = route.changes();
    return changes.request().isEmpty() && changes.rewrite().flatMap(Rewrite::host).isEmpty()
        ? upstream.name()
        : upstream.name() + " by " + route.name();
  }

  @Override
  public void handle(Exchange exchange) {
    var walk = new Walk(exchange, nanos.getAsLong());
    exchange.onDone(walk::over);
    walk.begin();
  }

  private final class Walk {
    private final Exchange exchange;
    private final long began;
    private String routeName = "-";
    private Records records = ofNobody;
    private @Nullable Visit visit;
    private @Nullable Relay relay;
    private CachedRoute.@Nullable Ongoing kept;
    private @Nullable Failure failure;
    private Spans.@Nullable Open span;
    private boolean traceAsked;
    private String trouble = "";

    Walk(Exchange exchange, long began) {
      this.exchange = exchange;
      this.began = began;
    }

    void begin() {
      var head = exchange.head();
      var segments = head.target().segments();
      if (!table.open(exchange.listener(), segments)) {
        answer(Problem.notFound("Nothing is at " + head.target().rawPath() + " on this port."));
        return;
      }
      switch (table.match(exchange.listener(), head)) {
        case RouteTable.Match.Found(var route) -> {
          routeName = route.name();
          var begun = new Visit(exchange, route);
          visit = begun;
          filter(begun, 0);
        }
        case RouteTable.Match.WrongMethod(var allow) -> answer(Problem.methodNotAllowed(allow));
        case RouteTable.Match.Unknown() -> {
          routeName = "gatehouse";
          records = ofOurOwn;
          own.handle(exchange, new RoutesHandler.Caller(exchange.peer(), Optional.empty()));
        }
      }
    }

    private void filter(Visit visit, int from) {
      var line = lines.get(visit.route());
      if (line == null) {
        throw new IllegalStateException("a route of another table");
      }
      records = line.records;
      for (int i = from; i < line.filters.size(); i++) {
        switch (line.filters.get(i).apply(visit)) {
          case Verdict.Proceed() -> {}
          case Verdict.Answer(var problem) -> {
            answer(problem);
            return;
          }
          case Verdict.Await(var later) -> {
            int next = i + 1;
            later.whenCompleteAsync(
                (verdict, broken) -> resume(visit, next, verdict, broken), exchange.loop());
            return;
          }
        }
      }
      arrive(visit, line.arrival);
    }

    private void resume(
        Visit visit, int next, @Nullable Verdict verdict, @Nullable Throwable broken) {
      switch (verdict) {
        case null -> {
          LOG.error("a filter failed; the client gets a 500", broken);
          answer(Problem.internal());
        }
        case Verdict.Proceed() -> filter(visit, next);
        case Verdict.Answer(var problem) -> answer(problem);
        case Verdict.Await(var later) ->
            later.whenCompleteAsync(
                (again, worse) -> resume(visit, next, again, worse), exchange.loop());
      }
    }

    /// Not before the first filter: it finds out whose word about the trace counts.
    private void trace(Visit visit) {
      if (traceAsked || !Spans.on()) {
        return;
      }
      traceAsked = true;
      var told = visit.vouched() ? exchange.head().headers().get("traceparent") : null;
      var from = Optional.ofNullable(told).filter(Trace::isValid);
      var root = Spans.root(from, exchange.head().method() + " " + routeName, began);
      root.ifPresent(open -> {
        span = open;
        exchange.trace(open.trace());
      });
    }

    private void arrive(Visit visit, Arrival arrival) {
      if (exchange.done()) {
        return;
      }
      trace(visit);
      switch (arrival) {
        case Arrival.Service(var service) ->
            service.handle(
                exchange, visit.head(), new RoutesHandler.Caller(visit.client(), visit.user()));
        case Arrival.Shared(var split, var arrivals) ->
            arrive(visit, arrivals.get(split.pick(drawn(split, visit))));
        case Arrival.Elsewhere(var redirect) -> redirect(redirect);
        case Arrival.Fixed(var response) -> exchange.send(response);
        case Arrival.Closed(var problem) -> answer(problem);
        case Arrival.Replicas(var upstream) -> {
          if (mayPass(visit, upstream)) {
            var carrying = relay(visit, upstream, Reply.to(exchange));
            relay = carrying;
            carrying.start();
          }
        }
        case Arrival.Kept(var upstream, var route) -> {
          if (mayPass(visit, upstream)) {
            kept = route.handle(visit, (asking, reply) -> relay(asking, upstream, reply));
          }
        }
      }
    }

    private Relay relay(Visit visit, Upstream upstream, Reply reply) {
      return new Relay(
          visit,
          upstream,
          pools,
          forwarding,
          (why, detail) -> failed(upstream, why, detail),
          reply);
    }

    private boolean mayPass(Visit visit, Upstream upstream) {
      boolean refused = !upstream.own() && hasBackslash(visit);
      if (refused) {
        answer(Problem.badRequest("An encoded backslash is not passed to an external origin."));
      }
      return !refused;
    }

    /// To our own services an encoded backslash is data; some foreign origins take it for a slash.
    private boolean hasBackslash(Visit visit) {
      for (var segment : visit.head().target().segments()) {
        if (segment.indexOf('\\') >= 0) {
          return true;
        }
      }
      return false;
    }

    private int drawn(Split split, Visit visit) {
      return switch (split.sticky()) {
        case NONE -> draw.applyAsInt(split.whole());
        case CLIENT -> split.number(visit.clientText());
      };
    }

    private void redirect(Redirect redirect) {
      try {
        exchange.send(redirect.response(exchange.head()));
      } catch (Refusal refusal) {
        answer(refusal.problem());
      }
    }

    private void failed(Upstream upstream, Failure why, String detail) {
      failure = why;
      trouble = upstream.name() + ": " + detail;
      LOG.debug(
          "{} {} at {} failed: {} ({})",
          exchange.head().method(),
          exchange.requestId(),
          upstream.name(),
          why.slug(),
          detail);
    }

    private void answer(Problem problem) {
      if (visit != null) {
        trace(visit);
      }
      exchange.send(problem.response(exchange.requestId()));
    }

    private void over() {
      var carrying = relay;
      if (carrying != null) {
        carrying.over();
      }
      if (kept != null) {
        kept.over();
      }
      var head = exchange.head();
      endSpan();
      records.accept(
          new ExchangeRecord(
              exchange.requestId(),
              head.method(),
              head.target().rawPath(),
              routeName,
              visit == null ? exchange.peerText() : visit.clientText(),
              exchange.status(),
              exchange.bytesIn(),
              exchange.bytesOut(),
              began,
              nanos.getAsLong() - began,
              trouble,
              Optional.ofNullable(failure),
              visit == null ? new Steps() : visit.steps(),
              exchange.trace()));
    }

    private void endSpan() {
      var open = span;
      if (open != null) {
        open.with("http.request.method", exchange.head().method())
            .with("url.path", exchange.head().target().rawPath())
            .with("http.route", routeName)
            .with("http.response.status_code", exchange.status())
            .with("http.request.id", exchange.requestId());
        if (failure != null) {
          open.with("error.type", failure.slug());
        }
        if (exchange.status() >= 500 || exchange.status() == 0) {
          open.failed(failure == null ? "answered " + exchange.status() : failure.sentence());
        }
        open.end();
      }
    }
  }
}
