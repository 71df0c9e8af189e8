package dev.gatehouse.http;

import io.netty.handler.codec.http.HttpHeaders;

/// The head of a request whose framing has been found unambiguous.
///
/// @param method a token, as it came
/// @param target path and query; `*` and authority forms never get this far, and an absolute form
///   has lost its origin
/// @param host what `Host` (or the absolute form's authority) says; empty only in HTTP/1.0
/// @param headers the fields as they came; shared, so whoever changes them copies them first
/// @param hasBody whether any body byte may follow
public record RequestHead(
    String method, Target target, String host, HttpHeaders headers, boolean hasBody) {}
