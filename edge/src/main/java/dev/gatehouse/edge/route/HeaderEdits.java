package dev.gatehouse.edge.route;

import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Changes of header fields: first what is removed, then what is set, then what is added.
///
/// What gives a message its framing, concerns one connection only, or is vouched for by the edge
/// cannot be changed.
public record HeaderEdits(List<Field> set, List<Field> add, List<String> remove) {
  public static final HeaderEdits NONE = new HeaderEdits(List.of(), List.of(), List.of());

  /// A field as it is written.
  public record Field(String name, String value) {}

  private static final Set<String> FRAMING =
      Set.of(
          "connection",
          "content-length",
          "expect",
          "keep-alive",
          "proxy-connection",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade");

  private static final Set<String> OURS =
      Set.of(
          "forwarded",
          "traceparent",
          "tracestate",
          "via",
          "x-forwarded-for",
          "x-forwarded-host",
          "x-forwarded-proto",
          "x-request-id");

  public HeaderEdits {
    set = List.copyOf(set);
    add = List.copyOf(add);
    remove = List.copyOf(remove);
  }

  /// Why a field of this name cannot be changed, as the end of a sentence; empty if it can.
  public static Optional<String> refused(String name) {
    var lower = name.toLowerCase(Locale.ROOT);
    if (FRAMING.contains(lower) || lower.equals("proxy-authorization")) {
      return Optional.of("it concerns the connection or the framing of a message");
    }
    if (lower.startsWith("x-gatehouse-") || OURS.contains(lower)) {
      return Optional.of("Gatehouse writes it itself");
    }
    return lower.equals("host")
        ? Optional.of("a request's host is set by 'rewrite: {host: ...}'")
        : Optional.empty();
  }

  public boolean isEmpty() {
    return set.isEmpty() && add.isEmpty() && remove.isEmpty();
  }

  public void apply(HttpHeaders headers) {
    for (var name : remove) {
      headers.remove(name);
    }
    for (var field : set) {
      headers.set(field.name(), field.value());
    }
    for (var field : add) {
      headers.add(field.name(), field.value());
    }
  }
}
