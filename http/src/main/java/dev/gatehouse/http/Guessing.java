package dev.gatehouse.http;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.LongSupplier;

/// Throttles the guessing of passwords, per account and per address.
///
/// Only wrong passwords count: a guess is taken before the password is checked, so that many at
/// once cannot slip by together, and given back when it was right or could not be checked. Unknown
/// accounts have buckets like known ones, so that a 429 tells nothing.
///
/// The owner is not locked out by others who guess: a device that has signed in to the account
/// before has a bucket of its own, in place of both others.
///
/// Buckets live in memory, at most [#MOST] of each kind, and are forgotten when they are full
/// again. Each edge counts for itself.
public final class Guessing {
  static final int MOST = 20_000;
  private static final int IPV6_NETWORK_BYTES = 8;

  private final Allowance account;
  private final Allowance address;
  private final LongSupplier nanos;
  private final Cache<String, Bucket> accounts;
  private final Cache<String, Bucket> addresses;
  private final Cache<String, Bucket> devices;

  /// `burst` at once, and one more `every` so long.
  public record Allowance(int burst, Duration every) {
    public Allowance {
      if (burst < 1 || every.isNegative() || every.isZero()) {
        throw new IllegalArgumentException("an allowance is at least one, every so long");
      }
    }
  }

  /// A guess that has been taken.
  public static final class Guess {
    private final List<Bucket> buckets;

    private Guess(List<Bucket> buckets) {
      this.buckets = buckets;
    }

    /// It was none: the password was right, or could not be checked.
    public void giveBack() {
      buckets.forEach(Bucket::giveBack);
    }
  }

  /// @param account wrong passwords for one account, from whatever address; a device that has
  ///   signed in to it before has as many of its own
  /// @param address wrong passwords from one address (IPv6: one /64), for whatever account
  public Guessing(Allowance account, Allowance address, LongSupplier nanos) {
    this.account = account;
    this.address = address;
    this.nanos = nanos;
    this.accounts = buckets(account, nanos);
    this.devices = buckets(account, nanos);
    this.addresses = buckets(address, nanos);
  }

  /// Takes a guess at an account.
  ///
  /// @param name of the account, however long
  /// @param device what tells a device that has signed in to this account before
  /// @throws Refusal 429 with the time after which one more is allowed
  public Guess take(InetSocketAddress client, String name, Optional<byte[]> device) {
    // Hashed, since a key may be as long as a body and a bucket is meant to be small.
    var key = base64(sha256(name));
    if (device.isPresent()) {
      return take(bucket(devices, base64(device.get()) + key, account));
    }
    return take(bucket(addresses, network(client), address), bucket(accounts, key, account));
  }

  /// Takes a guess that only the address has to answer for.
  ///
  /// @throws dev.gatehouse.http.Refusal 429 with the time after which one more is allowed
  public Guess takeFrom(InetSocketAddress client) {
    return take(bucket(addresses, network(client), address));
  }

  /// Takes a guess at the password of who is signed in. The bucket is the user's own, since nobody
  /// without a session of theirs can empty it.
  ///
  /// @throws dev.gatehouse.http.Refusal 429 with the time after which one more is allowed
  public Guess takeSignedIn(UUID user) {
    return take(bucket(devices, user.toString(), account));
  }

  /// From all buckets or from none.
  private Guess take(Bucket... wanted) {
    long now = nanos.getAsLong();
    for (int i = 0; i < wanted.length; i++) {
      long wait = wanted[i].take(now);
      if (wait > 0) {
        new Guess(List.of(wanted).subList(0, i)).giveBack();
        throw Problem.tooManyRequests(
                "Too many wrong passwords; wait before the next one.",
                Duration.ofNanos(wait).plusMillis(999).toSeconds())
            .refusal();
      }
    }
    return new Guess(List.of(wanted));
  }

  private Bucket bucket(Cache<String, Bucket> buckets, String key, Allowance allowance) {
    return buckets.get(key, k -> new Bucket(allowance, nanos.getAsLong()));
  }

  private static Cache<String, Bucket> buckets(Allowance allowance, LongSupplier nanos) {
    return Caffeine.newBuilder()
        .maximumSize(MOST)
        .expireAfterAccess(allowance.every().multipliedBy(allowance.burst()))
        .ticker(nanos::getAsLong)
        .executor(Runnable::run)
        .build();
  }

  /// One customer of a provider has a whole /64 and would otherwise never meet its bucket again.
  private static String network(InetSocketAddress client) {
    var address = client.getAddress();
    if (address == null) {
      return client.getHostString();
    }
    var bytes = address.getAddress();
    return base64(
        address instanceof Inet6Address ? Arrays.copyOf(bytes, IPV6_NETWORK_BYTES) : bytes);
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  /// A token bucket told by one number: the instant at which it is full again (GCRA).
  private static final class Bucket {
    private final long every;
    private final long tolerance;
    private long full;

    Bucket(Allowance allowance, long now) {
      every = allowance.every().toNanos();
      tolerance = every * (allowance.burst() - 1);
      full = now;
    }

    /// 0 when a token was taken, else the nanoseconds until there is one.
    synchronized long take(long now) {
      if (full - now < 0) {
        full = now;
      }
      long wait = full - now - tolerance;
      if (wait > 0) {
        return wait;
      }
      full += every;
      return 0;
    }

    synchronized void giveBack() {
      full -= every;
    }
  }
}
