package dev.gatehouse.storage;

import dev.gatehouse.http.Handler;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Routes;
import dev.gatehouse.state.Database;

/// One replica of the storage service: documents under `/data`, ages under `/age`.
///
/// It keeps nothing of its own between requests, so replicas are equal and any number of them may
/// share a database. The database stays the caller's to close.
public final class Storage implements AutoCloseable {
  private static final int MAX_AGE_BODY = 16 << 10;

  private final String replicaName;
  private final Routes routes;

  /// @param replicaName what `X-Served-By` says on every answer
  public Storage(Database database, String replicaName) {
    this.replicaName = replicaName;
    var sql = new StorageSql(database);
    var documents = new Documents(sql);
    var ages = new Ages(sql);
    routes =
        Routes.builder()
            .get("/data", signed(documents::partitions))
            .get("/data/{partition}", signed(documents::identifiers))
            .get("/data/{partition}/{id}", signed(documents::get))
            .put("/data/{partition}/{id}", Documents.MAX_BODY, signed(documents::put))
            .delete("/data/{partition}/{id}", signed(documents::delete))
            .put("/age", MAX_AGE_BODY, signed(ages::put))
            .get("/age/{name}", signed(ages::get))
            .build();
  }

  public Routes routes() {
    return routes;
  }

  /// Nothing is in flight once the server in front has drained; harmless twice.
  @Override
  public void close() {}

  /// Answers and refusals both say which replica gave them.
  private Handler signed(Handler handler) {
    return request -> {
      try {
        return handler.handle(request).with("X-Served-By", replicaName);
      } catch (Refusal refusal) {
        throw refusal.problem().header("X-Served-By", replicaName).refusal();
      }
    };
  }
}
