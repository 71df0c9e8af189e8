package dev.gatehouse.app.roles;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;

/// What the composition root gives a role.
///
/// @param name of this process, such as `storage-2`
/// @param listen `host:port` for a replica
/// @param data where this process may keep files
/// @param secrets the database and the assembly's secret
/// @param pipe to the supervisor, where one started us
public record RoleContext(
    String name,
    String listen,
    Path data,
    Secrets secrets,
    Optional<ControlPipe> pipe,
    InstantSource clock,
    LongSupplier nanos) {

  /// What must never be on a command line.
  ///
  /// @param database its URL, password included
  /// @param assembly what replicas and edge of one assembly know each other by
  public record Secrets(String database, String assembly) {
    @Override
    public String toString() {
      return "Secrets";
    }
  }
}
