package dev.gatehouse.app.config;

/// One setting that is in force.
///
/// @param path `admin.listen`, `routes[0].to`
/// @param value as text, passwords masked
public record Setting(String path, String value, Origin origin) {
  /// Where a value came from.
  public sealed interface Origin {
    /// Written in the file, possibly with `${VARIABLE}` filled in.
    record File(String name, int line) implements Origin {
      @Override
      public String toString() {
        return name + ":" + line;
      }
    }

    /// A variable of the environment that overrides the file.
    record Environment(String variable) implements Origin {
      @Override
      public String toString() {
        return "environment " + variable;
      }
    }

    /// An option of the command line, which overrides both.
    record CommandLine() implements Origin {
      @Override
      public String toString() {
        return "command line";
      }
    }

    /// Not given anywhere.
    record Default() implements Origin {
      @Override
      public String toString() {
        return "default";
      }
    }
  }
}
