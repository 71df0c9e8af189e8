package dev.gatehouse.app.config;

import java.util.IdentityHashMap;
import java.util.Optional;

/// What the keys of one section were read as.
final class Values {
  private final IdentityHashMap<Key<?>, Object> values = new IdentityHashMap<>();
  private final Reading reading;
  private final Spot spot;

  Values(Reading reading, Spot spot) {
    this.reading = reading;
    this.spot = spot;
  }

  <T> void put(Key<T> key, T value) {
    values.put(key, value);
  }

  /// What a key that is required, or has a fallback, was read as.
  <T> T get(Key<T> key) {
    return find(key).orElseThrow(() -> new IllegalStateException("not read: " + key.name()));
  }

  @SuppressWarnings("unchecked") // put() is the only writer, and pairs the types
  <T> Optional<T> find(Key<T> key) {
    return Optional.ofNullable((T) values.get(key));
  }

  /// A mistake about the section as a whole, shown where `key` is written, or the section.
  void wrong(Key<?> key, String sentence) {
    var path = spot.child(key.name());
    reading.mistake(reading.found(path).map(Reading.Found::place).orElse(spot.place()), sentence);
  }

  /// The last name of the path of this section: what a named thing is called.
  String name() {
    return spot.path().substring(spot.path().lastIndexOf('.') + 1);
  }

  Place place() {
    return spot.place();
  }

  Reading reading() {
    return reading;
  }

  String path() {
    return spot.path();
  }
}
