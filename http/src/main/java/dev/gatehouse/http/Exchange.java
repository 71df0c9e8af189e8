package dev.gatehouse.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One request and its response on a server's connection, streamed both ways.
///
/// Confined to its event loop: every method is called there, except [#send(Response)], which comes
/// over by itself. The life of the response is `start`, any number of `write`, then `finish`; or
/// `send`, which is all of them; or `abort`, after which the client sees a cut connection and never
/// an answer that looks complete. The request's body waits (and holds the client back) until
/// somebody calls [#receive].
public final class Exchange {
  private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);

  /// A body up to this size is copied behind its head: one write is cheaper than two.
  private static final int TOGETHER = 8 * 1024;

  private enum Stage {
    WAITING,
    STREAMING,
    DONE
  }

  private final ServerConnection connection;
  private final RequestHead head;
  private final String requestId;
  private final boolean http10;
  private boolean keepAlive;
  private boolean continueExpected;

  private @Nullable BodySink sink;
  private boolean bodyEnded;
  private boolean paused;

  private Stage stage = Stage.WAITING;
  private int status;
  private long bytesIn;
  private long bytesOut;
  private @Nullable Consumer<HttpHeaders> edit;

  /// Names and values, by turns.
  private @Nullable ArrayList<String> fields;

  private Optional<Trace> trace = Optional.empty();
  private @Nullable Runnable onDone;
  private @Nullable Runnable onWritable;

  Exchange(
      ServerConnection connection,
      RequestHead head,
      String requestId,
      boolean http10,
      boolean keepAlive) {
    this.connection = connection;
    this.head = head;
    this.requestId = requestId;
    this.http10 = http10;
    this.keepAlive = keepAlive;
    this.continueExpected =
        !http10 && head.hasBody() && head.headers().contains(HttpHeaderNames.EXPECT);
  }

  public RequestHead head() {
    return head;
  }

  public String requestId() {
    return requestId;
  }

  /// The span that this exchange is, where its trace is sampled.
  public Optional<Trace> trace() {
    return trace;
  }

  /// For whoever decides whether it is, before anybody else asks.
  public void trace(Trace sampled) {
    trace = Optional.of(sampled);
  }

  /// The address of whoever is connected, or on whose behalf a trusted proxy is that says so by the
  /// PROXY protocol.
  public InetSocketAddress peer() {
    return connection.peer();
  }

  /// [#peer] as text without the port.
  public String peerText() {
    return connection.peerText();
  }

  /// Whether the connection is a client's of whom a trusted proxy knows nothing: [#peer] is the
  /// proxy, but what is sent here is not its word.
  public boolean somebodys() {
    return connection.somebodys();
  }

  /// The name of the listener this came in by.
  public String listener() {
    return connection.listener();
  }

  public EventLoop loop() {
    return connection.loop();
  }

  /// The status that was sent; 0 before any.
  public int status() {
    return status;
  }

  /// Body bytes that came so far.
  public long bytesIn() {
    return bytesIn;
  }

  /// Body bytes written so far.
  public long bytesOut() {
    return bytesOut;
  }

  /// Whether the head of a final response has been sent.
  public boolean started() {
    return stage != Stage.WAITING;
  }

  /// Whether nothing more can be sent: the response is finished or the client is gone.
  public boolean done() {
    return stage == Stage.DONE;
  }

  /// Changes the head of the final response, whoever sends it. The framing, `Date` and
  /// `X-Request-Id` are none of its business.
  public void edit(Consumer<HttpHeaders> change) {
    edit = change;
  }

  /// Adds a field to the final response, whoever sends it. In ASCII; an earlier one of this name
  /// that came by here is replaced.
  public void field(String name, String value) {
    var all = fields;
    if (all == null) {
      all = new ArrayList<>(4);
      fields = all;
    }
    int known = all.indexOf(name);
    if (known >= 0) {
      all.set(known + 1, value);
    } else {
      all.add(name);
      all.add(value);
    }
  }

  /// Called once, when the response is finished or can never be.
  public void onDone(Runnable action) {
    onDone = action;
  }

  /// Called each time the client can take more after [#writable] was false.
  public void onWritable(Runnable action) {
    onWritable = action;
  }

  public boolean writable() {
    return connection.writable();
  }

  // --- the request's body ---

  /// Starts the body's flow into `to`; sends the 100 the client may be waiting for. A request
  /// without a body ends at once.
  public void receive(BodySink to) {
    receive(to, true);
  }

  /// As [#receive(BodySink)], but the 100 is left to an origin: it comes by [#informational].
  public void receiveWithoutContinue(BodySink to) {
    receive(to, false);
  }

  private void receive(BodySink to, boolean sendContinue) {
    sink = to;
    if (!head.hasBody() || bodyEnded) {
      sink = null;
      to.end(EmptyHttpHeaders.INSTANCE);
      return;
    }
    if (sendContinue && continueExpected && stage == Stage.WAITING) {
      continueExpected = false;
      connection.writeAndFlush(
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
    }
    connection.pump();
  }

  /// Holds the client back until [#resumeBody].
  public void pauseBody() {
    paused = true;
  }

  public void resumeBody() {
    if (paused) {
      paused = false;
      connection.pump();
    }
  }

  boolean accepts() {
    return !head.hasBody() || (sink != null && !paused) || stage == Stage.DONE;
  }

  boolean wantsBody() {
    return sink != null && !paused && !bodyEnded;
  }

  boolean bodyEnded() {
    return bodyEnded;
  }

  void content(HttpContent content) {
    boolean last = content instanceof LastHttpContent;
    continueExpected = false;
    bytesIn += content.content().readableBytes();
    var to = sink;
    if (last) {
      bodyEnded = true;
      sink = null;
    }
    if (to == null || (stage == Stage.DONE && !last)) {
      content.release();
      return;
    }
    if (content.content().isReadable()) {
      to.data(content.content());
    } else {
      content.release();
    }
    if (last) {
      to.end(((LastHttpContent) content).trailingHeaders());
    }
  }

  // --- the response ---

  /// Sends a 1xx other than 100 and 101 (RFC 9110 section 15.2); ignored for HTTP/1.0 and after the
  /// final head.
  public void informational(int status, HttpHeaders headers) {
    if (stage != Stage.WAITING || http10) {
      return;
    }
    if (status == 100) {
      if (continueExpected) {
        continueExpected = false;
      } else {
        return;
      }
    }
    connection.writeAndFlush(
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(status),
            Unpooled.EMPTY_BUFFER,
            headers,
            EmptyHttpHeaders.INSTANCE));
  }

  /// Sends the whole response. From any thread; too late or after the client left, it is dropped.
  public void send(Response response) {
    if (!loop().inEventLoop()) {
      loop().execute(() -> send(response));
      return;
    }
    if (stage != Stage.WAITING) {
      return;
    }
    HttpHeaders headers = DefaultHttpHeadersFactory.headersFactory().newHeaders();
    try {
      for (var field : response.headers()) {
        headers.add(field.name(), field.value());
      }
    } catch (IllegalArgumentException e) {
      LOG.error(
          "a response of request {} has an impossible header; the client gets a 500", requestId, e);
      send(Problem.internal().response(requestId));
      return;
    }
    int length = response.body().length;
    boolean bodiless =
        response.status() == 204 || response.status() == 304 || response.status() < 200;
    if (!bodiless) {
      headers.set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(length));
    }
    begin(response.status(), headers);
    var body =
        length == 0 || bodiless || isHead()
            ? Unpooled.EMPTY_BUFFER
            : Unpooled.wrappedBuffer(response.body());
    bytesOut += body.readableBytes();
    connection.write(
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(response.status()),
            body,
            headers,
            EmptyHttpHeaders.INSTANCE));
    over();
  }

  /// Sends the head; `headers` becomes the exchange's. Without a `Content-Length` the body is
  /// chunked.
  public void start(int status, HttpHeaders headers) {
    if (stage != Stage.WAITING) {
      throw new IllegalStateException("a response was started already");
    }
    boolean bodiless = status == 204 || status == 304 || isHead();
    if (!bodiless && !headers.contains(HttpHeaderNames.CONTENT_LENGTH)) {
      if (http10) {
        keepAlive = false;
      } else {
        headers.set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
      }
    }
    begin(status, headers);
    connection.write(
        new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), headers));
  }

  /// Whether nothing about this exchange changes the fields of its response, so that one which was
  /// encoded before can be sent by [#sendEncoded].
  public boolean plain() {
    return stage == Stage.WAITING
        && edit == null
        && keepAlive
        && !http10
        && !continueExpected
        && !connection.draining()
        && connection.takesBytes();
  }

  /// Sends a response whose head was encoded before; only where [#plain] says so. A response that
  /// is sent again and again costs a copy this way, and no walk over its fields (`bench/cache`).
  ///
  /// @param head the status line and the fields, a `Date` and the framing among them, each line
  ///   ended, without the empty line at the end
  /// @param more further fields in the same form, in ASCII
  /// @param body shared: it must not change while it is being sent
  public void sendEncoded(int status, byte[] head, String more, byte[] body) {
    if (!plain()) {
      throw new IllegalStateException("this exchange changes its response's fields");
    }
    this.status = status;
    stage = Stage.STREAMING;
    boolean together = isHead() || body.length <= TOGETHER;
    int bodyHere = together && !isHead() ? body.length : 0;
    var out = connection.buffer(head.length + more.length() + requestId.length() + 20 + bodyHere);
    out.writeBytes(head);
    ByteBufUtil.writeAscii(out, more);
    var added = fields;
    for (int i = 0; added != null && i < added.size(); i += 2) {
      ByteBufUtil.writeAscii(out, added.get(i));
      ByteBufUtil.writeAscii(out, ": ");
      ByteBufUtil.writeAscii(out, added.get(i + 1));
      ByteBufUtil.writeAscii(out, "\r\n");
    }
    ByteBufUtil.writeAscii(out, "X-Request-Id: ");
    ByteBufUtil.writeAscii(out, requestId);
    ByteBufUtil.writeAscii(out, "\r\n\r\n");
    out.writeBytes(body, 0, bodyHere);
    connection.writeBytes(out);
    if (!together) {
      connection.writeBytes(Unpooled.wrappedBuffer(body));
    }
    bytesOut += isHead() ? 0 : body.length;
    over();
  }

  /// Sends one piece and takes it over; not flushed, see [#flush].
  public void write(ByteBuf piece) {
    if (stage != Stage.STREAMING || isHead()) {
      piece.release();
      return;
    }
    bytesOut += piece.readableBytes();
    connection.write(new DefaultHttpContent(piece));
  }

  /// Sends what was written so far.
  public void flush() {
    connection.flush();
  }

  /// The response is complete.
  public void finish(HttpHeaders trailers) {
    if (stage != Stage.STREAMING) {
      return;
    }
    connection.write(
        trailers.isEmpty() || http10 ? LastHttpContent.EMPTY_LAST_CONTENT : trailing(trailers));
    over();
  }

  /// Cuts the connection: whatever was sent must not look complete.
  public void abort() {
    if (stage != Stage.DONE) {
      keepAlive = false;
      stage = Stage.DONE;
      connection.cut();
      tellDone();
    }
  }

  /// The client is gone.
  void lost() {
    var to = sink;
    sink = null;
    boolean early = stage != Stage.DONE;
    stage = Stage.DONE;
    if (to != null && !bodyEnded) {
      to.aborted();
    }
    if (early) {
      tellDone();
    }
  }

  void writabilityChanged() {
    if (onWritable != null && stage != Stage.DONE) {
      onWritable.run();
    }
  }

  private void begin(int status, HttpHeaders headers) {
    this.status = status;
    stage = Stage.STREAMING;
    if (continueExpected || connection.draining()) {
      // The client may or may not send the body now: only closing keeps the framing certain.
      keepAlive = false;
    }
    if (edit != null) {
      edit.accept(headers);
    }
    var added = fields;
    for (int i = 0; added != null && i < added.size(); i += 2) {
      headers.add(added.get(i), added.get(i + 1));
    }
    if (!headers.contains(HttpHeaderNames.DATE)) {
      headers.set(HttpHeaderNames.DATE, connection.date());
    }
    headers.set("X-Request-Id", requestId);
    if (!keepAlive) {
      headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    } else if (http10) {
      headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
    }
  }

  private void over() {
    stage = Stage.DONE;
    var to = sink;
    sink = null;
    if (to != null && !bodyEnded) {
      to.aborted();
    }
    tellDone();
    connection.responded(this, keepAlive);
  }

  private void tellDone() {
    var action = onDone;
    onDone = null;
    onWritable = null;
    if (action != null) {
      action.run();
    }
  }

  private boolean isHead() {
    return head.method().equals("HEAD");
  }

  private static LastHttpContent trailing(HttpHeaders trailers) {
    var last = new DefaultLastHttpContent(Unpooled.EMPTY_BUFFER);
    last.trailingHeaders().add(trailers);
    return last;
  }
}
