package dev.gatehouse.app.config;

import dev.gatehouse.edge.auth.AuthSettings;
import dev.gatehouse.edge.auth.JwtSettings;
import java.util.Optional;

/// What routes with `authenticate` check credentials against, in the edge's own words.
public record AuthConfig(Optional<AuthSettings.Basic> basic, Optional<JwtSettings> jwt) {}
