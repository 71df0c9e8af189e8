package dev.gatehouse.http;

import java.util.concurrent.CompletionStage;

/// Answers one request with plain blocking code on a virtual thread of its own, as a [Handler]
/// does, and may leave before the answer is certain: it is sent when the stage ends, by whichever
/// thread ends it. A stage that ends with an exception is answered as if the handler had thrown it.
@FunctionalInterface
public interface LaterHandler {
  CompletionStage<Response> handle(Request request) throws Exception;
}
