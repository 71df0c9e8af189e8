package dev.gatehouse.edge.limit;

/// SipHash-1-3 over 64-bit words: which bucket a request belongs to.
///
/// Clients choose much of what goes in here. A hash whose secret they do not know keeps them from
/// making keys that meet somebody else's bucket, or that all fall into one place of the table. All
/// edges on one database have the same secret and so the same names for buckets. Aumasson and
/// Bernstein, 2012; the rounds as in Rust's and Python's tables. A text is taken as its 16-bit
/// units, four a word, and its length.
final class KeyHash {
  /// What only edges of one database know.
  record Secret(long first, long second) {}

  private long v0;
  private long v1;
  private long v2;
  private long v3;

  KeyHash(Secret secret) {
    v0 = secret.first ^ 0x736f6d6570736575L;
    v1 = secret.second ^ 0x646f72616e646f6dL;
    v2 = secret.first ^ 0x6c7967656e657261L;
    v3 = secret.second ^ 0x7465646279746573L;
  }

  KeyHash add(long word) {
    v3 ^= word;
    round();
    v0 ^= word;
    return this;
  }

  KeyHash add(CharSequence text) {
    int length = text.length();
    long word = 0;
    for (int i = 0; i < length; i++) {
      word = word << 16 | text.charAt(i);
      if ((i & 3) == 3) {
        add(word);
        word = 0;
      }
    }
    add(word);
    return add(length);
  }

  /// Never 0, which means an empty place.
  long end() {
    v2 ^= 0xff;
    round();
    round();
    round();
    long hash = v0 ^ v1 ^ v2 ^ v3;
    return hash == 0 ? 1 : hash;
  }

  private void round() {
    v0 += v1;
    v1 = Long.rotateLeft(v1, 13) ^ v0;
    v0 = Long.rotateLeft(v0, 32);
    v2 += v3;
    v3 = Long.rotateLeft(v3, 16) ^ v2;
    v0 += v3;
    v3 = Long.rotateLeft(v3, 21) ^ v0;
    v2 += v1;
    v1 = Long.rotateLeft(v1, 17) ^ v2;
    v2 = Long.rotateLeft(v2, 32);
  }
}
