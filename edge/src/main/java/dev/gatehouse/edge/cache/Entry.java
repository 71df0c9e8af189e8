package dev.gatehouse.edge.cache;

import io.netty.handler.codec.http.HttpHeaders;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// All that is kept under one key: the answers to requests that differ in what `Vary` names, the
/// newest first. Never changed.
///
/// @param uncachedUntil until then, requests do not wait for each other: the last answer was not
///   for others
record Entry(List<StoredAnswer> answers, long uncachedUntil) {
  static final Entry EMPTY = new Entry(List.of(), 0);

  /// More variants than this under one key are noise (say, a `Vary: User-Agent`).
  private static final int MOST = 32;

  /// The newest answer that `request` selects (RFC 9111 section 4.1).
  @Nullable StoredAnswer select(HttpHeaders request) {
    for (var answer : answers) {
      if (answer.vary().matches(request)) {
        return answer;
      }
    }
    return null;
  }

  Entry with(StoredAnswer answer) {
    var next = new ArrayList<StoredAnswer>(answers.size() + 1);
    next.add(answer);
    for (var other : answers) {
      if (next.size() < MOST && !other.vary().equals(answer.vary())) {
        next.add(other);
      }
    }
    return new Entry(List.copyOf(next), 0);
  }

  Entry without(StoredAnswer answer, long until) {
    return new Entry(answers.stream().filter(other -> other != answer).toList(), until);
  }

  int weight(Key key) {
    int weight = 200 + 2 * (key.host().length() + key.target().length());
    for (var answer : answers) {
      weight += answer.weight();
    }
    return weight;
  }
}
