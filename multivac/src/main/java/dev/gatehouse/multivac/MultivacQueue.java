package dev.gatehouse.multivac;

import dev.gatehouse.jobs.Queue;
import dev.gatehouse.state.Database;

/// What the HTTP side and the workers must agree on.
final class MultivacQueue {
  static final String NAME = "multivac";
  static final String DATUM = "datum";
  private static final int MAX_ATTEMPTS = 5;

  private MultivacQueue() {}

  static Queue in(Database database) {
    return new Queue(database, NAME, MAX_ATTEMPTS);
  }
}
