package dev.gatehouse.edge.usage;

import dev.gatehouse.edge.usage.Batch.Slot;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What the event loops have counted and the database does not have.
///
/// Concurrency: one lock. Whoever gathers adds under it, whoever writes takes a batch under it;
/// event loops never come here. A batch that was taken stays as it is, under its number, until it
/// is certain that the database has it, because the try before may have been stored; what comes
/// meanwhile goes to the next one.
///
/// While the database is away this grows, up to a bound. Beyond it the oldest minutes lose detail
/// instead of requests: first their clients are summed, then the minutes into hours. Dropping them
/// was refused, since the sums are what bills and quotas are made of.
final class Pending {
  /// Clients with rows of their own in each minute.
  static final int CLIENTS = 1000;

  private final int most;
  private final TreeMap<Slot, SlotTotals> slots = new TreeMap<>();
  private @Nullable Batch taken;
  private long numbers;
  private long stored;
  private long coarsened;

  /// @param most rows in memory, about 200 bytes each
  Pending(int most) {
    this.most = most;
  }

  synchronized void add(long second, List<Tally> tallies) {
    var slot = Slot.minute(second);
    for (var tally : tallies) {
      if (!tally.isEmpty()) {
        slots.computeIfAbsent(slot, fresh -> new SlotTotals()).add(tally);
      }
    }
    var totals = slots.get(slot);
    if (totals != null) {
      totals.keepClients(CLIENTS);
      coarsen();
    }
  }

  private void coarsen() {
    int size = slots.values().stream().mapToInt(SlotTotals::size).sum();
    while (size > most) {
      var fine = slots.keySet().stream().filter(slot -> !slot.hourly()).findFirst();
      if (fine.isEmpty()) {
        return;
      }
      var oldest = slots.get(fine.get());
      if (oldest == null) {
        return;
      }
      coarsened++;
      if (oldest.hasClients()) {
        oldest.keepClients(0);
      } else {
        slots.remove(fine.get());
        slots.computeIfAbsent(fine.get().hour(), fresh -> new SlotTotals()).add(oldest);
      }
      size = slots.values().stream().mapToInt(SlotTotals::size).sum();
    }
  }

  /// The next batch, or the one that was taken before and has not been [#stored].
  synchronized Optional<Batch> take() {
    if (taken == null && !slots.isEmpty()) {
      var requests = new ArrayList<Batch.Requests>();
      var latencies = new ArrayList<Batch.Latencies>();
      var limits = new ArrayList<Batch.Limits>();
      slots.forEach((slot, totals) -> totals.rows(slot, requests, latencies, limits));
      slots.clear();
      // One order for all edges, so that their batches cannot deadlock.
      requests.sort(
          Comparator.comparing(Batch.Requests::slot)
              .thenComparing(Batch.Requests::route)
              .thenComparingInt(Batch.Requests::status)
              .thenComparing(Batch.Requests::client));
      latencies.sort(
          Comparator.comparing(Batch.Latencies::slot)
              .thenComparing(Batch.Latencies::route)
              .thenComparingInt(Batch.Latencies::status)
              .thenComparingInt(Batch.Latencies::bucket));
      limits.sort(Comparator.comparing(Batch.Limits::slot).thenComparing(Batch.Limits::name));
      numbers++;
      taken = new Batch(numbers, requests, latencies, limits);
    }
    return Optional.ofNullable(taken);
  }

  synchronized void stored(Batch batch) {
    if (taken != null && taken.number() == batch.number()) {
      stored += batch.counted();
      taken = null;
    }
  }

  /// How many requests are here only.
  synchronized long counted() {
    return (taken == null ? 0 : taken.counted())
        + slots.values().stream().mapToLong(SlotTotals::counted).sum();
  }

  /// How many requests have gone from here to the database.
  synchronized long inDatabase() {
    return stored;
  }

  synchronized boolean isEmpty() {
    return taken == null && slots.isEmpty();
  }

  /// How often a minute lost detail to the bound.
  synchronized long coarsened() {
    return coarsened;
  }
}
