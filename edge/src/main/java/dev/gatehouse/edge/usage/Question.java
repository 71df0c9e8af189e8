package dev.gatehouse.edge.usage;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// What somebody wants to know of the usage, as the query of `GET /admin/stats` says it.
///
/// @param by what rows are for; empty: one sum
/// @param routes only these; empty: all. So for the others.
/// @param clients the empty text is all those that have no row of their own
/// @param statuses first digits, 0 for requests without an answer
/// @param top how many rows at most
public record Question(
    Set<By> by,
    String window,
    Duration back,
    List<String> routes,
    List<String> paths,
    List<String> clients,
    List<Integer> statuses,
    List<String> limits,
    int top) {
  /// What usage can be grouped and filtered by.
  public enum By {
    ROUTE,
    PATH,
    CLIENT,
    STATUS,
    LIMIT;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /// How the clients without a row of their own are called.
  static final String OTHER = "other";

  private static final Pattern WINDOW = Pattern.compile("([1-9][0-9]{0,4})(m|h|d)");
  private static final Duration LONGEST = Duration.ofDays(366);
  private static final List<String> STATUSES = List.of("none", "1xx", "2xx", "3xx", "4xx", "5xx");
  private static final int USUAL_TOP = 100;
  private static final int MOST_TOP = 10_000;

  /// @param query parameter names and values; a value may be several, with commas
  /// @throws dev.gatehouse.http.Refusal 400 that names the parameter and what it could be
  public static Question of(Map<String, String> query) {
    for (var name : query.keySet()) {
      if (!Set.of("by", "window", "top").contains(name)
          && Stream.of(By.values()).noneMatch(known -> known.word().equals(name))) {
        throw wrong(
            name,
            "There is no parameter '%s'; known are by, window, top, %s."
                .formatted(shown(name), words()));
      }
    }
    var by = EnumSet.noneOf(By.class);
    for (var word : list(query.getOrDefault("by", "route"))) {
      by.add(
          Stream.of(By.values())
              .filter(known -> known.word().equals(word))
              .findFirst()
              .orElseThrow(() ->
                  wrong(
                      "by",
                      "Nothing is grouped by '%s'; it can be by %s."
                          .formatted(shown(word), words()))));
    }
    var window = query.getOrDefault("window", "1h");
    var question =
        new Question(
            by,
            window,
            window(window),
            list(query.getOrDefault("route", "")),
            list(query.getOrDefault("path", "")),
            list(query.getOrDefault("client", "")).stream().map(Question::client).toList(),
            list(query.getOrDefault("status", "")).stream().map(Question::status).toList(),
            list(query.getOrDefault("limit", "")),
            top(query.getOrDefault("top", Integer.toString(USUAL_TOP))));
    question.requireOneKind();
    return question;
  }

  boolean ofLimits() {
    return by.contains(By.LIMIT) || !limits.isEmpty();
  }

  /// Limits are counted apart from requests: one request may take permits of several.
  private void requireOneKind() {
    boolean others =
        by.stream().anyMatch(each -> each != By.LIMIT)
            || !(routes.isEmpty() && paths.isEmpty() && clients.isEmpty() && statuses.isEmpty());
    if (ofLimits() && (others || !by.contains(By.LIMIT))) {
      throw wrong(
          "limit",
          "What limits did is counted by limit alone: ask for by=limit, with 'limit' and 'window'"
              + " at most.");
    }
  }

  /// One of IPv6 stands for its network, however it is written.
  private static String client(String text) {
    if (text.equals(OTHER)) {
      return Tally.OTHERS;
    }
    try {
      return text.contains(":")
          ? Client.of(InetAddress.ofLiteral(text.replaceAll("/64$", "")).getHostAddress())
          : text;
    } catch (IllegalArgumentException e) {
      throw wrong("client", "'%s' is no address.".formatted(shown(text)));
    }
  }

  private static Duration window(String text) {
    Matcher parts = WINDOW.matcher(text);
    if (parts.matches()) {
      long count = Long.parseLong(parts.group(1));
      var window =
          switch (parts.group(2)) {
            case "m" -> Duration.ofMinutes(count);
            case "h" -> Duration.ofHours(count);
            default -> Duration.ofDays(count);
          };
      if (window.compareTo(LONGEST) <= 0) {
        return window;
      }
    }
    throw wrong(
        "window",
        "'%s' is no window: it is a number of minutes, hours or days, such as 15m, 1h or 30d, up to"
                .formatted(shown(text))
            + " 366d.");
  }

  private static int status(String text) {
    int known = STATUSES.indexOf(text);
    if (known < 0) {
      throw wrong(
          "status",
          "'%s' is no status class; they are %s."
              .formatted(shown(text), String.join(", ", STATUSES)));
    }
    return known;
  }

  static String statusWord(int status) {
    return STATUSES.get(status);
  }

  private static int top(String text) {
    if (!text.matches("[1-9][0-9]{0,4}") || Integer.parseInt(text) > MOST_TOP) {
      throw wrong(
          "top", "'%s' is no number of rows from 1 to %d.".formatted(shown(text), MOST_TOP));
    }
    return Integer.parseInt(text);
  }

  private static List<String> list(String text) {
    var values = new ArrayList<String>();
    for (var value : text.split(",")) {
      if (!value.isBlank()) {
        if (!Json.isStorable(value)) {
          throw Problem.badRequest("Text must not contain U+0000 or lone surrogates.").refusal();
        }
        values.add(value.trim());
      }
    }
    return values;
  }

  private static String words() {
    return String.join(", ", Stream.of(By.values()).map(By::word).toList());
  }

  private static RuntimeException wrong(String parameter, String sentence) {
    return Problem.badField(shown(parameter), sentence).refusal();
  }

  private static String shown(String text) {
    var clean = text.replaceAll("\\p{Cntrl}", " ");
    return clean.length() > 60 ? clean.substring(0, 60) + "..." : clean;
  }
}
