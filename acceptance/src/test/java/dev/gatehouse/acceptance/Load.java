package dev.gatehouse.acceptance;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;

/// Clients that send one request after the other until they are told to stop, and note each that
/// failed: another status than 200 to 299, or no answer.
final class Load implements AutoCloseable {
  private final AtomicBoolean over = new AtomicBoolean();
  private final AtomicInteger answered = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<List<String>>> failures = new ArrayList<>();

  /// Adds clients that send what `request` does with a number that grows.
  Load with(int clients, IntFunction<HttpResponse<String>> request) {
    for (int i = 0; i < clients; i++) {
      failures.add(threads.submit(() -> client(request)));
    }
    return this;
  }

  private List<String> client(IntFunction<HttpResponse<String>> request) {
    var failed = new ArrayList<String>();
    for (int i = 0; !over.get(); i++) {
      try {
        var response = request.apply(i);
        if (response.statusCode() / 100 != 2) {
          failed.add(response.uri() + " " + response.statusCode() + " " + response.body());
        }
      } catch (AssertionError e) {
        failed.add(e.toString());
      }
      answered.incrementAndGet();
    }
    return failed;
  }

  /// How many requests have been answered, well or not.
  int answered() {
    return answered.get();
  }

  /// Stops, and tells every request that failed.
  List<String> failed() throws Exception {
    over.set(true);
    var all = new ArrayList<String>();
    for (var failed : failures) {
      all.addAll(failed.get());
    }
    return all;
  }

  @Override
  public void close() {
    over.set(true);
    threads.close();
  }
}
