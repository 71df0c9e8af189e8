package dev.gatehouse.http;

/// Answers one request with plain blocking code; it runs on a virtual thread of its own.
///
/// A [Refusal] thrown here becomes its problem+json; anything else is logged once and becomes a 500
/// that tells the client nothing.
@FunctionalInterface
public interface Handler {
  Response handle(Request request) throws Exception;
}
