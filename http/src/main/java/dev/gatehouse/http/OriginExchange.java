package dev.gatehouse.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;
import java.time.Duration;

/// The sending side of one exchange with an origin; used on its event loop only.
public interface OriginExchange {
  /// Sends a piece of the request's body and takes it over.
  void write(ByteBuf piece);

  void flush();

  /// The request's body is complete.
  void finish(HttpHeaders trailers);

  boolean writable();

  /// Holds the origin back until [#resume].
  void pause();

  void resume();

  /// Has the listener told once, by [OriginListener#overdue], when no head has come this long after
  /// now; the exchange goes on.
  void overdueAfter(Duration time);

  /// Nobody wants the rest of the answer, but it may come: the connection is kept if the rest is
  /// short. The listener hears nothing more.
  void discard();

  /// Gives the exchange up and closes its connection; the listener hears nothing more.
  void cancel();
}
