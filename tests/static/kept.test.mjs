import assert from "node:assert/strict";
import { test } from "node:test";

import { keep, kept } from "../../static/app/js/kept.js";

test("what is kept comes back; storage that is off or holds something else is none", () => {
  const held = new Map([["old", "{"]]);
  globalThis.localStorage = { getItem: (key) => held.get(key) ?? null, setItem: (key, value) => held.set(key, value) };
  keep("new", { x: "step" });
  assert.deepEqual(kept("new"), { x: "step" });
  assert.equal(kept("old"), null);
  assert.equal(kept("never"), null);
  Object.defineProperty(globalThis, "localStorage", { get: () => { throw new Error("blocked"); } });
  keep("new", 1);
  assert.equal(kept("new"), null);
});
