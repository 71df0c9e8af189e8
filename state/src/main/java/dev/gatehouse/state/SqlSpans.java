package dev.gatehouse.state;

import dev.gatehouse.http.OnBehalf;
import dev.gatehouse.http.Spans;
import java.sql.SQLException;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.jdbi.v3.core.statement.SqlLogger;
import org.jdbi.v3.core.statement.StatementContext;

/// A span for each statement that is run on behalf of a sampled trace: its text, which has
/// placeholders and no values, and how long it took.
final class SqlSpans implements SqlLogger {
  @Override
  public void logAfterExecution(StatementContext context) {
    var trace = OnBehalf.current().trace();
    if (trace.isPresent()) {
      begin(context).ifPresent(Spans.Open::end);
    }
  }

  @Override
  public void logException(StatementContext context, SQLException failure) {
    var trace = OnBehalf.current().trace();
    if (trace.isPresent()) {
      begin(context).ifPresent(span -> failed(span, failure));
    }
  }

  static void failed(Spans.Open span, SQLException failure) {
    span.failed("SQLSTATE " + failure.getSQLState()).end();
  }

  private static Optional<Spans.Open> begin(StatementContext context) {
    return begin(
        String.valueOf(context.getRenderedSql()), context.getElapsedTime(ChronoUnit.NANOS));
  }

  /// @param ago when it began, in nanoseconds
  static Optional<Spans.Open> begin(String sql, long ago) {
    var trace = OnBehalf.current().trace();
    if (trace.isEmpty()) {
      return Optional.empty();
    }
    var text = sql.strip();
    return Spans.begin(trace, Spans.Kind.CLIENT, text.split("\\s", 2)[0], ago)
        .map(span -> span.with("db.system.name", "postgresql").with("db.query.text", text));
  }
}
