package dev.gatehouse.edge.usage;

/// Sums over some requests; mutable, and confined to whoever holds it.
final class Figures {
  long requests;
  long bytesIn;
  long bytesOut;
  long micros;

  void add(long requests, long bytesIn, long bytesOut, long micros) {
    this.requests += requests;
    this.bytesIn += bytesIn;
    this.bytesOut += bytesOut;
    this.micros += micros;
  }

  void add(Figures more) {
    add(more.requests, more.bytesIn, more.bytesOut, more.micros);
  }
}
