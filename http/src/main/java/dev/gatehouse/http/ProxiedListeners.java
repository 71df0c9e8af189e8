package dev.gatehouse.http;

import java.net.InetAddress;
import java.util.Set;
import java.util.function.Predicate;

/// The listeners whose connections begin with a PROXY header, which says whose they are.
///
/// @param names theirs
/// @param trusted who may say so: a connection from anybody else is closed
public record ProxiedListeners(Set<String> names, Predicate<InetAddress> trusted) {
  public static final ProxiedListeners NONE = new ProxiedListeners(Set.of(), address -> false);

  /// Why a connection on such a listener was closed before its first request.
  public enum Refused {
    /// The peer is not trusted.
    UNTRUSTED("it does not come from a trusted proxy"),
    /// It did not begin with a header, or with a broken or cut one.
    MALFORMED("it does not begin with a whole PROXY header"),
    /// The header did not come in time.
    LATE("its PROXY header did not come in time");

    private final String sentence;

    Refused(String sentence) {
      this.sentence = sentence;
    }

    String sentence() {
      return sentence;
    }
  }
}
