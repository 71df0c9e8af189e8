# What the benchmarks have in common: processes that end with the script, readiness, turns and their
# medians. Sourced by bench/edge and bench/cache, which set `connections`, `seconds` and `base`.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
proxy_core=0 load_core=1
PATH=$PATH:/usr/sbin:/sbin

die() {
  printf '%s: %s\n' "bench/$(basename "$0")" "$*" >&2
  exit 1
}
say() { printf '%s\n' "$*" >&2; }

# require TOOL...
require() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || die "$tool is missing: run bench/setup first"
  done
  (($(nproc --all) >= 2)) || die "two cores are needed, this machine has $(nproc --all)"
}

# --- what is started here, and only that, is ended here -----------------------------------------

tmp=$(mktemp -d "${TMPDIR:-/tmp}/gatehouse-bench.XXXXXX")
chmod 755 "$tmp"
started=()
finish() {
  trap - EXIT
  # What a benchmark has stopped must go on, or it and its children would stay for good.
  for pid in $(family "${started[@]}"); do kill -CONT "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do
    for _ in {1..100}; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  done
  rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# A port nobody answers on, below the range that outgoing connections use.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}

# start NAME CORE COMMAND...: leaves the process id in $started_pid
start() {
  local name=$1 core=$2
  shift 2
  taskset -c "$core" "$@" >"$tmp/$name.log" 2>&1 &
  started_pid=$!
  started+=("$started_pid")
}

# get URL: the body of a 200, through bash's own sockets
get() {
  local authority=${1#http://}
  local path=/${authority#*/} line body=
  authority=${authority%%/*}
  exec 4<>"/dev/tcp/${authority%:*}/${authority#*:}" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$path" "$authority" >&4
  IFS= read -r -t 5 line <&4 || { exec 4>&-; return 1; }
  [[ $line == 'HTTP/1.1 200'* ]] || { exec 4>&-; return 1; }
  while IFS= read -r -t 5 line <&4 && [[ $line != $'\r' ]]; do :; done
  body=$(timeout 5 cat <&4 || true)
  exec 4>&-
  printf '%s' "$body"
}

# await NAME PID URL: until it proxies the origin's very bytes
await() {
  local name=$1 pid=$2 url=$3 got
  for _ in {1..1200}; do
    got=$(get "$url" 2>/dev/null || true)
    [[ $got == "$payload" ]] && return
    kill -0 "$pid" 2>/dev/null || { cat "$tmp/$name.log" >&2; die "$name ended at once, its output is above"; }
    sleep 0.1
  done
  cat "$tmp/$name.log" >&2
  die "$name did not give the origin's answer within 2 minutes; got: $got"
}

nginx_http() {
  cat <<END
error_log stderr crit;
pid $tmp/$1.pid;
daemon off;
worker_processes 1;
events { worker_connections 4096; }
http {
  access_log off;
  default_type text/plain;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_temp_path $tmp/$1-body;
  proxy_temp_path $tmp/$1-proxy;
  fastcgi_temp_path $tmp/$1-fastcgi;
  uwsgi_temp_path $tmp/$1-uwsgi;
  scgi_temp_path $tmp/$1-scgi;
END
}

# start_postgres CORE: Debian's server with its flushes on, as another user where we are root; leaves
# its process id in $server, its port in $pg_port and its programs' directory in $pg.
start_postgres() {
  local as=()
  pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1) || true
  [[ -x ${pg:-}/initdb ]] || die "PostgreSQL is missing: run bench/setup first"
  if ((EUID == 0)); then as=(setpriv --reuid=postgres --regid=postgres --clear-groups); fi
  pg_port=$(free_port)
  mkdir "$tmp/pg"
  ((EUID != 0)) || chown postgres "$tmp/pg"
  "${as[@]}" "$pg/initdb" -D "$tmp/pg/data" -U bench -A trust -E UTF8 --locale=C >/dev/null
  start pg "$1" "${as[@]}" "$pg/postgres" -D "$tmp/pg/data" -p "$pg_port" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c shared_buffers=256MB -c max_wal_size=4GB
  server=$started_pid
  for _ in {1..300}; do
    "$pg/pg_isready" -q -h 127.0.0.1 -p "$pg_port" && return
    sleep 0.1
  done
  die "PostgreSQL does not answer"
}

# The Java that builds Gatehouse, and the jars of the built program in $lib.
find_program() {
  # shellcheck disable=SC1091
  . "$root/.mvn/find-jdk"
  "$root/gatehouse" --version >/dev/null
  lib=$root/app/target/gatehouse/lib
}

# The first start of a build rehearses for its AOT cache, in the background and for minutes where a core is measured at
# its limit (5 % of it, at nice 19). No later start does; so it is done before.
rehearse() {
  find_program
  local made=$root/app/target/gatehouse/cache/gatehouse.aot.for
  is_made() { [[ -e $made && -z $(find "$lib" -name '*.jar' -newer "$made") ]]; }
  ! is_made || return 0
  say "making the AOT cache"
  cat >"$tmp/rehearsal.yaml" <<END
data: $tmp/rehearsal
edge: {listen: "127.0.0.1:$(free_port)"}
admin: {listen: "127.0.0.1:$(free_port)"}
replica: {listen: "127.0.0.1:$(free_port)"}
routes: [{name: nothing, match: {path: /**}, to: "http://127.0.0.1:$(free_port)"}]
END
  start rehearsal "0-$(($(nproc --all) - 1))" "$root/gatehouse" up -f "$tmp/rehearsal.yaml"
  for _ in {1..1200}; do
    is_made && break
    kill -0 "$started_pid" 2>/dev/null || { cat "$tmp/rehearsal.log" >&2; die "the rehearsal ended"; }
    sleep 0.2
  done
  is_made || die "no AOT cache was made within 4 minutes"
  kill "$started_pid"
  wait "$started_pid" || true
}

# jmh CLASS CORES ARGUMENT...: one class of bench/micro against the packaged program, with its own JVM flags; leaves JMH's
# table in $tmp/table and all it said in $tmp/run.
jmh() {
  local class=$1 cores=$2 micro=$here/micro program=$root/app/target/gatehouse/lib processors
  shift 2
  # shellcheck disable=SC1091
  . "$root/.mvn/find-jdk"
  [[ -d $program ]] || die "not built yet: ./mvnw -Dmaven.test.skip=true -pl app -am package"
  [[ -d $micro/target/lib ]] ||
    (cd "$root" && ./mvnw -q -f bench/micro/pom.xml dependency:copy-dependencies -DoutputDirectory=target/lib)
  # A path of processors knows no wildcard.
  processors=$(printf '%s:' "$micro"/target/lib/*.jar)
  "$JAVA_HOME/bin/javac" -proc:full -processorpath "${processors%:}" -cp "$micro/target/lib/*:$program/*" \
    -d "$tmp/classes" "$micro/$class.java"
  taskset -c "$cores" "$JAVA_HOME/bin/java" -cp "$tmp/classes:$micro/target/lib/*:$program/*" org.openjdk.jmh.Main \
    "$@" -jvmArgs "-Xmx512m -XX:+UseSerialGC -XX:+UseCompactObjectHeaders" -rf text -rff "$tmp/table" >"$tmp/run" ||
    { cat "$tmp/run" >&2; die "the benchmark failed"; }
}

# up NAME PID URL: until it answers 200
up() {
  for _ in {1..1200}; do
    get "$3" >/dev/null 2>&1 && return
    kill -0 "$2" 2>/dev/null || break
    sleep 0.1
  done
  cat "$tmp/$1.log" >&2
  die "$1 did not answer"
}

# start_plain CORE PORT DATABASE CONNECTIONS
start_plain() {
  start plain "$1" "$JAVA_HOME/bin/java" -Xmx512m -XX:+UseSerialGC -XX:+UseCompactObjectHeaders \
    -cp "$lib/*" "$here/PlainService.java" "$2" "jdbc:postgresql://127.0.0.1:$pg_port/$3?user=bench" "$4"
}

# --- measuring ----------------------------------------------------------------------------------

# The process and its children's children, as a list of ids.
family() {
  local pid children
  for pid in "$@"; do
    echo "$pid"
    children=$(cat /proc/"$pid"/task/*/children 2>/dev/null || true)
    # shellcheck disable=SC2086
    [[ -z $children ]] || family $children
  done
}

# User + system time so far, in clock ticks, of a process with all its threads and children.
ticks() {
  local pid total=0 stat
  for pid in $(family "$1"); do
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
    stat=${stat##*) }
    # shellcheck disable=SC2086
    set -- $stat
    total=$((total + ${12} + ${13}))
  done
  echo "$total"
}

load() {
  taskset -c "$load_core" wrk -t1 -c"$connections" -d"$1s" --latency "$2"
}

# One measured turn; a line `name requests/s p99-in-us cpu-us-per-request failures` to the table.
turn() {
  local name=$1 pid=$2 url=$3 before after hertz
  hertz=$(getconf CLK_TCK)
  before=$(ticks "$pid")
  load "$seconds" "$url" >"$tmp/wrk.out"
  after=$(ticks "$pid")
  awk -v name="$name" -v ticks=$((after - before)) -v hertz="$hertz" '
    function us(text) {
      if (text ~ /us$/) return text + 0
      if (text ~ /ms$/) return text * 1000
      return text * 1000000
    }
    $1 == "99%" { p99 = us($2) }
    / requests in / { requests = $1 }
    /^Requests\/sec:/ { rate = $2 }
    /Socket errors:/ { gsub(",", ""); failures += $4 + $6 + $8 + $10 }
    /Non-2xx/ { failures += $NF }
    END { printf "%s %.0f %.0f %.2f %d\n", name, rate, p99, ticks / hertz * 1e6 / requests, failures }
  ' "$tmp/wrk.out" | tee -a "$tmp/table" | awk '{
    printf "  %-10s %8d requests/s   p99 %7.2f ms   %6.2f us CPU/request   %d failures\n", $1, $2, $3 / 1000, $4, $5 }' >&2
}

# The medians of each line of the table and their ratios to $base, as a Markdown table.
report() {
  awk -v peer="$base" '
    function median(list, n,   i, j, t) {
      for (i = 2; i <= n; i++)
        for (j = i; j > 1 && list[j - 1] > list[j]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
      return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    }
    function of(column, name,   i, list) {
      for (i = 1; i <= turns[name]; i++) list[i] = value[name, column, i]
      return median(list, turns[name])
    }
    {
      if (!($1 in turns)) order[++names] = $1
      turn = ++turns[$1]
      for (c = 2; c <= 4; c++) value[$1, c, turn] = $c
      failures[$1] += $5
    }
    END {
      base = peer in turns
      print "| | requests/s | to " peer " | p99 | to " peer " | CPU per request | to " peer " | failures |"
      print "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
      for (i = 1; i <= names; i++) {
        n = order[i]
        line = "| " n
        for (c = 2; c <= 4; c++) {
          m = of(c, n)
          shown = c == 2 ? sprintf("%.0f", m) : c == 3 ? sprintf("%.2f ms", m / 1000) : sprintf("%.2f us", m)
          line = line " | " shown " | " (base ? sprintf("%.2f", m / of(c, peer)) : "-")
        }
        print line " | " failures[n] " |"
      }
    }
  ' "$tmp/table"
}

# The Java that runs a process of ours, and the machine.
java_version() {
  "$(readlink "/proc/$1/exe")" -version 2>&1 | awk -F'"' 'NR == 1 { print "Java " $2 }'
}
machine() {
  echo "- machine: $(nproc --all) cores, $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), Linux $(uname -r); load average at the end: $(cut -d' ' -f1 /proc/loadavg)"
}

# record NAME RESULT: writes bench/results/NAME-<date>.md with every turn below the result.
record() {
  local file=$here/results/$1-$(date +%F).md
  mkdir -p "$here/results"
  {
    echo "# bench/$1, $(date +%F)"
    echo
    printf '%s\n' "$2"
    echo
    echo "Every turn (requests/s, p99 in us, CPU us per request, failures):"
    echo
    sed 's/^/    /' "$tmp/table"
  } >"$file"
  say "recorded in ${file#"$root"/}"
}
