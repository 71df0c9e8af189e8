package dev.gatehouse.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.testkit.ProgramUnderTest;
import dev.gatehouse.testkit.RecordingOrigin;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/// One running assembly, the default one, for every class that is extended with this: it starts
/// with the first of them on a new database and stops when all tests are over.
///
/// Tests that share it use names of their own (partitions, keys, users) and leave every replica up.
/// What only a new database shows is looked at once, before the first test.
///
/// With `-Dgatehouse.edge.port=... -Dgatehouse.counting.port=...` it is one that runs already, on a
/// new database: the contracts of the services hold there as well, as `deploy/lab` shows.
public final class Shared implements BeforeAllCallback {
  private static final List<String> FIRST_LOOKS =
      List.of("/data", "/", "/multivac", "/zzz", "/zzz/", "/multivac/jobs");

  private record Running(
      ProgramUnderTest program, RecordingOrigin meli, Map<String, String> firstLooks)
      implements AutoCloseable {
    @Override
    public void close() {
      program.close();
      meli.close();
    }
  }

  private static final class Holder {
    private static final Running RUNNING = start();
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    context
        .getRoot()
        .getStore(Namespace.create(Shared.class))
        .computeIfAbsent("running", key -> Holder.RUNNING);
  }

  private static Running start() {
    var meli = RecordingOrigin.start();
    var program = program(meli);
    var http = new Http(program.edgePort());
    var looks = new HashMap<String, String>();
    for (var path : FIRST_LOOKS) {
      var response = http.get(path);
      assertThat(response.statusCode()).as(path).isEqualTo(200);
      looks.put(path, response.body());
    }
    return new Running(program, meli, looks);
  }

  private static ProgramUnderTest program(RecordingOrigin meli) {
    int edge = Integer.getInteger("gatehouse.edge.port", 0);
    return edge == 0
        ? ProgramUnderTest.assembly().with("MELI_URL", meli.url()).start()
        : ProgramUnderTest.running(edge, Integer.getInteger("gatehouse.counting.port", 0));
  }

  static ProgramUnderTest program() {
    return Holder.RUNNING.program();
  }

  static Http edge() {
    return new Http(program().edgePort());
  }

  static Http counters() {
    return new Http(program().countersPort());
  }

  static RecordingOrigin meli() {
    return Holder.RUNNING.meli();
  }

  /// The body of a path on the new database.
  static String firstLook(String path) {
    var body = Holder.RUNNING.firstLooks().get(path);
    assertThat(body).as(path).isNotNull();
    return java.util.Objects.requireNonNull(body);
  }

  /// A new user's session, as the value of a `Cookie` field.
  static String signIn() {
    var user =
        "{\"email\":\"u%s@example.org\",\"password\":\"a long enough one\"}"
            .formatted(UUID.randomUUID());
    assertThat(edge().post("/api/users", user).statusCode()).isEqualTo(200);
    var session = edge().post("/api/sessions", user);
    assertThat(session.statusCode()).isEqualTo(201);
    return Http.header(session, "Set-Cookie").split(";", 2)[0];
  }
}
