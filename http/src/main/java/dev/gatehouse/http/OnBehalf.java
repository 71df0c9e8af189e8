package dev.gatehouse.http;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// On whose behalf the current thread works: a request, and the span of its trace that is open.
///
/// Handlers run with one, and jobs with that of the request which put them in. So log lines say
/// which request they belong to, and statements which span they are part of, without anybody
/// passing it on. A [ScopedValue] and not a thread local: it ends where it was set, and costs
/// nothing on the thousands of threads that never ask. Event loops serve many at once and have
/// none.
///
/// @param requestId may be empty where only the trace is known
/// @param trace where it is sampled
public record OnBehalf(String requestId, Optional<Trace> trace) {
  private static final ScopedValue<OnBehalf> CURRENT = ScopedValue.newInstance();

  /// Nobody's in particular.
  public static final OnBehalf NOBODY = new OnBehalf("", Optional.empty());

  /// What [#text] wrote; [#NOBODY] for null.
  public static OnBehalf of(@Nullable String text) {
    if (text == null) {
      return NOBODY;
    }
    int blank = text.indexOf(' ');
    return blank < 0
        ? new OnBehalf(text, Optional.empty())
        : new OnBehalf(text.substring(0, blank), Trace.sampled(text.substring(blank + 1)));
  }

  /// One line, to be kept with what is done later on this behalf.
  public String text() {
    return trace.map(span -> requestId + " " + span.header()).orElse(requestId);
  }

  public static OnBehalf current() {
    return CURRENT.orElse(NOBODY);
  }

  public void run(Runnable work) {
    ScopedValue.where(CURRENT, this).run(work);
  }

  public <T, X extends Throwable> T call(ScopedValue.CallableOp<? extends T, X> work) throws X {
    return ScopedValue.where(CURRENT, this).call(work);
  }
}
