/// The journal's promises, on real files.
@org.jspecify.annotations.NullMarked
package dev.gatehouse.state.journal;
