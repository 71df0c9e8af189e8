package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.route.Identity;
import dev.gatehouse.http.Problem;
import java.util.concurrent.CompletionStage;

/// What came of looking for one kind of credential.
public sealed interface Claim {
  Claim ABSENT = new Absent();

  /// The request carries none of this kind.
  record Absent() implements Claim {}

  record Known(Identity identity) implements Claim {}

  /// It carries one that does not count: the request ends here, whatever else it carries.
  record Refused(Problem problem) implements Claim {}

  /// Known later, from any thread.
  record Pending(CompletionStage<Claim> later) implements Claim {}

  static Claim refused(String detail) {
    return new Refused(Problem.unauthorized(detail));
  }
}
