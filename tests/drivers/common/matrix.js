// SPDX-License-Identifier: MIT
// What every Node program of the matrix shares: the world it runs in, the values, and how it reports.
'use strict';

const fs = require('fs');
const path = require('path');
const crypto = require('crypto');

const world = JSON.parse(fs.readFileSync(process.env.MATRIX_WORLD, 'utf8'));

class Failed extends Error {}

function check(condition, text) {
  if (!condition) throw new Failed(text);
}

function show(value) {
  const text = typeof value === 'string' ? value
    : JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));
  return text !== undefined && text.length > 160 ? `${text.slice(0, 160)}... (${text.length})` : String(text);
}

function equal(got, wanted, what = 'got') {
  check(show(got) === show(wanted) && String(got) === String(wanted),
    `${what} ${show(got)}, not ${show(wanted)}`);
}

function unique(prefix = 't') {
  return prefix + crypto.randomBytes(5).toString('hex');
}

function say(line) {
  fs.writeSync(1, `${JSON.stringify(line)}\n`);
}

function describe(error) {
  const parts = [error.number, error.code, error.message];
  for (const inner of error.errors || []) parts.push(inner.number, inner.message);
  for (const inner of [error.cause, error.originalError, error.original, error.parent]) {
    if (inner && inner !== error) parts.push(describe(inner));
  }
  return parts.filter((part) => part !== undefined).join(' ');
}

async function refused(act, number, text) {
  try {
    await act();
  } catch (error) {
    if (error instanceof Failed) throw error;
    const said = describe(error);
    check(said.includes(String(number)) && said.includes(text),
      `refused with '${said}', not with ${number} '${text}'`);
    return error;
  }
  throw new Failed(`not refused, though it has to be with ${number}`);
}

async function untrusted(act) {
  try {
    await act();
  } catch (error) {
    check(/certificate|self.signed|issuer/i.test(describe(error)),
      `refused for another reason: ${describe(error)}`);
    return;
  }
  throw new Failed('a certificate of an unknown CA was taken');
}

class Case {
  constructor(entry) {
    Object.assign(this, entry);
    if (entry.repeat) this.text = entry.repeat[0].repeat(entry.repeat[1]);
    this.expression = `CAST(${entry.literal === null ? 'NULL' : entry.literal} AS ${entry.type})`;
    this.where = entry.literal === null ? 'v IS NULL' : `v = ${this.expression}`;
  }

  // What JavaScript has: numbers, strings, Buffers, Dates.
  compare(got) {
    const same = got === null || got === undefined || this.text === null
      ? (got === null || got === undefined) && this.text === null
      : SAME[this.kind](got, this.text, this);
    check(same, `${this.type}: got ${show(got)}, not ${show(this.text)}`);
  }
}

function iso(text) {
  const [date, time, zone] = text.split(' ');
  return new Date(`${date}T${time.slice(0, 12)}${zone || 'Z'}`);
}

function sameTime(got, text) {
  return got instanceof Date && got.getTime() === iso(text).getTime();
}

// JavaScript's number holds no more than 15 digits for sure: the driver documents what is lost.
function sameNumber(got, text) {
  if (typeof got === 'bigint') return got === BigInt(text);
  return typeof got === 'number' ? got === Number(text) : String(got) === text;
}

const SAME = {
  bit: (got, text) => got === (text === '1'),
  int: (got, text) => (text.length > 15 ? String(got) === text : sameNumber(got, text)),
  decimal: sameNumber,
  money: sameNumber,
  float: (got, text) => got === Number(text),
  real: (got, text) => Math.fround(got) === Math.fround(Number(text)),
  text: (got, text) => got === text,
  binary: (got, text) => Buffer.isBuffer(got) && got.toString('hex') === text,
  date: (got, text) => got instanceof Date && got.toISOString().slice(0, 10) === text,
  time: (got, text) => got instanceof Date && got.toISOString().slice(11, 23) === text.slice(0, 12),
  datetime: sameTime,
  smalldatetime: sameTime,
  datetime2: sameTime,
  datetimeoffset: sameTime,
  guid: (got, text) => String(got).toLowerCase() === text,
};

function cases(op) {
  const list = JSON.parse(fs.readFileSync(path.join(__dirname, 'types.json'), 'utf8'));
  return list.filter((entry) => entry.op === op).map((entry) => new Case(entry));
}

// Runs the operations of the command line; each is a method of the driver.
async function main(driver) {
  for (const op of process.argv.slice(2)) {
    say({ begin: op });
    const started = Date.now();
    let result = { ok: true };
    try {
      await driver[op.replace(/-/g, '_')]();
    } catch (error) {
      const name = error instanceof Failed ? '' : `${error.name}: `;
      result = { ok: false, reason: (name + describe(error)).replace(/\s+/g, ' ').slice(0, 600) };
      if (process.env.MATRIX_TRACE) console.error(error);
    }
    say({ op, seconds: (Date.now() - started) / 1000, ...result });
  }
  process.exit(0);
}

const TOKEN_PRINCIPAL = "Login failed for user '<token-identified principal>'.";
const NO_DATABASE = 'Cannot open database "nosuch" requested by the login. The login failed.';

module.exports = {
  world, Failed, check, equal, unique, describe, refused, untrusted, cases, iso, main,
  TOKEN_PRINCIPAL, NO_DATABASE,
};
