package dev.gatehouse.http;

import java.util.function.Consumer;

/// Answers one request on the event loop: it must never block, and it calls `reply` exactly once,
/// from any thread.
///
/// For hot paths whose work is in memory; everything else is a [Handler].
@FunctionalInterface
public interface InlineHandler {
  void handle(Request request, Consumer<Response> reply);
}
