package dev.gatehouse.counters;

import dev.gatehouse.counters.Increment.Once;
import dev.gatehouse.counters.Keys.Range;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The increments of one span of time.
///
/// While it is open, increments are added to it under [Pending]'s lock. Once it is closed nothing
/// in it changes any more, it is cut into chunks, and each chunk keeps its number for good: the
/// number is what the ledger knows it by. Requests that count only once stand apart from the sums,
/// one by one: only the flush learns whether another replica has counted them.
final class Window {
  /// A request that counts once, whoever else has it.
  record Request(Once once, List<Item> items) {}

  /// What is added to the totals in one transaction: requests that count once, in the order of
  /// their ids, with what they sum to, and plain sums in the order of keys.
  ///
  /// @param number from 0; the last one's is [Mark#LAST]
  record Chunk(long window, int number, List<Request> requests, Sums requested, List<Delta> sums) {
    Mark mark() {
      return new Mark(window, number);
    }
  }

  /// Where a window was cut: with what each chunk begins, but the last chunk of the sums has no
  /// chunk of requests after it.
  record Cuts(List<String> ids, List<String> keys) {
    static final Cuts NONE = new Cuts(List.of(), List.of());

    boolean isOne() {
      return ids.size() + keys.size() <= 1;
    }
  }

  /// Higher than that of any window before, whose journal it may be.
  private final long number;

  private final Sums sums = new Sums();
  private final Sums requested = new Sums();
  private final Map<String, Request> requests = new LinkedHashMap<>();
  private List<Chunk> chunks = List.of();
  private boolean foundUncut;
  private long openedAt;
  private long requestBytes;

  Window(long number) {
    this.number = number;
  }

  long number() {
    return number;
  }

  boolean isEmpty() {
    return keys() == 0;
  }

  int keys() {
    return sums.size() + requested.size();
  }

  /// What it takes in memory, estimated.
  long bytes() {
    return sums.bytes() + requested.bytes() + requestBytes;
  }

  /// Whether a sum in it is so large that a total could leave 64 bits.
  boolean heavy() {
    return sums.heavy() || requested.heavy();
  }

  /// The nano ticker at its first increment; means nothing while there is none.
  long openedAt() {
    return openedAt;
  }

  boolean has(String key) {
    return sums.get(key) != null;
  }

  static long bytesOf(String key) {
    return 112 + 2L * key.length();
  }

  static long bytesOf(Request request) {
    long bytes = 400;
    for (var item : request.items()) {
      bytes += 96 + 2L * item.key().length();
    }
    return bytes;
  }

  void add(String key, long value, long nanos) {
    if (isEmpty()) {
      openedAt = nanos;
    }
    sums.add(key, value);
  }

  /// Adds a request that counts once; nothing when it has it already.
  void add(Request request, long nanos) {
    if (isEmpty()) {
      openedAt = nanos;
    }
    if (requests.putIfAbsent(request.once().id(), request) == null) {
      requestBytes += bytesOf(request);
      request.items().forEach(item -> requested.add(item.key(), item.value()));
    }
  }

  Optional<Once> once(String id) {
    return Optional.ofNullable(requests.get(id)).map(Request::once);
  }

  List<Once> onces() {
    return requests.values().stream().map(Request::once).toList();
  }

  // --- cutting ---

  /// Where to cut a closed window, by count.
  Cuts cuts(int chunkKeys) {
    var ids = new ArrayList<String>();
    int items = chunkKeys;
    for (var request : sortedRequests()) {
      if (items >= chunkKeys) {
        ids.add(request.once().id());
        items = 0;
      }
      items += request.items().size();
    }
    var keys = new ArrayList<String>();
    var sorted = sums.sorted();
    for (int i = 0; i < sorted.length; i += chunkKeys) {
      keys.add(sorted[i].key());
    }
    return new Cuts(ids, keys);
  }

