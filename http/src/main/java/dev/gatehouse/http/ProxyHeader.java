package dev.gatehouse.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.io.Serial;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;

/// What a load balancer that speaks the PROXY protocol says first on a connection: whose it is.
///
/// Version 1 is a line of text, version 2 is binary ([the
/// specification](https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt), sections 2.1 and
/// 2.2). What is not exactly one of them is an error, and as early as possible: a wrong first byte
/// is enough. The further fields of version 2 (TLVs) are skipped unread.
///
/// `netty-codec-haproxy` was refused: it takes `+80` for a port and blanks at the end of a line,
/// waits for 13 bytes before it looks at any, and makes objects with buffers of their own of fields
/// that nobody reads.
sealed interface ProxyHeader {
  /// The connection is this client's.
  record Of(InetSocketAddress client) implements ProxyHeader {}

  /// The connection is the balancer's own, such as a health check.
  record Own() implements ProxyHeader {}

  /// The connection is a client's of whom nothing is known: not the balancer's own.
  record OfSomebody() implements ProxyHeader {}

  /// Bytes that cannot become a header, whatever follows.
  final class Malformed extends Exception {
    @Serial private static final long serialVersionUID = 1;

    Malformed(String message) {
      super(message);
    }
  }

  /// The longest line of version 1, its end included.
  int LONGEST_LINE = 107;

  /// The longest rest of version 2 after its first 16 bytes. Addresses are 216 of them at most; the
  /// others are fields that describe a client's TLS.
  int LONGEST_REST = 4096;

  /// The header at the beginning of `in`, which is consumed; empty, and nothing is consumed, while
  /// more bytes are needed.
  static Optional<ProxyHeader> read(ByteBuf in) throws Malformed {
    if (!in.isReadable()) {
      return Optional.empty();
    }
    return in.getByte(in.readerIndex()) == '\r' ? Binary.read(in) : Line.read(in);
  }

  /// Whether `in` begins as `with` does, as far as it goes.
  private static boolean begins(ByteBuf in, byte[] with) {
    int known = Math.min(in.readableBytes(), with.length);
    for (int i = 0; i < known; i++) {
      if (in.getByte(in.readerIndex() + i) != with[i]) {
        return false;
      }
    }
    return true;
  }

  /// Version 1.
  final class Line {
    private static final byte[] START = "PROXY ".getBytes(StandardCharsets.US_ASCII);
    private static final Pattern BYTES =
        Pattern.compile("(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]{0,2})){3}");
    private static final Pattern WORDS = Pattern.compile("[0-9A-Fa-f:.]+");
    private static final Pattern PORT = Pattern.compile("0|[1-9][0-9]{0,4}");

    private Line() {}

    private static Optional<ProxyHeader> read(ByteBuf in) throws Malformed {
      if (!begins(in, START)) {
        throw new Malformed("it does not begin with a PROXY header");
      }
      int longest = Math.min(in.readableBytes(), LONGEST_LINE);
      int end = ByteBufUtil.indexOf(in, in.readerIndex(), in.readerIndex() + longest, (byte) '\n');
      if (end < 0) {
        if (longest == LONGEST_LINE) {
          throw new Malformed("the line is longer than " + LONGEST_LINE + " bytes");
        }
        return Optional.empty();
      }
      if (in.getByte(end - 1) != '\r') {
        throw new Malformed("the line does not end as it must");
      }
      var text =
          in.toString(in.readerIndex(), end - 1 - in.readerIndex(), StandardCharsets.ISO_8859_1);
      in.readerIndex(end + 1);
      return Optional.of(parse(text.split(" ", -1)));
    }

    private static ProxyHeader parse(String[] words) throws Malformed {
      if (words[1].equals("UNKNOWN")) {
        // The rest of such a line must be ignored.
        return new OfSomebody();
      }
      boolean four = words[1].equals("TCP4");
      if ((!four && !words[1].equals("TCP6")) || words.length != 6) {
        throw new Malformed("the line has other words than it must");
      }
      var client = new InetSocketAddress(address(words[2], four), port(words[4]));
      address(words[3], four);
      port(words[5]);
      return new Of(client);
    }

    private static InetAddress address(String text, boolean four) throws Malformed {
      if (!(four ? BYTES : WORDS).matcher(text).matches()) {
        throw new Malformed("an address is none");
      }
      try {
        return InetAddress.ofLiteral(text);
      } catch (IllegalArgumentException e) {
        throw new Malformed("an address is none");
      }
    }

    private static int port(String text) throws Malformed {
      if (!PORT.matcher(text).matches() || Integer.parseInt(text) > 65535) {
        throw new Malformed("a port is none");
      }
      return Integer.parseInt(text);
    }
  }

  /// Version 2.
  final class Binary {
    private static final byte[] START =
        "\r\n\r\n\0\r\nQUIT\n".getBytes(StandardCharsets.ISO_8859_1);
    private static final int FIXED = 16;
    private static final int TCP4 = 0x11;
    private static final int TCP6 = 0x21;
    private static final int UNIX_STREAM = 0x31;

    private Binary() {}

    private static Optional<ProxyHeader> read(ByteBuf in) throws Malformed {
      if (!begins(in, START)) {
        throw new Malformed("it does not begin with a PROXY header");
      }
      if (in.readableBytes() < FIXED) {
        return Optional.empty();
      }
      int at = in.readerIndex();
      int length = in.getUnsignedShort(at + 14);
      if (length > LONGEST_REST) {
        throw new Malformed("it has " + length + " bytes, more than " + LONGEST_REST);
      }
      int command = in.getUnsignedByte(at + 12);
      if (command != 0x20 && command != 0x21) {
        throw new Malformed("its version or its command is unknown");
      }
      if (in.readableBytes() < FIXED + length) {
        return Optional.empty();
      }
      var header =
          command == 0x20
              ? new Own()
              : parse(in.getUnsignedByte(at + 13), in.slice(at + FIXED, length));
      in.skipBytes(FIXED + length);
      return Optional.of(header);
    }

    private static ProxyHeader parse(int family, ByteBuf rest) throws Malformed {
      return switch (family) {
        case TCP4 -> client(rest, 4);
        case TCP6 -> client(rest, 16);
        case 0, UNIX_STREAM -> new OfSomebody();
        // Datagrams, too: no HTTP/1.1 comes by them.
        default -> throw new Malformed("its kind of address is unknown");
      };
    }

    private static ProxyHeader client(ByteBuf rest, int size) throws Malformed {
      if (rest.readableBytes() < 2 * size + 4) {
        throw new Malformed("it has no room for its addresses");
      }
      byte[] address = new byte[size];
      rest.getBytes(0, address);
      try {
        return new Of(
            new InetSocketAddress(
                InetAddress.getByAddress(address), rest.getUnsignedShort(2 * size)));
      } catch (UnknownHostException e) {
        throw new Malformed("an address is none");
      }
    }
  }
}
