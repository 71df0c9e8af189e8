package dev.gatehouse.http;

/// Every way an exchange can fail, with who is to blame, what the client is told, and whether a
/// retry is safe.
///
/// This is the whole vocabulary of logs, metrics and answers: a new kind of failure is a new line
/// here.
public enum Failure {
  CLIENT_LEFT(Blame.CLIENT, 499, Retry.NEVER, "the client left before the answer was complete"),
  CLIENT_TOO_LARGE(Blame.CLIENT, 413, Retry.NEVER, "the request's body is over the limit"),
  ORIGIN_UNRESOLVED(Blame.ORIGIN, 502, Retry.SAFE, "the origin's name cannot be resolved"),
  ORIGIN_REFUSED(Blame.ORIGIN, 502, Retry.SAFE, "the origin refused the connection"),
  ORIGIN_UNREACHABLE(Blame.ORIGIN, 502, Retry.SAFE, "the origin cannot be connected to"),
  ORIGIN_CONNECT_TIMEOUT(Blame.ORIGIN, 502, Retry.SAFE, "connecting to the origin took too long"),
  ORIGIN_UNTRUSTED(
      Blame.ORIGIN, 502, Retry.SAFE, "the origin's certificate is from no issuer that is trusted"),
  ORIGIN_MISNAMED(Blame.ORIGIN, 502, Retry.SAFE, "the origin's certificate is for another host"),
  ORIGIN_EXPIRED(
      Blame.ORIGIN, 502, Retry.SAFE, "the origin's certificate has expired or is not valid yet"),
  ORIGIN_TLS(Blame.ORIGIN, 502, Retry.SAFE, "TLS with the origin could not be agreed on"),
  ORIGIN_RESET(
      Blame.ORIGIN, 502, Retry.IF_IDEMPOTENT, "the origin closed the connection without an answer"),
  ORIGIN_MALFORMED(Blame.ORIGIN, 502, Retry.NEVER, "the origin's answer is not valid HTTP"),
  ORIGIN_TRUNCATED(Blame.ORIGIN, 502, Retry.NEVER, "the origin's answer ended too early"),
  ORIGIN_SILENT(Blame.ORIGIN, 504, Retry.IF_IDEMPOTENT, "the origin did not answer in time"),
  ORIGIN_ERROR(
      Blame.ORIGIN, 502, Retry.IF_IDEMPOTENT, "the origin answered that it cannot serve now"),
  NO_REPLICA(Blame.ORIGIN, 503, Retry.NEVER, "no replica is up"),
  BREAKER_OPEN(
      Blame.ORIGIN, 503, Retry.NEVER, "too many requests failed lately, so none is sent for now"),
  QUEUE_FULL(Blame.ORIGIN, 503, Retry.NEVER, "every replica is busy and too many requests wait"),
  QUEUE_TIMEOUT(Blame.ORIGIN, 503, Retry.NEVER, "every replica stayed busy for too long"),
  NO_TOKEN(Blame.GATEHOUSE, 503, Retry.NEVER, "the edge has no token to show to the origin");

  /// Who made it fail.
  public enum Blame {
    CLIENT,
    ORIGIN,
    GATEHOUSE
  }

  /// Whether the same request may be sent again.
  public enum Retry {
    /// Nothing was sent: any request may be.
    SAFE,
    /// It may have been carried out: only what is idempotent may be.
    IF_IDEMPOTENT,
    NEVER
  }

  private final Blame blame;
  private final int status;
  private final Retry retry;
  private final String sentence;

  Failure(Blame blame, int status, Retry retry, String sentence) {
    this.blame = blame;
    this.status = status;
    this.retry = retry;
    this.sentence = sentence;
  }

  public Blame blame() {
    return blame;
  }

  /// The status the client gets, if it can still get one.
  public int status() {
    return status;
  }

  public Retry retry() {
    return retry;
  }

  /// What happened, as the end of a sentence.
  public String sentence() {
    return sentence;
  }

  /// The name in logs, metrics and problem types: `origin-refused`.
  public String slug() {
    return name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }
}
