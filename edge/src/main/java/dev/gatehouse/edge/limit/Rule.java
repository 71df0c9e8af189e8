package dev.gatehouse.edge.limit;

import dev.gatehouse.edge.limit.Limit.KeyPart;
import dev.gatehouse.edge.route.Condition;
import dev.gatehouse.edge.route.RouteTable;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// A limit made ready: does it concern a request, and which bucket counts.
///
/// A limit without a key has its one bucket here, finer than those of the table; so have the shared
/// buckets of keys that found no room there. `this` is the lock of both.
final class Rule {
  /// Buckets that keys without a place in the table share.
  static final int SHARED = 64;

  /// Of a request that lacks a part of the key.
  static final long NO_KEY = 0;

  final Limit limit;
  final long id;
  final Meter meter;
  final LongAdder allowed;
  final LongAdder refused;
  final String policy;
  final String scope;

  private final KeyHash.Secret secret;
  private final long onlyKey;
  private final long[] only;
  private long @Nullable [] shared;

  /// @param generation is another one after the limit was reset
  Rule(Limit limit, long generation, KeyHash.Secret secret) {
    this.limit = limit;
    this.id = id(limit.definition() + "#" + generation);
    this.secret = secret;
    this.meter = meter(limit);
    this.onlyKey = new KeyHash(secret).add(id).end();
    this.only = new long[limit.key().isEmpty() ? meter.longs() : 0];
    this.allowed = new LongAdder();
    this.refused = new LongAdder();
    this.policy = RateLimitFields.policy(limit);
    this.scope = limit.scope();
  }

  private static Meter meter(Limit limit) {
    long period = limit.rate().per().toNanos();
    int permits = limit.rate().permits();
    return limit.burst().isPresent()
        ? new TokenBucket(permits, period, limit.burst().getAsInt())
        : new SlidingWindow(
            permits, period, limit.key().isEmpty() ? SlidingWindow.LARGE : SlidingWindow.SMALL);
  }

  /// The same number on every edge and after every restart.
  private static long id(String definition) {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      var bytes = digest.digest(definition.getBytes(StandardCharsets.UTF_8));
      return java.nio.ByteBuffer.wrap(bytes).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /// Whether it has one bucket only.
  boolean single() {
    return only.length > 0;
  }

  long[] only() {
    return only;
  }

  /// The cells of keys without a place in the table; made when the first is needed. Under the lock.
  long[] shared() {
    var made = shared;
    if (made == null) {
      made = new long[SHARED * meter.longs()];
      shared = made;
    }
    return made;
  }

  // ---- does it concern a request

  boolean matches(Subject subject) {
    var match = limit.match();
    var head = subject.head();
    return inOne(match.clients(), subject)
        && takesMethod(match.methods(), head.method())
        && (match.path().isEmpty() || match.path().get().matches(head.target().segments()))
        && (match.host().isEmpty() || hostFits(match.host().get(), host(subject)))
        && holdAll(match.headers(), subject)
        && (match.userAgents().isEmpty() || fitsOne(match.userAgents(), userAgent(subject)))
        && (match.users().isEmpty() || subject.user().filter(match.users()::contains).isPresent())
        && (match.plans().isEmpty() || subject.plan().filter(match.plans()::contains).isPresent())
        && (match.routes().isEmpty() || match.routes().contains(subject.route()));
  }

  private static boolean inOne(List<AddressBlock> blocks, Subject subject) {
    for (int i = 0; i < blocks.size(); i++) {
      if (blocks.get(i).contains(subject.high(), subject.low())) {
        return true;
      }
    }
    return blocks.isEmpty();
  }

  /// `GET` takes `HEAD` along, as it does for routes.
  private static boolean takesMethod(List<String> methods, String method) {
    return methods.isEmpty()
        || methods.contains(method)
        || (method.equals("HEAD") && methods.contains("GET"));
  }

  private static boolean hostFits(String pattern, String host) {
    return pattern.startsWith("*.")
        ? host.length() >= pattern.length() && host.endsWith(pattern.substring(1))
        : host.equals(pattern);
  }

  private static boolean holdAll(List<Condition> conditions, Subject subject) {
    for (int i = 0; i < conditions.size(); i++) {
      if (!conditions.get(i).holds(subject.head())) {
        return false;
      }
    }
    return true;
  }

  private static boolean fitsOne(List<Wildcard> wildcards, @Nullable String text) {
    for (int i = 0; i < wildcards.size(); i++) {
      if (text != null && wildcards.get(i).matches(text)) {
        return true;
      }
    }
    return false;
  }

  static String host(Subject subject) {
    return RouteTable.hostName(subject.head().host());
  }

  static @Nullable String userAgent(Subject subject) {
    return subject.head().headers().get("user-agent");
  }

  // ---- which bucket counts

  /// The bucket of a request, or [#NO_KEY].
  long key(Subject subject) {
    var parts = limit.key();
    if (parts.isEmpty()) {
      return onlyKey;
    }
    var hash = new KeyHash(secret).add(id);
    for (int i = 0; i < parts.size(); i++) {
      if (!add(hash, parts.get(i), subject)) {
        return NO_KEY;
      }
    }
    return hash.end();
  }

  /// The bucket that all requests without a key share.
  long sharedKey() {
    return onlyKey;
  }

  private static boolean add(KeyHash hash, KeyPart part, Subject subject) {
    return switch (part.source()) {
      case CLIENT -> {
        boolean four = AddressBlock.four(subject.high(), subject.low());
        hash.add(subject.high()).add(four ? subject.low() : 0);
        yield true;
      }
      case USER -> add(hash, subject.user().orElse(null));
      case PLAN -> add(hash, subject.plan().orElse(null));
      case ROUTE -> add(hash, subject.route());
      case HOST -> add(hash, host(subject));
      case METHOD -> add(hash, subject.head().method());
      case USER_AGENT -> add(hash, userAgent(subject));
      case HEADER -> add(hash, subject.head().headers().get(part.header()));
      case PATH -> {
        var segments = subject.head().target().segments();
        for (int i = 0; i < segments.size(); i++) {
          hash.add(segments.get(i));
        }
        hash.add(segments.size());
        yield true;
      }
    };
  }

  private static boolean add(KeyHash hash, @Nullable String text) {
    if (text == null || text.isEmpty()) {
      return false;
    }
    hash.add(text);
    return true;
  }
}
