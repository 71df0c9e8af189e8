package dev.gatehouse.app.config;

import java.net.InetAddress;

/// A block of addresses, `10.0.0.0/8`.
///
/// @param prefix how many leading bits of an address must be those of `base`
public record Network(InetAddress base, int prefix) {
  public boolean contains(InetAddress address) {
    byte[] want = base.getAddress();
    byte[] have = address.getAddress();
    if (want.length != have.length) {
      return false;
    }
    for (int bit = 0; bit < prefix; bit++) {
      int mask = 0x80 >> (bit % 8);
      if (((want[bit / 8] ^ have[bit / 8]) & mask) != 0) {
        return false;
      }
    }
    return true;
  }

  @Override
  public String toString() {
    return base.getHostAddress() + "/" + prefix;
  }
}
