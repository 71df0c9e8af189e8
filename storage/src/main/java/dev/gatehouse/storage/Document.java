package dev.gatehouse.storage;

/// A stored document: the bytes as they were put, and the version that is its entity tag.
record Document(byte[] body, long version) {
  String etag() {
    return Preconditions.etag(version);
  }
}
