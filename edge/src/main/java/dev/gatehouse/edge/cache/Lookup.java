package dev.gatehouse.edge.cache;

import dev.gatehouse.edge.cache.CacheStatus.Forwarded;
import dev.gatehouse.edge.filter.Visit;
import dev.gatehouse.edge.route.Route;
import dev.gatehouse.http.Exchange;
import dev.gatehouse.http.Failure;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.RequestHead;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One request on a route whose answers are kept: may a stored answer be given (RFC 9111 section
/// 4), and if not, who asks the origin?
///
/// Confined to its client's event loop; what a flight brings comes over to it.
final class Lookup implements CachedRoute.Ongoing, Flights.Waiter {
  /// After the origin failed, and while stale answers are given, it is asked again this often.
  private static final long PROBE_MILLIS = 1000;

  /// How often a request waits for another's answer before it asks on its own.
  private static final int MOST_ROUNDS = 2;

  private final Cache cache;
  private final Route.Caching caching;
  private final Key key;
  private final Visit visit;
  private final Exchange exchange;
  private final CachedRoute.Carrier carrier;
  private final CacheControl request;

  private @Nullable StoredAnswer stored;
  private List<String> selecting = List.of();
  private Forwarded why = Forwarded.URI_MISS;
  private @Nullable Fill fill;
  private int rounds;

  Lookup(Cache cache, Route.Caching caching, Key key, Visit visit, CachedRoute.Carrier carrier) {
    this.cache = cache;
    this.caching = caching;
    this.key = key;
    this.visit = visit;
    this.exchange = visit.exchange();
    this.carrier = carrier;
    this.request = CacheControl.ofRequest(visit.head().headers());
  }

  void begin() {
    switch (visit.head().method()) {
      case "GET", "HEAD" -> {
        if (caching.staleOnly()) {
          select();
          why = Forwarded.BYPASS;
          ask(visit, null, false);
        } else {
          decide();
        }
      }
      default -> {
        why = Forwarded.METHOD;
        ask(visit, null, false);
      }
    }
  }

  /// Takes the stored answer that this request selects; returns the entry it is in.
  private Entry select() {
    var found = cache.get(key);
    var entry = found == null ? Entry.EMPTY : found;
    stored = entry.select(head().headers());
    if (!entry.answers().isEmpty()) {
      selecting = Vary.values(entry.answers().getFirst().vary().names(), head().headers());
    }
    return entry;
  }

  private void decide() {
    if (request.noStore || head().hasBody() || Conditions.forOrigin(head().headers())) {
      why = Forwarded.REQUEST;
      ask(visit, null, false);
      return;
    }
    var entry = select();
    long now = cache.now();
    if (stored == null) {
      why = entry.answers().isEmpty() ? Forwarded.URI_MISS : Forwarded.VARY_MISS;
    } else if (given(stored, now)) {
      return;
    }
    if (request.onlyIfCached) {
      send(
          new Problem(
              504,
              "not-stored",
              "Nothing is stored",
              "The request wants only what is stored, and nothing here would do."),
          "only-if-cached");
      return;
    }
    fetch(entry, now);
  }

  /// Gives what is stored, if this may be.
  private boolean given(StoredAnswer answer, long now) {
    long left = answer.freshness().left(now);
    if (usable(answer, now)) {
      cache.hits.increment();
      Serving.give(exchange, answer, now, CacheStatus.hit(left));
      return true;
    }
    boolean fresh = left > 0 && !answer.control().noCache;
    why = fresh ? Forwarded.REQUEST : Forwarded.STALE;
    if (fresh || request.noCache || tooOld(answer, now)) {
      return false;
    }
    if (request.maxStale != CacheControl.ABSENT
        && answer.mayBeStale(false)
        && -left <= request.maxStale * 1000) {
      stale(answer, now, "max-stale");
      return true;
    }
    if (answer.bridges(caching, now)) {
      stale(answer, now, "stale-while-revalidate");
      refresh(answer);
      return true;
    }
    if (answer.failedAt() != 0 && answer.standsIn(request, caching, now)) {
      stale(answer, now, "stale-if-error");
      if (now - answer.failedAt() >= PROBE_MILLIS) {
        refresh(answer);
      }
      return true;
    }
    return false;
  }

  /// Whether `answer` is fresh, and fresh enough for this request (section 5.2.1).
  private boolean usable(StoredAnswer answer, long now) {
    long left = answer.freshness().left(now);
    return left > 0
        && !answer.control().noCache
        && !request.noCache
        && !tooOld(answer, now)
        && left >= request.minFresh * 1000;
  }

  private boolean tooOld(StoredAnswer answer, long now) {
    return request.maxAge != CacheControl.ABSENT
        && (request.maxAge == 0 || answer.freshness().age(now) > request.maxAge * 1000);
  }

  private void stale(StoredAnswer answer, long now, String reason) {
    cache.hits.increment();
    cache.stale.increment();
    Serving.give(exchange, answer, now, CacheStatus.stale(answer.freshness().left(now), reason));
  }

  // --- asking the origin

  private void fetch(Entry entry, long now) {
    var headers = head().headers();
    boolean alike =
        head().method().equals("GET")
            && (stored != null || !Conditions.inRequest(headers))
            && !headers.contains(HttpHeaderNames.AUTHORIZATION);
    if (!alike || entry.uncachedUntil() > now || rounds >= MOST_ROUNDS) {
      alone();
      return;
    }
    rounds++;
    var flight = cache.flights().lead(key, selecting, this);
    if (flight != null && !landedMeanwhile(flight)) {
      ask(question(), flight, validates());
    }
  }

  /// Whether another flight brought the answer between our look into the store and our taking the
  /// lead. An answer is stored before its flight leaves, so a second look cannot miss it.
  private boolean landedMeanwhile(Flights.Flight flight) {
    select();
    long now = cache.now();
    var answer = stored;
    if (answer == null || !usable(answer, now)) {
      return false;
    }
    flight.end(new Flights.Outcome.Stored(answer));
    cache.collapsed.increment();
    Serving.give(exchange, answer, now, CacheStatus.collapsed(why));
    return true;
  }

  private void alone() {
    ask(question(), null, validates());
  }

  private boolean validates() {
    return stored != null && stored.hasValidator();
  }

  /// What the origin is asked: with something stored, whether that is still good, whatever the
  /// client's own conditions are; they are judged on what comes of it.
  private Visit question() {
    var old = stored;
    if (old == null) {
      return visit;
    }
    return visit.asking(
        old.hasValidator()
            ? Conditions.asking(head(), head().method(), old)
            : Conditions.plain(head(), head().method()));
  }

  private void ask(Visit what, Flights.@Nullable Flight flight, boolean validating) {
    cache.missed(why);
    var filling = new Fill(this, exchange, flight, validating);
    fill = filling;
    filling.start(carrier.carry(what, filling));
  }

  /// Asks on our own account, with no client waiting, unless somebody asks already.
  private void refresh(StoredAnswer answer) {
    var flight = cache.flights().lead(key, selecting, null);
    if (flight == null) {
      return;
    }
    why = Forwarded.STALE;
    stored = answer;
    var filling = new Fill(this, null, flight, answer.hasValidator());
    filling.start(carrier.carry(visit.asking(Conditions.asking(head(), "GET", answer)), filling));
  }

  /// The origin's 304 did not speak of what is stored: asks for the answer itself.
  void askPlainly(@Nullable Exchange client, Flights.@Nullable Flight flight) {
    var filling = new Fill(this, client, flight, false);
    if (client != null) {
      fill = filling;
    }
    filling.start(carrier.carry(visit.asking(Conditions.plain(head(), head().method())), filling));
  }

  // --- endings

  @Override
  public void over() {
    if (fill != null) {
      fill.clientGone();
    }
  }

  @Override
  public EventLoop loop() {
    return exchange.loop();
  }

  @Override
  public void landed(Flights.Outcome outcome) {
    if (exchange.done()) {
      return;
    }
    long now = cache.now();
    switch (outcome) {
      case Flights.Outcome.Stored(var answer) -> {
        if (answer.vary().matches(head().headers()) && usable(answer, now)) {
          cache.collapsed.increment();
          Serving.give(exchange, answer, now, CacheStatus.collapsed(why));
        } else {
          decide();
        }
      }
      case Flights.Outcome.Erred(var answer) -> {
        cache.collapsed.increment();
        Serving.give(exchange, answer, now, CacheStatus.collapsed(why));
      }
      case Flights.Outcome.NotForOthers() -> alone();
      case Flights.Outcome.Abandoned() -> decide();
      case Flights.Outcome.Failed(var reason, var problem) -> refuse(reason, problem, true);
    }
  }

  /// The origin failed: what is stored stands in where it may.
  void refuse(String reason, Problem problem, boolean standsIn) {
    if (exchange.done()) {
      return;
    }
    long now = cache.now();
    var old = stored;
    if (standsIn && old != null && old.standsIn(request, caching, now)) {
      stale(old, now, reason);
    } else {
      send(problem, reason);
    }
  }

  private void send(Problem problem, String reason) {
    exchange.send(
        problem
            .header(CacheStatus.FIELD, CacheStatus.failed(why, reason))
            .response(exchange.requestId()));
  }

  /// Whether a stored answer may stand in after this.
  boolean standsInAfter(Failure failure) {
    if (failure.blame() != Failure.Blame.ORIGIN) {
      return false;
    }
    return switch (failure) {
      // There is a replica, and it did answer, or may yet: on such a route its word counts.
      case ORIGIN_SILENT,
          ORIGIN_MALFORMED,
          ORIGIN_TRUNCATED,
          ORIGIN_ERROR,
          QUEUE_FULL,
          QUEUE_TIMEOUT,
          NO_TOKEN ->
          !caching.staleOnly();
      case NO_REPLICA -> visit.route().allDown() != Route.AllDown.FAIL_CLOSED;
      default -> true;
    };
  }

  // --- for its fill

  Cache cache() {
    return cache;
  }

  Route.Caching caching() {
    return caching;
  }

  Key key() {
    return key;
  }

  RequestHead head() {
    return visit.head();
  }

  CacheControl request() {
    return request;
  }

  @Nullable StoredAnswer stored() {
    return stored;
  }

  Forwarded why() {
    return why;
  }
}
