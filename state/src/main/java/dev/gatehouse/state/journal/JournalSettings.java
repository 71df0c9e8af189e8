package dev.gatehouse.state.journal;

import java.time.Duration;

/// What a journal promises, and how much room it has.
///
/// @param durability what an appended record survives
/// @param maxBytes all of its files together; at least three segments, so that one can be made
///   while another is written and a third is not needed any more but kept
/// @param segmentBytes the size of each of its files, made in full before it is used
/// @param keepFor how long a segment stays after nothing in it is needed any more; less where its
///   room is needed
public record JournalSettings(
    Durability durability, long maxBytes, int segmentBytes, Duration keepFor) {
  /// Small, since the pages in use count as the process' memory; a record must fit one.
  public static final int SEGMENT = 8 << 20;

  /// What a record survives once it is acknowledged.
  public enum Durability {
    /// The end of the process, `kill -9` included.
    PROCESS,
    /// The end of the machine, too: it is forced to the disk first.
    DISK
  }

  public static JournalSettings of(Durability durability, long maxBytes) {
    return new JournalSettings(durability, maxBytes, SEGMENT, Duration.ofHours(1));
  }

  public JournalSettings {
    if (segmentBytes < 4096 || maxBytes < 3L * segmentBytes) {
      throw new IllegalArgumentException(
          "a journal needs room for three segments of 4 KiB or more");
    }
  }
}
