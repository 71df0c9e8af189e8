package dev.gatehouse.edge.cache;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import dev.gatehouse.edge.route.PathPattern;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Target;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/// Every stored answer of an edge, bounded in bytes. It outlives changes of the configuration.
///
/// All event loops share it. Entries are never changed, only replaced, by `compute` of the map
/// under Caffeine. What must not be stored any more because its key was invalidated while it was on
/// its way is told by stamps: [#stamp] is taken before the request goes out and compared when the
/// answer is put. Stamps are counted for groups of keys, so an invalidation may also cost a
/// stranger one chance to be stored, and never more.
public final class Cache {
  private static final int GROUPS = 4096;

  /// How long an answer that is not for others keeps requests from waiting for each other.
  private static final long UNCACHED_MILLIS = 10_000;

  /// What it holds and what it did.
  ///
  /// @param hits answers without asking the origin first, stale ones among them
  /// @param stale answers that were stale
  /// @param misses requests that went on to the origin
  /// @param collapsed requests that were answered with another's answer
  /// @param waiting requests that wait for another's answer right now
  public record Figures(
      long entries,
      long bytes,
      long size,
      long hits,
      long stale,
      long misses,
      long collapsed,
      long waiting) {
    public Map<String, Object> members() {
      var members = new LinkedHashMap<String, Object>();
      members.put("entries", entries);
      members.put("bytes", bytes);
      members.put("size", size);
      members.put("hits", hits);
      members.put("stale", stale);
      members.put("misses", misses);
      members.put("collapsed", collapsed);
      members.put("waiting", waiting);
      return members;
    }
  }

  final LongAdder hits = new LongAdder();
  final LongAdder stale = new LongAdder();
  final LongAdder collapsed = new LongAdder();

  /// Requests that went on to the origin, by why.
  private final Map<CacheStatus.Forwarded, LongAdder> forwarded =
      new EnumMap<>(CacheStatus.Forwarded.class);

  private final InstantSource clock;
  private final com.github.benmanes.caffeine.cache.Cache<Key, Entry> entries;
  private final AtomicIntegerArray stamps = new AtomicIntegerArray(GROUPS);
  private final Flights flights = new Flights();

  /// @param size bytes of all entries together, about
  public Cache(long size, InstantSource clock) {
    this.clock = clock;
    for (var why : CacheStatus.Forwarded.values()) {
      forwarded.put(why, new LongAdder());
    }
    this.entries =
        Caffeine.newBuilder()
            .maximumWeight(size)
            .weigher((Key key, Entry entry) -> entry.weight(key))
            // On the thread that writes: there is no work here worth another.
            .executor(Runnable::run)
            .build();
  }

  public void resize(long size) {
    eviction().setMaximum(size);
  }

  public Figures figures() {
    entries.cleanUp();
    var misses = misses();
    return new Figures(
        entries.estimatedSize(),
        eviction().weightedSize().orElse(0),
        eviction().getMaximum(),
        hits.sum(),
        stale.sum(),
        misses.values().stream().mapToLong(Long::longValue).sum(),
        collapsed.sum(),
        flights.waiting());
  }

  /// Requests that went on to the origin, by why, in the words of RFC 9211.
  public Map<String, Long> misses() {
    var all = new LinkedHashMap<String, Long>();
    forwarded.forEach((why, count) -> all.put(why.word(), count.sum()));
    return all;
  }

  void missed(CacheStatus.Forwarded why) {
    var count = forwarded.get(why);
    if (count != null) {
      count.increment();
    }
  }

  private Policy.Eviction<Key, Entry> eviction() {
    return entries.policy().eviction().orElseThrow();
  }

  // --- purge

  /// Forgets every answer to a path that `pattern` matches; returns how many.
  public int purge(PathPattern pattern) {
    return purge((key, answer) -> matches(pattern, key));
  }

  /// Forgets every answer that carries this tag.
  public int purge(String tag) {
    return purge((key, answer) -> answer.tags().contains(tag));
  }

  public int purgeAll() {
    return purge((key, answer) -> true);
  }

  private static boolean matches(PathPattern pattern, Key key) {
    try {
      return pattern.matches(Target.parse(key.target()).segments());
    } catch (Refusal e) {
      return false; // such a target never got in
    }
  }

  private int purge(BiPredicate<Key, StoredAnswer> which) {
    // What is on its way now may be of the kind that is purged: none of it is stored.
    for (int i = 0; i < GROUPS; i++) {
      stamps.incrementAndGet(i);
    }
    int count = 0;
    for (var key : map().keySet()) {
      var before = map().get(key);
      if (before == null || before.answers().stream().noneMatch(a -> which.test(key, a))) {
        continue;
      }
      count += (int) before.answers().stream().filter(a -> which.test(key, a)).count();
      map()
          .computeIfPresent(
              key,
              (k, entry) -> {
                var left = entry.answers().stream().filter(a -> !which.test(k, a)).toList();
                return left.isEmpty() ? null : new Entry(left, entry.uncachedUntil());
              });
    }
    return count;
  }

  // --- for routes

  long now() {
    return clock.millis();
  }

  Flights flights() {
    return flights;
  }

  static Key key(String place, String host, String target) {
    return new Key(place, lower(host), target);
  }

  private static String lower(String host) {
    for (int i = 0; i < host.length(); i++) {
      char c = host.charAt(i);
      if (c >= 'A' && c <= 'Z') {
        return host.toLowerCase(Locale.ROOT);
      }
    }
    return host;
  }

  @Nullable Entry get(Key key) {
    return entries.getIfPresent(key);
  }

  int stamp(Key key) {
    return stamps.get(group(key));
  }

  private static int group(Key key) {
    int hash = key.hashCode();
    return (hash ^ hash >>> 16) & (GROUPS - 1);
  }

  /// Keeps `answer`, unless its key was invalidated after `stamp` was taken.
  void put(Key key, StoredAnswer answer, int stamp) {
    map()
        .compute(
            key,
            (k, entry) ->
                stamp(k) != stamp ? entry : (entry == null ? Entry.EMPTY : entry).with(answer));
  }

  /// The last answer is not for others, and replaces `old`.
  void uncached(Key key, @Nullable StoredAnswer old) {
    map()
        .compute(
            key,
            (k, entry) ->
                old == null
                    ? new Entry(entry == null ? java.util.List.of() : entry.answers(), until())
                    : (entry == null ? Entry.EMPTY : entry).without(old, until()));
  }

  private long until() {
    return now() + UNCACHED_MILLIS;
  }

  void invalidate(Key key) {
    stamps.incrementAndGet(group(key));
    entries.invalidate(key);
  }

  private ConcurrentMap<Key, Entry> map() {
    return entries.asMap();
  }
}
