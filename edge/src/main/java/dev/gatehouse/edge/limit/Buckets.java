package dev.gatehouse.edge.limit;

import java.util.concurrent.atomic.LongAdder;

/// The buckets of every key of every limit, in bounded memory.
///
/// A bucket is eight longs in two arrays of its segment, 64 bytes, and at most two thirds of the
/// places are in use before a segment grows: 96 bytes a key, whatever the key is. Keys are only
/// kept as a hash of 64 bits. A bucket whose time is over says no more than a new one, so its place
/// is simply taken by the next key that needs one: nothing is ever removed, and what nobody asks
/// for is forgotten. [#sweep] makes segments smaller again after a rush.
///
/// **Full.** When a segment may not grow any more and a new key finds no place, the key shares one
/// of 64 buckets of its limit with all others of that kind, until a place is free. So old keys keep
/// what they have, and new ones are limited more strictly, never less. It is counted in `crowded`.
///
/// **Concurrency.** Event loops share the table, since one client's connections lie on several. A
/// key's hash says which of 256 segments it is in, and the segment is a lock that is held for some
/// dozen memory accesses, or for the copy of its own buckets while it grows. The only bucket of a
/// limit, and the shared ones, have the rule as their lock. No lock is taken inside another.
final class Buckets {
  private static final int SEGMENTS = 256;
  private static final int FIRST_PLACES = 16;

  /// How far from its home a key may lie. At two thirds the furthest of a million keys is some 190
  /// places away.
  private static final int REACH = 256;

  private static final int CELL = Meter.STATE + SlidingWindow.SMALL;

  private static final long TOLD = Long.MIN_VALUE;

  /// What an edge knows of the others.
  interface Others {
    /// How many edges share the limits and know nothing of each other right now; 1 if this one is
    /// alone, or is told what the others let in.
    int apart(long now);

    /// How many edges there are.
    int edges();

    /// This key is asked for so often that the others should hear of it.
    ///
    /// @return whether they will
    boolean tell(Rule rule, long key);
  }

  /// What became of one try to take permits. Reused.
  static final class Outcome {
    /// How many are left, or minus the nanoseconds to wait.
    long left;

    /// When the bucket is as new.
    long resets;

    boolean taken() {
      return left >= 0;
    }
  }

  private final Segment[] segments = new Segment[SEGMENTS];
  private final int mostPlaces;
  private final Others others;
  private final LongAdder crowded = new LongAdder();
  private volatile long kept;

  /// @param keys how many there is room for
  Buckets(long keys, Others others) {
    this.mostPlaces = (int) Math.max(FIRST_PLACES, Math.ceilDiv(keys * 3, 2L * SEGMENTS));
    this.others = others;
    for (int i = 0; i < SEGMENTS; i++) {
      segments[i] = new Segment();
    }
  }

  void take(Rule rule, long key, long now, Outcome outcome) {
    if (rule.single()) {
      synchronized (rule) {
        take(rule, key, rule.only(), 0, now, outcome);
      }
      return;
    }
    var segment = segment(key);
    synchronized (segment) {
      int place = segment.find(key, now);
      if (place >= 0) {
        take(rule, key, segment.cells, place * CELL, now, outcome);
        return;
      }
    }
    crowded.increment();
    synchronized (rule) {
      int cell = (int) (key & (Rule.SHARED - 1)) * rule.meter.longs();
      untold(rule, rule.shared(), cell, now, outcome);
    }
  }

  private void take(Rule rule, long key, long[] cells, int at, long now, Outcome outcome) {
    boolean told = cells[at + Meter.OWN] < 0;
    int edges = others.edges();
    int cost = rule.limit.cost();
    outcome.left = rule.meter.take(cells, at, now, cost, told ? others.apart(now) : edges);
    outcome.resets = cells[at + Meter.EXPIRES];
    if (!outcome.taken()) {
      return;
    }
    cells[at + Meter.OWN] += cost;
    if (!told && edges > 1) {
      long half = rule.meter.most() / (2L * edges);
      if (rule.meter.held(cells, at, now) > half && others.tell(rule, key)) {
        cells[at + Meter.OWN] |= TOLD;
      }
    }
  }

  private void untold(Rule rule, long[] cells, int at, long now, Outcome outcome) {
    outcome.left = rule.meter.take(cells, at, now, rule.limit.cost(), others.edges());
    outcome.resets = cells[at + Meter.EXPIRES];
  }

  /// Gives back what was taken at `then`. Of a shared bucket nothing comes back.
  void refund(Rule rule, long key, long then) {
    withCell(
        rule,
        key,
        then,
        false,
        (cells, at) -> {
          rule.meter.refund(cells, at, then, rule.limit.cost());
          if ((cells[at + Meter.OWN] & ~TOLD) >= rule.limit.cost()) {
            cells[at + Meter.OWN] -= rule.limit.cost();
          }
        });
  }

  /// What the others should know of a key.
  ///
  /// @param own what this edge let in, counted from when the cell was new
  /// @param held how many permits are taken, whoever took them
  record State(long own, long held) {}

  /// The state of a key of which the others hear; a cell is made where there is none.
  State told(Rule rule, long key, long now) {
    var state = new State[1];
    withCell(
        rule,
        key,
        now,
        true,
        (cells, at) -> {
          cells[at + Meter.OWN] |= TOLD;
          state[0] = new State(cells[at + Meter.OWN] & ~TOLD, rule.meter.held(cells, at, now));
        });
    return state[0] == null ? new State(0, 0) : state[0];
  }

