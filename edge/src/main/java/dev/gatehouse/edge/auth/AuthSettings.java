package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.route.Identity;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/// What a configuration says of who may come in.
///
/// @param used the ways that some route asks for; what stands nowhere else is not loaded
public record AuthSettings(
    Set<Identity.Scheme> used, Optional<Basic> basic, Optional<JwtSettings> jwt) {
  public static final AuthSettings SESSIONS =
      new AuthSettings(Set.of(Identity.Scheme.SESSION), Optional.empty(), Optional.empty());

  /// @param file as `htpasswd` writes it
  /// @param plan of all its users
  public record Basic(Path file, Optional<String> plan) {}
}
