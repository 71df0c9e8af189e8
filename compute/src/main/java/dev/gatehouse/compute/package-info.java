/// The compute service: `GET /cpu` and `GET /local_program`, each a value of its own.
///
/// Values are made ahead of demand by [dev.gatehouse.compute.Ahead], so that a request normally
/// finds one ready; what makes them ([dev.gatehouse.compute.CpuSum],
/// [dev.gatehouse.compute.Program]) knows nothing of HTTP but the refusals it answers with. Only
/// whoever builds the assembly comes in, through [dev.gatehouse.compute.Compute].
@NullMarked
package dev.gatehouse.compute;

import org.jspecify.annotations.NullMarked;
