package dev.gatehouse.edge.upstream;

import dev.gatehouse.http.BodySink;
import dev.gatehouse.http.Exchange;
import dev.gatehouse.http.OriginExchange;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The client's body on its way to the origin; its beginning is kept so that a failed try can be
/// repeated.
final class Upload implements BodySink {
  /// A body up to this size is kept until the answer begins.
  private static final int KEPT = 64 * 1024;

  /// What the upload tells its relay.
  interface Watcher {
    /// Where it goes now; null between two tries.
    @Nullable OriginExchange origin();

    /// The body is complete.
    void uploaded();

    void tooLarge();

    /// The client is gone.
    void aborted();
  }

  private final Exchange client;
  private final long limit;
  private final Watcher watcher;
  private final List<ByteBuf> kept = new ArrayList<>(1);
  private boolean keeping = true;
  private boolean ended;
  private HttpHeaders trailers = EmptyHttpHeaders.INSTANCE;
  private long bytes;

  /// @param limit bytes it may have
  Upload(Exchange client, long limit, Watcher watcher) {
    this.client = client;
    this.limit = limit;
    this.watcher = watcher;
  }

  /// Whether everything that came so far is still here.
  boolean kept() {
    return keeping;
  }

  boolean ended() {
    return ended;
  }

  void forget() {
    keeping = false;
    kept.forEach(ByteBuf::release);
    kept.clear();
  }

  void replay(OriginExchange to) {
    for (var piece : kept) {
      to.write(piece.retainedDuplicate());
    }
    if (ended) {
      to.finish(trailers);
    } else {
      to.flush();
      client.resumeBody();
    }
  }

  @Override
  public void data(ByteBuf piece) {
    bytes += piece.readableBytes();
    if (bytes > limit) {
      piece.release();
      watcher.tooLarge();
      return;
    }
    if (keeping && bytes <= KEPT) {
      kept.add(piece.retainedDuplicate());
    } else if (keeping) {
      forget();
    }
    var to = watcher.origin();
    if (to == null) {
      piece.release();
      return;
    }
    to.write(piece);
    to.flush();
    if (!to.writable()) {
      client.pauseBody();
    }
  }

  @Override
  public void end(HttpHeaders last) {
    ended = true;
    trailers = last;
    watcher.uploaded();
    var to = watcher.origin();
    if (to != null) {
      to.finish(last);
    }
  }

  @Override
  public void aborted() {
    watcher.aborted();
  }
}
