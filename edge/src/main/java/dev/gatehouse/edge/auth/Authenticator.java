package dev.gatehouse.edge.auth;

import dev.gatehouse.edge.filter.Visit;
import java.util.Optional;

/// One way to find out who makes a request.
public interface Authenticator {
  /// What the request says of itself in this way. Runs on the event loop and never blocks.
  Claim claim(Visit visit);

  /// What `WWW-Authenticate` says of this way (RFC 9110 section 11.6.1); empty where there is no
  /// scheme for it.
  ///
  /// @param refused whether a credential of this kind was presented and not believed
  Optional<String> challenge(boolean refused);

  /// The request's header field that carries the credential, and stays behind.
  Optional<String> field(Visit visit);
}
