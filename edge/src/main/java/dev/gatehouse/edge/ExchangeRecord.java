package dev.gatehouse.edge;

import dev.gatehouse.edge.filter.Steps;
import dev.gatehouse.http.Failure;
import dev.gatehouse.http.Trace;
import java.util.Optional;

/// What is worth knowing of one exchange once it is over: written once, read by metrics and the
/// access log.
///
/// @param route the route's name, or `-` when none matched
/// @param client who asked, as text without the port: the peer, or whom a trusted proxy names
/// @param status 0 when nothing was sent
/// @param began when its head was read, by the edge's clock
/// @param nanos from the request's head to the response's end
/// @param trouble who failed and how, where `failure` is; for the log, not for the client
/// @param trace the span it was, where its trace is sampled
/// @param steps what it passed on its way; read it at once, or copy it
/// @param failure the last failure, also when a retry hid it from the client
public record ExchangeRecord(
    String requestId,
    String method,
    String path,
    String route,
    String client,
    int status,
    long bytesIn,
    long bytesOut,
    long began,
    long nanos,
    String trouble,
    Optional<Failure> failure,
    Steps steps,
    Optional<Trace> trace) {}
