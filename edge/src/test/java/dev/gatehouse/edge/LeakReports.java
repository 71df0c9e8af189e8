package dev.gatehouse.edge;

import io.netty.buffer.ByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/// Netty's leak detector, with its reports kept for the tests of this module instead of logged; the
/// build names it in `io.netty.customResourceLeakDetector`.
public final class LeakReports<T> extends ResourceLeakDetector<T> {
  private static final List<String> FOUND = new CopyOnWriteArrayList<>();

  /// Called by Netty.
  public LeakReports(Class<?> resource, int interval) {
    super(resource, interval);
  }

  /// Netty wants to see this one too.
  public LeakReports(Class<?> resource, int interval, long ignored) {
    this(resource, interval);
  }

  /// Every report so far. A lost buffer is noticed when it has been collected and another one is
  /// tracked, so both are brought about.
  public static List<String> after(Runnable use) {
    FOUND.clear();
    use.run();
    for (int i = 0; i < 20; i++) {
      System.gc();
      ByteBufAllocator.DEFAULT.directBuffer(64).release();
    }
    return List.copyOf(FOUND);
  }

  @Override
  protected boolean needReport() {
    return true;
  }

  @Override
  protected void reportTracedLeak(String resource, String records) {
    FOUND.add(resource + records);
  }

  @Override
  protected void reportUntracedLeak(String resource) {
    FOUND.add(resource);
  }
}
