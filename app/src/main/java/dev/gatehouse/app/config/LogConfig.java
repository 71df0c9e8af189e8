package dev.gatehouse.app.config;

/// The log of every process.
///
/// @param level the lowest that is written
public record LogConfig(Level level) {
  /// From the rarest to the most talkative.
  public enum Level {
    ERROR,
    WARN,
    INFO,
    DEBUG,
    TRACE
  }
}
