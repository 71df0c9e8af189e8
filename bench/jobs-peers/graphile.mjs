// graphile-worker for bench/jobs: `URL migrate`, `fill N`, `drain N plain|tuned`, `listen N plain|tuned`, `send N`.
import { makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const [url, act, count, how] = process.argv.slice(2);
const n = Number(count ?? 0);
const pool = new pg.Pool({ connectionString: url, max: 12 });
const { Logger } = await import("graphile-worker");
const logger = new Logger(() => (level, message) => {
  if (level === "error") console.error(message);
});
const now = () => Math.round((performance.timeOrigin + performance.now()) * 1000);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const preset = {
  worker:
    how === "tuned"
      ? { concurrentJobs: 10, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
      : { concurrentJobs: 10 },
};

let ran = 0;
const took = [];
let all;
const tasks = {
  noop: () => {
    ran++;
  },
  probe: (payload) => {
    took.push(now() - payload.at);
    if (took.length === n) all();
  },
};
const start = () =>
  run({ pgPool: pool, taskList: tasks, preset, logger, noHandleSignals: true, parsedCronItems: [], crontab: "" });

switch (act) {
  case "migrate": {
    const utils = await makeWorkerUtils({ pgPool: pool, logger });
    await utils.migrate();
    await utils.release();
    break;
  }
  case "fill": {
    const utils = await makeWorkerUtils({ pgPool: pool, logger });
    const began = performance.now();
    for (let done = 0; done < n; done += 1000) {
      await utils.addJobs(
        Array.from({ length: Math.min(1000, n - done) }, () => ({ identifier: "noop", payload: {} })),
      );
    }
    console.log(((performance.now() - began) / 1000).toFixed(3));
    await utils.release();
    break;
  }
  case "drain": {
    const began = performance.now();
    const runner = await start();
    const open = async () =>
      (await pool.query("select exists (select from graphile_worker._private_jobs) as open")).rows[0].open;
    while (ran < n || (await open())) await pause(5);
    const cpu = process.cpuUsage();
    console.log(`${((performance.now() - began) / 1000).toFixed(3)} ${((cpu.user + cpu.system) / 1e6).toFixed(2)}`);
    await runner.stop();
    break;
  }
  case "listen": {
    const done = new Promise((resolve) => (all = resolve));
    const runner = await start();
    await pause(1000);
    console.error("ready");
    await done;
    const sorted = took.slice(n / 2).sort((a, b) => a - b);
    console.log(`${sorted[Math.floor(sorted.length / 2)]} ${sorted[Math.ceil(sorted.length * 0.99) - 1]}`);
    await runner.stop();
    break;
  }
  case "send": {
    const utils = await makeWorkerUtils({ pgPool: pool, logger });
    for (let i = 0; i < n; i++) {
      await utils.addJob("probe", { at: now() });
      await pause(20);
    }
    await utils.release();
    break;
  }
}
await pool.end();
process.exit(0);
