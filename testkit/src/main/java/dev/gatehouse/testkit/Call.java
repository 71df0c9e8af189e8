package dev.gatehouse.testkit;

import dev.gatehouse.http.Handler;
import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.Request;
import dev.gatehouse.http.Response;
import dev.gatehouse.http.Routes;
import dev.gatehouse.http.Target;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/// One request to a table of routes, answered as a server would: refusals become their problems.
public record Call(
    Routes routes,
    String method,
    String target,
    Map<String, List<String>> headers,
    byte[] body,
    Optional<String> user) {

  public static Call of(Routes routes, String method, String target) {
    return new Call(routes, method, target, Map.of(), new byte[0], Optional.empty());
  }

  public Call with(String name, String value) {
    var more = new HashMap<>(headers);
    more.put(name.toLowerCase(Locale.ROOT), List.of(value));
    return new Call(routes, method, target, more, body, user);
  }

  public Call body(String text) {
    return body(text.getBytes(StandardCharsets.UTF_8));
  }

  public Call body(byte[] bytes) {
    return new Call(routes, method, target, headers, bytes, user);
  }

  public Call as(String name) {
    return new Call(routes, method, target, headers, body, Optional.of(name));
  }

  public Response send() {
    try {
      var parsed = Target.parse(target);
      return switch (routes.match(method, parsed.segments())) {
        case Routes.Match.Unknown() -> Problem.notFound("no route").response("");
        case Routes.Match.WrongMethod(var allow) -> Problem.methodNotAllowed(allow).response("");
        case Routes.Match.Found(var route, var path) -> {
          if (body.length > route.bodyLimit()) {
            yield Problem.tooLarge(route.bodyLimit()).response("");
          }
          var client = InetSocketAddress.createUnresolved("client", 1);
          var request = new Request(method, parsed, path, headers, body, client, user, "test");
          yield answer(route, request);
        }
      };
    } catch (Refusal refusal) {
      return refusal.problem().response("test");
    }
  }

  private static Response answer(Routes.Route route, Request request) {
    return switch (route.target()) {
      case Routes.Target.Blocking(var handler) -> answer(handler, request);
      case Routes.Target.Later(var handler) ->
          answer(asked -> settled(handler.handle(asked).toCompletableFuture()), request);
      case Routes.Target.Either(var atOnce, var otherwise) ->
          atOnce.apply(request).orElseGet(() -> answer(otherwise, request));
      case Routes.Target.Inline(var handler) -> {
        var reply = new CompletableFuture<Response>();
        handler.handle(request, reply::complete);
        yield reply.join();
      }
    };
  }

  private static Response settled(CompletableFuture<Response> answer) {
    try {
      return answer.join();
    } catch (CompletionException failed) {
      if (failed.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw failed;
    }
  }

  private static Response answer(Handler handler, Request request) {
    try {
      return handler.handle(request);
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError("the handler threw", e);
    }
  }
}
