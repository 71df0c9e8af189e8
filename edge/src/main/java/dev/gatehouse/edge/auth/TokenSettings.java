package dev.gatehouse.edge.auth;

import java.net.URI;
import java.util.Optional;

/// How the edge gets the token that it shows to an upstream (RFC 6749).
///
/// @param name as the configuration, the file of the token and `gatehouse token` call it
/// @param token the token endpoint
/// @param authorize where a person allows it; only for [Grant#AUTHORIZATION_CODE]
/// @param clientSecret empty for a public client, which PKCE alone protects
/// @param inHeader whether id and secret go into the `Authorization` field and not into the form
/// @param redirect where the listener of `gatehouse token` stands, on this machine; port 0 is any
public record TokenSettings(
    String name,
    Grant grant,
    URI token,
    Optional<URI> authorize,
    String clientId,
    Optional<String> clientSecret,
    boolean inHeader,
    Optional<String> scope,
    URI redirect) {
  /// What a token is given for.
  public enum Grant {
    /// A person allowed it once; after that a refresh token is kept.
    AUTHORIZATION_CODE,
    /// The client's own secret.
    CLIENT_CREDENTIALS
  }

  /// Without the secret.
  @Override
  public String toString() {
    return "credentials " + name;
  }
}
