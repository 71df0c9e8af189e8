package dev.gatehouse.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;

/// Where a streamed body goes. All calls come on the event loop; after `end` or `aborted` none
/// follows.
public interface BodySink {
  /// One piece; the sink owns it and must release it.
  void data(ByteBuf piece);

  /// The body is complete; `trailers` may be empty.
  void end(HttpHeaders trailers);

  /// The body will never be complete: its sender is gone.
  void aborted();
}
