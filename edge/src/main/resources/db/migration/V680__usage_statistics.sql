-- What was asked of the edges, by the minute for two days, then by the hour (`hourly`). `status` is
-- the first digit of the answer's status, 0 where none was sent; an empty client is all those that
-- have no row of their own.
CREATE TABLE usage_requests (
  hourly    boolean NOT NULL,
  at        timestamptz NOT NULL,
  route     text COLLATE "C" NOT NULL,
  status    smallint NOT NULL,
  client    text COLLATE "C" NOT NULL,
  requests  bigint NOT NULL,
  bytes_in  bigint NOT NULL,
  bytes_out bigint NOT NULL,
  micros    bigint NOT NULL,
  PRIMARY KEY (hourly, at, route, status, client)
);

-- How long the same requests took: how many fell into each bucket, two of them for each doubling
-- of a microsecond. Without the client, or it would be the largest table by far.
CREATE TABLE usage_latencies (
  hourly   boolean NOT NULL,
  at       timestamptz NOT NULL,
  route    text COLLATE "C" NOT NULL,
  status   smallint NOT NULL,
  bucket   smallint NOT NULL,
  requests bigint NOT NULL,
  PRIMARY KEY (hourly, at, route, status, bucket)
);

-- What each limit let pass and turned away.
CREATE TABLE usage_limits (
  hourly  boolean NOT NULL,
  at      timestamptz NOT NULL,
  name    text COLLATE "C" NOT NULL,
  allowed bigint NOT NULL,
  refused bigint NOT NULL,
  PRIMARY KEY (hourly, at, name)
);

-- The last batch of each edge that is in the tables, written in the batch's own transaction: one
-- whose answer was lost is not added twice.
CREATE TABLE usage_writers (
  writer uuid PRIMARY KEY,
  batch  bigint NOT NULL,
  at     timestamptz NOT NULL DEFAULT now()
);
