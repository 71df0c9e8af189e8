package dev.gatehouse.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;

/// What one exchange with an origin tells, on the event loop. After `end` or `failed` nothing
/// follows.
public interface OriginListener {
  /// The connection stands and the request's head is on its way: `exchange` takes the body.
  void connected(OriginExchange exchange);

  /// A 1xx.
  void informational(int status, HttpHeaders headers);

  void head(int status, HttpHeaders headers);

  /// One piece of the body; the listener owns it.
  void data(ByteBuf piece);

  void end(HttpHeaders trailers);

  /// Everything the last read brought has been told: a good moment to flush.
  void pausePoint();

  /// The origin can take more of the request's body again.
  void writable();

  /// The time of [OriginExchange#overdueAfter] is over and there is no head yet.
  default void overdue() {}

  void failed(Failure failure, String detail);
}
