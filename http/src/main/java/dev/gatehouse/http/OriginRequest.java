package dev.gatehouse.http;

import io.netty.handler.codec.http.HttpHeaders;
import java.time.Duration;

/// The head of a request to an origin, and how long to wait for the answer's.
///
/// @param target path and query as they go on the wire
/// @param headers complete, framing included: `Content-Length`, or `Transfer-Encoding: chunked`, or
///   neither
/// @param streamed whether a body follows by [OriginExchange#write] and [OriginExchange#finish]
/// @param connectTimeout for TCP, and again for the TLS handshake
/// @param headTimeout from the end of the request to the head of its answer
public record OriginRequest(
    String method,
    String target,
    HttpHeaders headers,
    boolean streamed,
    Duration connectTimeout,
    Duration headTimeout) {}
