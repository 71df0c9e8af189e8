package dev.gatehouse.app.config;

/// When a changed file is taken over.
///
/// @param watch whether a change of the file is enough
public record ReloadConfig(boolean watch) {}
