#!/bin/sh
# The parent of the embedded PostgreSQL: `sh guardian.sh COMMAND...` runs the server in the
# foreground and writes its pid as the only line on standard output.
#
# Standard input is the wire to the supervisor. A line on it asks for a shutdown that may take its
# time. Its end means that the supervisor is gone, even by `kill -9`: the server then gets 2.5 s to
# stop in order (SIGINT), one more to stop at once (SIGQUIT; it recovers at the next start), and is
# killed.
#
# It runs in a session of its own (setsid), so that Ctrl-C in the terminal reaches only the
# supervisor, which stops the services before the server.

# The server is a background job, and a shell gives those /dev/null for standard input.
exec 3<&0 </dev/null

"$@" 3<&- >&2 &
server=$!

echo "$server"
exec >/dev/null

gone_within() { # tenths of a second
  tenths=$1
  while [ "$tenths" -gt 0 ]; do
    kill -0 "$server" 2>/dev/null || return 0
    sleep 0.1
    tenths=$((tenths - 1))
  done
  return 1
}

(
  # If the guardian alone is killed, this watcher lives on and still sees the supervisor's end.
  while read -r _ <&3; do
    kill -INT "$server" 2>/dev/null
  done
  kill -INT "$server" 2>/dev/null
  gone_within 25 && exit
  kill -QUIT "$server" 2>/dev/null
  gone_within 10 && exit
  kill -KILL "$server" 2>/dev/null
) &
watcher=$!
exec 3<&-

wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
