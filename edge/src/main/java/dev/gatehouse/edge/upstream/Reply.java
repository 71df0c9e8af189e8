package dev.gatehouse.edge.upstream;

import dev.gatehouse.http.Exchange;
import dev.gatehouse.http.Failure;
import dev.gatehouse.http.Problem;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;

/// Where a [Relay] brings an answer: the client itself, or something that looks at it on its way.
///
/// Confined to the relay's event loop. The order is any number of `informational`, then either
/// `refuse`, or `start`, any number of `write`, and `finish`; `abort` may come at any time after
/// `start` and means that what was written is not the whole.
public interface Reply {
  /// Whether nobody wants the answer any more.
  boolean done();

  /// Whether the head went out, after which nothing can be tried again.
  boolean started();

  void informational(int status, HttpHeaders headers);

  /// `headers` are given away.
  void start(int status, HttpHeaders headers);

  /// Takes the piece over.
  void write(ByteBuf piece);

  void flush();

  void finish(HttpHeaders trailers);

  /// The answer broke off.
  void abort();

  /// There is no answer; `problem` says so.
  void refuse(Failure failure, Problem problem);

  /// Whether more can be written without holding it in memory.
  boolean writable();

  /// Called each time [#writable] is true again.
  void onWritable(Runnable action);

  /// The client, with nothing in between.
  static Reply to(Exchange client) {
    return new Reply() {
      @Override
      public boolean done() {
        return client.done();
      }

      @Override
      public boolean started() {
        return client.started();
      }

      @Override
      public void informational(int status, HttpHeaders headers) {
        client.informational(status, headers);
      }

      @Override
      public void start(int status, HttpHeaders headers) {
        client.start(status, headers);
      }

      @Override
      public void write(ByteBuf piece) {
        client.write(piece);
      }

      @Override
      public void flush() {
        client.flush();
      }

      @Override
      public void finish(HttpHeaders trailers) {
        client.finish(trailers);
      }

      @Override
      public void abort() {
        client.abort();
      }

      @Override
      public void refuse(Failure failure, Problem problem) {
        client.send(problem.response(client.requestId()));
      }

      @Override
      public boolean writable() {
        return client.writable();
      }

      @Override
      public void onWritable(Runnable action) {
        client.onWritable(action);
      }
    };
  }
}
