package dev.gatehouse.http;

import io.netty.util.AsciiString;
import io.netty.util.concurrent.FastThreadLocal;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/// The `Date` field (RFC 9110 section 5.6.7), formatted once a tick of the event loop instead of
/// once a response.
final class HttpDate {
  private static final DateTimeFormatter FORMAT =
      DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);
  private static final InstantSource CLOCK = InstantSource.system();

  private static final FastThreadLocal<HttpDate> CURRENT =
      new FastThreadLocal<>() {
        @Override
        protected HttpDate initialValue() {
          return new HttpDate();
        }
      };

  private long tick;
  private AsciiString text = AsciiString.EMPTY_STRING;

  private HttpDate() {}

  /// The date as of `tick`, the event loop's coarse time.
  static CharSequence of(long tick) {
    var date = CURRENT.get();
    if (date.text.isEmpty() || date.tick != tick) {
      date.tick = tick;
      date.text = new AsciiString(format(CLOCK.instant()));
    }
    return date.text;
  }

  static String format(Instant instant) {
    return FORMAT.format(instant);
  }
}
