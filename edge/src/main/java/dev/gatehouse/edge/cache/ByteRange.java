package dev.gatehouse.edge.cache;

import dev.gatehouse.http.RequestHead;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.regex.Pattern;

/// What of a stored body a `Range` asks for (RFC 9110 section 14).
sealed interface ByteRange {
  ByteRange WHOLE = new Whole();

  /// No range, one that does not apply, or several at once, which a server may answer whole.
  record Whole() implements ByteRange {}

  /// `from` to `to`, both included.
  record Part(int from, int to) implements ByteRange {}

  /// Nothing of the body is in it: 416.
  record Outside() implements ByteRange {}

  Pattern FORM = Pattern.compile("(?i)bytes=\\s*(\\d*)-(\\d*)\\s*");

  static ByteRange of(RequestHead request, StoredAnswer answer, long now) {
    var range = request.headers().get(HttpHeaderNames.RANGE);
    if (range == null || !request.method().equals("GET") || answer.status() != 200) {
      return WHOLE;
    }
    var form = FORM.matcher(range);
    if (!form.matches()
        || (form.group(1).isEmpty() && form.group(2).isEmpty())
        || !applies(request, answer, now)) {
      return WHOLE;
    }
    int length = answer.length();
    if (form.group(1).isEmpty()) {
      long last = number(form.group(2));
      return last == 0 || length == 0
          ? new Outside()
          : new Part((int) Math.max(0, length - last), length - 1);
    }
    long from = number(form.group(1));
    long to = form.group(2).isEmpty() ? length - 1L : number(form.group(2));
    if (!form.group(2).isEmpty() && to < from) {
      return WHOLE; // invalid, so ignored
    }
    return from >= length ? new Outside() : new Part((int) from, (int) Math.min(to, length - 1L));
  }

  /// Section 13.1.5: compared strongly; a date must be the very one.
  private static boolean applies(RequestHead request, StoredAnswer answer, long now) {
    var condition = request.headers().get(HttpHeaderNames.IF_RANGE);
    if (condition == null) {
      return true;
    }
    var date = HttpDates.parse(condition, now);
    if (date.isPresent()) {
      return answer
          .lastModified()
          .filter(modified -> HttpDates.parse(modified, now).equals(date))
          .isPresent();
    }
    return Conditions.strong(condition) && answer.etag().filter(condition::equals).isPresent();
  }

  private static long number(String digits) {
    return digits.length() > 18 ? Long.MAX_VALUE : Long.parseLong(digits);
  }
}
