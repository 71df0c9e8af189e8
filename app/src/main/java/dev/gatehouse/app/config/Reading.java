package dev.gatehouse.app.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/// One reading of one file: what was found where, and every mistake so far.
///
/// Shapes write into it while they walk the nodes; a later shape may ask for what an earlier one
/// found (a route asks which upstreams there are), in the order of the declaration.
final class Reading {
  /// A scalar that was understood.
  record Found(Object value, Place place) {}

  /// A text for a setting, and where it came from.
  record Given(String text, Place place, Setting.Origin origin) {}

  /// One line of a mapping.
  record Entry(Place key, Node value) {}

  private final String file;
  private final List<String> lines;
  private final Map<String, String> environment;
  private final Map<String, String> commandLine;
  private final List<Mistake> mistakes = new ArrayList<>();
  private final List<Setting> settings = new ArrayList<>();
  private final Map<String, Found> found = new LinkedHashMap<>();
  private final Map<String, Object> built = new LinkedHashMap<>();
  private final Map<String, Place> places = new LinkedHashMap<>();
  private final Map<String, Set<String>> names = new LinkedHashMap<>();
  private final Map<String, String> variables = new TreeMap<>();
  private final Map<String, String> absentVariables = new TreeMap<>();

  Reading(
      String file, String text, Map<String, String> environment, Map<String, String> commandLine) {
    this.file = file;
    this.lines = text.lines().toList();
    this.environment = environment;
    this.commandLine = commandLine;
  }

  Map<String, String> environment() {
    return environment;
  }

  List<Mistake> mistakes() {
    return mistakes;
  }

  List<Setting> settings() {
    return settings;
  }

  // ---- places

  Place at(int line, int column) {
    var source = line >= 1 && line <= lines.size() ? lines.get(line - 1) : "";
    return new Place(file, line, column, source);
  }

  Place at(Optional<Mark> mark) {
    return mark.map(m -> at(m.getLine() + 1, m.getColumn() + 1)).orElse(Place.ofFile(file));
  }

  Place at(Node node) {
    return at(node.getStartMark());
  }

  void mistake(Place place, String sentence) {
    mistakes.add(place.mistake(sentence));
  }

  // ---- what was found

  void place(String path, Place place) {
    places.put(path, place);
  }

  Place placeOf(String path) {
    return places.getOrDefault(path, Place.ofFile(file));
  }

  void names(String path, Set<String> children) {
    names.put(path, children);
  }

  /// What stands below a path: the names of a mapping, the indexes of a list.
  Set<String> names(String path) {
    return names.getOrDefault(path, Set.of());
  }

  void found(String path, Object value, Given given) {
    found.put(path, new Found(value, given.place()));
    settings.add(new Setting(path, Secrets.shown(path, given.text()), given.origin()));
  }

  /// A section that was read whole.
  void built(String path, Object value) {
    built.put(path, value);
  }

  /// What the section at this path was read as; empty where something in it is wrong.
  Optional<Object> built(String path) {
    return Optional.ofNullable(built.get(path));
  }

  Optional<Found> found(String path) {
    return Optional.ofNullable(found.get(path));
  }

  // ---- environment

  /// What the command line or the environment says about a setting, under any of its paths.
  Optional<Given> override(List<String> paths) {
    Optional<Given> given = Optional.empty();
    for (var path : paths) {
      var variable = Variables.overriding(path);
      variables.put(variable, path);
      var option = commandLine.get(path);
      if (given.isEmpty() && option != null) {
        given =
            Optional.of(
                new Given(
                    option, Place.ofCommandLine(path, option), new Setting.Origin.CommandLine()));
      }
      var value = environment.get(variable);
      if (given.isEmpty() && value != null && !value.isEmpty()) {
        given =
            Optional.of(
                new Given(
                    value,
                    Place.ofVariable(variable, value),
                    new Setting.Origin.Environment(variable)));
      }
    }
    return given;
  }

  /// Notes a setting that could be written but whose section is not there.
  void absent(String path) {
    absentVariables.put(Variables.overriding(path), path);
  }

  /// Variables that look like overrides but reach nothing. Others that begin with `GATEHOUSE_` are
  /// left alone: Kubernetes, for one, sets some of its own for every service by that name.
  void checkVariables() {
    environment.forEach((name, value) -> {
      if (!name.startsWith("GATEHOUSE_") || value.isEmpty() || variables.containsKey(name)) {
        return;
      }
      var place = Place.ofVariable(name, value);
      var absent = absentVariables.get(name);
      if (absent != null) {
        var section = absent.substring(0, absent.lastIndexOf('.'));
        mistake(place, "this sets '" + absent + "', but there is no '" + section + "' in " + file);
        return;
      }
      variables.keySet().stream()
          .filter(known -> Math.abs(name.length() - known.length()) <= 2)
          .filter(known -> Suggest.distance(name, known) <= 2)
          .findFirst()
          .ifPresent(
              known -> mistake(place, "no setting is called so; did you mean '" + known + "'?"));
    });
  }

  // ---- mappings

  /// The lines of a mapping by key; what is no text or given twice is a mistake.
  Map<String, Entry> entries(MappingNode node, String path) {
    var entries = new LinkedHashMap<String, Entry>();
    for (var line : node.getValue()) {
      if (!(line.getKeyNode() instanceof ScalarNode key)) {
        mistake(at(line.getKeyNode()), "a key must be a single word");
        continue;
      }
      var place = at(key);
      var earlier = entries.get(key.getValue());
      if (earlier != null) {
        mistake(
            place,
            "'"
                + key.getValue()
                + "' is given twice in "
                + called(path)
                + ", first on line "
                + earlier.key().line());
        continue;
      }
      entries.put(key.getValue(), new Entry(place, line.getValueNode()));
    }
    return entries;
  }

  static String called(String path) {
    return path.isEmpty() ? "the file" : "'" + path + "'";
  }
}
