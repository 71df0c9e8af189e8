package dev.gatehouse.jobs;

import java.nio.charset.StandardCharsets;

/// What is kept of an exception: one line that Postgres can store.
final class Errors {
  private static final int LONGEST = 1000;

  /// Of a job in its last attempt, run alone.
  static final String LOST = "its worker was lost while it ran this job";

  private Errors() {}

  static String oneLine(Throwable thrown) {
    var message = thrown.getMessage();
    var text =
        message == null || message.isBlank()
            ? thrown.getClass().getSimpleName()
            : message.replaceAll("\\p{Cntrl}+", " ").strip();
    var whole = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    if (whole.length() <= LONGEST) {
      return whole;
    }
    int end = Character.isHighSurrogate(whole.charAt(LONGEST - 1)) ? LONGEST - 1 : LONGEST;
    return whole.substring(0, end) + "...";
  }
}
