package dev.gatehouse.edge.cache;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;

/// Which request fields an answer was chosen by, and what they said (RFC 9111 section 4.1).
///
/// Values are compared after what surely means the same was made the same: lines are joined, space
/// around commas goes. In the `Accept` family the order of equal preferences and the case of
/// letters go too.
///
/// @param names in lower case, sorted
/// @param values one per name; absent is different from empty
record Vary(List<String> names, List<String> values) {
  static final Vary NOTHING = new Vary(List.of(), List.of());

  private static final String ABSENT = "\0";

  /// Empty for `Vary: *`, which nothing matches.
  static Optional<Vary> of(HttpHeaders answer, HttpHeaders request) {
    if (!answer.contains(HttpHeaderNames.VARY)) {
      return Optional.of(NOTHING);
    }
    var names = new TreeSet<String>();
    for (var line : answer.getAll(HttpHeaderNames.VARY)) {
      for (var name : line.split(",")) {
        if (!name.isBlank()) {
          names.add(name.trim().toLowerCase(Locale.ROOT));
        }
      }
    }
    return names.contains("*")
        ? Optional.empty()
        : Optional.of(new Vary(List.copyOf(names), values(List.copyOf(names), request)));
  }

  boolean matches(HttpHeaders request) {
    for (int i = 0; i < names.size(); i++) {
      if (!values.get(i).equals(value(names.get(i), request))) {
        return false;
      }
    }
    return true;
  }

  /// What `request` says in the fields of these names.
  static List<String> values(List<String> names, HttpHeaders request) {
    var values = new ArrayList<String>(names.size());
    for (var name : names) {
      values.add(value(name, request));
    }
    return List.copyOf(values);
  }

  private static String value(String name, HttpHeaders request) {
    if (!request.contains(name)) {
      return ABSENT;
    }
    var members = new ArrayList<String>();
    for (var line : request.getAll(name)) {
      for (var member : line.split(",")) {
        if (!member.isBlank()) {
          members.add(member.trim());
        }
      }
    }
    if (name.startsWith("accept")) {
      members.replaceAll(member -> member.toLowerCase(Locale.ROOT).replaceAll("\\s*;\\s*", ";"));
      var sorted = members.toArray(String[]::new);
      Arrays.sort(sorted);
      return String.join(",", sorted);
    }
    return String.join(",", members);
  }
}
