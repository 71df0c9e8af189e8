package dev.gatehouse.acceptance;

import static dev.gatehouse.acceptance.Http.header;
import static dev.gatehouse.acceptance.Http.json;
import static dev.gatehouse.acceptance.Http.methodNotAllowed;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatehouse.testkit.ProgramUnderTest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Shared.class)
class StatusTest {
  private final Http http = Shared.edge();

  @Test
  void every_replica_of_every_service_is_listed() {
    assertThat(ids("/status"))
        .contains("storage-1", "storage-2", "storage-3", "counters-1")
        .doesNotHaveDuplicates();
    var response = http.get("/status");
    assertThat(header(response, "Content-Type")).isEqualTo("application/json");
    for (var replica : json(response)) {
      assertThat(replica.propertyNames())
          .containsExactly(
              "id", "appName", "state", "address", "since", "lastCheck", "version", "reason");
      assertThat(replica.path("state").asString("")).as(replica.toString()).isEqualTo("up");
      assertThat(Instant.parse(replica.path("since").asString("")))
          .isBeforeOrEqualTo(Instant.parse(replica.path("lastCheck").asString("")));
      assertThat(replica.path("version").asString("")).as(replica.toString()).isNotBlank();
      assertThat(replica.path("reason").isNull()).isTrue();
    }
  }

  @Test
  void storage_replicas_listen_on_loopback() {
    for (var replica : json(http.get("/status?appName=storage"))) {
      assertThat(replica.path("address").asString("")).matches("127\\.0\\.0\\.1:[0-9]+");
    }
  }

  @Test
  void filters_are_case_insensitive_and_no_match_is_an_empty_list() {
    assertThat(ids("/status?appName=STORAGE"))
        .containsExactlyInAnyOrder("storage-1", "storage-2", "storage-3");
    assertThat(ids("/status?id=Storage-2")).containsExactly("storage-2");
    assertThat(ids("/status?appName=storage&id=storage-3")).containsExactly("storage-3");
    for (var none :
        List.of("id=storage-9", "appName=nothing", "appName=counters&id=storage-1", "id=")) {
      var response = http.get("/status?" + none);
      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(response.body()).as(none).isEqualTo("[]");
    }
  }

  @Test
  void other_methods_are_405_with_allow() {
    methodNotAllowed(http.post("/status", "1"), "GET", "HEAD");
  }

  @Test
  void prometheus_finds_the_metrics_of_every_process_by_itself() {
    var found = new ArrayList<String>();
    for (var group : json(new Http(Shared.program().adminPort()).get("/prometheus/targets"))) {
      var labels = group.path("labels");
      found.add(labels.path("replica").asString(""));
      assertThat(labels.path("service").asString("")).isNotBlank();
      assertThat(labels.path("version").asString("")).isNotBlank();
      var address = group.path("targets").path(0).asString("");
      var port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
      assertThat(new Http(port).get("/metrics").body()).as(address).endsWith("# EOF\n");
    }
    assertThat(found)
        .containsExactlyInAnyOrder(
            "edge", "counters-1", "storage-1", "storage-2", "storage-3", "worker-1", "worker-2");
  }

  @Test
  void a_health_check_tells_by_its_exit_code_whether_the_assembly_is_ready() {
    var program = Shared.program();
    assertThat(program.run("healthcheck").exit()).isZero();
    assertThat(program.run("healthcheck", "--at", "127.0.0.1:" + program.adminPort()).exit())
        .isZero();
    assertThat(program.run("healthcheck", "--at", "127.0.0.1:1").exit()).isEqualTo(1);
    assertThat(ProgramUnderTest.assembly().run("healthcheck").exit()).isEqualTo(1);
  }

  private List<String> ids(String path) {
    var ids = new ArrayList<String>();
    for (var replica : json(http.get(path))) {
      ids.add(replica.path("id").asString(""));
    }
    return ids;
  }
}
