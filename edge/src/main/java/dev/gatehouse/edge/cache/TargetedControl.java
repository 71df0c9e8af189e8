package dev.gatehouse.edge.cache;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// A cache control field that is targeted at us (RFC 9213): a Structured Fields dictionary (RFC
/// 9651), parsed strictly.
///
/// A field that does not parse, is empty, or gives a directive a value of the wrong type is as if
/// it had not been sent (section 2.1): `Cache-Control` counts then.
final class TargetedControl {
  private static final Pattern KEY = Pattern.compile("[a-z*][a-z0-9_.*-]*");
  private static final Pattern NUMBER =
      Pattern.compile("-?(?:\\d{1,12}\\.\\d{1,3}|\\d{1,15})(?![\\d.])");
  private static final Pattern STRING = Pattern.compile("\"((?:[ !#-\\[\\]-~]|\\\\[\"\\\\])*)\"");
  private static final Pattern OTHER =
      Pattern.compile(
          "[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*"
              + "|:[A-Za-z0-9+/=]*:|\\?[01]|@-?\\d{1,15}|%\"[ !#-~]*\"");
  private static final List<String> SECONDS =
      List.of("max-age", "s-maxage", "stale-if-error", "stale-while-revalidate");

  /// A bare item, as far as directives need to know it.
  private enum Kind {
    INTEGER,
    STRING,
    TRUE,
    FALSE,
    OTHER
  }

  private record Item(Kind kind, String text) {}

  private static final Item TRUE = new Item(Kind.TRUE, "");

  private final String text;
  private int at;

  private TargetedControl(String text) {
    this.text = text;
  }

  static Optional<CacheControl> parse(List<String> lines) {
    try {
      var members = new TargetedControl(String.join(", ", lines).strip()).dictionary();
      return members.isEmpty() ? Optional.empty() : Optional.of(directives(members));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static CacheControl directives(Map<String, Item> members) {
    var read = new CacheControl();
    read.targeted = true;
    members.forEach((name, item) -> {
      if (SECONDS.contains(name)) {
        if (item.kind != Kind.INTEGER || item.text.startsWith("-")) {
          throw new IllegalArgumentException(name);
        }
        read.note(name, item.text);
      } else if (item.kind == Kind.TRUE) {
        read.note(name, null);
      } else if (item.kind == Kind.STRING && (name.equals("no-cache") || name.equals("private"))) {
        read.note(name, item.text);
      }
    });
    return read;
  }

  private Map<String, Item> dictionary() {
    var members = new LinkedHashMap<String, Item>();
    while (at < text.length()) {
      var key = take(KEY);
      var item = TRUE;
      if (next('=')) {
        item = at < text.length() && text.charAt(at) == '(' ? list() : bare();
      }
      parameters();
      members.remove(key);
      members.put(key, item);
      spaces("\t ");
      if (at == text.length()) {
        return members;
      }
      if (!next(',')) {
        throw new IllegalArgumentException("a comma is missing");
      }
      spaces("\t ");
      if (at == text.length()) {
        throw new IllegalArgumentException("a comma ends it");
      }
    }
    return members;
  }

  private Item list() {
    next('(');
    while (true) {
      spaces(" ");
      if (next(')')) {
        return new Item(Kind.OTHER, "");
      }
      bare();
      parameters();
      if (at == text.length() || " )".indexOf(text.charAt(at)) < 0) {
        throw new IllegalArgumentException("an inner list does not end");
      }
    }
  }

  private void parameters() {
    while (next(';')) {
      spaces(" ");
      take(KEY);
      if (next('=')) {
        bare();
      }
    }
  }

  private Item bare() {
    char first = at < text.length() ? text.charAt(at) : ' ';
    if (first == '"') {
      var quoted = take(STRING);
      return new Item(
          Kind.STRING, quoted.substring(1, quoted.length() - 1).replaceAll("\\\\(.)", "$1"));
    }
    if (first == '-' || (first >= '0' && first <= '9')) {
      var number = take(NUMBER);
      return new Item(number.indexOf('.') < 0 ? Kind.INTEGER : Kind.OTHER, number);
    }
    return switch (take(OTHER)) {
      case "?1" -> TRUE;
      case "?0" -> new Item(Kind.FALSE, "");
      default -> new Item(Kind.OTHER, "");
    };
  }

  private String take(Pattern what) {
    var found = what.matcher(text).region(at, text.length());
    if (!found.lookingAt()) {
      throw new IllegalArgumentException("at " + at);
    }
    at = found.end();
    return found.group();
  }

  private boolean next(char c) {
    boolean here = at < text.length() && text.charAt(at) == c;
    at += here ? 1 : 0;
    return here;
  }

  private void spaces(String which) {
    while (at < text.length() && which.indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }
}
