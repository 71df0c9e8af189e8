package dev.gatehouse.edge.limit;

import dev.gatehouse.edge.filter.Filter;
import dev.gatehouse.edge.filter.Verdict;
import dev.gatehouse.edge.filter.Visit;

/// Lets a request pass if every limit that concerns it has a permit left.
///
/// Where a route asks who the user is, this stands in the list twice: limits by address, path and
/// the like come before authentication, so that guessing is limited too, and those by user or plan
/// after it. If the second refuses, what the first took is given back.
public final class LimitRequests implements Filter {
  /// Which limits.
  public enum Which {
    ALL,
    BEFORE_IDENTITY,
    AFTER_IDENTITY
  }

  private final Limits limits;
  private final Which which;

  public LimitRequests(Limits limits, Which which) {
    this.limits = limits;
    this.which = which;
  }

  @Override
  public Verdict apply(Visit visit) {
    var rules = limits.rules();
    boolean open = which != Which.AFTER_IDENTITY && !rules.open().isEmpty();
    boolean identified = which != Which.BEFORE_IDENTITY && !rules.identified().isEmpty();
    if (!open && !identified && visit.permits().isEmpty()) {
      return Verdict.PROCEED;
    }
    var subject = Subject.of(visit);
    var permits =
        visit.permits().isPresent()
            ? visit.permits().get().knowing(subject)
            : new Permits(limits, subject);
    if (open) {
      rules.open().search(subject, permits);
    }
    if (identified) {
      rules.identified().search(subject, permits);
    }
    if (!permits.settle()) {
      return new Verdict.Answer(permits.refusal());
    }
    if (which == Which.BEFORE_IDENTITY) {
      visit.permits(permits);
    } else {
      permits.passed();
    }
    tell(visit, permits);
    return Verdict.PROCEED;
  }

  private static void tell(Visit visit, Permits permits) {
    permits
        .fields()
        .ifPresent(fields -> {
          visit.exchange().field(RateLimitFields.POLICY, fields.policy());
          visit.exchange().field(RateLimitFields.STATE, fields.state());
        });
  }
}
