package dev.gatehouse.app.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// What differs between the configuration in force and the next one.
///
/// @param paths of the settings that are new, gone or other than before
/// @param fixed those of them that only a restart can change
public record Changes(List<String> paths, List<String> fixed) {
  /// What processes are made of, and cannot change while they run. All else can.
  private static final Pattern FIXED =
      Pattern.compile(
          "data|database|log\\.keep|traces\\..*|edge\\.threads|edge\\.resolver|edge\\.(cache|limits)\\..*|admin\\..*|stats\\..*|replica\\..*"
              + "|services\\.(?!\\w+\\.(replicas|workers|discover\\.\\w+)$).*");

  /// How many changes are told by name.
  private static final int NAMED = 8;

  public static Changes between(Loaded.Good now, Loaded.Good next) {
    var before = values(now);
    var after = values(next);
    var paths = new LinkedHashSet<String>();
    after.forEach((path, value) -> {
      if (!value.equals(before.get(path))) {
        paths.add(path);
      }
    });
    before.keySet().stream().filter(path -> !after.containsKey(path)).forEach(paths::add);
    // Its password is masked among the settings.
    if (!now.config().database().equals(next.config().database())) {
      paths.add("database");
    }
    var fixed = new LinkedHashSet<String>();
    paths.stream().filter(path -> FIXED.matcher(path).matches()).forEach(fixed::add);
    services(now.config(), next.config()).forEach(fixed::add);
    return new Changes(List.copyOf(paths), List.copyOf(fixed));
  }

  private static Map<String, String> values(Loaded.Good loaded) {
    var values = new LinkedHashMap<String, String>();
    loaded.settings().forEach(setting -> values.put(setting.path(), setting.value()));
    return values;
  }

  /// Services that are run by one of the two only, or run here by one and elsewhere by the other.
  private static List<String> services(Config now, Config next) {
    var names = new LinkedHashSet<>(now.services().keySet());
    names.addAll(next.services().keySet());
    var other = new ArrayList<String>();
    for (var name : names) {
      if (!now.services().containsKey(name) || !next.services().containsKey(name)) {
        other.add("services." + name);
      } else if (now.discovered(name).isPresent() != next.discovered(name).isPresent()) {
        other.add("services." + name + ".discover");
      }
    }
    return other;
  }

  /// Why this cannot be done while everything runs.
  public Optional<String> refusal() {
    return fixed.isEmpty()
        ? Optional.empty()
        : Optional.of(
            String.join(", ", fixed)
                + " cannot change while Gatehouse runs: put back the old value, or restart it.");
  }

  /// `2 settings changed: routes[1].to, upstreams.meli.timeout`.
  public String inWords() {
    if (paths.isEmpty()) {
      return "nothing changed";
    }
    var named = String.join(", ", paths.subList(0, Math.min(NAMED, paths.size())));
    return (paths.size() == 1 ? "1 setting" : paths.size() + " settings")
        + " changed: "
        + named
        + (paths.size() > NAMED ? ", ..." : "");
  }
}
