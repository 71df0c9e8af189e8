package dev.gatehouse.edge.usage;

/// How a client is called in statistics: by its address, or by the first 64 bits of one of IPv6.
///
/// Limits count the same way: whoever has an IPv6 network has as many addresses as they like, and
/// would be as many clients.
final class Client {
  /// Groups of four digits that are kept.
  private static final int GROUPS = 4;

  private Client() {}

  /// @param address as [java.net.InetAddress#getHostAddress] writes it: IPv6 with all its groups
  static String of(String address) {
    int end = -1;
    for (int group = 0; group < GROUPS; group++) {
      end = address.indexOf(':', end + 1);
      if (end < 0) {
        return address;
      }
    }
    return address.substring(0, end) + "::/64";
  }
}
