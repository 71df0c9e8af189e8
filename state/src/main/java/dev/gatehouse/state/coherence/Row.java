package dev.gatehouse.state.coherence;

import java.time.Duration;
import java.util.UUID;

/// A replica's lease as its row says.
///
/// @param address where its bus listens
/// @param counter grows with every renewal
/// @param seen the changes it has applied
record Row(
    UUID replica, String name, String address, Duration lasts, long counter, Snapshot seen) {}
