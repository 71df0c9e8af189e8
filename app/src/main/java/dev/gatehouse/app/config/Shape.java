package dev.gatehouse.app.config;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/// What a value of the file may be. A shape reads nodes, and describes itself as JSON Schema.
///
/// Reading gives nothing exactly when it has noted a mistake, and always goes on to find the next
/// one.
sealed interface Shape<T>
    permits Shape.Scalar, Shape.Items, Shape.Named, Shape.Section, OneOrMore, Pairs, TextOr {
  Optional<T> read(Reading reading, Spot spot);

  /// This shape in JSON Schema 2020-12.
  Map<String, Object> schema();

  /// The paths of the scalars that can be told without a file.
  default List<String> scalars(String path) {
    return List.of();
  }

  /// Whether one text can be the whole value, so that a variable can set it.
  default boolean isText() {
    return false;
  }

  /// Understands a text; `reading` knows the names of what was read before.
  @FunctionalInterface
  interface Parser<T> {
    T parse(String text, Reading reading) throws Wrong;
  }

  /// Refuses a value for what stands around it.
  @FunctionalInterface
  interface Check<T> {
    void of(T value, Reading reading) throws Wrong;
  }

  /// One text, after `${...}` was filled in.
  ///
  /// @param expects "a duration such as 50ms, 1s or 2m"
  /// @param form JSON Schema of the text itself
  record Scalar<T>(String expects, Parser<T> parser, Map<String, Object> form) implements Shape<T> {
    @Override
    public Optional<T> read(Reading reading, Spot spot) {
      try {
        var given = given(reading, spot);
        if (given.isEmpty()) {
          return Optional.empty();
        }
        try {
          var value = parser.parse(given.get().text(), reading);
          reading.found(spot.path(), value, given.get());
          return Optional.of(value);
        } catch (Wrong e) {
          reading.mistake(given.get().place(), spot.path() + ": " + e.sentence());
        }
      } catch (Wrong e) {
        reading.mistake(spot.place(), spot.path() + ": " + e.sentence());
      }
      return Optional.empty();
    }

    /// This, if `check` lets the value pass.
    Scalar<T> checked(Check<T> check) {
      return new Scalar<>(
          expects,
          (text, reading) -> {
            var value = parser.parse(text, reading);
            check.of(value, reading);
            return value;
          },
          form);
    }

    private Optional<Reading.Given> given(Reading reading, Spot spot) throws Wrong {
      var override = reading.override(spot.paths());
      if (override.isPresent()) {
        return override;
      }
      if (spot.node().isEmpty()) {
        return spot.fallback()
            .map(text -> new Reading.Given(text, spot.place(), new Setting.Origin.Default()));
      }
      var node = spot.node().get();
      if (!(node instanceof ScalarNode scalar)) {
        throw new Wrong("this must be " + expects + ", not " + kind(node));
      }
      if (isNull(scalar)) {
        throw new Wrong("this has no value; it must be " + expects);
      }
      var place = reading.at(node);
      return Optional.of(
          new Reading.Given(
              Variables.fillIn(scalar.getValue(), reading.environment()),
              place,
              new Setting.Origin.File(place.file(), place.line())));
    }

    @Override
    public boolean isText() {
      return true;
    }

    @Override
    public Map<String, Object> schema() {
      return Map.of("anyOf", List.of(form, Map.of("type", "string", "pattern", "\\$\\{")));
    }

    @Override
    public List<String> scalars(String path) {
      return List.of(path);
    }
  }

  /// A list.
  ///
  /// @param least how many items there must be
  record Items<T>(Shape<T> item, int least) implements Shape<List<T>> {
    @Override
    public Optional<List<T>> read(Reading reading, Spot spot) {
      var node = spot.node().orElseThrow();
      if (!(node instanceof SequenceNode list)) {
        reading.mistake(spot.place(), spot.path() + ": this must be a list, not " + kind(node));
        return Optional.empty();
      }
      if (list.getValue().size() < least) {
        reading.mistake(spot.place(), spot.path() + ": this list must not be empty");
        return Optional.empty();
      }
      var items = new ArrayList<T>();
      var names = new LinkedHashSet<String>();
      for (var one : list.getValue()) {
        var path = spot.path() + "[" + names.size() + "]";
        names.add(String.valueOf(names.size()));
        var place = reading.at(one);
        reading.place(path, place);
        item.read(reading, new Spot(path, Optional.of(one), place, List.of(), Optional.empty()))
            .ifPresent(items::add);
      }
      reading.names(spot.path(), names);
      return items.size() == names.size() ? Optional.of(List.copyOf(items)) : Optional.empty();
    }

    @Override
    public Map<String, Object> schema() {
      return Map.of("type", "array", "items", item.schema(), "minItems", least);
    }
  }

  /// A mapping of names that the writer of the file chooses.
  ///
  /// @param noun what one entry is: "upstream"
  /// @param sole the name of the only entry, where a single text may stand for the whole mapping
  record Named<T>(Shape<T> value, String noun, Optional<String> sole)
      implements Shape<Map<String, T>> {
    private static final String NAME = "[a-z][a-z0-9-]*";

    @Override
    public Optional<Map<String, T>> read(Reading reading, Spot spot) {
      var entries = new LinkedHashMap<String, Spot>();
      var node = spot.node();
      boolean good = true;
      if (node.isPresent() && node.get() instanceof MappingNode mapping) {
        int before = reading.mistakes().size();
        reading
            .entries(mapping, spot.path())
            .forEach((name, entry) -> add(reading, spot, entries, name, entry));
        good = reading.mistakes().size() == before;
        if (sole.isPresent() && mapping.getValue().isEmpty()) {
          reading.mistake(spot.place(), spot.path() + ": this must name at least one " + noun);
          return Optional.empty();
        }
      } else if (sole.isPresent() && node.map(n -> n instanceof ScalarNode).orElse(true)) {
        var name = sole.get();
        entries.put(
            name,
            new Spot(spot.child(name), node, spot.place(), List.of(spot.path()), spot.fallback()));
      } else if (!node.map(Shape::isNull).orElse(true)) {
        reading.mistake(
            spot.place(),
            spot.path() + ": this must be a mapping of names, not " + kind(node.orElseThrow()));
        return Optional.empty();
      }
      reading.names(spot.path(), Collections.unmodifiableSet(entries.keySet()));
      var values = new LinkedHashMap<String, T>();
      entries.forEach(
          (name, entry) -> value.read(reading, entry).ifPresent(read -> values.put(name, read)));
      return good && values.size() == entries.size()
          ? Optional.of(Collections.unmodifiableMap(values))
          : Optional.empty();
    }

    private void add(
        Reading reading, Spot spot, Map<String, Spot> entries, String name, Reading.Entry entry) {
      if (!name.matches(NAME)) {
        reading.mistake(
            entry.key(),
            "'"
                + name
                + "' cannot be the name of a "
                + noun
                + ": use small letters, digits and '-', a letter first");
        return;
      }
      var aliases =
          sole.isPresent() && entries.isEmpty() ? List.of(spot.path()) : List.<String>of();
      reading.place(spot.child(name), entry.key());
      entries.put(
          name,
          new Spot(
              spot.child(name),
              Optional.of(entry.value()),
              reading.at(entry.value()),
              aliases,
              Optional.empty()));
    }

    @Override
    public Map<String, Object> schema() {
      var mapping = new LinkedHashMap<String, Object>();
      mapping.put("type", sole.isPresent() ? "object" : List.of("object", "null"));
      mapping.put("propertyNames", Map.of("pattern", "^" + NAME + "$"));
      mapping.put("additionalProperties", value.schema());
      if (sole.isEmpty()) {
        return mapping;
      }
      mapping.put("minProperties", 1);
      return Map.of("anyOf", List.of(Map.of("type", List.of("string", "integer")), mapping));
    }
  }

  /// A mapping of declared keys.
  ///
  /// @param shorthand the key that a single text in place of the mapping stands for
  /// @param choice keys of which exactly one must be given; empty where there is no such choice
  /// @param check notes what is wrong between keys; called with whatever could be read
  /// @param build makes the value; called only if nothing below was wrong
  record Section<T>(
      List<Key<?>> keys,
      Optional<Key<?>> shorthand,
      List<Key<?>> choice,
      Consumer<Values> check,
      Function<Values, T> build)
      implements Shape<T> {

    static <T> Section<T> of(List<Key<?>> keys, Function<Values, T> build) {
      return new Section<>(keys, Optional.empty(), List.of(), values -> {}, build);
    }

    Section<T> checked(Consumer<Values> with) {
      return new Section<>(keys, shorthand, choice, with, build);
    }

    Section<T> choosing(List<Key<?>> oneOf) {
      return new Section<>(keys, shorthand, oneOf, check, build);
    }

    Section<T> orJust(Key<?> key) {
      return new Section<>(keys, Optional.of(key), choice, check, build);
    }

    @Override
    public Optional<T> read(Reading reading, Spot spot) {
      int before = reading.mistakes().size();
      var entries = entries(reading, spot);
      if (entries.isEmpty()) {
        return Optional.empty();
      }
      reading.names(spot.path(), Collections.unmodifiableSet(entries.get().keySet()));
      var values = new Values(reading, spot);
      for (var key : keys) {
        readKey(reading, spot, key, Optional.ofNullable(entries.get().get(key.name())), values);
      }
      chosen(reading, spot, entries.get(), values);
      check.accept(values);
      if (reading.mistakes().size() != before) {
        return Optional.empty();
      }
      var built = build.apply(values);
      reading.built(spot.path(), built);
      return Optional.of(built);
    }

    private void chosen(
        Reading reading, Spot spot, Map<String, Reading.Entry> entries, Values values) {
      var given =
          choice.stream()
              .filter(key -> entries.containsKey(key.name()) || values.find(key).isPresent())
              .toList();
      if (given.isEmpty() && !choice.isEmpty()) {
        var first = choice.getFirst();
        reading.mistake(spot.place(), "'" + first.name() + "' is missing: " + first.about());
      } else if (given.size() > 1) {
        reading.mistake(
            reading.placeOf(spot.child(given.getLast().name())),
            spot.path()
                + ": give only one of "
                + given.stream().map(key -> "'" + key.name() + "'").collect(joining(" and ")));
      }
    }

    private Optional<Map<String, Reading.Entry>> entries(Reading reading, Spot spot) {
      if (spot.node().isEmpty() || isNull(spot.node().get())) {
        return Optional.of(Map.of());
      }
      var node = spot.node().get();
      if (node instanceof ScalarNode && shorthand.isPresent()) {
        return Optional.of(
            Map.of(shorthand.get().name(), new Reading.Entry(reading.at(node), node)));
      }
      if (!(node instanceof MappingNode mapping)) {
        reading.mistake(
            spot.place(),
            (spot.path().isEmpty() ? "the file" : spot.path() + ": this")
                + " must be a mapping of keys, not "
                + kind(node));
        return Optional.empty();
      }
      var entries = reading.entries(mapping, spot.path());
      var known = keys.stream().map(Key::name).toList();
      entries.forEach((name, entry) -> {
        if (!known.contains(name)) {
          reading.mistake(
              entry.key(),
              "unknown key '"
                  + name
                  + "' in "
                  + Reading.called(spot.path())
                  + Suggest.among(name, known));
        }
      });
      return Optional.of(entries);
    }

    private <K> void readKey(
        Reading reading, Spot spot, Key<K> key, Optional<Reading.Entry> entry, Values values) {
      boolean isShort = shorthand.isPresent() && shorthand.get().name().equals(key.name());
      var path = spot.child(key.name());
      entry.ifPresent(e -> reading.place(path, e.key()));
      var below =
          new Spot(
              path,
              entry.map(Reading.Entry::value),
              entry.map(e -> reading.at(e.value())).orElse(spot.place()),
              isShort ? spot.paths() : List.of(),
              entry.isPresent()
                  ? Optional.empty()
                  : isShort && spot.fallback().isPresent() ? spot.fallback() : key.fallback());
      key.read(reading, below).ifPresent(value -> values.put(key, value));
    }

    @Override
    public Map<String, Object> schema() {
      var properties = new LinkedHashMap<String, Object>();
      for (var key : keys) {
        var property = new LinkedHashMap<String, Object>();
        property.put("description", key.about());
        key.fallback()
            .ifPresent(text ->
                property.put(
                    "default", text.matches("[0-9]+") ? (Object) Integer.valueOf(text) : text));
        property.putAll(key.shape().schema());
        properties.put(key.name(), property);
      }
      var required =
          keys.stream()
              .filter(key -> key.presence() == Key.Presence.REQUIRED)
              .map(Key::name)
              .toList();
      var section = new LinkedHashMap<String, Object>();
      section.put("type", required.isEmpty() ? List.of("object", "null") : "object");
      section.put("properties", properties);
      if (!required.isEmpty()) {
        section.put("required", required);
      }
      if (!choice.isEmpty()) {
        section.put(
            "anyOf", choice.stream().map(key -> Map.of("required", List.of(key.name()))).toList());
      }
      section.put("additionalProperties", false);
      return shorthand.isEmpty()
          ? section
          : Map.of("anyOf", List.of(shorthand.get().shape().schema(), section));
    }

    @Override
    public List<String> scalars(String path) {
      return keys.stream().flatMap(key -> key.scalars(path).stream()).toList();
    }
  }

  static boolean isNull(Node node) {
    return node instanceof ScalarNode && node.getTag().equals(Tag.NULL);
  }

  static String kind(Node node) {
    return switch (node) {
      case MappingNode _ -> "a mapping";
      case SequenceNode _ -> "a list";
      default -> isNull(node) ? "nothing" : "a single value";
    };
  }
}
