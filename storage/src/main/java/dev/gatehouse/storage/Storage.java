package dev.gatehouse.storage;

import dev.gatehouse.http.Handler;
import dev.gatehouse.http.LaterHandler;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.state.Database;
import dev.gatehouse.state.coherence.Coherence;
import dev.gatehouse.state.coherence.NearCache;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.stream.Stream;

/// One replica of the storage service: documents under `/data`, ages under `/age`.
///
/// Replicas are equal and any number of them may share a database. What one remembers of single
/// documents and ages the others keep true ([Coherence]); lists are always read from the database.
/// The database stays the caller's to close, and so does the membership.
public final class Storage implements AutoCloseable {
  /// Database connections that it opens besides the pool's: one to write documents.
  public static final int CONNECTIONS = 1;

  private static final int MAX_AGE_BODY = 16 << 10;

  private final StorageSql sql;
  private final String replicaName;
  private final List<NearCache<?>> caches;
  private final Routes routes;

  /// A replica that remembers nothing, and tells nobody of its writes: for a database whose
  /// replicas all are so.
  ///
  /// @param replicaName what `X-Served-By` says on every answer
  public Storage(Database database, String replicaName) {
    this(new StorageSql(database, false), replicaName, Optional.empty(), Optional.empty());
  }

  /// @param bytes how much it may remember, about
  public Storage(Database database, String replicaName, Coherence coherence, long bytes) {
    this(
        new StorageSql(database, true),
        replicaName,
        Optional.of(coherence.cache("storage.documents", bytes / 4 * 3, Documents::weight)),
        Optional.of(coherence.cache("storage.ages", bytes / 4, list -> list.length)));
  }

  private Storage(
      StorageSql sql,
      String replicaName,
      Optional<NearCache<Optional<Document>>> kept,
      Optional<NearCache<byte[]>> keptAges) {
    this.sql = sql;
    this.replicaName = replicaName;
    this.caches =
        Stream.<Optional<? extends NearCache<?>>>of(kept, keptAges)
            .<NearCache<?>>flatMap(Optional::stream)
            .toList();
    var documents = new Documents(sql, new Rows<>(kept));
    var ages = new Ages(sql, new Rows<>(keptAges));
    routes =
        Routes.builder()
            .get("/data", signed(documents::partitions))
            .get("/data/{partition}", signed(documents::identifiers))
            .get("/data/{partition}/{id}", atOnce(documents::known), signed(documents::get))
            .later("PUT", "/data/{partition}/{id}", Documents.MAX_BODY, later(documents::put))
            .later("DELETE", "/data/{partition}/{id}", 0, later(documents::delete))
            .later("PUT", "/age", MAX_AGE_BODY, later(ages::put))
            .get("/age/{name}", atOnce(ages::known), signed(ages::get))
            .build();
  }

  public Routes routes() {
    return routes;
  }

  /// What it remembers by; empty where it remembers nothing.
  public List<NearCache<?>> caches() {
    return caches;
  }

  /// Gives its connection back; to be called when no request is under way.
  @Override
  public void close() {
    sql.close();
  }

  /// Answers and refusals both say which replica gave them.
  private Handler signed(Handler handler) {
    return request -> {
      try {
        return signed(handler.handle(request));
      } catch (Refusal refusal) {
        throw signed(refusal);
      }
    };
  }

  private LaterHandler later(Function<Request, CompletableFuture<Response>> handler) {
    return request -> {
      CompletableFuture<Response> answer;
      try {
        answer = handler.apply(request);
      } catch (Refusal refusal) {
        throw signed(refusal);
      }
      return answer.handle((response, failure) -> {
        if (failure == null) {
          return signed(response);
        }
        throw failure instanceof CompletionException wrapped
                && wrapped.getCause() instanceof Refusal refusal
            ? signed(refusal)
            : new CompletionException(failure);
      });
    };
  }

  private Function<Request, Optional<Response>> atOnce(
      Function<Request, Optional<Response>> known) {
    return request -> {
      try {
        return known.apply(request).map(this::signed);
      } catch (Refusal refusal) {
        throw signed(refusal);
      }
    };
  }

  private Response signed(Response response) {
    return response.with("X-Served-By", replicaName);
  }

  private Refusal signed(Refusal refusal) {
    return refusal.problem().header("X-Served-By", replicaName).refusal();
  }
}
