package dev.gatehouse.app.roles;

import dev.gatehouse.app.config.Config;
import dev.gatehouse.observe.Metrics;
import dev.gatehouse.storage.Storage;
import java.io.IOException;

/// Documents and ages: one replica of the storage service.
public final class StorageRole implements Role {
  /// Database connections of one replica, at most.
  public static final int CONNECTIONS = 8;

  /// It has no settings yet; the roles are made alike.
  public StorageRole(Config config) {}

  @Override
  public Running start(RoleContext context) throws IOException {
    var database = Replicas.database(context, CONNECTIONS);
    var storage = new Storage(database, context.name());
    return Replicas.serve(
        context,
        storage.routes(),
        () -> "ok",
        new Metrics(),
        () -> {
          storage.close();
          database.close();
        });
  }
}
