package dev.gatehouse.edge.limit;

import dev.gatehouse.http.Problem;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// What one request was given and refused: a permit of every limit that concerns it, or of none.
///
/// Permits are taken limit by limit, and given back if one refuses. For the time in between, well
/// under a microsecond, another request may find them missing; so it can be refused by a permit
/// that was never used, but none is ever given twice. Confined to the request's event loop.
public final class Permits implements Consumer<Rule> {
  private final Buckets buckets;
  private final Limits.Witness witness;
  private final long now;
  private final Subject subject;
  private final Buckets.Outcome outcome = new Buckets.Outcome();
  private Rule[] rules = new Rule[4];
  private long[] keys = new long[4];
  private int seen;

  /// The limit that leaves the fewest requests.
  private @Nullable Rule tightest;

  private long left = Long.MAX_VALUE;
  private long resets;

  /// The limit that asks for the longest wait.
  private @Nullable Rule refusing;

  private long wait;
  private boolean keyless;

  Permits(Limits limits, Subject subject) {
    this(limits.buckets(), limits.witness(), subject, limits.now());
  }

  private Permits(Buckets buckets, Limits.Witness witness, Subject subject, long now) {
    this.buckets = buckets;
    this.witness = witness;
    this.subject = subject;
    this.now = now;
  }

  /// The same permits, for what more is known of the request now.
  Permits knowing(Subject more) {
    var next = new Permits(buckets, witness, more, now);
    next.rules = rules;
    next.keys = keys;
    next.seen = seen;
    next.tightest = tightest;
    next.left = left;
    next.resets = resets;
    return next;
  }

  /// A rule that may concern the request.
  @Override
  public void accept(Rule rule) {
    if (known(rule) || !rule.matches(subject)) {
      return;
    }
    long key = rule.key(subject);
    if (key == Rule.NO_KEY) {
      switch (rule.limit.missingKey()) {
        case SKIP -> {
          return;
        }
        case SHARE -> key = rule.sharedKey();
        case REFUSE -> {
          refuse(rule, rule.limit.rate().per().toNanos(), true);
          return;
        }
      }
    }
    buckets.take(rule, key, now, outcome);
    if (!outcome.taken()) {
      refuse(rule, -outcome.left, false);
      return;
    }
    remember(rule, key);
    long requests = outcome.left / rule.limit.cost();
    if (tightest == null || requests < left) {
      tightest = rule;
      left = requests;
      resets = outcome.resets;
    }
  }

  /// A rule may be filed under several things that all fit.
  private boolean known(Rule rule) {
    for (int i = 0; i < seen; i++) {
      if (rules[i] == rule) {
        return true;
      }
    }
    return rule == refusing;
  }

  private void remember(Rule rule, long key) {
    if (seen == rules.length) {
      rules = Arrays.copyOf(rules, seen * 2);
      keys = Arrays.copyOf(keys, seen * 2);
    }
    rules[seen] = rule;
    keys[seen] = key;
    seen++;
  }

  private void refuse(Rule rule, long nanos, boolean lacksKey) {
    if (refusing == null || nanos > wait) {
      refusing = rule;
      wait = nanos;
      keyless = lacksKey;
    }
  }

  /// To be called when all rules have been asked: whether the request may pass. If not, all that
  /// was taken is given back.
  boolean settle() {
    var no = refusing;
    if (no == null) {
      return true;
    }
    for (int i = 0; i < seen; i++) {
      buckets.refund(rules[i], keys[i], now);
    }
    seen = 0;
    no.refused.increment();
    witness.limit(no.limit.name(), false);
    return false;
  }

  /// Notes that the request has passed all limits there are.
  void passed() {
    for (int i = 0; i < seen; i++) {
      rules[i].allowed.increment();
      witness.limit(rules[i].limit.name(), true);
    }
  }

  /// What the answer says of the tightest limit; empty if none concerned the request.
  Optional<Fields> fields() {
    var rule = tightest;
    return rule == null
        ? Optional.empty()
        : Optional.of(
            new Fields(rule.policy, RateLimitFields.state(rule.limit, left, resets - now)));
  }

  /// Values of `RateLimit-Policy` and `RateLimit`.
  record Fields(String policy, String state) {}

  /// The answer to a request that may not pass.
  Problem refusal() {
    var rule = refusing;
    if (rule == null) {
      throw new IllegalStateException("the request may pass");
    }
    long seconds = RateLimitFields.seconds(wait);
    var limit = rule.limit;
    var detail =
        keyless
            ? "The limit '"
                + limit.name()
                + "' counts by "
                + rule.scope
                + ", and this request lacks that."
            : "The limit '"
                + limit.name()
                + "' lets "
                + limit.rate()
                + " pass; try again in "
                + seconds
                + " s.";
    return Problem.tooManyRequests(detail, seconds)
        .with("limit", limit.name())
        .with("scope", rule.scope)
        .header(RateLimitFields.POLICY, rule.policy)
        .header(RateLimitFields.STATE, RateLimitFields.state(limit, 0, wait));
  }
}
