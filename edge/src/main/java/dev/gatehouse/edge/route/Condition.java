package dev.gatehouse.edge.route;

import dev.gatehouse.http.Cookies;
import dev.gatehouse.http.Refusal;
import dev.gatehouse.http.RequestHead;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.Locale;
import java.util.Optional;

/// One thing a request must have, or must not have, besides its host, path and method.
///
/// Where a field, parameter or cookie comes several times, the first one counts. So two conditions
/// that want different values can never both hold.
///
/// @param name in lower case for a header field, whose name has no case
public record Condition(Source source, String name, Want want) {
  /// Where to look.
  public enum Source {
    HEADER,
    QUERY,
    COOKIE
  }

  /// What must be there.
  public sealed interface Want {
    /// This value, byte for byte.
    record Exactly(String value) implements Want {}

    /// Any value, also an empty one.
    record Present() implements Want {}

    /// None.
    record Absent() implements Want {}
  }

  public Condition {
    name = source == Source.HEADER ? name.toLowerCase(Locale.ROOT) : name;
  }

  /// As a configuration writes it: `*` is any value, `!` none, everything else that very value.
  public static Condition parse(Source source, String name, String text) {
    return new Condition(
        source,
        name,
        switch (text) {
          case "*" -> new Want.Present();
          case "!" -> new Want.Absent();
          default -> new Want.Exactly(text);
        });
  }

  public boolean holds(RequestHead head) {
    return allows(
        switch (source) {
          case HEADER -> Optional.ofNullable(head.headers().get(name));
          case QUERY -> parameter(head);
          case COOKIE -> Cookies.find(head.headers().getAll(HttpHeaderNames.COOKIE), name);
        });
  }

  boolean allows(Optional<String> value) {
    return switch (want) {
      case Want.Exactly(var wanted) -> value.isPresent() && value.get().equals(wanted);
      case Want.Present() -> value.isPresent();
      case Want.Absent() -> value.isEmpty();
    };
  }

  /// Whether both look at the same thing.
  boolean about(Condition other) {
    return source == other.source && name.equals(other.name);
  }

  /// Whether one request can fulfil both.
  boolean compatible(Condition other) {
    if (!about(other)) {
      return true;
    }
    boolean absent = want instanceof Want.Absent;
    return absent == other.want instanceof Want.Absent
        && !(want instanceof Want.Exactly(var mine)
            && other.want instanceof Want.Exactly(var theirs)
            && !mine.equals(theirs));
  }

  /// A query that cannot be decoded has no parameters; it is the origin's to refuse it.
  private Optional<String> parameter(RequestHead head) {
    try {
      return head.target().query(name);
    } catch (Refusal e) {
      return Optional.empty();
    }
  }

  @Override
  public String toString() {
    var left = source.name().toLowerCase(Locale.ROOT) + " " + name;
    return switch (want) {
      case Want.Exactly(var value) -> left + "=" + value;
      case Want.Present() -> left;
      case Want.Absent() -> "no " + left;
    };
  }
}
