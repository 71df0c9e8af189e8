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
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// Asks every replica of ours `GET /healthz` once in a while; a 200 in time is up, anything else is
/// down.
public final class HealthChecks implements AutoCloseable {
  private static final Duration EVERY = Duration.ofMillis(500);
  private static final Duration TIMEOUT = Duration.ofSeconds(1);

  private final OriginPools pools;
  private final EventLoop loop;
  private final Collection<Upstream> upstreams;
  private final Future<?> schedule;

  public HealthChecks(OriginPools pools, EventLoop loop, Collection<Upstream> upstreams) {
    this.pools = pools;
    this.loop = loop;
    this.upstreams = upstreams;
    this.schedule =
        loop.scheduleAtFixedRate(
            this::round, EVERY.toMillis(), EVERY.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    schedule.cancel(false);
  }

  private void round() {
    for (var upstream : upstreams) {
      if (upstream.own()) {
        for (var replica : upstream.replicas()) {
          // Port 0: it has no address yet, or no HTTP side at all.
          if (replica.origin().port() != 0) {
            ask(upstream, replica);
          }
        }
      }
    }
  }

  private void ask(Upstream upstream, Replica replica) {
    var headers = new DefaultHttpHeaders().set("Host", replica.origin().authority());
    pools.send(
        loop,
        replica.origin(),
        new OriginRequest("GET", "/healthz", headers, false, TIMEOUT, TIMEOUT),
        false,
        new Answer(upstream, replica));
  }

  private record Answer(Upstream upstream, Replica replica) implements OriginListener {
    @Override
    public void connected(OriginExchange exchange) {}

    @Override
    public void informational(int status, HttpHeaders headers) {}

    @Override
    public void head(int status, HttpHeaders headers) {
      upstream.checked(
          replica,
          status == 200 ? Optional.empty() : Optional.of("its health check answered " + status));
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
      upstream.checked(replica, Optional.of(failure.sentence()));
    }
  }
}
