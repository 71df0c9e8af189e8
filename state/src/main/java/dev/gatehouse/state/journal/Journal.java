package dev.gatehouse.state.journal;

import dev.gatehouse.state.journal.JournalSettings.Durability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// An append-only sequence of records in the segments of one [JournalHome].
///
/// One lock guards the list of segments and every append: whoever appends holds it for a copy and a
/// checksum, and never over a system call, so event loops may append. All file work is done
/// elsewhere: the next segment is made ahead of need on `background`, where segments that are full
/// are closed, and old ones deleted, too. Should the next one not be there when it is needed, the
/// append is refused with [JournalFull] and nothing waits: making the caller wait for the disk was
/// refused, because it is an event loop. What was appended can be read at any time; readers open
/// the files for themselves.
///
/// A `write` per record or per batch was refused (a system call each), and so was a writer thread
/// with a queue (a hand-over each); a copy into a mapping costs neither and survives `kill -9` all
/// the same.
public final class Journal implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Journal.class);
  private static final String SUFFIX = ".journal";

  /// After a segment could not be made, until it is tried again.
  private static final long PAUSE_NANOS = 500_000_000L;

  /// A segment that is not written any more.
  ///
  /// @param since the nano ticker when nothing in it was needed any more; empty while something is
  private record Sealed(
      Path file, Layout.Header header, long firstEpoch, long lastEpoch, Optional<Long> since) {
    Sealed since(long nanos) {
      return new Sealed(file, header, firstEpoch, lastEpoch, Optional.of(nanos));
    }
  }

  /// What a reader may look at: the file up to `end`.
  private record Part(Sealed segment, int end) {}

  /// Where the numbers come from that are not the journal's own.
  ///
  /// @param nanos a nano ticker
  /// @param salts random numbers that nobody can guess
  /// @param background runs file work; never on the thread that hands it over
  public record Means(LongSupplier nanos, LongSupplier salts, Executor background) {}

  private final Object lock = new Object();
  private final JournalHome home;
  private final JournalSettings settings;
  private final Means means;
  private final boolean sync;
  private final AtomicBoolean making = new AtomicBoolean();

  private final Deque<Sealed> sealed = new ArrayDeque<>();

  /// In disk mode: full, but not forced yet.
  private final List<Segment> unforced = new ArrayList<>();

  private Optional<Segment> active = Optional.empty();
  private Optional<Segment> next = Optional.empty();
  private long lastNumber;
  private long lastEpoch;
  private long released;

  /// The greatest epoch of which something may have been deleted.
  private long gone;

  private Optional<String> trouble = Optional.empty();
  private long triedAt;
  private boolean closed;

  private Journal(JournalHome home, JournalSettings settings, Means means) {
    this.home = home;
    this.settings = settings;
    this.means = means;
    sync = settings.durability() == Durability.DISK;
  }

  /// Reads what is in `home`, repairs it, and goes on behind it.
  ///
  /// @throws IOException when the files cannot be read or written; a full disk is no reason, then
  ///   appends are refused until there is room
  public static Journal open(JournalHome home, JournalSettings settings, Means means)
      throws IOException {
    var journal = new Journal(home, settings, means);
    journal.recover();
    journal.make();
    return journal;
  }

  /// The journal's name for good, whichever process has it.
  public UUID id() {
    return home.id();
  }

  /// Appends a record of an epoch; when this returns, it survives the process, and after the next
  /// [#force] the machine.
  ///
  /// @param type 1 to 127
  /// @param length of the payload, which begins at 0
  /// @throws JournalFull when there is no room; then nothing was appended
  public void append(long epoch, byte type, byte[] payload, int length) {
    if (type < 1 || length > Layout.limit(settings.segmentBytes()) - Layout.FIRST - 32) {
      throw new IllegalArgumentException("no record of a journal");
    }
    synchronized (lock) {
      put(epoch, type, payload, length);
      lastEpoch = Math.max(lastEpoch, epoch);
    }
  }

  private void put(long epoch, byte type, byte[] payload, int length) {
    if (closed) {
      throw new JournalFull("The journal is closed.");
    }
    var segment = active.filter(open -> open.fits(length)).orElseGet(this::roll);
    segment.append(epoch, type, payload, length);
    if (next.isEmpty() && segment.end() > segment.header().size() / 2) {
      makeSoon();
    }
  }

  private Segment roll() {
    var fresh =
        next.orElseThrow(() -> {
          makeSoon();
          return new JournalFull(trouble.orElse("The journal's next segment is being made."));
        });
    active.ifPresent(this::retire);
    active = Optional.of(fresh);
    next = Optional.empty();
    return fresh;
  }

  private void retire(Segment full) {
    full.seal();
    var segment = describe(full);
    sealed.add(full.lastEpoch() <= released ? segment.since(means.nanos().getAsLong()) : segment);
    if (sync) {
      unforced.add(full);
    } else {
      means.background().execute(full::close);
    }
  }

  /// Everything appended before the call is on the disk when this returns.
  ///
  /// @throws java.io.UncheckedIOException when it may not be; then no more is taken, because what a
  ///   later force says of the same pages means nothing
  public void force() {
    List<Segment> full;
    Optional<Segment> open;
    synchronized (lock) {
      if (closed) {
        return;
      }
      full = List.copyOf(unforced);
      open = active;
    }
    try {
      full.forEach(Segment::force);
      open.ifPresent(Segment::force);
    } catch (java.io.UncheckedIOException e) {
      synchronized (lock) {
        closed = true;
        trouble = Optional.of("The disk does not take the journal: " + e.getMessage());
      }
      throw e;
    }
    synchronized (lock) {
      unforced.removeAll(full);
    }
    full.forEach(Segment::close);
  }

  /// From now on nothing up to this epoch is needed, except after a failover of the database.
  public void release(long epoch) {
    synchronized (lock) {
      if (epoch <= released) {
        return;
      }
      released = epoch;
      try {
        put(epoch, Layout.RELEASED, new byte[0], 0);
      } catch (JournalFull e) {
        // It only saves the next process work: the ledger knows what was flushed.
      }
      long now = means.nanos().getAsLong();
      var all = List.copyOf(sealed);
      sealed.clear();
      for (var segment : all) {
        sealed.add(
            segment.since().isEmpty() && segment.lastEpoch() <= released
                ? segment.since(now)
                : segment);
      }
    }
  }

  /// Shows the records of the epochs after `after` up to `upTo`, as far as they are still there.
  public void replay(long after, long upTo, RecordVisitor visitor) throws IOException {
    for (var part : parts()) {
      var file = part.segment();
      if (file.lastEpoch() > after && file.firstEpoch() <= upTo) {
        var found = new Repair.Found(file.file(), file.header(), Optional.empty());
        var scan =
            Repair.scan(
                found,
                part.end(),
                (epoch, type, payload) -> {
                  if (epoch > after && epoch <= upTo) {
                    visitor.visit(epoch, type, payload);
                  }
                });
        scan.damagedAt()
            .ifPresent(at ->
                LOG.error(
                    "journal segment {} is damaged at offset {}: {} records could be read and are"
                        + " replayed, what the others counted is missing",
                    file.file(),
                    at,
                    scan.records()));
      }
    }
  }

  private List<Part> parts() {
    synchronized (lock) {
      var files = new ArrayList<Part>();
      sealed.forEach(segment -> files.add(new Part(segment, Integer.MAX_VALUE)));
      active.ifPresent(open -> files.add(new Part(describe(open), open.end())));
      return files;
    }
  }

  private static Sealed describe(Segment open) {
    return new Sealed(
        open.file(), open.header(), open.firstEpoch(), open.lastEpoch(), Optional.empty());
  }

  /// The greatest epoch of any record; 0 when there is none.
  public long lastEpoch() {
    synchronized (lock) {
      return lastEpoch;
    }
  }

  /// The epoch up to which nothing is needed any more.
  public long released() {
    synchronized (lock) {
      return released;
    }
  }

  /// Epochs up to this one may be incomplete, since segments with parts of them were deleted.
  public long gone() {
    synchronized (lock) {
      return gone;
    }
  }

  /// What its files take.
  public long bytes() {
    synchronized (lock) {
      return (long) segments() * settings.segmentBytes();
    }
  }

  /// Why the last record was not taken or the next may not be; empty when all is well.
  public Optional<String> trouble() {
    synchronized (lock) {
      return next.isPresent() && !closed ? Optional.empty() : trouble;
    }
  }

  /// Deletes what nobody needs any more and has been kept long enough; tries again to make room
  /// where there was none. To be called now and then; it works with files.
  public void tend() {
    deleteOld();
    boolean due;
    synchronized (lock) {
      due = !closed && next.isEmpty() && (active.isEmpty() || trouble.isPresent());
    }
    if (due) {
      make();
    }
  }

  /// Closes the files, and leaves them and their directory as they are.
  @Override
  public void close() {
    if (sync) {
      force();
    }
    synchronized (lock) {
      closed = true;
      active.ifPresent(Segment::close);
      next.ifPresent(Segment::close);
      unforced.forEach(Segment::close);
      active = Optional.empty();
      next = Optional.empty();
      unforced.clear();
    }
  }

  // --- files ---

  private int segments() {
    return sealed.size() + (active.isPresent() ? 1 : 0) + (next.isPresent() ? 1 : 0);
  }

  private void makeSoon() {
    if (trouble.isPresent() && means.nanos().getAsLong() - triedAt < PAUSE_NANOS) {
      return;
    }
    if (making.compareAndSet(false, true)) {
      means
          .background()
          .execute(() -> {
            try {
              make();
            } finally {
              making.set(false);
            }
          });
    }
  }

  /// Makes the next segment, unless it is there.
  private synchronized void make() {
    Layout.Header header;
    Optional<Sealed> victim = Optional.empty();
    synchronized (lock) {
      if (closed || next.isPresent()) {
        return;
      }
      triedAt = means.nanos().getAsLong();
      if ((segments() + 1L) * settings.segmentBytes() > settings.maxBytes()) {
        var oldest = sealed.peekFirst();
        if (oldest == null || oldest.lastEpoch() > released) {
          failed("The journal is full: it has the " + settings.maxBytes() + " bytes it may take.");
          return;
        }
        victim = Optional.of(sealed.removeFirst());
        gone = Math.max(gone, oldest.lastEpoch());
      }
      header =
          new Layout.Header(
              home.id(),
              ++lastNumber,
              means.salts().getAsLong(),
              released,
              settings.segmentBytes());
    }
    try {
      if (victim.isPresent()) {
        Files.deleteIfExists(victim.get().file());
      }
      var segment = Segment.create(file(header.number()), header, sync);
      synchronized (lock) {
        if (closed) {
          segment.close();
          return;
        }
        if (active.isEmpty()) {
          active = Optional.of(segment);
        } else {
          next = Optional.of(segment);
        }
        if (trouble.isPresent()) {
          LOG.info("the journal in {} has room again; increments are taken", home.directory());
          trouble = Optional.empty();
        }
      }
    } catch (IOException e) {
      synchronized (lock) {
        failed("The journal's next segment cannot be made: " + reason(e) + ".");
      }
    }
  }

  private void failed(String why) {
    if (trouble.isEmpty()) {
      LOG.error(
          "{} What is in {} stays; when the segment in use is full, what comes is answered 503 until"
              + " there is room",
          why,
          home.directory());
    }
    trouble = Optional.of(why);
  }

  private static String reason(IOException e) {
    return e instanceof java.nio.file.FileSystemException file && file.getReason() != null
        ? file.getReason()
        : String.valueOf(e.getMessage());
  }

  private void deleteOld() {
    var old = new ArrayList<Sealed>();
    synchronized (lock) {
      long now = means.nanos().getAsLong();
      while (!sealed.isEmpty()
          && sealed
              .getFirst()
              .since()
              .filter(since -> now - since >= settings.keepFor().toNanos())
              .isPresent()) {
        old.add(sealed.removeFirst());
        gone = Math.max(gone, old.getLast().lastEpoch());
      }
    }
    for (var segment : old) {
      try {
        Files.deleteIfExists(segment.file());
      } catch (IOException e) {
        LOG.warn("{} is not needed any more and cannot be deleted: {}", segment.file(), reason(e));
      }
    }
  }

  private Path file(long number) {
    return home.directory().resolve(String.format("%012d", number) + SUFFIX);
  }

  // --- recovery ---

  /// Looks at the newest segments first: they say up to where the older ones are needed.
  private void recover() throws IOException {
    Repair.tidy(home.directory());
    var found = new ArrayList<Repair.Found>();
    try (var files = Files.list(home.directory())) {
      for (var file : files.toList()) {
        if (file.getFileName().toString().endsWith(SUFFIX)) {
          Repair.look(file).ifPresent(found::add);
        }
      }
    }
    found.sort(
        Comparator.comparingLong((Repair.Found segment) -> segment.header().number()).reversed());
    for (var segment : found) {
      lastNumber = Math.max(lastNumber, segment.header().number());
      released = Math.max(released, segment.header().released());
    }
    for (var segment : found) {
      recover(segment);
    }
    if (!sealed.isEmpty() && sealed.getFirst().header().number() > 1) {
      long first = sealed.getFirst().firstEpoch();
      gone = first == Long.MAX_VALUE ? released : first;
    }
  }

  private void recover(Repair.Found segment) throws IOException {
    var seal = segment.seal();
    if (seal.isPresent() && seal.get().lastEpoch() <= released) {
      addFirst(segment, seal.get().firstEpoch(), seal.get().lastEpoch());
      return;
    }
    var scan = Repair.cleanse(segment);
    released = Math.max(released, scan.released());
    if (seal.isEmpty() && active.isEmpty()) {
      var open = Segment.resume(segment.file(), segment.header(), scan);
      // One that was made ahead and never used waits for its turn again.
      if (open.isEmpty() && next.isEmpty()) {
        next = Optional.of(open);
      } else {
        active = Optional.of(open);
      }
      lastEpoch = Math.max(lastEpoch, scan.lastEpoch());
      return;
    }
    if (seal.isEmpty()) {
      try (var open = Segment.resume(segment.file(), segment.header(), scan)) {
        open.seal();
      }
    }
    addFirst(segment, scan.firstEpoch(), scan.lastEpoch());
  }

  private void addFirst(Repair.Found segment, long firstEpoch, long last) {
    lastEpoch = Math.max(lastEpoch, last);
    sealed.addFirst(
        new Sealed(
            segment.file(),
            segment.header(),
            firstEpoch,
            last,
            last <= released ? Optional.of(means.nanos().getAsLong()) : Optional.empty()));
  }
}
