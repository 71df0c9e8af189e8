package dev.gatehouse.accounts;

import dev.gatehouse.http.Handler;
import dev.gatehouse.http.Refusal;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/// How tries to sign in, up, or to change a password ended, counted.
final class Attempts {
  /// How one ended, as far as an operator cares.
  enum End {
    OK,
    /// The wrong password, or nobody's email.
    WRONG,
    /// Too many wrong ones before it.
    THROTTLED,
    /// It was no proper request, or asked for what cannot be.
    REFUSED,
    /// The database or the line for hashing had no place.
    UNAVAILABLE
  }

  private final Map<End, LongAdder> counts = new EnumMap<>(End.class);

  Attempts() {
    for (var end : End.values()) {
      counts.put(end, new LongAdder());
    }
  }

  Handler counted(Handler handler) {
    return request -> {
      try {
        var answer = handler.handle(request);
        count(End.OK);
        return answer;
      } catch (Refusal refusal) {
        count(end(refusal.problem().status()));
        throw refusal;
      }
    };
  }

  private static End end(int status) {
    return switch (status) {
      case 403 -> End.WRONG;
      case 429 -> End.THROTTLED;
      case 503 -> End.UNAVAILABLE;
      default -> End.REFUSED;
    };
  }

  private void count(End end) {
    var count = counts.get(end);
    if (count != null) {
      count.increment();
    }
  }

  Map<String, Long> byEnd() {
    var all = new LinkedHashMap<String, Long>();
    counts.forEach((end, count) -> all.put(end.name().toLowerCase(Locale.ROOT), count.sum()));
    return all;
  }
}
