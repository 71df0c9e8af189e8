package dev.gatehouse.http;

/// What a server hands its exchanges to, on the event loop of the exchange's connection. It must
/// not block.
///
/// It answers by [Exchange#send] or by [Exchange#start], now or later; what it throws becomes a
/// 500.
@FunctionalInterface
public interface ExchangeHandler {
  void handle(Exchange exchange);
}
