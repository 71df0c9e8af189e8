package dev.gatehouse.http;

/// A request refused with a clear answer; carries the [Problem] the client is to read.
///
/// It has no stack trace: a refusal is an answer, not a fault of ours.
public final class Refusal extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Problem problem;

  public Refusal(Problem problem) {
    super(problem.detail(), null, false, false);
    this.problem = problem;
  }

  public Problem problem() {
    return problem;
  }
}
