package dev.gatehouse.app.config;

/// A text that is not what it should be; the message is a sentence without its full stop.
final class Wrong extends Exception {
  Wrong(String sentence) {
    super(sentence, null, false, false);
  }

  String sentence() {
    return String.valueOf(getMessage());
  }
}
