package dev.gatehouse.app.config;

/// The admin port: console, admin API, `/metrics`, `/readyz`.
public record AdminConfig(Address listen) {}
