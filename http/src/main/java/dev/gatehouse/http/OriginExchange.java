package dev.gatehouse.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;

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

  /// Gives the exchange up and closes its connection; the listener hears nothing more.
  void cancel();
}
