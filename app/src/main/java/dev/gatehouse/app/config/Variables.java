package dev.gatehouse.app.config;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/// The environment inside values: `${NAME}` and `${NAME:-default}`; `$${` stands for `${` itself.
///
/// As in a shell, the default also replaces a variable that is empty. A default cannot hold a `}`,
/// and is not looked into again.
final class Variables {
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

  private Variables() {}

  /// @throws Wrong if a variable is not set and has no default, or is not written as above
  static String fillIn(String text, Map<String, String> environment) throws Wrong {
    var filled = new StringBuilder();
    int at = 0;
    while (true) {
      int open = text.indexOf("${", at);
      if (open < 0) {
        return filled.append(text, at, text.length()).toString();
      }
      if (open > at && text.charAt(open - 1) == '$') {
        filled.append(text, at, open - 1).append("${");
        at = open + 2;
        continue;
      }
      int close = text.indexOf('}', open);
      if (close < 0) {
        throw new Wrong("'${' has no closing '}'");
      }
      filled.append(text, at, open).append(value(text.substring(open + 2, close), environment));
      at = close + 1;
    }
  }

  private static String value(String inside, Map<String, String> environment) throws Wrong {
    int dash = inside.indexOf(":-");
    var name = dash < 0 ? inside : inside.substring(0, dash);
    if (!NAME.matcher(name).matches()) {
      throw new Wrong("'${" + inside + "}' is not ${NAME} or ${NAME:-default}");
    }
    var value = environment.get(name);
    if (dash >= 0) {
      return value == null || value.isEmpty() ? inside.substring(dash + 2) : value;
    }
    if (value == null) {
      throw new Wrong(
          "the variable "
              + name
              + " is not set; set it, or give a default with ${"
              + name
              + ":-default}");
    }
    return value;
  }

  /// The variable that overrides a setting: `admin.listen` is `GATEHOUSE_ADMIN_LISTEN`.
  static String overriding(String path) {
    var upper = path.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]+", "_");
    return "GATEHOUSE_" + (upper.endsWith("_") ? upper.substring(0, upper.length() - 1) : upper);
  }
}
