package dev.gatehouse.app.config;

/// Where the replicas of services listen.
///
/// @param listen the host of all of them and the port of the first, the others follow; port 0: each
///   takes any free one
public record ReplicaConfig(Address listen) {}
