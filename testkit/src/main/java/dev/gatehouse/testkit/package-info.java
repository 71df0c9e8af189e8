/// What tests stand on: real sockets, real processes, a real database, and a clock that is moved by
/// hand.
///
/// Nothing here mocks what we own. [RawClient] and [RecordingOrigin] show exact bytes at both ends
/// of the edge, [ProgramUnderTest] is the packaged program on free ports, [TestPostgres] a real
/// server. What no test uses is deleted.
@NullMarked
package dev.gatehouse.testkit;

import org.jspecify.annotations.NullMarked;
