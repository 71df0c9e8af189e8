package dev.gatehouse.storage;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Target;
import dev.gatehouse.state.coherence.NearCache;
import dev.gatehouse.storage.StorageSql.Deleted;
import dev.gatehouse.storage.StorageSql.Written;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/// Answers `/data`, `/data/{partition}` and `/data/{partition}/{id}`.
final class Documents {
  /// The largest document, in bytes.
  static final int MAX_BODY = 1 << 20;

  private final StorageSql sql;
  private final Rows<Optional<Document>> rows;

  Documents(StorageSql sql, Rows<Optional<Document>> rows) {
    this.sql = sql;
    this.rows = rows;
  }

  /// What a remembered document weighs.
  static int weight(Optional<Document> document) {
    return document.map(found -> found.body().length + 200).orElse(0);
  }

  Response partitions(Request request) {
    var page = Page.of(request);
    return page.answer("/data", sql.partitions(page.after(), page.rows()));
  }

  Response identifiers(Request request) {
    var partition = name(request, "partition");
    var page = Page.of(request);
    var found =
        sql.identifiers(partition, page.after(), page.rows())
            .orElseThrow(() -> Problem.notFound("There is no such partition.").refusal());
    return page.answer("/data/" + Target.encodeSegment(partition), found);
  }

  Response get(Request request) {
    var partition = name(request, "partition");
    var id = name(request, "id");
    return answer(
        request,
        rows.get(
            StorageSql.key(partition, id),
            key -> {
              var found = sql.find(partition, id);
              return new NearCache.Loaded<>(found, found.map(Document::version).orElse(0L));
            }));
  }

  /// The answer, if it can be given from memory.
  Optional<Response> known(Request request) {
    return rows.peek(StorageSql.key(name(request, "partition"), name(request, "id")))
        .map(found -> answer(request, found));
  }

  private static Response answer(Request request, Optional<Document> found) {
    var document =
        found.orElseThrow(() -> Problem.notFound("There is no such document.").refusal());
    var conditions = Preconditions.of(request);
    if (!conditions.matches(document.version())) {
      throw changed();
    }
    if (conditions.has(document.version())) {
      return Response.empty(304).with("ETag", document.etag());
    }
    return Response.of(200, "application/json", document.body()).with("ETag", document.etag());
  }

  CompletableFuture<Response> put(Request request) {
    var partition = name(request, "partition");
    var id = name(request, "id");
    var conditions = Preconditions.of(request);
    Json.parse(request.body());
    return rows.change(
            StorageSql.key(partition, id), () -> sql.put(partition, id, request.body(), conditions))
        .thenApply(Documents::answer);
  }

  private static Response answer(Written written) {
    return switch (written) {
      case Written.Created(long version) ->
          Response.empty(201).with("ETag", Preconditions.etag(version));
      case Written.Replaced(long version) ->
          Response.empty(200).with("ETag", Preconditions.etag(version));
      case Written.Refused() -> throw changed();
    };
  }

  CompletableFuture<Response> delete(Request request) {
    var partition = name(request, "partition");
    var id = name(request, "id");
    var conditions = Preconditions.of(request);
    return rows.change(StorageSql.key(partition, id), () -> sql.delete(partition, id, conditions))
        .thenApply(Documents::answer);
  }

  private static Response answer(Deleted deleted) {
    return switch (deleted) {
      case GONE -> Response.empty(204);
      case UNKNOWN -> throw Problem.notFound("There is no such document.").refusal();
      case REFUSED -> throw changed();
    };
  }

  private static RuntimeException changed() {
    return Problem.preconditionFailed("The document is not in the state that the request expects.")
        .hint("Read it again, and send the ETag you get.")
        .refusal();
  }

  private static String name(Request request, String parameter) {
    return Name.check(parameter, request.path(parameter));
  }
}
