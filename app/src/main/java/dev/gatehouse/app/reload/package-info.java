/// Changes of the configuration while everything runs: who notices one (the file, SIGHUP, an
/// order), and who decides whether it is taken over.
///
/// Whoever applies it (the supervisor, or an edge on its own) implements [Reloader.Target].
@NullMarked
package dev.gatehouse.app.reload;

import org.jspecify.annotations.NullMarked;
