// The connections of one call and their negotiation, carried out: descriptions and candidates, each for the connection
// it belongs to.

import {Link} from './connection.js';
import {Negotiation} from './negotiation.js';
import {identity} from './sdp.js';

/** Connections that the other side may make us open within one outage. */
const MAX_SPARES = 8;

export class Exchange {
  /** The connection of the call, and one that shall replace it. */
  link = null;
  spare = null;
  #party;
  #parts;
  #hear;
  #negotiation;
  #inputs = [];
  #working = false;
  #isOver = false;
  #purpose = null;
  #spares = 0;

  /**
   * `party` as of a session; `parts` are {signaling, sound, relayOnly}. `hear` has `state(link)`, `track(track)`,
   * `opened(link, channel)`, `text(link, channel, data)`, `gone(link)`, `nowhere()` where we have no address at all,
   * `theirTurn()` before an offer of theirs is answered, `broken(error)` and `done()` after each step.
   */
  constructor(party, parts, hear) {
    this.#party = party;
    this.#parts = parts;
    this.#hear = hear;
    this.#negotiation = new Negotiation(party.polite);
  }

  /** Whether an offer was ever answered, by either side. */
  get isAgreed() {
    return this.#negotiation.isAgreed;
  }

  /** `purpose` is begin, renegotiate, restart or rebuild. */
  offer(purpose) {
    return this.#do(() => this.#negotiation.offer(purpose));
  }

  /** Their offer, answer or candidate. */
  take({event, data, generation}) {
    const isWhole = event === 'candidate' ? Boolean(data?.candidate) : typeof data?.sdp === 'string';
    const number = Number.isSafeInteger(generation) ? generation : null;
    return isWhole ? this.#do(() => this.#negotiation.remote(event, data, number)) : undefined;
  }

  /** What we said may be lost. */
  resend() {
    return this.#do(() => this.#negotiation.resend());
  }

  /** Says something to the other side, through the server. */
  say(event, data, generation = null) {
    const {peer, id} = this.#party;
    const frame = {event, data, to: peer.id};
    if (id) frame.session = id;
    if (generation !== null) frame.generation = generation;
    return this.#parts.signaling.send(frame);
  }

  /** The microphone came, went or changed. */
  async soundChanged() {
    await Promise.all([this.link, this.spare].map((link) => link?.send().catch(() => {})));
  }

  /** The second connection takes over; gives the first, for the other side may still send on it. */
  promote() {
    const old = this.link;
    this.link = this.spare;
    this.spare = null;
    return old;
  }

  /** The path works: the outage is over. */
  settle() {
    this.#spares = 0;
  }

  dropSpare() {
    this.spare?.close();
    this.spare = null;
  }

  /** Nothing is negotiated any more. */
  end() {
    this.#isOver = true;
  }

  close() {
    this.dropSpare();
    this.link?.close();
  }

  /** One step after the other, each with all that follows from it. */
  async #do(step) {
    this.#inputs.push(step);
    if (this.#working) return;
    this.#working = true;
    while (this.#inputs.length && !this.#isOver) {
      this.#inputs.shift()();
      for (let output; !this.#isOver && (output = this.#negotiation.outputs.shift());) await this.#carryOut(output);
    }
    this.#working = false;
    if (!this.#isOver) this.#hear.done();
  }

  async #carryOut(output) {
    switch (output.do) {
      case 'make-offer': return this.#try(async () => this.#negotiation.described(await this.#makeOffer(output.purpose)));
      case 'make-answer': return this.#try(async () => this.#negotiation.described(await this.#makeAnswer(output.sdp)));
      case 'set-answer': return this.#try(() => this.#setAnswer(output.sdp));
      case 'rollback': return this.#rollback();
      case 'add-candidate': return this.#addCandidate(output.candidate);
      default: return this.say(output.event, output.data, output.generation);
    }
  }

  async #try(step) {
    try {
      await step();
    } catch (error) {
      this.#negotiation.refused();
      if (!this.#isOver) this.#hear.broken(error);
    }
  }

  async #makeOffer(purpose) {
    this.#purpose = purpose;
    if (purpose === 'begin') {
      this.link = await this.#open();
      this.link.prepare(this.#party.isTutorial);
      return this.link.offer(false);
    }
    if (purpose === 'rebuild') {
      this.dropSpare();
      this.spare = await this.#open();
      this.spare.prepare(false);
      return this.spare.offer(false);
    }
    return this.link.offer(purpose === 'restart');
  }

  async #makeAnswer(sdp) {
    this.#hear.theirTurn();
    const link = await this.#linkFor(sdp);
    return link.answer(sdp);
  }

  /** The connection that an offer is for: the one there is, or a new one beside it. */
  async #linkFor(sdp) {
    if (!this.link) {
      this.link = await this.#open();
      return this.link;
    }
    const known = this.link.remote;
    if (!known || known === identity(sdp)) return this.link;
    this.#spares += 1;
    if (this.#spares > MAX_SPARES) throw new Error('too many connections');
    this.dropSpare();
    this.spare = await this.#open();
    return this.spare;
  }

  async #setAnswer(sdp) {
    await (this.#purpose === 'rebuild' ? this.spare : this.link).accept(sdp);
    this.#negotiation.accepted();
  }

  async #rollback() {
    if (this.#purpose === 'rebuild') this.dropSpare();
    else await this.link.rollback().catch(() => {});
  }

  async #addCandidate(candidate) {
    const fits = (link) => link && (candidate.usernameFragment == null || link.remoteUfrag === candidate.usernameFragment);
    const link = [this.spare, this.link].find(fits);
    // One that cannot be read costs nothing but itself.
    await link?.addCandidate(candidate).catch(() => {});
  }

  async #open() {
    const {signaling, sound, relayOnly} = this.#parts;
    const servers = await signaling.servers(false);
    if (this.#isOver) throw new Error('the call is over');
    const {state, opened, text, gone, track} = this.#hear;
    const hear = {
      state, opened, text, gone,
      candidate: (link, candidate) => this.#onCandidate(link, candidate),
      track: (link, one) => link === this.spare || track(one),
      negotiate: (link) => link === this.link && this.offer('renegotiate'),
    };
    const open = (list) => new Link(list, relayOnly, sound, hear);
    try {
      return open(servers);
    } catch {
      // One that this browser cannot read.
      return open([]);
    }
  }

  #onCandidate(link, candidate) {
    const event = candidate?.candidate ? 'candidate' : 'candidates-end';
    const data = candidate?.candidate
      ? candidate.toJSON()
      : {usernameFragment: candidate?.usernameFragment ?? link.localUfrag};
    this.#do(() => this.#negotiation.local(event, data));
    // All were looked for, and there is none: nothing is to be waited for.
    if (!candidate && link === this.link && !link.candidates) this.#hear.nowhere();
  }
}
