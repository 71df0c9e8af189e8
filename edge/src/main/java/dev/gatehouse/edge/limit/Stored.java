package dev.gatehouse.edge.limit;

import java.util.List;
import java.util.Map;

/// What the database holds of limits.
///
/// @param version grows with every change
/// @param limits those that were set by the admin API
/// @param generations how often each limit was reset, by name, those of the file included
record Stored(
    long version, KeyHash.Secret secret, List<Limit> limits, Map<String, Long> generations) {}
