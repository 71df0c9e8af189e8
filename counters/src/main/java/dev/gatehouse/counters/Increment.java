package dev.gatehouse.counters;

import java.util.List;
import java.util.Optional;

/// What one request asks for: all of it is counted or none.
///
/// @param encoded the items as the journal has them
/// @param once where it carries an `Idempotency-Key`
record Increment(List<Item> items, byte[] encoded, Optional<Once> once) {
  /// What makes a repetition known.
  ///
  /// @param id the request's key, in the space it is unique in
  /// @param body a digest of the items, in hexadecimal
  record Once(String id, String body) {}
}
