/// Users, passwords and sessions.
///
/// Two doors: [dev.gatehouse.accounts.Accounts] answers the contract's requests and tells the edge
/// whose token one is, and [dev.gatehouse.accounts.AccountsSettings] sets what guessing and hashing
/// may cost. Passwords leave this room in no form; tokens leave it once, in a cookie, and only
/// their hash stays.
@NullMarked
package dev.gatehouse.accounts;

import org.jspecify.annotations.NullMarked;
