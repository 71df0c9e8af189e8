package dev.gatehouse.testkit;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.handler.codec.dns.DatagramDnsQuery;
import io.netty.handler.codec.dns.DatagramDnsQueryDecoder;
import io.netty.handler.codec.dns.DatagramDnsResponse;
import io.netty.handler.codec.dns.DatagramDnsResponseEncoder;
import io.netty.handler.codec.dns.DefaultDnsQuestion;
import io.netty.handler.codec.dns.DefaultDnsRawRecord;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.netty.handler.codec.dns.DnsSection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/// A DNS server on a free UDP port of the loopback address, whose answers a test changes while it
/// runs. What it has no records of does not exist.
public final class TestDns implements AutoCloseable {
  private record Entry(DnsRecordType type, byte[] content, int timeToLive) {}

  private final AtomicInteger questions = new AtomicInteger();
  private final Map<String, List<Entry>> records = new ConcurrentHashMap<>();
  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final Channel channel;
  private volatile boolean broken;

  public TestDns() {
    channel =
        new Bootstrap()
            .group(group)
            .channel(NioDatagramChannel.class)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel datagrams) {
                    datagrams
                        .pipeline()
                        .addLast(new DatagramDnsQueryDecoder())
                        .addLast(new DatagramDnsResponseEncoder())
                        .addLast(new Answers());
                  }
                })
            .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .syncUninterruptibly()
            .channel();
  }

  /// How often it has been asked.
  public int questions() {
    return questions.get();
  }

  public InetSocketAddress address() {
    return (InetSocketAddress) channel.localAddress();
  }

  /// This name has these addresses from now on, IPv4 or IPv6.
  public TestDns addresses(String name, int timeToLive, String... addresses) {
    var all = new ArrayList<Entry>();
    for (var text : addresses) {
      var address = InetAddress.ofLiteral(text);
      var bytes = address.getAddress();
      all.add(
          new Entry(bytes.length == 4 ? DnsRecordType.A : DnsRecordType.AAAA, bytes, timeToLive));
    }
    records.put(name + ".", all);
    return this;
  }

  /// This name has these services from now on, each `priority weight port target`.
  public TestDns services(String name, int timeToLive, String... services) {
    var all = new ArrayList<Entry>();
    for (var text : services) {
      var parts = text.split(" ");
      var content = Unpooled.buffer();
      for (int i = 0; i < 3; i++) {
        content.writeShort(Integer.parseInt(parts[i]));
      }
      for (var label : parts[3].split("\\.")) {
        content.writeByte(label.length()).writeCharSequence(label, StandardCharsets.US_ASCII);
      }
      content.writeByte(0);
      var bytes = new byte[content.readableBytes()];
      content.readBytes(bytes);
      all.add(new Entry(DnsRecordType.SRV, bytes, timeToLive));
    }
    records.put(name + ".", all);
    return this;
  }

  /// Answers every question with SERVFAIL from now on, or no longer.
  public void broken(boolean now) {
    broken = now;
  }

  private final class Answers extends SimpleChannelInboundHandler<DatagramDnsQuery> {
    @Override
    protected void channelRead0(ChannelHandlerContext context, DatagramDnsQuery query) {
      questions.incrementAndGet();
      DefaultDnsQuestion question = query.recordAt(DnsSection.QUESTION);
      var response =
          new DatagramDnsResponse(
              /* sender= */ query.recipient(), /* recipient= */ query.sender(), query.id());
      response.addRecord(DnsSection.QUESTION, question);
      var known = records.get(question.name());
      if (broken) {
        response.setCode(DnsResponseCode.SERVFAIL);
      } else if (known == null) {
        response.setCode(DnsResponseCode.NXDOMAIN);
      } else {
        for (var record : known) {
          if (record.type.equals(question.type())) {
            response.addRecord(
                DnsSection.ANSWER,
                new DefaultDnsRawRecord(
                    question.name(),
                    record.type,
                    DnsRecord.CLASS_IN,
                    record.timeToLive,
                    Unpooled.wrappedBuffer(record.content)));
          }
        }
      }
      context.writeAndFlush(response);
    }
  }

  @Override
  public void close() {
    channel.close().syncUninterruptibly();
    group.shutdownGracefully();
  }
}
