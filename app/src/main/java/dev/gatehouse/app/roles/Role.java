package dev.gatehouse.app.roles;

import java.util.Optional;

/// Something that a process of its own does.
@FunctionalInterface
public interface Role {
  /// Returns when it is ready to work.
  ///
  /// @throws dev.gatehouse.app.PlainError when trying again cannot help
  /// @throws java.net.BindException when its port is taken
  Running start(RoleContext context) throws Exception;

  /// A role at work.
  interface Running extends AutoCloseable {
    /// Where it listens, `host:port`.
    Optional<String> address();

    /// The link by which the owner signs in to the console, where this role serves one.
    default Optional<String> signIn() {
      return Optional.empty();
    }

    /// Fails its readiness, serves until nobody comes any more, finishes what is in flight, and
    /// ends.
    default void drain(Ending how) {
      close();
    }

    /// As a drain in a hurry.
    @Override
    void close();
  }
}
