package dev.gatehouse.edge.cache;

/// What answers are kept under. The listener is not part of it: the same request by another door
/// has the same answer.
///
/// @param place who answers: two routes that lead to different places never share
/// @param host as the client wrote it, in lower case; an origin may be told it, and then answer by
///   it
/// @param target path and query, byte for byte
record Key(String place, String host, String target) {}
