import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Source } from "../../../static/app/js/analysis/source.js";

mock.timers.enable({ apis: ["setTimeout"] });

let answers = [];
let shown = [];
let failed = [];

globalThis.fetch = async () => {
  const answer = answers.shift();
  if (!answer) throw new TypeError("away");
  return { status: answer.status ?? 200, ok: !answer.status, json: async () => answer };
};

async function pass(ms = 0) {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  mock.timers.tick(ms);
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

const source = () => new Source("/columns", 2000, (body) => shown.push(body.value), (status) => failed.push(status));

beforeEach(() => { [answers, shown, failed] = [[], [], []]; });

test("a portal that is away or busy is asked again after a pause, without news", async () => {
  answers = [{ status: 503 }, null, { value: 1 }];
  source().want();
  await pass();
  assert.deepEqual(failed, [503]);
  await pass(2100);
  assert.deepEqual(failed, [503, 0]);
  await pass(2100);
  assert.deepEqual(shown, [1]);
  await pass(60_000);
  assert.deepEqual([shown, failed], [[1], [503, 0]]);
});

test("what is refused is not", async () => {
  answers = [{ status: 404 }, { value: 1 }];
  source().want();
  await pass();
  await pass(60_000);
  assert.deepEqual([shown, failed], [[], [404]]);
});

test("news during a pause is fetched after it", async () => {
  answers = [{ value: 1 }, { value: 2 }];
  const columns = source();
  columns.want();
  await pass();
  columns.want();
  columns.want();
  await pass();
  assert.deepEqual(shown, [1]);
  await pass(2100);
  assert.deepEqual(shown, [1, 2]);
});
