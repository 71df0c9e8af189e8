package dev.gatehouse.app.reload;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// SIGHUP: read the configuration again. When it came because the terminal went away, it means what
/// it always meant: stop.
///
/// The JDK's only way to a signal is `sun.misc.Signal`, which the compiler warns of at every use;
/// it is reached by reflection so that warnings can stay errors.
public final class Hangup {
  private static final Logger log = LoggerFactory.getLogger(Hangup.class);
  private static final Path TERMINAL = Path.of("/dev/tty");

  private Hangup() {}

  /// Calls `reload` on a thread of its own whenever SIGHUP comes.
  public static void means(Runnable reload) {
    boolean terminal = hasTerminal();
    Runnable action =
        () -> {
          if (terminal && !hasTerminal()) {
            log.info("the terminal is gone");
            System.exit(0);
          }
          reload.run();
        };
    try {
      var signal = Class.forName("sun.misc.Signal");
      var handler = Class.forName("sun.misc.SignalHandler");
      var proxy =
          Proxy.newProxyInstance(
              Hangup.class.getClassLoader(),
              new Class<?>[] {handler},
              (self, method, arguments) -> {
                if (method.getName().equals("handle")) {
                  action.run();
                }
                return null;
              });
      signal
          .getMethod("handle", signal, handler)
          .invoke(null, signal.getConstructor(String.class).newInstance("HUP"), proxy);
    } catch (ReflectiveOperationException e) {
      log.warn("SIGHUP does not reload the configuration here ({}); use gatehouse reload", e + "");
    }
  }

  /// Whether this process is still attached to a terminal.
  private static boolean hasTerminal() {
    try (var terminal = FileChannel.open(TERMINAL, StandardOpenOption.READ)) {
      return terminal.isOpen();
    } catch (IOException none) {
      return false;
    }
  }
}
