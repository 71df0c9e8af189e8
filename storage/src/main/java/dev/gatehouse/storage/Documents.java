package dev.gatehouse.storage;

import dev.gatehouse.http.Json;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Target;
import dev.gatehouse.storage.StorageSql.Written;

/// Answers `/data`, `/data/{partition}` and `/data/{partition}/{id}`.
final class Documents {
  /// The largest document, in bytes.
  static final int MAX_BODY = 1 << 20;

  private final StorageSql sql;

  Documents(StorageSql sql) {
    this.sql = sql;
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
    var document =
        sql.find(name(request, "partition"), name(request, "id"))
            .orElseThrow(() -> Problem.notFound("There is no such document.").refusal());
    var conditions = Preconditions.of(request);
    if (!conditions.matches(document.version())) {
      throw changed();
    }
    if (conditions.has(document.version())) {
      return Response.empty(304).with("ETag", document.etag());
    }
    return Response.of(200, "application/json", document.body()).with("ETag", document.etag());
  }

  Response put(Request request) {
    var partition = name(request, "partition");
    var id = name(request, "id");
    var conditions = Preconditions.of(request);
    Json.parse(request.body());
    return switch (sql.put(partition, id, request.body(), conditions)) {
      case Written.Created(long version) ->
          Response.empty(201).with("ETag", Preconditions.etag(version));
      case Written.Replaced(long version) ->
          Response.empty(200).with("ETag", Preconditions.etag(version));
      case Written.Refused() -> throw changed();
    };
  }

  Response delete(Request request) {
    var partition = name(request, "partition");
    var id = name(request, "id");
    return switch (sql.delete(partition, id, Preconditions.of(request))) {
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
