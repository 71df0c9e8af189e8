package dev.gatehouse.http;

import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequestDecoder;
import java.nio.charset.StandardCharsets;

/// Netty's request decoder with every leniency off.
///
/// A message with both `Transfer-Encoding` and `Content-Length` is an error here (RFC 9112 section
/// 6.1 allows it); stock Netty drops the length and goes on, which is how requests are smuggled
/// past a peer that keeps it.
final class StrictRequestDecoder extends HttpRequestDecoder {
  private static final int CHUNK = 16 * 1024;

  StrictRequestDecoder(HttpLimits limits) {
    super(config(limits.line(), limits.headers()));
  }

  static HttpDecoderConfig config(int line, int headers) {
    return new HttpDecoderConfig()
        .setMaxInitialLineLength(line)
        .setMaxHeaderSize(headers)
        .setMaxChunkSize(CHUNK)
        .setInitialBufferSize(256)
        .setAllowDuplicateContentLengths(false)
        .setStrictLineParsing(true)
        .setUseRfc9112TransferEncoding(true);
  }

  /// Where the word before ended: exactly one space must stand there (RFC 9112 section 3).
  private int gap;

  @Override
  protected String splitFirstWordInitialLine(byte[] line, int start, int length) {
    gap = start + length;
    return super.splitFirstWordInitialLine(line, start, length);
  }

  @Override
  protected String splitSecondWordInitialLine(byte[] line, int start, int length) {
    requireGap(line, start);
    gap = start + length;
    return super.splitSecondWordInitialLine(line, start, length);
  }

  @Override
  protected String splitThirdWordInitialLine(byte[] line, int start, int length) {
    requireGap(line, start);
    if (!new String(line, start, Math.min(length, 5), StandardCharsets.US_ASCII).equals("HTTP/")) {
      throw new IllegalArgumentException("the version does not begin with HTTP/");
    }
    return super.splitThirdWordInitialLine(line, start, length);
  }

  private void requireGap(byte[] line, int start) {
    if (start != gap + 1 || line[gap] != ' ') {
      throw new IllegalArgumentException("the words are not separated by one space");
    }
  }

  @Override
  protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
    throw new IllegalArgumentException("both Transfer-Encoding and Content-Length");
  }
}
