@NullMarked
package dev.gatehouse.edge.auth;

import org.jspecify.annotations.NullMarked;
