package dev.gatehouse.edge.cache;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the cache's parsers make of single field lines; what follows from it, `Rfc9111Test` shows.
class ParsersTest {
  private static final long NOW = Instant.parse("2026-11-21T12:00:00Z").toEpochMilli();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "max-age=10 | 10",
        "MAX-AGE=10 | 10",
        "max-age=\"10\" | 10",
        "max-age=010 | 10",
        "a=\"x, max-age=5\", max-age=10 | 10",
        "a=\"x\\\", max-age=5\", max-age=10 | 10",
        "max-age=10, max-age=5 | 5",
        "max-age=5, max-age=10 | 5",
        "max-age=99999999999999999999999 | 2147483648",
        "max-age | 0",
        "max-age= | 0",
        "max-age=x | 0",
        "max-age=-1 | 0",
        "max-age=1.5 | 0",
        "max-age =10 | 0",
        "x-max-age=10 | -1",
        "'' | -1"
      })
  void max_age_is_read_or_counts_as_nothing(String line, long seconds) {
    assertThat(CacheControl.parse(List.of(line)).maxAge).isEqualTo(seconds);
  }

  @Test
  void a_quoted_string_that_does_not_end_hides_nothing_before_it() {
    var read = CacheControl.parse(List.of("no-store, a=\"b, max-age=10"));
    assertThat(read.noStore).isTrue();
    assertThat(read.maxAge).isEqualTo(CacheControl.ABSENT);
  }

  @Test
  void field_names_qualify_and_an_empty_list_of_them_does_not() {
    var named = CacheControl.parse(List.of("private=\"A, b\", no-cache=c"));
    assertThat(named.isPrivate).isFalse();
    assertThat(named.noCache).isFalse();
    assertThat(named.withheld()).containsExactlyInAnyOrder("a", "b", "c");
    assertThat(CacheControl.parse(List.of("private=\"\"")).isPrivate).isTrue();
    assertThat(CacheControl.parse(List.of("private=\"a\", private")).isPrivate).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "max-age=10",
        "max-age=10;a=1, foo",
        "foo=(1 \"a\");b, max-age=10",
        "a=1.5, b=tok/en, c=:YQ==:, d=?0, e=@1, max-age=10",
        "max-age=5, max-age=10",
        "  max-age=10 \t,\t foo  "
      })
  void a_dictionary_is_read(String line) {
    var read = TargetedControl.parse(List.of(line));
    assertThat(read).isPresent();
    assertThat(read.get().maxAge).isEqualTo(10);
    assertThat(read.get().targeted).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        ",",
        "max-age=10,",
        "Max-Age=10",
        "max-age=\"10\"",
        "max-age=1.0",
        "max-age=-1",
        "max-age",
        "max-age= 10",
        "max-age =10",
        "max-age=10 foo",
        "max-age=10, &&&",
        "max-age=1234567890123456",
        "a=\"b",
        "a=(1 2",
        "a=(1\"b\")"
      })
  void what_is_no_dictionary_of_directives_is_as_if_not_sent(String line) {
    assertThat(TargetedControl.parse(List.of(line))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Sun, 06 Nov 1994 08:49:37 GMT | 784111777",
        "Sunday, 06-Nov-94 08:49:37 GMT | 784111777",
        "Sun Nov  6 08:49:37 1994 | 784111777",
        "SUN, 06 NOV 1994 08:49:37 gmt | 784111777",
        "Thursday, 18-Aug-50 02:01:18 GMT | 2544400878",
        "Wednesday, 18-Aug-99 02:01:18 GMT | 934941678",
        "Sat, 31 Dec 2016 23:59:60 GMT | 1483228799"
      })
  void every_form_of_a_date_is_read(String text, long seconds) {
    assertThat(HttpDates.parse(text, NOW)).hasValue(seconds * 1000);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Now 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:99 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, x"
      })
  void what_is_no_date_is_none(String text) {
    assertThat(HttpDates.parse(text, NOW)).isEmpty();
  }

  @Test
  void dates_are_written_as_they_are_read() {
    assertThat(HttpDates.format(784111777000L)).isEqualTo("Sun, 06 Nov 1994 08:49:37 GMT");
  }

  @Test
  void an_absent_field_and_an_empty_one_are_different_variants() {
    var vary = new DefaultHttpHeaders().add("Vary", "Foo");
    var absent = Vary.of(vary, new DefaultHttpHeaders()).orElseThrow();
    assertThat(absent.matches(new DefaultHttpHeaders())).isTrue();
    assertThat(absent.matches(new DefaultHttpHeaders().add("Foo", ""))).isFalse();
  }
}
