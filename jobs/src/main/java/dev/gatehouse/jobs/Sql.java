package dev.gatehouse.jobs;

import java.util.Collection;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;
import org.jdbi.v3.core.argument.Argument;

/// Lists as arrays, which pgjdbc sends in binary: one parameter however many values.
final class Sql {
  private Sql() {}

  static <T> Argument longs(Collection<T> of, ToLongFunction<T> value) {
    return array(of.stream().mapToLong(value).toArray());
  }

  static <T> Argument ints(Collection<T> of, ToIntFunction<T> value) {
    return array(of.stream().mapToInt(value).toArray());
  }

  static Argument texts(Collection<String> values) {
    return array(values.toArray(String[]::new));
  }

  static Argument array(Object values) {
    return (position, statement, context) -> statement.setObject(position, values);
  }
}
