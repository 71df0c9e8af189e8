package dev.gatehouse.state.coherence;

/// One row that was changed.
///
/// @param space which cache it concerns
/// @param version of the row after it; never that of another state of this row
record Change(String space, String key, long version) {}
