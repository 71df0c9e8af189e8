package dev.gatehouse.edge.limit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// All limits that are in force, made ready. Immutable; a change makes another one.
///
/// Rules that did not change are the same objects in the next one, with what they have counted.
final class Rules {
  /// The limits that are in force, and how often each was reset.
  ///
  /// @param generations by name; a limit that is absent was never reset
  record Source(List<Limit> limits, Map<String, Long> generations) {
    static final Source NONE = new Source(List.of(), Map.of());
  }

  private final List<Rule> all;
  private final Map<Long, Rule> byId = new HashMap<>();

  /// What can be judged at once, and what only with an identity.
  private final Index open;

  private final Index identified;

  Rules(Source source, KeyHash.Secret secret, Optional<Rules> before) {
    var made = new ArrayList<Rule>();
    for (var limit : source.limits()) {
      var rule = new Rule(limit, source.generations().getOrDefault(limit.name(), 0L), secret);
      var old = before.flatMap(rules -> rules.find(rule.id));
      made.add(old.filter(same -> same.limit.equals(limit)).orElse(rule));
    }
    all = List.copyOf(made);
    all.forEach(rule -> byId.put(rule.id, rule));
    open = new Index(all.stream().filter(rule -> !rule.limit.needsIdentity()).toList());
    identified = new Index(all.stream().filter(rule -> rule.limit.needsIdentity()).toList());
  }

  List<Rule> all() {
    return all;
  }

  Optional<Rule> find(long id) {
    return Optional.ofNullable(byId.get(id));
  }

  Index open() {
    return open;
  }

  Index identified() {
    return identified;
  }
}