  /// The others no longer hear of this key.
  void untell(Rule rule, long key, long now) {
    withCell(rule, key, now, false, (cells, at) -> cells[at + Meter.OWN] &= ~TOLD);
  }

  /// Counts what another edge let in.
  void charge(Rule rule, long key, long now, long permits) {
    withCell(rule, key, now, true, (cells, at) -> rule.meter.charge(cells, at, now, permits));
  }

  @FunctionalInterface
  private interface CellAction {
    void on(long[] cells, int at);
  }

  private void withCell(Rule rule, long key, long now, boolean make, CellAction action) {
    if (rule.single()) {
      synchronized (rule) {
        action.on(rule.only(), 0);
      }
      return;
    }
    var segment = segment(key);
    synchronized (segment) {
      int place = make ? segment.find(key, now) : segment.look(key);
      if (place >= 0) {
        action.on(segment.cells, place * CELL);
      }
    }
  }

  /// Counts the keys that are still of use, and gives back room that is not.
  void sweep(long now) {
    long all = 0;
    for (var segment : segments) {
      synchronized (segment) {
        int live = segment.live(now);
        all += live;
        if (segment.hashes.length > FIRST_PLACES && live < segment.hashes.length / 4) {
          segment.rebuild(now, live);
        }
      }
    }
    kept = all;
  }

  /// How many keys were of use at the last [#sweep].
  long kept() {
    return kept;
  }

  /// How many keys there is room for, at the most.
  long room() {
    return (long) mostPlaces * SEGMENTS * 2 / 3;
  }

  /// Bytes that all arrays take now.
  long bytes() {
    long bytes = 0;
    for (var segment : segments) {
      synchronized (segment) {
        bytes += (long) segment.hashes.length * (1 + CELL) * Long.BYTES;
      }
    }
    return bytes;
  }

  /// Requests that were counted in a bucket shared for want of room.
  long crowded() {
    return crowded.sum();
  }

  /// Forgets everything, as at the start.
  void clear() {
    for (var segment : segments) {
      synchronized (segment) {
        segment.reset(FIRST_PLACES);
      }
    }
  }

  private Segment segment(long key) {
    return segments[(int) (key >>> 56)];
  }

  /// A part of the table: open addressing, a key lies at most [#REACH] places behind its home. A
  /// place once used stays so until the segment is rebuilt, so a search may end at an unused one.
  private final class Segment {
    long[] hashes = new long[FIRST_PLACES];
    long[] cells = new long[FIRST_PLACES * CELL];
    private int used;

    /// The place of a key; -1 if it has none.
    int look(long key) {
      int places = hashes.length;
      int place = home(key, places);
      for (int i = Math.min(REACH, places); i > 0; i--) {
        if (hashes[place] == key) {
          return place;
        }
        if (hashes[place] == 0) {
          return -1;
        }
        place = place + 1 == places ? 0 : place + 1;
      }
      return -1;
    }

    /// The place of a key, a new one if need be; -1 if there is no room.
    int find(long key, long now) {
      while (true) {
        int places = hashes.length;
        int place = home(key, places);
        int free = -1;
        for (int i = Math.min(REACH, places); i > 0; i--) {
          long hash = hashes[place];
          if (hash == key) {
            return place;
          }
          if (hash == 0) {
            free = free < 0 ? place : free;
            break;
          }
          if (free < 0 && cells[place * CELL + Meter.EXPIRES] <= now) {
            free = place;
          }
          place = place + 1 == places ? 0 : place + 1;
        }
        boolean crowding = free < 0 || (hashes[free] == 0 && used >= places - places / 3);
        if (crowding && places < mostPlaces) {
          rebuild(now, live(now));
        } else {
          return free < 0 ? -1 : settle(key, free);
        }
      }
    }

    private int settle(long key, int place) {
      used += hashes[place] == 0 ? 1 : 0;
      hashes[place] = key;
      java.util.Arrays.fill(cells, place * CELL, (place + 1) * CELL, 0);
      return place;
    }

    int live(long now) {
      int live = 0;
      for (int i = 0; i < hashes.length; i++) {
        live += hashes[i] != 0 && cells[i * CELL + Meter.EXPIRES] > now ? 1 : 0;
      }
      return live;
    }

    /// Makes room for twice what is of use.
    void rebuild(long now, int live) {
      var oldHashes = hashes;
      var oldCells = cells;
      int places = Math.min(mostPlaces, Math.max(FIRST_PLACES, live * 2));
      reset(places);
      for (int i = 0; i < oldHashes.length; i++) {
        if (oldHashes[i] != 0 && oldCells[i * CELL + Meter.EXPIRES] > now) {
          int place = home(oldHashes[i], places);
          while (hashes[place] != 0) {
            place = place + 1 == places ? 0 : place + 1;
          }
          hashes[place] = oldHashes[i];
          System.arraycopy(oldCells, i * CELL, cells, place * CELL, CELL);
          used++;
        }
      }
    }

    void reset(int places) {
      hashes = new long[places];
      cells = new long[places * CELL];
      used = 0;
    }

    private static int home(long key, int places) {
      return (int) (((key & 0xffff_ffffL) * places) >>> 32);
    }
  }
}
