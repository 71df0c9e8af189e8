package dev.gatehouse.accounts;

import java.time.Duration;

/// What hashing and guessing may cost.
///
/// @param hashThreads password hashes computed at once; each takes 19 MiB while it lasts
/// @param hashQueue requests that may wait for a hash; one more is refused with 503
/// @param account wrong passwords for one account, from whatever address; a browser that has signed
///   in to it before has as many of its own
/// @param address wrong passwords from one address (IPv6: one /64), for whatever account
public record AccountsSettings(
    int hashThreads, int hashQueue, Allowance account, Allowance address) {

  /// `burst` at once, and one more `every` so long.
  public record Allowance(int burst, Duration every) {
    public Allowance {
      if (burst < 1 || every.isNegative() || every.isZero()) {
        throw new IllegalArgumentException("an allowance is at least one, every so long");
      }
    }
  }

  public AccountsSettings {
    if (hashThreads < 1 || hashQueue < 1) {
      throw new IllegalArgumentException("hashThreads and hashQueue must be at least 1");
    }
  }

  /// @param processors of this machine
  public static AccountsSettings defaults(int processors) {
    return new AccountsSettings(
        Math.max(2, processors / 2),
        64,
        new Allowance(10, Duration.ofMinutes(1)),
        new Allowance(100, Duration.ofSeconds(6)));
  }
}
