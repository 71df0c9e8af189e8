package dev.gatehouse.edge.discover;

import dev.gatehouse.http.Loops;
import dev.gatehouse.http.Origin;
import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.dns.DefaultDnsQuestion;
import io.netty.handler.codec.dns.DefaultDnsRecordDecoder;
import io.netty.handler.codec.dns.DnsRawRecord;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.SingletonDnsServerAddressStreamProvider;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/// Asks DNS one question at a time; everything happens on one event loop, and nothing is cached.
final class Names implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  /// What an answer says, and for how long.
  record Answer(List<Found> found, Duration timeToLive) {}

  private record Addresses(List<InetAddress> all, Duration timeToLive) {}

  private record Service(int priority, int weight, int port, String host, Duration timeToLive) {}

  private final DnsNameResolver resolver;
  private final SearchList search;

  /// @param server whom to ask; empty: the servers of the system
  Names(EventLoop loop, Loops.Transport transport, Optional<InetSocketAddress> server) {
    var builder =
        new DnsNameResolverBuilder(loop)
            .datagramChannelType(transport.datagramChannel())
            // For answers that are too long for UDP.
            .socketChannelType(transport.clientChannel())
            .queryTimeoutMillis(PATIENCE.toMillis());
    server.ifPresent(address ->
        builder.nameServerProvider(new SingletonDnsServerAddressStreamProvider(address)));
    this.resolver = builder.build();
    this.search = SearchList.ofSystem();
  }

  /// Completes on the event loop; fails when there is no answer, or none with a replica in it.
  CompletionStage<Answer> ask(Source source) {
    return switch (source.question()) {
      case Source.Question.Addresses(var host, var port) ->
          addresses(host).thenApply(found -> answer(host, port, source.tls(), found));
      case Source.Question.Services(var name) ->
          records(name, DnsRecordType.SRV, Names::service)
              .thenCompose(services -> hosts(services, source.tls()));
    };
  }

  private static Answer answer(String host, int port, boolean tls, Addresses found) {
    return new Answer(
        found.all.stream()
            .map(address -> new Found(new Origin(host, port, tls, address.getHostAddress()), 1, 1))
            .toList(),
        found.timeToLive);
  }

  /// The addresses behind SRV records. Priorities become groups, the lowest the first.
  private CompletionStage<Answer> hosts(List<Service> services, boolean tls) {
    var priorities = new TreeSet<Integer>();
    services.forEach(service -> priorities.add(service.priority));
    CompletionStage<Answer> all =
        CompletableFuture.completedFuture(new Answer(List.of(), Duration.ofDays(1)));
    for (var service : services) {
      int group = 1 + priorities.headSet(service.priority).size();
      all =
          all.thenCombine(
              addresses(service.host),
              (before, found) -> {
                var more = new ArrayList<>(before.found);
                for (var target : answer(service.host, service.port, tls, found).found) {
                  more.add(new Found(target.origin(), Math.max(1, service.weight), group));
                }
                return new Answer(
                    List.copyOf(more),
                    shortest(List.of(before.timeToLive, service.timeToLive, found.timeToLive)));
              });
    }
    return all;
  }

  /// A host with both kinds of address would be there twice, so the second kind is asked for only
  /// where there is none of the first.
  private CompletionStage<Addresses> addresses(String host) {
    return records(host, DnsRecordType.A, Names::address)
        .exceptionallyCompose(none -> records(host, DnsRecordType.AAAA, Names::address))
        .thenApply(found ->
            new Addresses(
                found.stream().flatMap(one -> one.all.stream()).toList(),
                shortest(found.stream().map(Addresses::timeToLive).toList())));
  }

  private static Duration shortest(List<Duration> durations) {
    return durations.stream().min(Comparator.naturalOrder()).orElse(Duration.ZERO);
  }

  private static Addresses address(DnsRawRecord record) {
    var bytes = new byte[record.content().readableBytes()];
    record.content().getBytes(record.content().readerIndex(), bytes);
    try {
      return new Addresses(
          List.of(InetAddress.getByAddress(bytes)), Duration.ofSeconds(record.timeToLive()));
    } catch (UnknownHostException e) {
      throw new CompletionException(e);
    }
  }

  private static Service service(DnsRawRecord record) {
    ByteBuf content = record.content();
    int at = content.readerIndex();
    var target = content.duplicate().readerIndex(at + 6);
    return new Service(
        content.getUnsignedShort(at),
        content.getUnsignedShort(at + 2),
        content.getUnsignedShort(at + 4),
        DefaultDnsRecordDecoder.decodeName(target),
        Duration.ofSeconds(record.timeToLive()));
  }

  /// All records of a type, by the first of the full names that has any.
  private <T> CompletionStage<List<T>> records(
      String name, DnsRecordType type, Function<DnsRawRecord, T> read) {
    CompletionStage<List<T>> found = CompletableFuture.failedFuture(new UnknownHostException(name));
    for (var candidate : search.candidates(name)) {
      found = found.exceptionallyCompose(none -> query(candidate, type, read));
    }
    return found;
  }

  private <T> CompletionStage<List<T>> query(
      String name, DnsRecordType type, Function<DnsRawRecord, T> read) {
    var done = new CompletableFuture<List<T>>();
    resolver
        .resolveAll(new DefaultDnsQuestion(name, type))
        .addListener((Future<List<DnsRecord>> answer) -> {
          if (!answer.isSuccess()) {
            done.completeExceptionally(answer.cause());
            return;
          }
          var records = answer.getNow();
          try {
            var all = new ArrayList<T>();
            for (var record : records) {
              if (record instanceof DnsRawRecord raw && record.type().equals(type)) {
                all.add(read.apply(raw));
              }
            }
            if (all.isEmpty()) {
              done.completeExceptionally(new UnknownHostException(name));
            } else {
              done.complete(all);
            }
          } catch (RuntimeException malformed) {
            done.completeExceptionally(malformed);
          } finally {
            records.forEach(ReferenceCountUtil::release);
          }
        });
    return done;
  }

  @Override
  public void close() {
    resolver.close();
  }
}
