package dev.gatehouse.edge.filter;

/// When a request passed which point on its way to an origin, and which replica had it last; in
/// nanoseconds of the edge's clock, 0 for points that it did not pass.
///
/// It is written on the way, because only there the times are known, and only with times that are
/// taken anyway. Confined to the request's event loop.
public final class Steps {
  private long arrived;
  private long sent;
  private long answered;
  private String replica = "";
  private int tries;

  /// It has passed the filters.
  public void arrived(long now) {
    if (arrived == 0) {
      arrived = now;
    }
  }

  /// A try goes to a replica.
  public void sent(String to, long now) {
    replica = to;
    sent = now;
    answered = 0;
    tries++;
  }

  /// The head of the answer that is passed on is here.
  public void answered(long now) {
    answered = now;
  }

  public long arrived() {
    return arrived;
  }

  /// The last try's.
  public long sent() {
    return sent;
  }

  public long answered() {
    return answered;
  }

  /// The last one that was asked; empty if none was.
  public String replica() {
    return replica;
  }

  public int tries() {
    return tries;
  }
}
