package dev.gatehouse.testkit;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/// Loopback ports that nobody listens on, each given once per JVM.
///
/// They lie below the range from which the kernel takes the ports of outgoing connections: binding
/// port 0 and closing it again would hand out a port that any connection of the same test may take
/// before the program under test binds it.
public final class FreePort {
  private static final int LOWEST = 20_000;
  private static final int HIGHEST = 32_000;
  private static final Set<Integer> GIVEN = new HashSet<>();

  private FreePort() {}

  public static int next() {
    return range(1);
  }

  /// The first of `count` free ports in a row.
  public static synchronized int range(int count) {
    for (int tries = 0; tries < 1_000; tries++) {
      int first = ThreadLocalRandom.current().nextInt(LOWEST, HIGHEST - count);
      boolean free = true;
      for (int port = first; free && port < first + count; port++) {
        free = !GIVEN.contains(port) && canBind(port);
      }
      if (free) {
        for (int port = first; port < first + count; port++) {
          GIVEN.add(port);
        }
        return first;
      }
    }
    throw new IllegalStateException("no " + count + " free ports in a row");
  }

  private static boolean canBind(int port) {
    try (var socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
