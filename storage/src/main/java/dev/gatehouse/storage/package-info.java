/// The storage service: JSON documents in partitions, and ages.
///
/// What may come in is what reads or writes a document or an age: their routes, the preconditions
/// of RFC 9110 that guard a write, and the module's SQL. Documents are kept as the bytes that were
/// put, never as `jsonb`, which would reorder keys and refuse some values. Only [Storage] is seen
/// from outside.
@NullMarked
package dev.gatehouse.storage;

import org.jspecify.annotations.NullMarked;
