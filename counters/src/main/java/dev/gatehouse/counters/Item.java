package dev.gatehouse.counters;

/// One key and what is added to it.
record Item(String key, long value) {}
