package dev.gatehouse.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/// A collector of traces: takes OTLP over HTTP and reads it with the protocol's own classes, which
/// are generated from its definition, so what it understands others do.
public final class TraceReceiver implements AutoCloseable {
  private final List<Got> received = new CopyOnWriteArrayList<>();
  private final HttpServer server;
  private volatile int status = 200;

  /// A span as it came.
  ///
  /// @param service that sent it
  /// @param node which of the service's processes
  public record Got(String service, String node, Span span) {
    public String name() {
      return span.getName();
    }

    public String traceId() {
      return HexFormat.of().formatHex(span.getTraceId().toByteArray());
    }

    public String spanId() {
      return HexFormat.of().formatHex(span.getSpanId().toByteArray());
    }

    /// Empty for the first of a trace.
    public String parentId() {
      return HexFormat.of().formatHex(span.getParentSpanId().toByteArray());
    }

    /// Numbers as text.
    public Optional<String> attribute(String name) {
      return TraceReceiver.attribute(span.getAttributesList(), name);
    }
  }

  private TraceReceiver(HttpServer server) {
    this.server = server;
  }

  /// One on a free port.
  public static TraceReceiver start() {
    try {
      var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      var receiver = new TraceReceiver(server);
      server.createContext("/v1/traces", receiver::take);
      server.start();
      return receiver;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What the setting `traces.endpoint` asks for.
  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /// Where batches are posted.
  public URI endpoint() {
    return URI.create(url() + "/v1/traces");
  }

  /// What it answers from now on; only with 200 it keeps what it got.
  public void answering(int code) {
    status = code;
  }

  public List<Got> received() {
    return List.copyOf(received);
  }

  public List<Got> of(String trace) {
    return received.stream().filter(span -> span.traceId().equals(trace)).toList();
  }

  private void take(HttpExchange exchange) throws IOException {
    try (exchange) {
      var message = ExportTraceServiceRequest.parseFrom(exchange.getRequestBody());
      if (status == 200) {
        keep(message);
      }
      exchange.sendResponseHeaders(status, -1);
    }
  }

  private void keep(ExportTraceServiceRequest message) {
    for (var resource : message.getResourceSpansList()) {
      var about = resource.getResource().getAttributesList();
      var service = attribute(about, "service.name").orElse("nobody");
      var node = attribute(about, "service.instance.id").orElse("nobody");
      for (var scope : resource.getScopeSpansList()) {
        scope.getSpansList().forEach(span -> received.add(new Got(service, node, span)));
      }
    }
  }

  private static Optional<String> attribute(List<KeyValue> all, String name) {
    return all.stream()
        .filter(each -> each.getKey().equals(name))
        .map(KeyValue::getValue)
        .map(value ->
            value.hasIntValue() ? Long.toString(value.getIntValue()) : value.getStringValue())
        .findFirst();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
