// What to do about a path that is lost: when to look for another, and how, when to give up; as a machine without I/O.
// Times are milliseconds. As in `proto/recovery.rs` of peer-cli: a restart of ICE is for a change of network; where the
// path is merely silent a second connection is built beside the first, which may come back by itself.

/** A path is often back by itself within this time. */
const SILENCE = 3000;
/** Who answered the call lets the other begin. */
const AFTER_YOU = 1000;
/** An attempt has this long before the next one replaces it. */
const PATIENCE = 3000;
/** How long a lost path is worth waiting for. */
const LIMIT = 30_000;

/** Whoever hears us reports it once in 7.5 s at the least (RFC 3550 6.2), and its sound is there every 20 ms. */
const DEAF = 10_000;

/** Whether anything arrives. Browsers do not always tell: the pair of candidates that they took may work one way only. */
export class Pulse {
  #sign = null;
  #changed = null;

  /** `sign` is another one after whatever has arrived, null where nothing has to. True once nothing has for too long, but did before. */
  isGone(now, sign) {
    if (sign === null) this.#changed = null;
    else if (this.#sign !== null && sign !== this.#sign) this.#changed = now;
    this.#sign = sign;
    return this.#changed !== null && now - this.#changed > DEAF;
  }
}

export class Recovery {
  #leads;
  #canRebuild;
  #outage = null;

  /** `leads`: we offered the call; `canRebuild`: the other side understands a second connection in the same session. */
  constructor(leads, canRebuild) {
    this.#leads = leads;
    this.#canRebuild = canRebuild;
  }

  get isLost() {
    return this.#outage !== null;
  }

  /** `cause`: 'silence', 'failed' or 'network'. */
  lost(now, cause) {
    const wait = (cause === 'silence' ? SILENCE : 0) + (this.#leads ? 0 : AFTER_YOU);
    this.#outage ??= {since: now, next: now + wait, cause, attempts: 0};
    if (cause !== 'silence') {
      const soon = now + (this.#leads || cause === 'network' ? 0 : AFTER_YOU);
      if (this.#outage.attempts === 0) this.#outage.next = Math.min(this.#outage.next, soon);
      if (cause === 'network') Object.assign(this.#outage, {cause, attempts: 0, next: now});
    }
  }

  /** It works, or another one does; true if it was lost. */
  heard() {
    const was = this.isLost;
    this.#outage = null;
    return was;
  }

  /** The other side makes an attempt, which we answer. */
  theirTurn(now) {
    if (this.#outage) this.#outage.next = now + PATIENCE;
  }

  /** What is due: 'restart', 'rebuild', 'give-up' or null. */
  due(now, hasServer) {
    const outage = this.#outage;
    if (!outage) return null;
    if (now >= outage.since + LIMIT) {
      this.#outage = null;
      return 'give-up';
    }
    // Without signaling an offer waits; a second one would only replace it.
    if (now < outage.next || !hasServer) return null;
    outage.attempts += 1;
    outage.next = now + PATIENCE + outage.attempts * 500;
    const restarts = !this.#canRebuild || (outage.cause === 'network' && outage.attempts === 1);
    return restarts ? 'restart' : 'rebuild';
  }
}
