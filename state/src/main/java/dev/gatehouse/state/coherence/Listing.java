package dev.gatehouse.state.coherence;

import java.time.Duration;
import java.util.List;

/// All leases, read by one statement.
///
/// @param sentAt before it was sent: what was committed earlier is older than its snapshot
/// @param receivedAt when its answer was here
/// @param server which run of the server answered
/// @param up how long that server has been running
record Listing(long sentAt, long receivedAt, String server, Duration up, List<Row> rows) {}
