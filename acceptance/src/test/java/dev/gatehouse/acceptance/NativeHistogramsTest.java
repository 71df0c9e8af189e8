package dev.gatehouse.acceptance;

import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// What only the binary format carries reaches a real Prometheus.
@ExtendWith(Shared.class)
@Tag("full")
class NativeHistogramsTest {
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  @Test
  void prometheus_keeps_durations_as_native_histograms_and_the_ids_of_requests_beside_them(
      @TempDir Path temp) throws Exception {
    try (var prometheus =
        RealPrometheus.start(
            temp,
            Shared.program().adminPort(),
            Path.of("..", "deploy", "prometheus"),
            "native-histograms,exemplar-storage")) {
      await()
          .atMost(PATIENCE)
          .until(() -> {
            // Some of them, whichever they are, leave an exemplar.
            for (int i = 0; i < 50; i++) {
              Shared.edge().get("/cpu");
            }
            return prometheus.hasData(
                    "histogram_quantile(0.9, rate(http_request_duration_seconds{endpoint=\"cpu\"}[15s]))")
                && prometheus.hasExemplar(
                    "http_request_duration_seconds{endpoint=\"cpu\"}", "request_id");
          });
    }
  }
}
