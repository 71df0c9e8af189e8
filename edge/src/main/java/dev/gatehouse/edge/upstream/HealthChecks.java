package dev.gatehouse.edge.upstream;

import dev.gatehouse.http.Failure;
import dev.gatehouse.http.OriginExchange;
import dev.gatehouse.http.OriginListener;
import dev.gatehouse.http.OriginPools;
import dev.gatehouse.http.OriginRequest;
import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// Asks replicas whether they are well, as each upstream's [Upstream.Check] says; an answer in time
/// with one of its statuses is good, anything else bad.
public final class HealthChecks implements AutoCloseable {
  private final OriginPools pools;
  private final EventLoop loop;
  private final Map<Upstream, Schedule> schedules = new HashMap<>();

  private record Schedule(Upstream.Check check, Future<?> rounds) {}

  /// Results in a row, above zero for good ones and below for bad ones; confined to the event loop.
  private final Map<Replica, Integer> streaks = new WeakHashMap<>();

  public HealthChecks(OriginPools pools, EventLoop loop, Collection<Upstream> upstreams) {
    this.pools = pools;
    this.loop = loop;
    watch(upstreams);
  }

  /// Checks these upstreams from now on, and no others; one that is checked this way already goes
  /// on.
  public synchronized void watch(Collection<Upstream> upstreams) {
    schedules
        .entrySet()
        .removeIf(entry -> {
          var now = upstreams.contains(entry.getKey()) ? entry.getKey().check() : Optional.empty();
          boolean gone = !now.equals(Optional.of(entry.getValue().check));
          if (gone) {
            entry.getValue().rounds.cancel(false);
          }
          return gone;
        });
    for (var upstream : upstreams) {
      upstream
          .check()
          .ifPresent(
              check -> schedules.computeIfAbsent(upstream, known -> schedule(upstream, check)));
    }
  }

  private Schedule schedule(Upstream upstream, Upstream.Check check) {
    return new Schedule(
        check,
        loop.scheduleAtFixedRate(
            () -> round(upstream, check),
            check.every().toMillis(),
            check.every().toMillis(),
            TimeUnit.MILLISECONDS));
  }

  @Override
  public void close() {
    watch(List.of());
  }

  private void round(Upstream upstream, Upstream.Check check) {
    for (var replica : upstream.replicas()) {
      // Port 0: it has no address yet, or no HTTP side at all.
      if (replica.origin().port() != 0) {
        var headers = new DefaultHttpHeaders().set("Host", replica.origin().authority());
        pools.send(
            loop,
            replica.origin(),
            new OriginRequest(
                "GET", check.path(), headers, false, check.timeout(), check.timeout()),
            false,
            new Answer(upstream, check, replica));
      }
    }
  }

  private void result(
      Upstream upstream, Upstream.Check check, Replica replica, Optional<String> failure) {
    int before = streaks.getOrDefault(replica, 0);
    int now = failure.isEmpty() ? Math.max(before, 0) + 1 : Math.min(before, 0) - 1;
    streaks.put(replica, now);
    if (now >= check.rise() || -now >= check.fall()) {
      upstream.checked(replica, failure);
    }
  }

  private final class Answer implements OriginListener {
    private final Upstream upstream;
    private final Upstream.Check check;
    private final Replica replica;

    Answer(Upstream upstream, Upstream.Check check, Replica replica) {
      this.upstream = upstream;
      this.check = check;
      this.replica = replica;
    }

    @Override
    public void connected(OriginExchange exchange) {}

    @Override
    public void informational(int status, HttpHeaders headers) {}

    @Override
    public void head(int status, HttpHeaders headers) {
      var version = headers.get("X-Gatehouse-Version");
      if (upstream.own() && version != null) {
        replica.runs(version);
      }
      result(
          upstream,
          check,
          replica,
          check.statuses().contains(status)
              ? Optional.empty()
              : Optional.of("its health check answered " + status));
    }

    @Override
    public void data(ByteBuf piece) {
      piece.release();
    }

    @Override
    public void end(HttpHeaders trailers) {}

    @Override
    public void pausePoint() {}

    @Override
    public void writable() {}

    @Override
    public void failed(Failure failure, String detail) {
      if (failure == Failure.ORIGIN_REFUSED) {
        upstream.lost(replica, failure.sentence());
      }
      result(upstream, check, replica, Optional.of(failure.sentence()));
    }
  }
}
