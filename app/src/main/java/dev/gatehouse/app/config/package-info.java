/// The configuration file: from YAML text and environment to one immutable [Config], or to every
/// mistake in it.
///
/// What may be written is declared once, in `Declaration`, as keys with a shape, a default and a
/// sentence each. The loader ([ConfigFile]), "did you mean", the variables that override settings
/// and the JSON Schema ([ConfigSchema]) all read that declaration, so they cannot disagree. Nothing
/// here starts anything: a `Config` is a description, checked as far as a description can be.
@NullMarked
package dev.gatehouse.app.config;

import org.jspecify.annotations.NullMarked;
