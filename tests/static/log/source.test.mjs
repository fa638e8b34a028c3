import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { LogSource } from "../../../static/app/js/log/source.js";

globalThis.location = { href: "http://portal.test/" };
mock.timers.enable({ apis: ["setTimeout"] });

// Each question, with answer(total) for the lines that it asks for, and fail().
let asked = [];
globalThis.fetch = (url, { signal }) => new Promise((resolve, reject) => {
  const from = Number(url.searchParams.get("from"));
  const count = Number(url.searchParams.get("count"));
  signal.addEventListener("abort", () => reject(signal.reason));
  asked.push({
    from,
    answer: (total) => {
      const lines = Array.from({ length: Math.min(count, total - from + 1) }, (_, index) => ({ number: from + index, text: "" }));
      resolve({ ok: true, json: async () => ({ total, open: 0, streams: [], lines }) });
    },
    fail: () => reject(new TypeError("away")),
  });
});

// Lets promises go on, and then the timers of so many milliseconds.
async function pass(ms = 0) {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  mock.timers.tick(ms);
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

const source = () => new LogSource("/lines", 1, 0, () => {});

beforeEach(() => { asked = []; });

test("what happens while the answer is on its way asks again", async () => {
  const log = source();
  log.refreshSoon();
  log.refreshSoon();
  await pass(300);
  assert.equal(asked.length, 1);
  log.refreshSoon();
  asked[0].fail();
  await pass(300);
  assert.equal(asked.length, 2);
});

test("each block is asked for once", async () => {
  const log = source();
  log.want(240, 260);
  await pass(60);
  log.want(241, 261);
  await pass(60);
  log.want(240, 261);
  await pass(60);
  assert.deepEqual(asked.map(({ from }) => from), [240, 251]);
  for (const question of asked) question.answer(1000);
  await pass(60);
  assert.equal(asked.length, 2);
  assert.equal(log.missing(), null);
});

test("what did not arrive is asked for again, unless the log was closed", async () => {
  const log = source();
  log.want(1, 10);
  await pass(60);
  asked[0].fail();
  await pass(2000);
  assert.equal(asked.length, 2);
  log.close();
  await pass(10_000);
  assert.equal(asked.length, 2);
});