  /// The chunks, cut exactly there. A window that lost a part of itself with a damaged segment has
  /// the chunks it had, with less in them.
  List<Chunk> cut(Cuts cuts) {
    var made = new ArrayList<Chunk>();
    var rest = sortedRequests();
    var sorted = sums.sorted();
    if (cuts.isOne()) {
      made.add(chunk(Mark.LAST, rest, Arrays.asList(sorted)));
      return made;
    }
    int from = 0;
    for (int i = 0; i < cuts.ids().size(); i++) {
      int to = rest.size();
      if (i + 1 < cuts.ids().size()) {
        var next = cuts.ids().get(i + 1);
        to = from;
        while (to < rest.size() && rest.get(to).once().id().compareTo(next) < 0) {
          to++;
        }
      }
      made.add(chunk(made.size(), rest.subList(from, to), List.of()));
      from = to;
    }
    from = 0;
    for (int i = 0; i < cuts.keys().size(); i++) {
      int to = sorted.length;
      if (i + 1 < cuts.keys().size()) {
        var next = cuts.keys().get(i + 1);
        to = from;
        while (to < sorted.length && Keys.ORDER.compare(sorted[to].key(), next) < 0) {
          to++;
        }
      }
      made.add(chunk(made.size(), List.of(), Arrays.asList(sorted).subList(from, to)));
      from = to;
    }
    var last = made.removeLast();
    made.add(new Chunk(number, Mark.LAST, last.requests(), last.requested(), last.sums()));
    return made;
  }

  private Chunk chunk(int chunk, List<Request> some, List<Delta> plain) {
    var sum = new Sums();
    some.forEach(request -> request.items().forEach(item -> sum.add(item.key(), item.value())));
    return new Chunk(number, chunk, some, sum, plain);
  }

  private List<Request> sortedRequests() {
    var sorted = new ArrayList<>(requests.values());
    sorted.sort((a, b) -> a.once().id().compareTo(b.once().id()));
    return sorted;
  }

  /// Publishes the chunks, before the first is flushed.
  void cutAt(List<Chunk> made) {
    chunks = List.copyOf(made);
  }

  List<Chunk> chunks() {
    return chunks;
  }

  /// It comes from a journal, and that does not say where it was cut.
  void foundUncut() {
    foundUncut = true;
  }

  boolean isFoundUncut() {
    return foundUncut;
  }

  // --- reading ---

  /// What is counted here for `key` and is not in a snapshot with all up to `mark`; empty where
  /// there is nothing.
  Optional<BigInteger> missing(String key, Mark mark) {
    if (number < mark.window() || (number == mark.window() && mark.chunk() == Mark.LAST)) {
      return Optional.empty();
    }
    if (number > mark.window() || chunks.isEmpty()) {
      return sum(sums.get(key), requested.get(key));
    }
    var found = Optional.<BigInteger>empty();
    for (int i = 0; i < chunks.size(); i++) {
      var chunk = chunks.get(i);
      if (chunk.number() > mark.chunk()) {
        boolean here = holds(i, key);
        var part = sum(here ? sums.get(key) : null, chunk.requested().get(key));
        if (part.isPresent()) {
          found = Optional.of(found.orElse(BigInteger.ZERO).add(part.get()));
        }
      }
    }
    return found;
  }

  /// Whether the key, if it is in the plain sums, is in this chunk of them.
  private boolean holds(int index, String key) {
    var plain = chunks.get(index).sums();
    return !plain.isEmpty()
        && Keys.ORDER.compare(plain.getFirst().key(), key) <= 0
        && Keys.ORDER.compare(plain.getLast().key(), key) >= 0;
  }

  private static Optional<BigInteger> sum(
      @org.jspecify.annotations.Nullable Delta a, @org.jspecify.annotations.Nullable Delta b) {
    if (a == null) {
      return b == null ? Optional.empty() : Optional.of(b.total());
    }
    return Optional.of(b == null ? a.total() : a.total().add(b.total()));
  }

  /// Its keys at this moment, to be walked without the lock.
  List<Sums.Listed> listed() {
    return List.of(sums.listed(), requested.listed());
  }

  /// The first `limit` keys of `range` among those listed.
  static List<String> first(List<Sums.Listed> listed, Range range, int limit) {
    var keys = new java.util.TreeSet<String>(Keys.ORDER);
    for (var part : listed) {
      for (int i = 0; i < part.size(); i++) {
        var key = part.list()[i].key();
        if (range.has(key) && (keys.size() < limit || Keys.ORDER.compare(key, keys.last()) < 0)) {
          keys.add(key);
          if (keys.size() > limit) {
            keys.pollLast();
          }
        }
      }
    }
    return List.copyOf(keys);
  }
}
