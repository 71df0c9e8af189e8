package dev.gatehouse.app.config;

import java.util.Optional;

/// Where spans go.
///
/// @param endpoint an OTLP receiver over HTTP; empty: nothing is measured
/// @param sample the share of traces that begin here and are sent, from 0 to 1
public record TracesConfig(Optional<UpstreamConfig.Server> endpoint, double sample) {}
