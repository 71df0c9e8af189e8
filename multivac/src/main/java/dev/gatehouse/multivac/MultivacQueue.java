package dev.gatehouse.multivac;

import dev.gatehouse.jobs.Queue;
import dev.gatehouse.jobs.QueueSettings;
import dev.gatehouse.state.Database;

/// What the HTTP side and the workers must agree on.
final class MultivacQueue {
  static final QueueSettings SETTINGS = QueueSettings.named("multivac");
  static final String DATUM = "datum";

  private MultivacQueue() {}

  static Queue in(Database database) {
    return new Queue(database, SETTINGS);
  }
}
