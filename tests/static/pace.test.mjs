import assert from "node:assert/strict";
import test from "node:test";

import { Pace, pauseAfter } from "../../static/app/js/pace.js";

test("what takes long is asked for less often, within limits", () => {
  assert.deepEqual([5, 50, 120, 400, 5000].map(pauseAfter), [500, 500, 1200, 4000, 5000]);
});

test("what is wanted meanwhile is fetched once, when it may be", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const pace = new Pace();
  const part = {};
  const fetched = [];
  const fetch = () => fetched.push(1);
  pace.want(part, 0, fetch);
  assert.equal(fetched.length, 1);
  pace.begin(part, 0);
  pace.want(part, 50, fetch);
  pace.want(part, 60, fetch);
  pace.end(part, 100);
  context.mock.timers.tick(999);
  assert.equal(fetched.length, 1);
  context.mock.timers.tick(1);
  assert.equal(fetched.length, 2);
  context.mock.timers.tick(10000);
  assert.equal(fetched.length, 2);
  pace.want({}, 101, fetch);
  assert.equal(fetched.length, 3);
});

test("a fetch that is never over does not stop the page", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const pace = new Pace();
  const part = {};
  let fetched = 0;
  pace.begin(part, 0);
  pace.want(part, 1000, () => { fetched += 1; });
  context.mock.timers.tick(4000);
  assert.equal(fetched, 1);
});
