package dev.gatehouse.edge.limit;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/// The limits of an edge, and what they have counted; they outlive every new configuration.
///
/// Two sources are put together here: the limits of the file, and those that were set by the admin
/// API. Where both have one of the same name the file's is in force.
///
/// **Concurrency.** Event loops read [#rules], one volatile field, and work on [Buckets], which has
/// its own locks. Whoever changes the limits holds this object's lock, builds new rules, and writes
/// the field.
public final class Limits {
  /// A limit as it stands.
  ///
  /// @param inForce not, if the file has another one of its name
  public record Standing(Limit limit, boolean inForce, long allowed, long refused) {}

  /// Hears of every request that a limit let pass or turned away, on the request's event loop.
  @FunctionalInterface
  public interface Witness {
    Witness NOBODY = (name, allowed) -> {};

    void limit(String name, boolean allowed);
  }

  private final LongSupplier nanos;
  private final Witness witness;
  private final long began;
  private final Buckets buckets;
  private final Sharing sharing = new Sharing();
  private KeyHash.Secret secret;
  private List<Limit> file = List.of();
  private List<Limit> api = List.of();
  private Map<String, Long> generations = Map.of();
  private volatile Rules rules;

  /// @param keys how many keys there is room for
  public Limits(long keys, LongSupplier nanos, SecureRandom random, Witness witness) {
    this.nanos = nanos;
    this.witness = witness;
    this.began = nanos.getAsLong() - 1;
    this.buckets = new Buckets(keys, sharing);
    this.secret = new KeyHash.Secret(random.nextLong(), random.nextLong());
    this.rules = new Rules(Rules.Source.NONE, secret, Optional.empty());
  }

  /// There are so many edges, as long as nobody has found out how many there are: until then this
  /// one keeps to its share.
  public void expect(int edges) {
    sharing.unheard(edges);
  }

  /// The file has these from now on.
  public synchronized void file(List<Limit> limits) {
    file = List.copyOf(limits);
    build();
  }

  /// The database has these from now on.
  synchronized void stored(Stored stored) {
    api = stored.limits();
    generations = stored.generations();
    if (!stored.secret().equals(secret)) {
      // Buckets of all edges on one database are called the same from now on.
      secret = stored.secret();
      buckets.clear();
      rules = new Rules(Rules.Source.NONE, secret, Optional.empty());
    }
    build();
  }

  private void build() {
    var names = new HashSet<String>();
    var all = new ArrayList<Limit>();
    for (var limit : file) {
      names.add(limit.name());
      all.add(limit);
    }
    for (var limit : api) {
      if (names.add(limit.name())) {
        all.add(limit);
      }
    }
    rules = new Rules(new Rules.Source(all, generations), secret, Optional.of(rules));
  }

  /// Every limit, those of the file first.
  public synchronized List<Standing> standing() {
    var now = rules;
    var all = new ArrayList<Standing>();
    for (var rule : now.all()) {
      all.add(new Standing(rule.limit, true, rule.allowed.sum(), rule.refused.sum()));
    }
    for (var limit : api) {
      if (now.all().stream().noneMatch(rule -> rule.limit.equals(limit))) {
        all.add(new Standing(limit, false, 0, 0));
      }
    }
    return all;
  }

  /// The limit of this name that is in force.
  public Optional<Limit> find(String name) {
    return rules.all().stream()
        .map(rule -> rule.limit)
        .filter(limit -> limit.name().equals(name))
        .findFirst();
  }

  /// Figures for the metrics.
  ///
  /// @param keys of use at the last look, every ten seconds
  /// @param room for how many keys
  /// @param bytes of memory for them
  /// @param crowded requests that were counted in a shared bucket, because the table was full
  /// @param edges that share the limits, this one included
  /// @param apart whether this one knows nothing of the others right now and keeps to its share
  /// @param told keys that the edges tell each other of
  public record Figures(
      long keys, long room, long bytes, long crowded, int edges, boolean apart, int told) {}

  public Figures figures() {
    return new Figures(
        buckets.kept(),
        buckets.room(),
        buckets.bytes(),
        buckets.crowded(),
        sharing.edges(),
        sharing.apart(now()) > 1,
        sharing.told());
  }

  Rules rules() {
    return rules;
  }

  Buckets buckets() {
    return buckets;
  }

  Witness witness() {
    return witness;
  }

  Sharing sharing() {
    return sharing;
  }

  /// Positive, and never goes back.
  long now() {
    return nanos.getAsLong() - began;
  }
}
