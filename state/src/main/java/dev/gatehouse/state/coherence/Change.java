package dev.gatehouse.state.coherence;

/// One row that was changed.
///
/// @param space which cache it concerns
/// @param version of the row after it; never that of another state of this row; 0 if it has none,
///   [#COMING] if the change is only under way
record Change(String space, String key, long version) {
  static final long COMING = -1;

  static Change coming(String space, String key) {
    return new Change(space, key, COMING);
  }

  boolean isComing() {
    return version == COMING;
  }
}
