package dev.gatehouse.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaders;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Answers exchanges from a service's [Routes]: gathers the body up to the route's limit, then
/// calls the handler, a blocking one on a virtual thread of its own, an inline one right here on
/// the event loop. The answer of a [LaterHandler] is sent by whoever makes it certain.
public final class RoutesHandler {
  private static final Logger LOG = LoggerFactory.getLogger(RoutesHandler.class);

  /// Who is asking, as far as whoever called us vouches for it.
  public record Caller(InetSocketAddress client, Optional<String> user) {}

  private final Routes routes;
  private final Executor threads;

  /// @param threads runs blocking handlers; one virtual thread a task
  public RoutesHandler(Routes routes, Executor threads) {
    this.routes = routes;
    this.threads = threads;
  }

  public void handle(Exchange exchange, Caller caller) {
    handle(exchange, exchange.head(), caller);
  }

  /// Answers `head` instead of what the client asked; the body is still the client's.
  public void handle(Exchange exchange, RequestHead head, Caller caller) {
    switch (routes.match(head.method(), head.target().segments())) {
      case Routes.Match.Unknown() ->
          refuse(exchange, Problem.notFound("Nothing is at " + head.target().rawPath() + "."));
      case Routes.Match.WrongMethod(var allow) -> {
        if (head.method().equals("OPTIONS")) {
          exchange.send(Response.empty(204).with("Allow", allow + ", OPTIONS"));
        } else {
          refuse(exchange, Problem.methodNotAllowed(allow));
        }
      }
      case Routes.Match.Found(var route, var path) -> gather(exchange, head, caller, route, path);
    }
  }

  private void gather(
      Exchange exchange,
      RequestHead head,
      Caller caller,
      Routes.Route route,
      Map<String, String> path) {
    if (!head.hasBody()) {
      call(exchange, head, caller, route, path, new byte[0]);
      return;
    }
    int limit = route.bodyLimit();
    var length = head.headers().get("Content-Length");
    // More than 18 digits is more than any limit, and would not fit a long.
    if (limit == 0
        || (length != null && (length.length() > 18 || Long.parseLong(length) > limit))) {
      refuse(exchange, Problem.tooLarge(limit));
      return;
    }
    exchange.receive(
        new BodySink() {
          private final ByteArrayOutputStream bytes =
              new ByteArrayOutputStream(length == null ? 512 : Integer.parseInt(length));
          private boolean refused;

          @Override
          public void data(ByteBuf piece) {
            try {
              if (refused) {
                return;
              }
              if (bytes.size() + piece.readableBytes() > limit) {
                refused = true;
                bytes.reset();
                refuse(exchange, Problem.tooLarge(limit));
                return;
              }
              var copy = new byte[piece.readableBytes()];
              piece.readBytes(copy);
              bytes.writeBytes(copy);
            } finally {
              piece.release();
            }
          }

          @Override
          public void end(HttpHeaders trailers) {
            if (!refused) {
              call(exchange, head, caller, route, path, bytes.toByteArray());
            }
          }

          @Override
          public void aborted() {}
        });
  }

  private void call(
      Exchange exchange,
      RequestHead head,
      Caller caller,
      Routes.Route route,
      Map<String, String> path,
      byte[] body) {
    var request =
        new Request(
            head.method().equals("HEAD") ? "GET" : head.method(),
            head.target(),
            path,
            fields(head.headers()),
            body,
            caller.client(),
            caller.user(),
            exchange.requestId());
    var span = span(exchange, request, route);
    switch (route.target()) {
      case Routes.Target.Inline(var handler) -> {
        var once = new AtomicBoolean();
        try {
          handler.handle(
              request,
              response -> {
                if (once.compareAndSet(false, true)) {
                  send(exchange, span, response);
                }
              });
        } catch (Exception e) {
          if (once.compareAndSet(false, true)) {
            send(exchange, span, failed(e, request));
          }
        }
      }
      case Routes.Target.Either(var atOnce, var otherwise) -> {
        Optional<Response> now;
        try {
          now = atOnce.apply(request);
        } catch (RuntimeException e) {
          now = Optional.of(failed(e, request));
        }
        if (now.isPresent()) {
          send(exchange, span, now.get());
        } else {
          block(exchange, span, request, otherwise);
        }
      }
      case Routes.Target.Blocking(var handler) -> block(exchange, span, request, handler);
      case Routes.Target.Later(var handler) ->
          onThread(
              exchange,
              span,
              request,
              () ->
                  later(request, handler)
                      .thenAccept(response -> send(exchange, span, response))
                      .exceptionally(failure -> unsent(request, failure)));
    }
  }

  private void block(
      Exchange exchange, Optional<Spans.Open> span, Request request, Handler handler) {
    onThread(exchange, span, request, () -> send(exchange, span, answer(request, handler)));
  }

  private void onThread(
      Exchange exchange, Optional<Spans.Open> span, Request request, Runnable work) {
    var behalf = new OnBehalf(request.requestId(), span.map(Spans.Open::trace).or(exchange::trace));
    threads.execute(() -> behalf.run(work));
  }

  private static @Nullable Void unsent(Request request, Throwable failure) {
    LOG.error("the answer to request {} could not be sent", request.requestId(), failure);
    return null;
  }

  /// Never ends with an exception.
  private static CompletionStage<Response> later(Request request, LaterHandler handler) {
    CompletionStage<Response> answer;
    try {
      answer = handler.handle(request);
    } catch (Exception e) {
      answer = CompletableFuture.failedStage(e);
    } catch (StackOverflowError | OutOfMemoryError e) {
      answer = CompletableFuture.failedStage(new IllegalStateException(e));
    }
    return answer.exceptionally(failure -> failed(causeOf(failure), request));
  }

  private static Exception causeOf(Throwable failure) {
    var cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause instanceof Exception exception ? exception : new IllegalStateException(cause);
  }

  /// The handler's part of a sampled trace.
  private static Optional<Spans.Open> span(Exchange exchange, Request request, Routes.Route route) {
    return exchange.trace().isEmpty()
        ? Optional.empty()
        : Spans.begin(
            exchange.trace(), Spans.Kind.SERVER, request.method() + " " + route.template());
  }

  private static void send(Exchange exchange, Optional<Spans.Open> span, Response response) {
    if (span.isPresent()) {
      var open = span.get().with("http.response.status_code", response.status());
      (response.status() >= 500 ? open.failed("answered " + response.status()) : open).end();
    }
    exchange.send(response);
  }

  private static Response answer(Request request, Handler handler) {
    try {
      return handler.handle(request);
    } catch (Exception e) {
      return failed(e, request);
    } catch (StackOverflowError | OutOfMemoryError e) {
      return failed(new IllegalStateException(e), request);
    }
  }

  private static Response failed(Exception e, Request request) {
    if (e instanceof Refusal refusal) {
      return refusal.problem().response(request.requestId());
    }
    LOG.error(
        "{} {} failed (request {}); the client gets a 500",
        request.method(),
        request.target().rawPath(),
        request.requestId(),
        e);
    return Problem.internal().response(request.requestId());
  }

  private static void refuse(Exchange exchange, Problem problem) {
    exchange.send(problem.response(exchange.requestId()));
  }

  private static Map<String, List<String>> fields(HttpHeaders headers) {
    var fields = new HashMap<String, List<String>>();
    var all = headers.iteratorCharSequence();
    while (all.hasNext()) {
      var field = all.next();
      fields
          .computeIfAbsent(
              field.getKey().toString().toLowerCase(Locale.ROOT), name -> new ArrayList<>(1))
          .add(field.getValue().toString());
    }
    return fields;
  }
}
