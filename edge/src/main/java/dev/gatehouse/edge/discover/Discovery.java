package dev.gatehouse.edge.discover;

import dev.gatehouse.http.Loops;
import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Keeps asking DNS for the replicas of upstreams, and tells of every change.
///
/// The next question comes when the answer's time to live is over, between one second and thirty.
/// While a name does not resolve, what it stood for last stays for five minutes: DNS that is away
/// must not take away servers that are well, and those that are gone are found out by their health
/// checks. Everything is confined to one event loop.
public final class Discovery implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Discovery.class);
  private static final Duration SOONEST = Duration.ofSeconds(1);
  private static final Duration LATEST = Duration.ofSeconds(30);
  private static final Duration KEPT = Duration.ofMinutes(5);

  private final EventLoop loop;
  private final Names names;
  private final LongSupplier nanos;
  private final BiConsumer<String, List<Found>> told;
  private final Map<String, Watch> watches = new HashMap<>();

  /// @param server the DNS server to ask; empty: those of the system
  /// @param told hears of the replicas of an upstream whenever they are others than before
  public Discovery(
      Loops loops,
      Optional<InetSocketAddress> server,
      LongSupplier nanos,
      BiConsumer<String, List<Found>> told) {
    this.loop = loops.all().getLast();
    this.names = new Names(loop, loops.transport(), server);
    this.nanos = nanos;
    this.told = told;
  }

  /// Asks for these from now on, by the name of the upstream, and for no others; what is asked for
  /// already goes on.
  public void watch(Map<String, Source> sources) {
    loop.execute(() -> {
      watches
          .values()
          .removeIf(watch -> {
            boolean gone = !watch.source.equals(sources.get(watch.upstream));
            watch.over |= gone;
            return gone;
          });
      sources.forEach((upstream, source) -> {
        if (!watches.containsKey(upstream)) {
          var watch = new Watch(upstream, source, nanos.getAsLong());
          watches.put(upstream, watch);
          watch.ask();
        }
      });
    });
  }

  @Override
  public void close() {
    loop.execute(() -> {
      watches.values().forEach(watch -> watch.over = true);
      watches.clear();
      names.close();
    });
  }

  /// One upstream that is asked for.
  private final class Watch {
    private final String upstream;
    private final Source source;
    private List<Found> last = List.of();
    private long answered;
    private boolean failing;
    private boolean over;

    Watch(String upstream, Source source, long now) {
      this.upstream = upstream;
      this.source = source;
      this.answered = now;
    }

    void ask() {
      if (!over) {
        names.ask(source).whenCompleteAsync(this::answered, loop);
      }
    }

    private void answered(Names.@Nullable Answer answer, @Nullable Throwable failure) {
      if (over) {
        return;
      }
      if (answer == null) {
        unanswered(failure);
        again(source.every().orElse(SOONEST));
        return;
      }
      if (failing) {
        LOG.info("{} resolves again", source.question().inWords());
      }
      failing = false;
      answered = nanos.getAsLong();
      take(answer.found());
      again(source.every().orElse(bounded(answer.timeToLive())));
    }

    private void unanswered(@Nullable Throwable failure) {
      if (!failing) {
        LOG.warn(
            "{} does not resolve ({}); the {} known of upstream {} stay for {} min, and it is asked"
                + " again and again",
            source.question().inWords(),
            reason(failure),
            last.size(),
            upstream,
            KEPT.toMinutes());
      }
      failing = true;
      if (!last.isEmpty() && nanos.getAsLong() - answered > KEPT.toNanos()) {
        LOG.warn(
            "{} has not resolved for {} min; upstream {} has no replica until it does",
            source.question().inWords(),
            KEPT.toMinutes(),
            upstream);
        take(List.of());
      }
    }

    private void take(List<Found> found) {
      var next = found.stream().distinct().sorted(BY_ADDRESS).toList();
      if (!next.equals(last)) {
        LOG.info(
            "upstream {} has {} replicas by {}, {} before",
            upstream,
            next.size(),
            source.question().inWords(),
            last.size());
        last = next;
        told.accept(upstream, next);
      }
    }

    private void again(Duration wait) {
      loop.schedule(this::ask, wait.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  /// DNS answers in any order.
  private static final java.util.Comparator<Found> BY_ADDRESS =
      java.util.Comparator.comparing(found -> found.origin().address());

  private static Duration bounded(Duration timeToLive) {
    return timeToLive.compareTo(SOONEST) < 0
        ? SOONEST
        : timeToLive.compareTo(LATEST) > 0 ? LATEST : timeToLive;
  }

  private static String reason(@Nullable Throwable failure) {
    var cause = failure instanceof CompletionException wrapped ? wrapped.getCause() : failure;
    return cause == null ? "no reason" : String.valueOf(cause.getMessage());
  }
}
