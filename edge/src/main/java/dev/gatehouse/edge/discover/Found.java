package dev.gatehouse.edge.discover;

import dev.gatehouse.http.Origin;

/// A replica as DNS tells of it.
///
/// @param weight its share of the requests, where shares are weighted
/// @param group while one of a lower group is usable, those of a higher one are spared
public record Found(Origin origin, int weight, int group) {}
