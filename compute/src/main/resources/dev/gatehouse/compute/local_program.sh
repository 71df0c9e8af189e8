#!/bin/sh
# Gatehouse's default program: local_program.sh LOCK WAIT_MS
#
# Takes the lock file LOCK, which only one run holds at a time, and exits with a random status from
# 0 to 99. A run waits for the lock at most WAIT_MS milliseconds (default 50), then goes on without
# it: the lock keeps runs apart while that is cheap, it guards nothing. The file holds its owner's
# pid and goes away with the run; one whose owner was killed is removed by the next run that waited
# in vain. Needs a POSIX shell, and od, rm and a sleep that takes fractions.

lock=${1:?usage: local_program.sh LOCK WAIT_MS}
left=$((${2:-50} / 10))

set -C # a redirection never overwrites: who creates the file has the lock
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

until { echo $$ >"$lock"; } 2>/dev/null; do
  if [ "$left" -le 0 ]; then
    owner=
    read -r owner 2>/dev/null <"$lock"
    if [ -z "$owner" ] || ! kill -0 "$owner" 2>/dev/null; then
      rm -f "$lock"
    fi
    lock=
    break
  fi
  left=$((left - 1))
  sleep 0.01
done
if [ -n "$lock" ]; then
  trap 'rm -f "$lock"' EXIT
fi

number=$(od -An -N4 -tu4 /dev/urandom)
exit $((number % 100))
