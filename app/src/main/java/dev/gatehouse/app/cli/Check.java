package dev.gatehouse.app.cli;

import dev.gatehouse.app.Assembly;
import java.nio.file.Path;
import java.util.Optional;

/// `gatehouse check`: reads a configuration and says what it comes to; starts nothing.
final class Check {
  private Check() {}

  static int run(Optional<Path> file, Optional<Path> data) {
    var good = Assembly.load(file, data);
    int path = good.settings().stream().mapToInt(each -> each.path().length()).max().orElse(0);
    int value = good.settings().stream().mapToInt(each -> each.value().length()).max().orElse(0);
    for (var setting : good.settings()) {
      System.out.println(
          pad(setting.path(), path) + "  " + pad(setting.value(), value) + "  " + setting.origin());
    }
    return 0;
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(width - text.length());
  }
}
