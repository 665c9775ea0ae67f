// Two machines of the page joined by queues that shuffle, drop and double what they carry, while both sides offer when they
// like. Once the queues behave, and each side has said again what was lost, both believe in the same pair of descriptions, and each
// has the other's candidates. The same is asked of peer-cli's machine (`proto/negotiation/tests/disorder.rs`).

import assert from 'node:assert/strict';
import {test} from 'node:test';

import {Inbox, Outbox} from './chat.js';
import {Negotiation} from './negotiation.js';
import {Pulse, Recovery} from './recovery.js';

const ROUNDS = 3000;
const STEPS = 60;
/** Candidates of each description. */
const CANDIDATES = 3;

/** Numbers below `most` that are the same on every run (xorshift). */
function dice(seed) {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  return (most) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % most;
  };
}

class Side {
  made = 0;
  local = null;
  remote = null;
  /** Of the other side's description in use. */
  candidates = new Set();
  #before = null;

  constructor(name, polite) {
    this.name = name;
    this.machine = new Negotiation(polite);
  }

  #description() {
    this.made += 1;
    const name = `${this.name}${this.made}`;
    return `v=0\r\no=- ${this.name === 'a' ? 1 : 2} ${this.made} IN IP4 0.0.0.0\r\na=ice-ufrag:${name}\r\na=ice-pwd:p\r\n`;
  }

  #gather(sdp) {
    const ufrag = /a=ice-ufrag:(\w+)/.exec(sdp)[1];
    for (let number = 0; number < CANDIDATES; number += 1) {
      const candidate = `candidate:${number} 1 udp 1 192.0.2.1 ${1000 + number} typ host ufrag ${ufrag}`;
      this.machine.local('candidate', {candidate, usernameFragment: ufrag});
    }
  }

  #take(sdp) {
    if (this.remote !== sdp) this.candidates.clear();
    this.remote = sdp;
  }

  /** Carries out what the machine wants; gives the frames that it sends. */
  work() {
    const frames = [];
    for (let output; (output = this.machine.outputs.shift());) {
      if (output.do === 'make-offer') {
        this.#before ??= {local: this.local, remote: this.remote};
        this.local = this.#description();
        this.machine.described(this.local);
        this.#gather(this.local);
      } else if (output.do === 'make-answer') {
        this.#before = null;
        this.#take(output.sdp);
        this.local = this.#description();
        this.machine.described(this.local);
        this.#gather(this.local);
      } else if (output.do === 'set-answer') {
        this.#before = null;
        this.#take(output.sdp);
        this.machine.accepted();
      } else if (output.do === 'rollback') {
        assert.ok(this.#before, 'nothing to take back');
        this.local = this.#before.local;
        this.#before = null;
      } else if (output.do === 'add-candidate') {
        const {candidate} = output.candidate;
        assert.ok(!this.candidates.has(candidate), `twice: ${candidate}`);
        this.candidates.add(candidate);
      } else {
        frames.push(output);
      }
    }
    return frames;
  }
}

function round(seed) {
  const roll = dice(seed);
  const sides = [new Side('a', true), new Side('b', false)];
  const queues = [[], []];
  const work = (side) => queues[1 - side].push(...sides[side].work());
  const deliver = (side, at) => {
    const [{event, data, generation}] = queues[side].splice(at, 1);
    sides[side].machine.remote(event, data, generation);
    work(side);
  };
  const offer = (side) => {
    sides[side].machine.offer('restart');
    work(side);
  };
  offer(roll(2));
  for (let step = 0; step < STEPS; step += 1) {
    const side = roll(2);
    const queue = queues[side];
    const at = queue.length ? roll(queue.length) : 0;
    const what = roll(12);
    if (what === 0) offer(side);
    else if (!queue.length) continue;
    else if (what === 1) queue.splice(at, 1);
    else if (what === 2) queue.push(queue[at]);
    else deliver(side, what < 7 ? 0 : at);
  }
  const settle = () => {
    for (let step = 0; queues.some((queue) => queue.length); step += 1) {
      assert.ok(step < 5000, 'they never come to rest');
      const side = queues[0].length ? 0 : 1;
      deliver(side, 0);
    }
  };
  settle();
  for (const side of [0, 1]) {
    sides[side].machine.resend();
    work(side);
    settle();
  }
  const [a, b] = sides;
  assert.ok(!a.machine.isOffering && !b.machine.isOffering, 'an offer is still out');
  assert.equal(a.local, b.remote);
  assert.equal(b.local, a.remote);
  assert.equal(a.candidates.size, CANDIDATES);
  assert.equal(b.candidates.size, CANDIDATES);
}

test('whatever signaling does, both sides agree in the end', () => {
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    try {
      round(seed);
    } catch (error) {
      error.message = `seed ${seed}: ${error.message}`;
      throw error;
    }
  }
});

test('messages arrive once and in order over connections that break', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const roll = dice(seed);
    const [outbox, inbox] = [new Outbox(), new Inbox()];
    const came = [];
    for (let number = 1; number <= 50; number += 1) {
      outbox.push(`${number}`);
      const sent = outbox.take();
      // The connection breaks somewhere in between: the rest of it, and perhaps the word about it, is lost.
      const whole = roll(3) > 0;
      const arrived = whole ? sent : sent.slice(0, roll(sent.length + 1));
      for (const {seq, text} of arrived) if (inbox.accept(seq)) came.push(text);
      if (whole || roll(2)) outbox.acknowledge(inbox.last);
      if (!whole) outbox.rewind();
    }
    for (const {seq, text} of outbox.take()) if (inbox.accept(seq)) came.push(text);
    outbox.acknowledge(inbox.last);
    assert.ok(outbox.isEmpty);
    assert.deepEqual(came, Array.from({length: 50}, (_, at) => `${at + 1}`));
  }
});

test('a lost path is looked for by one side first, and given up after half a minute', () => {
  const [leads, follows] = [new Recovery(true, true), new Recovery(false, true)];
  for (const one of [leads, follows]) one.lost(0, 'failed');
  assert.equal(leads.due(0, true), 'rebuild');
  assert.equal(follows.due(0, true), null);
  assert.equal(follows.due(1000, true), 'rebuild');
  assert.equal(leads.due(1000, true), null);
  assert.equal(leads.due(10_000, false), null);
  assert.equal(leads.due(30_000, false), 'give-up');
  assert.ok(!leads.isLost);
  const changed = new Recovery(true, true);
  changed.lost(0, 'network');
  assert.equal(changed.due(0, true), 'restart');
  assert.ok(changed.heard());
  assert.equal(changed.due(60_000, true), null);
});

test('a pulse is missed once it was felt, where one is owed', () => {
  const pulse = new Pulse();
  for (let now = 0; now < 60_000; now += 1000) assert.ok(!pulse.isGone(now, 'never another'));
  assert.ok(!pulse.isGone(60_000, 'another'));
  assert.ok(!pulse.isGone(70_000, 'another'));
  assert.ok(pulse.isGone(71_000, 'another'));
  assert.ok(!pulse.isGone(72_000, 'a third'));
  assert.ok(!pulse.isGone(90_000, null));
  assert.ok(!pulse.isGone(91_000, 'a third'));
});
