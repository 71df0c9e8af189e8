package dev.gatehouse.state.journal;

import java.nio.ByteBuffer;

/// Is shown the records of a journal, in the order they were appended.
@FunctionalInterface
public interface RecordVisitor {
  /// @param type as it was appended, 1 to 127
  /// @param payload readable during the call only
  void visit(long epoch, byte type, ByteBuffer payload);
}
