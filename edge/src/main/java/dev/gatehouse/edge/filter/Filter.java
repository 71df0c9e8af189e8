package dev.gatehouse.edge.filter;

/// One step before the destination. It runs on the event loop and never blocks.
@FunctionalInterface
public interface Filter {
  Verdict apply(Visit visit);
}
