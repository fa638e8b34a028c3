import assert from "node:assert/strict";
import test from "node:test";

import { completion } from "../../static/app/js/complete.js";

const FIELDS = [
  { name: "state", operators: ["=", "!=", "in", "contains"], values: ["queued", "completed"] },
  { name: "params.optimizer", operators: ["=", "in"], values: ["adam", '"sgd + momentum"'] },
  { name: 'metrics."val loss"', operators: ["<", "<="], values: [] },
];
const options = (text) => completion(text, FIELDS)?.options ?? null;
const from = (text) => completion(text, FIELDS).from;

test("fields, where one begins", () => {
  assert.deepEqual(options(""), ["state", "params.optimizer", 'metrics."val loss"']);
  assert.deepEqual(options("opt"), ["params.optimizer"]);
  assert.deepEqual(options("t"), ["state", "params.optimizer", 'metrics."val loss"']);
  assert.deepEqual(options("state = queued and not (sta"), ["state"]);
  assert.equal(from("state = queued and not (sta"), 24);
  assert.equal(options("nothing"), null);
});

test("operators of the field", () => {
  assert.deepEqual(options("state "), ["=", "!=", "in", "contains"]);
  assert.deepEqual(options("state !"), ["!="]);
  assert.deepEqual(options("state c"), ["contains", ]);
  assert.deepEqual(options('metrics."val loss" '), ["<", "<="]);
  assert.equal(options("unknown "), null);
});

test("values of the field", () => {
  assert.deepEqual(options("state = "), ["queued", "completed"]);
  assert.deepEqual(options("state=c"), ["completed"]);
  assert.equal(from("state=c"), 6);
  assert.deepEqual(options('params.optimizer = "sg'), ['"sgd + momentum"']);
  assert.equal(from('params.optimizer = "sg'), 19);
  assert.equal(options('params.optimizer = "sgd"'), null);
  assert.equal(options("state = queued"), null);
  assert.deepEqual(options("state in (queued, "), ["queued", "completed"]);
  assert.equal(options("state in (queued "), null);
  assert.equal(options('metrics."val loss" < '), null);
});

test("words between comparisons", () => {
  assert.deepEqual(options("state = queued "), ["and", "or"]);
  assert.deepEqual(options("state in (queued) a"), ["and"]);
  assert.deepEqual(options("state in "), ["("]);
  assert.equal(options("state = queued queued "), null);
});

test("what it finds is linear in what is typed", () => {
  const began = performance.now();
  completion(`${"state = '\\\\".repeat(200)}`, FIELDS);
  completion("(".repeat(2000), FIELDS);
  completion(`"${"\\".repeat(1999)}`, FIELDS);
  assert.ok(performance.now() - began < 200);
});
