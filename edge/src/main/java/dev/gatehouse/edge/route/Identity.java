package dev.gatehouse.edge.route;

import java.util.Optional;

/// Who makes a request, once somebody has vouched for it.
///
/// The user's name goes into a header field towards our own services, so it is made of visible
/// characters and single spaces; whatever vouches for another name is not believed.
///
/// @param user unique only among those of one scheme
/// @param plan what limits may tell users apart by; a client has no say in it
/// @param scheme how the user was found out
public record Identity(String user, Optional<String> plan, Scheme scheme) {
  private static final int LONGEST = 256;

  /// A way to say who one is.
  public enum Scheme {
    /// The session cookie of the accounts service.
    SESSION,
    /// A user and a password of the htpasswd file.
    BASIC,
    /// A key that an operator has made.
    API_KEY,
    /// A signed token of somebody we trust.
    JWT
  }

  /// Whether a user can be called so.
  public static boolean isName(String text) {
    return !text.isEmpty()
        && text.length() <= LONGEST
        && text.chars().allMatch(c -> c >= ' ' && c <= '~')
        && text.strip().equals(text);
  }
}
