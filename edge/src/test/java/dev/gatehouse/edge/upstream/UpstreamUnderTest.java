package dev.gatehouse.edge.upstream;

import dev.gatehouse.http.Origin;
import dev.gatehouse.testkit.FakeTicker;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/// An upstream with replicas `a`, `b`, ... in a time that only the test moves, and with randomness
/// from a seed.
final class UpstreamUnderTest {
  final FakeTicker time = new FakeTicker();
  final List<Origin> left = new ArrayList<>();
  final Upstream upstream;
  private final Random random;

  UpstreamUnderTest(UpstreamSettings settings, long seed, Replica... replicas) {
    random = new Random(seed);
    upstream =
        new Upstream(
            "service",
            settings.check().isPresent(),
            settings,
            List.of(replicas),
            new Upstream.World(
                () -> Instant.EPOCH.plusNanos(time.getAsLong()),
                time,
                below -> random.nextInt(below),
                "secret",
                left::add));
  }

  UpstreamUnderTest(UpstreamSettings settings, Replica... replicas) {
    this(settings, 1, replicas);
  }

  static Replica replica(String name) {
    return replica(name, 1, 1);
  }

  static Replica startedAt(String name, Instant since) {
    return replica(name, 1, 1, since);
  }

  static Replica replica(String name, int weight, int group) {
    return replica(name, weight, group, Instant.EPOCH);
  }

  private static Replica replica(String name, int weight, int group, Instant since) {
    var up = new Replica.Snapshot(Replica.State.UP, since, since, Optional.empty());
    return new Replica(name, "service", new Origin(name, 80, false), weight, group, "", up);
  }

  static UpstreamSettings balanced(Balance balance) {
    var usual = UpstreamSettings.external(Optional.empty());
    return new UpstreamSettings(
        balance,
        usual.check(),
        usual.eject(),
        usual.breaker(),
        usual.retries(),
        usual.crowd(),
        usual.slowStart());
  }

  static UpstreamSettings slowly(Balance balance, Duration slowStart) {
    var usual = balanced(balance);
    return new UpstreamSettings(
        balance,
        usual.check(),
        usual.eject(),
        usual.breaker(),
        usual.retries(),
        usual.crowd(),
        slowStart);
  }

  static UpstreamSettings crowded(int perReplica, int queue) {
    var usual = balanced(new Balance.RoundRobin());
    return new UpstreamSettings(
        usual.balance(),
        usual.check(),
        usual.eject(),
        usual.breaker(),
        usual.retries(),
        new UpstreamSettings.Crowd(perReplica, queue, Duration.ofSeconds(1)),
        usual.slowStart());
  }

  /// The next one's name, its place given back at once; `-` for nobody.
  String next() {
    return next(new Wish());
  }

  String next(Wish wish) {
    var replica = upstream.take(wish, time.getAsLong());
    if (replica == null) {
      return "-";
    }
    upstream.done(replica);
    return replica.id();
  }

  /// The names of the next ones, put together.
  String next(int times) {
    var names = new StringBuilder();
    for (int i = 0; i < times; i++) {
      names.append(next());
    }
    return names.toString();
  }

  void pass(Duration some) {
    time.advance(some);
  }

  void answers(Replica replica, int status) {
    long now = time.getAsLong();
    upstream.answered(replica, status, now, now);
  }

  /// A request as the test wants it.
  static final class Wish extends Ask {
    Need least = Need.CHECKED;
    long hash;
    String stuckTo = "";
    boolean seated;
    @Nullable Replica seat;

    static Wish hashed(long hash) {
      var wish = new Wish();
      wish.hash = hash;
      return wish;
    }

    static Wish stuckTo(String nickname) {
      var wish = new Wish();
      wish.stuckTo = nickname;
      return wish;
    }

    static Wish least(Need need) {
      var wish = new Wish();
      wish.least = need;
      return wish;
    }

    @Override
    Need least() {
      return least;
    }

    @Override
    long hash() {
      return hash;
    }

    @Override
    String stuckTo() {
      return stuckTo;
    }

    @Override
    void seat(@Nullable Replica replica) {
      seated = true;
      seat = replica;
    }

    @Override
    void onItsLoop(Runnable action) {
      action.run();
    }
  }
}
