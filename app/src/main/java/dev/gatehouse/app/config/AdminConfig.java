package dev.gatehouse.app.config;

import java.util.List;

/// The admin port: console, admin API, `/metrics`, `/readyz`.
///
/// @param hosts the names it may be reached by, in lower case, besides any address and `localhost`
public record AdminConfig(Address listen, List<String> hosts) {}
