package dev.gatehouse.edge.limit;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/// A block of addresses, as 128 bits and how many of them count.
///
/// An IPv4 address stands in its IPv4-mapped place, `::ffff:a.b.c.d`, so that there is one kind of
/// address here and one way to compare them.
///
/// @param high the first 64 bits, those beyond the prefix zero
/// @param low the last 64 bits, likewise
/// @param prefix from 0 to 128
public record AddressBlock(long high, long low, int prefix) {
  private static final long MAPPED = 0xffff_0000_0000L;
  private static final int MAPPED_BITS = 96;

  public AddressBlock {
    high &= mask(prefix);
    low &= mask(prefix - Long.SIZE);
  }

  /// @param prefix as written, so at most 32 for an IPv4 address
  public static AddressBlock of(InetAddress base, int prefix) {
    boolean four = base.getAddress().length == 4;
    return new AddressBlock(high(base), low(base), four ? prefix + MAPPED_BITS : prefix);
  }

  static long high(InetAddress address) {
    var bytes = address.getAddress();
    return bytes.length == 4 ? 0 : number(bytes, 0, 8);
  }

  static long low(InetAddress address) {
    var bytes = address.getAddress();
    return bytes.length == 4 ? MAPPED | number(bytes, 0, 4) : number(bytes, 8, 16);
  }

  /// Whether it is one of IPv4.
  static boolean four(long high, long low) {
    return high == 0 && low >>> 32 == MAPPED >>> 32;
  }

  boolean contains(long otherHigh, long otherLow) {
    return (otherHigh & mask(prefix)) == high && (otherLow & mask(prefix - Long.SIZE)) == low;
  }

  /// The first `bits` of 64, however small or large that is.
  static long mask(int bits) {
    return bits <= 0 ? 0 : bits >= Long.SIZE ? -1L : -1L << (Long.SIZE - bits);
  }

  private static long number(byte[] bytes, int from, int to) {
    long number = 0;
    for (int i = from; i < to; i++) {
      number = number << 8 | (bytes[i] & 0xff);
    }
    return number;
  }

  /// As it is written: `10.0.0.0/8`, or one address.
  @Override
  public String toString() {
    boolean four = prefix >= MAPPED_BITS && four(high, low);
    var bytes = ByteBuffer.allocate(16).putLong(high).putLong(low).array();
    try {
      var base = InetAddress.getByAddress(four ? Arrays.copyOfRange(bytes, 12, 16) : bytes);
      int bits = four ? prefix - MAPPED_BITS : prefix;
      return base.getHostAddress() + (prefix == 128 ? "" : "/" + bits);
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }
}
