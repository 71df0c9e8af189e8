package dev.gatehouse.app.config;

import java.util.List;
import java.util.stream.Collectors;

/// What reading a configuration came to.
public sealed interface Loaded {
  /// @param settings every scalar that is in force, in the order of the declaration
  record Good(Config config, List<Setting> settings) implements Loaded {}

  /// @param mistakes all of them, in the order of the file; never empty
  record Bad(List<Mistake> mistakes) implements Loaded {
    /// What to print.
    public String render() {
      return mistakes.stream().map(Mistake::render).collect(Collectors.joining("\n"));
    }
  }
}
