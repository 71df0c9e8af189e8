package dev.gatehouse.accounts;

import dev.gatehouse.http.Guessing.Allowance;
import java.time.Duration;

/// What hashing and guessing may cost, and how long a session lasts unused.
///
/// @param hashCost of new passwords; those hashed for less are hashed again when their owner signs
///   in
/// @param hashThreads password hashes computed at once; each takes its memory while it lasts
/// @param hashQueue requests that may wait for a hash; one more is refused with 503
/// @param account wrong passwords for one account, from whatever address; a browser that has signed
///   in to it before has as many of its own
/// @param address wrong passwords from one address (IPv6: one /64), for whatever account
/// @param idle a session that was not used for so long is over
public record AccountsSettings(
    HashCost hashCost,
    int hashThreads,
    int hashQueue,
    Allowance account,
    Allowance address,
    Duration idle) {

  /// Argon2id's parameters.
  public record HashCost(int memoryKib, int passes, int lanes) {
    /// OWASP's first choice for servers: 19 MiB, two passes, one lane.
    public static final HashCost LEAST = new HashCost(19_456, 2, 1);

    public HashCost {
      if (passes < 1 || lanes < 1 || memoryKib < 8 * lanes) {
        throw new IllegalArgumentException("Argon2 needs a pass, a lane, and 8 KiB for each lane");
      }
    }

    /// The memory that is filled, pass after pass, in KiB: what time is proportional to.
    long work() {
      return (long) memoryKib * passes;
    }
  }

  public AccountsSettings {
    if (hashThreads < 1 || hashQueue < 1) {
      throw new IllegalArgumentException("hashThreads and hashQueue must be at least 1");
    }
    if (idle.compareTo(Duration.ofSeconds(1)) < 0) {
      throw new IllegalArgumentException("idle must be at least a second");
    }
  }

  /// @param processors of this machine
  public static AccountsSettings defaults(int processors) {
    return new AccountsSettings(
        HashCost.LEAST,
        Math.max(2, processors / 2),
        64,
        new Allowance(10, Duration.ofMinutes(1)),
        new Allowance(100, Duration.ofSeconds(6)),
        Duration.ofHours(8));
  }

  /// These with another cost of new passwords.
  public AccountsSettings hashCost(HashCost cost) {
    return new AccountsSettings(cost, hashThreads, hashQueue, account, address, idle);
  }

  /// These with another time that a session lasts unused.
  public AccountsSettings idle(Duration time) {
    return new AccountsSettings(hashCost, hashThreads, hashQueue, account, address, time);
  }
}
