package dev.gatehouse.app.config;

import java.util.List;
import java.util.Optional;

/// One key of a section, declared: what it is called, what it may hold, and what it means.
///
/// @param fallback the text that is read where nothing is given
/// @param about one sentence for people who write the file
record Key<T>(
    String name, Shape<T> shape, Presence presence, Optional<String> fallback, String about) {
  enum Presence {
    /// Its absence is a mistake.
    REQUIRED,
    /// Its absence means something of its own.
    OPTIONAL,
    /// It is always read: from its fallback, or as a section of defaults.
    ALWAYS
  }

  static <T> Key<T> required(String name, Shape<T> shape, String about) {
    return new Key<>(name, shape, Presence.REQUIRED, Optional.empty(), about);
  }

  static <T> Key<T> optional(String name, Shape<T> shape, String about) {
    return new Key<>(name, shape, Presence.OPTIONAL, Optional.empty(), about);
  }

  static <T> Key<T> with(String name, Shape<T> shape, String fallback, String about) {
    return new Key<>(name, shape, Presence.ALWAYS, Optional.of(fallback), about);
  }

  static <T> Key<T> section(String name, Shape<T> shape, String about) {
    return new Key<>(name, shape, Presence.ALWAYS, Optional.empty(), about);
  }

  Optional<T> read(Reading reading, Spot spot) {
    boolean given =
        spot.node().isPresent()
            || spot.fallback().isPresent()
            || (shape.isText() && reading.override(spot.paths()).isPresent());
    if (given || presence == Presence.ALWAYS) {
      return shape.read(reading, spot);
    }
    if (presence == Presence.REQUIRED) {
      reading.mistake(spot.place(), "'" + name + "' is missing: " + about);
    } else {
      shape.scalars(spot.path()).forEach(reading::absent);
    }
    return Optional.empty();
  }

  /// The paths below which a variable could set something, were this key there.
  List<String> scalars(String parent) {
    return shape.scalars(parent.isEmpty() ? name : parent + "." + name);
  }
}
