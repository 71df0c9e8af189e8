package dev.gatehouse.state;

import dev.gatehouse.http.OnBehalf;
import dev.gatehouse.http.Spans;
import java.sql.SQLException;
import java.time.temporal.ChronoUnit;
import org.jdbi.v3.core.statement.SqlLogger;
import org.jdbi.v3.core.statement.StatementContext;

/// A span for each statement that is run on behalf of a sampled trace: its text, which has
/// placeholders and no values, and how long it took.
final class SqlSpans implements SqlLogger {
  @Override
  public void logAfterExecution(StatementContext context) {
    var trace = OnBehalf.current().trace();
    if (trace.isPresent()) {
      open(context).ifPresent(Spans.Open::end);
    }
  }

  @Override
  public void logException(StatementContext context, SQLException failure) {
    var trace = OnBehalf.current().trace();
    if (trace.isPresent()) {
      open(context).ifPresent(span -> span.failed("SQLSTATE " + failure.getSQLState()).end());
    }
  }

  private static java.util.Optional<Spans.Open> open(StatementContext context) {
    var text = String.valueOf(context.getRenderedSql()).strip();
    return Spans.begin(
            OnBehalf.current().trace(),
            Spans.Kind.CLIENT,
            text.split("\\s", 2)[0],
            context.getElapsedTime(ChronoUnit.NANOS))
        .map(span -> span.with("db.system.name", "postgresql").with("db.query.text", text));
  }
}
