package dev.gatehouse.edge.discover;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The full names a short name may stand for, as `/etc/resolv.conf` says (`search`, `ndots`): in
/// Kubernetes `storage` is `storage.default.svc.cluster.local`.
record SearchList(List<String> domains, int dots) {
  static final SearchList NONE = new SearchList(List.of(), 1);

  /// The system's; none where there is no such file.
  static SearchList ofSystem() {
    try {
      return parse(Files.readAllLines(Path.of("/etc/resolv.conf")));
    } catch (IOException none) {
      return NONE;
    }
  }

  static SearchList parse(List<String> lines) {
    var domains = List.<String>of();
    int dots = 1;
    for (var line : lines) {
      var words = List.of(line.strip().split("\\s+"));
      switch (words.getFirst()) {
        // The last of them counts.
        case "search", "domain" -> domains = List.copyOf(words.subList(1, words.size()));
        case "options" -> {
          for (var word : words) {
            if (word.matches("ndots:\\d{1,2}")) {
              dots = Integer.parseInt(word.substring("ndots:".length()));
            }
          }
        }
        default -> {}
      }
    }
    return new SearchList(domains, dots);
  }

  /// In the order in which they are tried.
  List<String> candidates(String name) {
    if (name.endsWith(".")) {
      return List.of(name);
    }
    var all = new ArrayList<String>();
    domains.forEach(domain -> all.add(name + "." + domain));
    boolean whole = name.chars().filter(c -> c == '.').count() >= dots;
    all.add(whole ? 0 : all.size(), name);
    return all;
  }
}
