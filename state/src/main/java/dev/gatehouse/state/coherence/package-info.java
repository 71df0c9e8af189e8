/// Caches in several processes that together never show an older value than was acknowledged.
///
/// [Coherence] is a process's membership, [NearCache] what it keeps of one kind of row. What may
/// come in is what this promise needs: the lease that allows a replica to answer from memory, the
/// change log that a renewal reads, and the bus by which a writer tells the others. Nothing here
/// knows what is cached. The proof stands atop [Coherence].
@NullMarked
package dev.gatehouse.state.coherence;

import org.jspecify.annotations.NullMarked;
