package dev.gatehouse.edge.cache;

import dev.gatehouse.edge.upstream.Relay;
import dev.gatehouse.edge.upstream.Reply;
import dev.gatehouse.http.Exchange;
import dev.gatehouse.http.Failure;
import dev.gatehouse.http.Problem;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.io.ByteArrayOutputStream;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Where a relay brings an answer on a route whose answers are kept: on to the client, and into the
/// cache on the way.
///
/// While the body is kept the client cannot hold the origin back: others may wait for the whole,
/// and what a slow client has not taken yet is bounded by the largest object. A client that leaves
/// then changes nothing. A body that is cut is never kept. Confined to the relay's event loop.
final class Fill implements Reply {
  private static final Set<Integer> ERRORS = Set.of(500, 502, 503, 504);

  /// Answers that make what was stored before obsolete even when they are not kept themselves.
  private static final Set<Integer> REPLACING = Set.of(200, 203, 204, 301, 308, 404, 410);

  private enum Stage {
    /// No head has come.
    WAITING,
    /// The answer goes to the client.
    PASSING,
    /// The client was answered otherwise; what still comes is thrown away.
    SETTLED
  }

  /// The answer as it is being kept.
  private record Draft(
      int status,
      HttpHeaders headers,
      CacheControl control,
      Freshness freshness,
      Vary vary,
      Set<String> tags,
      ByteArrayOutputStream body,
      boolean stored) {}

  private final Lookup lookup;
  private final @Nullable Exchange client;
  private final boolean validating;
  private final int stamp;
  private final long asked;

  private Flights.@Nullable Flight flight;
  private @Nullable Relay relay;
  private @Nullable Draft draft;
  private Stage stage = Stage.WAITING;

  /// @param client absent when nobody waits
  /// @param flight whom to tell, where others may wait
  /// @param validating whether the origin is asked if what is stored is still good
  Fill(
      Lookup lookup,
      @Nullable Exchange client,
      Flights.@Nullable Flight flight,
      boolean validating) {
    this.lookup = lookup;
    this.client = client;
    this.flight = flight;
    this.validating = validating;
    this.stamp = lookup.cache().stamp(lookup.key());
    this.asked = lookup.cache().now();
  }

  void start(Relay by) {
    relay = by;
    by.start();
  }

  // --- the head

  @Override
  public void informational(int status, HttpHeaders headers) {
    if (client != null) {
      client.informational(status, headers);
    }
  }

  @Override
  public void start(int status, HttpHeaders headers) {
    long now = lookup.cache().now();
    var tags = StoredAnswer.takeTags(headers);
    var control = CacheControl.ofAnswer(headers);
    var old = lookup.stored();
    if (validating && status == 304 && old != null) {
      validated(old, headers, now);
      return;
    }
    if (ERRORS.contains(status) && old != null && standsIn(old, now)) {
      settleStale(old, status, now);
      return;
    }
    stage = Stage.PASSING;
    var method = lookup.head().method();
    if (method.equals("GET")) {
      keep(status, headers, control, tags, now);
    } else if (method.equals("HEAD")) {
      if (old != null && status == 200) {
        compare(old, headers, now);
      }
    } else {
      Invalidation.after(lookup.cache(), lookup.key(), method, status, headers);
    }
    pass(status, headers, now);
  }

  private boolean standsIn(StoredAnswer old, long now) {
    return !lookup.caching().staleOnly() && old.standsIn(lookup.request(), lookup.caching(), now);
  }

  /// What is stored is still good (RFC 9111 section 4.3.4).
  private void validated(StoredAnswer old, HttpHeaders headers, long now) {
    stage = Stage.SETTLED;
    if (!Conditions.confirms(headers, old)) {
      var on = flight;
      flight = null;
      lookup.askPlainly(client, on);
      return;
    }
    var fresh = old.freshened(headers, lookup.caching(), asked, now);
    boolean forOthers = !fresh.control().noStore && !fresh.control().isPrivate;
    if (forOthers) {
      lookup.cache().put(lookup.key(), fresh, stamp);
    } else {
      lookup.cache().uncached(lookup.key(), old);
    }
    end(shared(fresh, forOthers));
    if (client != null && !client.done()) {
      Serving.give(
          client, fresh, now, CacheStatus.validated(lookup.why(), fresh.freshness().left(now)));
    }
  }

