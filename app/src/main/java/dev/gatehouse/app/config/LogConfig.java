package dev.gatehouse.app.config;

/// The log of every process.
///
/// @param level the lowest that is written
/// @param access whether the edge writes a line for each exchange
/// @param sample of so many percent of those that went well; of the others in any case
/// @param keep how many bytes of lines an assembly keeps below its data directory
public record LogConfig(Level level, boolean access, int sample, long keep) {
  /// From the rarest to the most talkative.
  public enum Level {
    ERROR,
    WARN,
    INFO,
    DEBUG,
    TRACE
  }
}
