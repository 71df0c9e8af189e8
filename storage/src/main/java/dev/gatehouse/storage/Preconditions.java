package dev.gatehouse.storage;

import dev.gatehouse.http.Problem;
import dev.gatehouse.http.Request;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What `If-Match` and `If-None-Match` ask of a document (RFC 9110 section 13.1).
///
/// A document's entity tag is its version in quotes, always strong. A tag that we cannot have given
/// out is kept out of the sets, since it matches nothing; a field that is no list of tags is 400,
/// because a guard that is silently dropped guards nothing.
///
/// @param ifMatch compared strongly: a weak tag matches nothing
/// @param ifNoneMatch compared weakly
record Preconditions(Tags ifMatch, Tags ifNoneMatch) {

  /// The versions that a field lists.
  sealed interface Tags {
    /// The field is not there.
    record Absent() implements Tags {}

    /// `*`: any version there is.
    record Any() implements Tags {}

    /// One of these; none when every tag was a stranger's.
    record OneOf(Set<Long> versions) implements Tags {}
  }

  private static final Pattern TAG =
      Pattern.compile("[ \\t]*(?<weak>W/)?\"(?<tag>[\\x21\\x23-\\x7e\\x80-\\xff]*)\"[ \\t]*");

  static String etag(long version) {
    return "\"" + version + "\"";
  }

  static Preconditions of(Request request) {
    return new Preconditions(
        tags(request, "if-match", true), tags(request, "if-none-match", false));
  }

  /// Whether `If-Match` lets a read or write of this version go on.
  boolean matches(long version) {
    return switch (ifMatch) {
      case Tags.Absent() -> true;
      case Tags.Any() -> true;
      case Tags.OneOf(var versions) -> versions.contains(version);
    };
  }

  /// Whether `If-None-Match` says that the client has this version already.
  boolean has(long version) {
    return switch (ifNoneMatch) {
      case Tags.Absent() -> false;
      case Tags.Any() -> true;
      case Tags.OneOf(var versions) -> versions.contains(version);
    };
  }

  private static Tags tags(Request request, String field, boolean strong) {
    var lines = request.headers().getOrDefault(field, List.of());
    if (lines.isEmpty()) {
      return new Tags.Absent();
    }
    var list = String.join(",", lines).strip();
    if (list.equals("*")) {
      return new Tags.Any();
    }
    var versions = new LinkedHashSet<Long>();
    Matcher matcher = TAG.matcher(list);
    int at = 0;
    while (at <= list.length()) {
      matcher.region(at, list.length());
      if (!matcher.lookingAt()) {
        throw Problem.badField(
                field, "The field '" + field + "' must be * or a list of quoted entity tags.")
            .hint("Send the ETag of the answer as it came, quotes included.")
            .refusal();
      }
      if (!strong || matcher.group("weak") == null) {
        add(versions, matcher.group("tag"));
      }
      at = matcher.end();
      if (at < list.length() && list.charAt(at) != ',') {
        throw Problem.badField(field, "The field '" + field + "' has a broken entity tag.")
            .refusal();
      }
      at++;
    }
    return new Tags.OneOf(Set.copyOf(versions));
  }

  /// Only the one way we write a version counts: `"007"` is not version 7's tag.
  private static void add(Set<Long> versions, String tag) {
    if (tag.matches("[1-9][0-9]{0,17}")) {
      versions.add(Long.parseLong(tag));
    }
  }
}
