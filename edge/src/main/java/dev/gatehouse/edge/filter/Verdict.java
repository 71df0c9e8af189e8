package dev.gatehouse.edge.filter;

import dev.gatehouse.http.Problem;
import java.util.concurrent.CompletionStage;

/// What a filter says of a request.
public sealed interface Verdict {
  Verdict PROCEED = new Proceed();

  record Proceed() implements Verdict {}

  /// The request ends here, with this answer.
  record Answer(Problem problem) implements Verdict {}

  /// The verdict comes later, from any thread.
  record Await(CompletionStage<Verdict> verdict) implements Verdict {}
}
