package dev.gatehouse.app.config;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.List;

/// The configuration reference, written from the declaration that the loader reads.
///
/// It stands with the tests because only they need it: what is published is the page, and a test
/// holds the page to this.
final class ConfigReference {
  private static final String HEAD =
      """
      # Configuration reference

      Every key of `gatehouse.yaml`, written from the declaration that the program itself reads; do not edit this page. What the
      keys are for, with examples, is told by the comments of [gatehouse.yaml](../gatehouse.yaml). `gatehouse check -f FILE` finds every
      mistake of a file, and shows every setting and where it comes from.

      `[]` stands for each item of a list, `<name>` for a name that you choose. A setting whose path has neither can be set from the
      environment, too: `admin.listen` is `GATEHOUSE_ADMIN_LISTEN`. In values `${NAME}` is a variable, `${NAME:-something}` one with
      a default.
      """;

  private record Row(String path, String holds, String fallback, String about) {}

  private final List<Row> rows = new ArrayList<>();

  private ConfigReference() {}

  static String markdown() {
    var page = new StringBuilder(HEAD);
    for (var key : Declaration.ROOT.keys()) {
      var one = new ConfigReference();
      one.key("", key);
      page.append("\n## `").append(key.name()).append("`\n\n");
      page.append("| key | holds | default | meaning |\n| --- | --- | --- | --- |\n");
      for (var row : one.rows) {
        page.append("| `")
            .append(row.path)
            .append("` | ")
            .append(cell(row.holds))
            .append(" | ")
            .append(row.fallback)
            .append(" | ")
            .append(cell(row.about))
            .append(" |\n");
      }
    }
    return page.toString();
  }

  private void key(String parent, Key<?> key) {
    var path = parent.isEmpty() ? key.name() : parent + "." + key.name();
    var fallback =
        key.presence() == Key.Presence.REQUIRED
            ? "required"
            : key.fallback().map(text -> "`" + text + "`").orElse("");
    rows.add(new Row(path, holds(key.shape()), fallback, key.about()));
    below(path, key.shape());
  }

  /// The keys that stand inside what `shape` describes.
  private void below(String path, Shape<?> shape) {
    switch (shape) {
      case Shape.Section<?> section -> section.keys().forEach(key -> key(path, key));
      case Shape.Items<?> items -> below(path + "[]", items.item());
      case Shape.Named<?> named -> below(path + ".<name>", named.value());
      case Shape.Scalar<?> _, OneOrMore<?> _, Pairs<?, ?> _, TextOr<?, ?, ?> _ -> {}
    }
  }

  private static String holds(Shape<?> shape) {
    return switch (shape) {
      case Shape.Scalar<?> scalar -> scalar.expects();
      case OneOrMore<?> several -> several.item().expects() + "; or a list of such";
      case Pairs<?, ?> pairs -> "a mapping: a " + pairs.noun() + ", and " + pairs.value().expects();
      case TextOr<?, ?, ?> either -> holds(either.text()) + "; or " + holds(either.mapping());
      case Shape.Items<?> items -> "a list: " + holds(items.item());
      case Shape.Named<?> named ->
          "a mapping of names: each a "
              + named.noun()
              + named.sole().map(sole -> "; one value alone is '" + sole + "'").orElse("");
      case Shape.Section<?> section -> section(section);
    };
  }

  private static String section(Shape.Section<?> section) {
    var text = new StringBuilder("a section");
    section
        .shorthand()
        .ifPresent(key -> text.append("; one value alone is its '").append(key.name()).append("'"));
    if (!section.choice().isEmpty()) {
      text.append("; exactly one of ")
          .append(
              section.choice().stream().map(key -> "'" + key.name() + "'").collect(joining(", ")));
    }
    return text.toString();
  }

  private static String cell(String text) {
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ");
  }
}