  private void settleStale(StoredAnswer old, int status, long now) {
    stage = Stage.SETTLED;
    old.failed(now);
    var problem =
        new Problem(
            status,
            "origin-error",
            "The upstream failed",
            "The origin answered " + status + " when it was asked for this.");
    var reason = "origin-" + status;
    end(new Flights.Outcome.Failed(reason, problem));
    if (client != null) {
      lookup.refuse(reason, problem, true);
    }
  }

  /// An answer to HEAD tells of the stored answer to GET (RFC 9111 section 4.3.5).
  private void compare(StoredAnswer old, HttpHeaders headers, long now) {
    var length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
    boolean same =
        same(headers, old, HttpHeaderNames.ETAG)
            && same(headers, old, HttpHeaderNames.LAST_MODIFIED)
            && (length == null || length.equals(Integer.toString(old.length())));
    if (same) {
      lookup.cache().put(lookup.key(), old.freshened(headers, lookup.caching(), asked, now), stamp);
    } else {
      lookup.cache().invalidate(lookup.key());
    }
  }

  private static boolean same(HttpHeaders headers, StoredAnswer old, CharSequence name) {
    var now = headers.get(name);
    return now == null || now.equals(old.headers().get(name));
  }

  private void keep(
      int status, HttpHeaders headers, CacheControl control, Set<String> tags, long now) {
    var old = lookup.stored();
    var freshness = Freshness.of(status, headers, control, lookup.caching(), asked, now);
    var vary = Vary.of(headers, lookup.head().headers());
    boolean staleOnly = lookup.caching().staleOnly();
    boolean kept =
        vary.isPresent()
            && !lookup.head().hasBody()
            && length(headers) <= lookup.caching().maxObject()
            && (staleOnly
                ? Storable.forFailure(lookup.head(), lookup.request(), status, headers, control)
                : Storable.asRfc9111(
                    lookup.head(), lookup.request(), status, headers, control, freshness));
    if (kept && staleOnly && old != null && old.sameBody(status, headers)) {
      // The usual case while a replica is up: the document did not change, its copy is here. Its
      // age is told in seconds, so once a second is often enough to note that it is still good.
      if (now - old.freshness().at() >= 1000) {
        lookup
            .cache()
            .put(lookup.key(), old.freshened(headers, lookup.caching(), asked, now), stamp);
      }
      return;
    }
    boolean told =
        !kept && flight != null && status >= 500 && !headers.contains(HttpHeaderNames.SET_COOKIE);
    if (kept || told) {
      draft =
          new Draft(
              status,
              headers.copy(),
              control,
              freshness,
              vary.orElse(Vary.NOTHING),
              tags,
              new ByteArrayOutputStream((int) Math.max(256, length(headers))),
              kept);
      return;
    }
    if (old != null && REPLACING.contains(status)) {
      lookup.cache().uncached(lookup.key(), old);
    } else if (flight != null) {
      lookup.cache().uncached(lookup.key(), null);
    }
    end(new Flights.Outcome.NotForOthers());
  }

  /// What is announced, or 0; more than any limit where it is no number that we could hold.
  private static long length(HttpHeaders headers) {
    var length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
    long bytes = length == null ? 0 : CacheControl.seconds(length.trim());
    return bytes == CacheControl.ABSENT ? Long.MAX_VALUE : bytes;
  }

  private void pass(int status, HttpHeaders headers, long now) {
    if (client == null || client.done()) {
      return;
    }
    var word = CacheStatus.forwarded(lookup.why(), status, draft != null && draft.stored());
    boolean ours = lookup.stored() != null && !lookup.caching().staleOnly();
    if (ours
        && status == 200
        && Conditions.inRequest(lookup.head().headers())
        && Conditions.notModified(lookup.head().headers(), headers, now)) {
      // The client asked on a condition, and the origin was not told.
      Serving.notModified(client, headers, "", word);
      return;
    }
    headers.add(CacheStatus.FIELD, word);
    client.start(status, headers);
  }

