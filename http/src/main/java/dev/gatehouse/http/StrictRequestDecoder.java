package dev.gatehouse.http;

import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequestDecoder;

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

  @Override
  protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
    throw new IllegalArgumentException("both Transfer-Encoding and Content-Length");
  }
}
