package dev.gatehouse.state.coherence;

import java.time.Duration;
import java.util.List;

/// All leases, read by one statement.
///
/// @param sentAt before it was sent: what was committed earlier is older than its snapshot
/// @param receivedAt when its answer was here
/// @param run of the server, which a crash ends
/// @param lasting for how long
record Listing(long sentAt, long receivedAt, String run, Duration lasting, List<Row> rows) {}
