package dev.gatehouse.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.http.OnBehalf;
import dev.gatehouse.http.Trace;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceTest {
  private static final String ID = "0af7651916cd43dd8448eb211c80319c";
  private static final String SPAN = "b7ad6b7169203331";

  @Test
  void a_sampled_trace_goes_on_and_keeps_its_id() {
    var trace = Trace.sampled("00-" + ID + "-" + SPAN + "-01").orElseThrow();
    assertThat(trace).isEqualTo(new Trace(ID, SPAN));
    assertThat(trace.child().id()).isEqualTo(ID);
    assertThat(trace.child().span()).isNotEqualTo(SPAN).matches("[0-9a-f]{16}");
    assertThat(Trace.sampled(trace.header())).contains(trace);
    // A later version may have more to say.
    assertThat(Trace.sampled("01-" + ID + "-" + SPAN + "-01-more")).contains(trace);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "00-" + ID + "-" + SPAN + "-00",
        "00-" + ID + "-" + SPAN,
        "00-" + ID + "-" + SPAN + "-01-more",
        "ff-" + ID + "-" + SPAN + "-01",
        "00-00000000000000000000000000000000-" + SPAN + "-01",
        "00-" + ID + "-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" + SPAN + "-01",
        "00-" + ID + "-" + SPAN + "-zz"
      })
  void what_is_not_valid_or_not_sampled_is_no_trace(String header) {
    assertThat(Trace.sampled(header)).isEmpty();
  }

  @Test
  void what_is_kept_with_a_job_says_later_on_whose_behalf_it_is_done() {
    var plain = new OnBehalf("req-1", Optional.empty());
    var traced = new OnBehalf("req-1", Optional.of(Trace.fresh()));
    assertThat(OnBehalf.of(plain.text())).isEqualTo(plain);
    assertThat(OnBehalf.of(traced.text())).isEqualTo(traced);
    assertThat(OnBehalf.of(null)).isEqualTo(OnBehalf.NOBODY);
    traced.run(() -> assertThat(OnBehalf.current()).isEqualTo(traced));
    assertThat(OnBehalf.current()).isEqualTo(OnBehalf.NOBODY);
  }
}
