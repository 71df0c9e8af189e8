package dev.gatehouse.app.config;

import java.time.Duration;

/// The usage statistics.
///
/// @param keep whether there are any
/// @param flushEvery how long counts are gathered before they go to the database: what a crash of
///   the edge loses at most
public record StatsConfig(boolean keep, Duration flushEvery) {}