  // --- the body

  @Override
  public void write(ByteBuf piece) {
    if (stage == Stage.SETTLED) {
      piece.release();
      return;
    }
    var keeping = draft;
    if (keeping != null) {
      if (keeping.body.size() + piece.readableBytes() > lookup.caching().maxObject()) {
        draft = null;
        lookup.cache().uncached(lookup.key(), null);
        end(new Flights.Outcome.NotForOthers());
      } else {
        copy(piece, keeping.body);
      }
    }
    if (client != null && !client.done()) {
      client.write(piece);
    } else {
      piece.release();
      if (draft == null && relay != null) {
        relay.over();
      }
    }
  }

  private static void copy(ByteBuf piece, ByteArrayOutputStream to) {
    var bytes = new byte[piece.readableBytes()];
    piece.getBytes(piece.readerIndex(), bytes);
    to.writeBytes(bytes);
  }

  @Override
  public void flush() {
    if (stage == Stage.PASSING && client != null && !client.done()) {
      client.flush();
    }
  }

  @Override
  public void finish(HttpHeaders trailers) {
    if (stage == Stage.SETTLED) {
      return;
    }
    var kept = draft;
    draft = null;
    if (kept != null) {
      var answer =
          StoredAnswer.of(
              kept.status,
              kept.headers,
              kept.body.toByteArray(),
              kept.control,
              kept.freshness,
              kept.vary,
              kept.tags);
      if (kept.stored) {
        lookup.cache().put(lookup.key(), answer, stamp);
        end(shared(answer, true));
      } else {
        end(new Flights.Outcome.Erred(answer));
      }
    }
    if (client != null) {
      client.finish(trailers);
    }
  }

  /// Whoever waited may have an answer that is fresh; another one each must ask for.
  private Flights.Outcome shared(StoredAnswer answer, boolean forOthers) {
    return forOthers
            && !answer.control().noCache
            && answer.freshness().left(lookup.cache().now()) > 0
        ? new Flights.Outcome.Stored(answer)
        : new Flights.Outcome.NotForOthers();
  }

  // --- failures

  @Override
  public void abort() {
    draft = null;
    if (stage == Stage.SETTLED) {
      return;
    }
    end(
        new Flights.Outcome.Failed(
            Failure.ORIGIN_TRUNCATED.slug(),
            new Problem(
                502,
                Failure.ORIGIN_TRUNCATED.slug(),
                "The upstream failed",
                "The answer that this request waited for broke off.")));
    if (client != null) {
      client.abort();
    }
  }

  @Override
  public void refuse(Failure failure, Problem problem) {
    stage = Stage.SETTLED;
    boolean standsIn = lookup.standsInAfter(failure);
    var old = lookup.stored();
    if (standsIn && old != null) {
      old.failed(lookup.cache().now());
    }
    end(new Flights.Outcome.Failed(failure.slug(), problem));
    if (client != null) {
      lookup.refuse(failure.slug(), problem, standsIn);
    }
  }

  // --- who wants it

  @Override
  public boolean done() {
    if (client != null && !client.done()) {
      return false;
    }
    boolean wanted =
        switch (stage) {
          case WAITING -> flight != null && (client == null || flight.awaited());
          case PASSING -> draft != null;
          case SETTLED -> false;
        };
    return !wanted;
  }

  @Override
  public boolean started() {
    return stage != Stage.WAITING;
  }

  @Override
  public boolean writable() {
    return draft != null
        || stage == Stage.SETTLED
        || client == null
        || client.done()
        || client.writable();
  }

  @Override
  public void onWritable(Runnable action) {
    if (client != null) {
      client.onWritable(action);
    }
  }

  /// The client's exchange is over. Others may still want the answer.
  void clientGone() {
    var carrying = relay;
    if (carrying == null || stage == Stage.SETTLED || draft != null) {
      return;
    }
    if (stage == Stage.WAITING && flight != null && !flight.abandon()) {
      return;
    }
    carrying.over();
  }

  private void end(Flights.Outcome outcome) {
    var on = flight;
    flight = null;
    if (on != null) {
      on.end(outcome);
    }
  }
}
