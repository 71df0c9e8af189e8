package dev.gatehouse.edge.upstream;

import org.jspecify.annotations.Nullable;

/// Equal requests to the same replica, and when a replica comes or goes only its own share moves.
///
/// Rendezvous hashing: every replica gets a score of the request's hash and its own, and the
/// highest wins (Thaler and Ravishankar, 1998). A ring or Maglev's table look up faster where there
/// are hundreds; for the few that stand behind an edge this needs no table and is exact. No replica
/// gets more than a quarter above its fair share of what is in flight (Mirrokni, Thorup and
/// Zadimoghaddam, 2016), as soon as there is enough in flight to tell.
final class ConsistentHash implements Balancer {
  /// So many at a time any replica may have, whatever the others have.
  private static final int FREE = 16;

  private final Replica[] replicas;
  private final long[] hashes;

  ConsistentHash(Replica[] replicas) {
    this.replicas = replicas;
    hashes = new long[replicas.length];
    for (int i = 0; i < replicas.length; i++) {
      hashes[i] = hash(replicas[i].origin().address());
    }
  }

  @Override
  public boolean warms() {
    return false;
  }

  @Override
  public @Nullable Replica pick(Ask ask) {
    int usable = 0;
    int busy = 1;
    for (var replica : replicas) {
      if (ask.takes(replica)) {
        usable++;
        busy += replica.inFlight();
      }
    }
    if (usable == 0) {
      return null;
    }
    int most = Math.max(FREE, (busy * 5 + usable * 4 - 1) / (usable * 4));
    Replica best = null;
    Replica overfull = null;
    long high = 0;
    long higher = 0;
    for (int i = 0; i < replicas.length; i++) {
      var replica = replicas[i];
      if (!ask.takes(replica)) {
        continue;
      }
      long score = mixed(ask.hash() ^ hashes[i]);
      if (replica.inFlight() < most) {
        if (best == null || score > high) {
          best = replica;
          high = score;
        }
      } else if (overfull == null || score > higher) {
        overfull = replica;
        higher = score;
      }
    }
    return best == null ? overfull : best;
  }

  /// FNV-1a over 64 bits, so that addresses that differ in one digit differ everywhere once mixed.
  static long hash(CharSequence text) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    return mixed(hash);
  }

  /// The finalizer of MurmurHash3.
  private static long mixed(long bits) {
    long mixed = (bits ^ (bits >>> 33)) * 0xff51afd7ed558ccdL;
    mixed = (mixed ^ (mixed >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return mixed ^ (mixed >>> 33);
  }
}
