package dev.gatehouse.edge.limit;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// What an edge knows of the others, between the event loops that ask and the [Exchange] that finds
/// out.
///
/// **Concurrency.** `edges` and `heardUntil` are written by the exchange's thread and read for
/// every permit. Keys that should be told wait in a queue, so that no event loop waits for the
/// exchange; `told` bounds it together with what the exchange has taken over.
final class Sharing implements Buckets.Others {
  /// Keys that are told to the others, at the most. Beyond that a key keeps to this edge's share.
  static final int MOST_TOLD = 2_000;

  record Key(Rule rule, long key) {}

  private final ConcurrentLinkedQueue<Key> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger told = new AtomicInteger();
  private volatile int edges = 1;
  private volatile long heardUntil;

  @Override
  public int apart(long now) {
    int all = edges;
    return all == 1 || now <= heardUntil ? 1 : all;
  }

  @Override
  public int edges() {
    return edges;
  }

  @Override
  public boolean tell(Rule rule, long key) {
    if (told.incrementAndGet() > MOST_TOLD) {
      told.decrementAndGet();
      return false;
    }
    waiting.add(new Key(rule, key));
    return true;
  }

  int told() {
    return told.get();
  }

  // ---- for the exchange

  /// The next key to be told.
  @Nullable Key next() {
    return waiting.poll();
  }

  /// A key that the others know already is told as well.
  void also() {
    told.incrementAndGet();
  }

  /// A key is told no longer, or was told already.
  void less() {
    told.decrementAndGet();
  }

  /// There are so many edges, and nothing is known of the others.
  void unheard(int all) {
    edges = all;
    heardUntil = 0;
  }

  /// There are so many edges, and until `until` this one knows enough of them.
  void heard(int all, long until) {
    edges = all;
    heardUntil = until;
  }
}
