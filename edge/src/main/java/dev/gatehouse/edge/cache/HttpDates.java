package dev.gatehouse.edge.cache;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Dates as header fields write them (RFC 9110 section 5.6.7): one form to send, three to read.
///
/// Reading is strict but for the case of letters: a cache that guesses at a malformed `Expires`
/// gives away what its origin meant to be stale. `java.time`'s own RFC 1123 reader was refused, it
/// takes one-digit hours and days.
final class HttpDates {
  private static final List<String> MONTHS =
      List.of("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");
  private static final String DAY = "(?:mon|tue|wed|thu|fri|sat|sun)";
  private static final String LONG_DAY =
      "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)";
  private static final String TIME = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";
  private static final Pattern IMF =
      Pattern.compile(DAY + ", (?<day>\\d\\d) (?<month>[a-z]{3}) (?<year>\\d{4}) " + TIME + " gmt");
  private static final Pattern RFC_850 =
      Pattern.compile(
          LONG_DAY + ", (?<day>\\d\\d)-(?<month>[a-z]{3})-(?<year>\\d\\d) " + TIME + " gmt");
  private static final Pattern ASCTIME =
      Pattern.compile(DAY + " (?<month>[a-z]{3}) (?<day>[ \\d]\\d) " + TIME + " (?<year>\\d{4})");
  private static final DateTimeFormatter FORMAT =
      DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private HttpDates() {}

  static String format(long millis) {
    return FORMAT.format(Instant.ofEpochMilli(millis));
  }

  /// Milliseconds since the epoch; empty when `text` is no date.
  ///
  /// @param now decides the century of two digits: never more than 50 years ahead
  static OptionalLong parse(String text, long now) {
    var lower = text.toLowerCase(Locale.ROOT);
    for (var form : List.of(IMF, RFC_850, ASCTIME)) {
      var parts = form.matcher(lower);
      if (parts.matches()) {
        return date(parts, now);
      }
    }
    return OptionalLong.empty();
  }

  private static OptionalLong date(Matcher parts, long now) {
    int month = MONTHS.indexOf(parts.group("month")) + 1;
    int year = Integer.parseInt(parts.group("year"));
    if (parts.group("year").length() == 2) {
      int thisYear = Instant.ofEpochMilli(now).atZone(ZoneOffset.UTC).getYear();
      year += thisYear - thisYear % 100;
      year = year > thisYear + 50 ? year - 100 : year;
    }
    int second = Integer.parseInt(parts.group("second"));
    try {
      return OptionalLong.of(
          LocalDateTime.of(
                      year,
                      month,
                      Integer.parseInt(parts.group("day").trim()),
                      Integer.parseInt(parts.group("hour")),
                      Integer.parseInt(parts.group("minute")),
                      second == 60 ? 59 : second) // a leap second
                  .toEpochSecond(ZoneOffset.UTC)
              * 1000);
    } catch (DateTimeException e) {
      return OptionalLong.empty();
    }
  }
}
