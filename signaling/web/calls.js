// Who is in the room, who calls whom: one call at a time, offers of others ring, and crossing offers make way
// (PROTOCOL.md, "Who offers" and "Sessions").

import {random} from './memory.js';
import {Session} from './session.js';
import {NAME} from './share.js';
import {isForeign} from './words.js';

/** Candidates that came before their offer. */
const MAX_ORPHANS = 128;
/** A call that broke off may go on without being answered again for this long; a page is loaded anew in far less; ms. */
const GOES_ON = 3000;
/** After a ring that nobody took: whoever rings again and again does not make this page flicker; ms. */
const QUIET = 2000;
/** Nobody rings for ever; ms. */
const RINGS = 60_000;
/** After the server was away others need as long as we did to come back; ms. */
const COME_BACK = 5000;
/** Offers that are looked at within a second, of all and of one peer: a flood is not even answered, or the server would close us. */
const MAX_OFFERS = 12;
const MAX_OFFERS_OF_ONE = 5;
/** How a page says goodbye that is closed or loaded anew. */
const PAGE_LEFT = 'the page was closed';

export class Calls {
  peers = new Map();
  session = null;
  ringing = null;
  #me = null;
  #parts;
  #tell;
  #orphans = [];
  #broken = null;
  #timer = 0;
  #quietUntil = 0;
  #comingBackUntil = 0;
  #offers = {since: 0, all: 0, of: new Map()};

  /**
   * `parts` are {signaling, sound, settings}. `tell` has `peers()`, `phase()`, `rings(peer)`, `missed(peer, why)` and
   * what a session tells.
   */
  constructor(parts, tell) {
    this.#parts = parts;
    this.#tell = tell;
  }

  welcome({id, peers}) {
    if (this.#me !== null) this.#comingBackUntil = performance.now() + COME_BACK;
    this.#me = id;
    this.peers = new Map(peers.map((peer) => [peer.id, peer]));
    setTimeout(() => this.#isRingingGone() && this.#stopRinging('left'), COME_BACK);
    this.session?.resend();
    this.#tell.peers();
  }

  joined(peer) {
    this.peers.delete(peer.id);
    this.peers.set(peer.id, peer);
    if (this.session?.party.peer.id === peer.id) this.session.resend();
    this.#tell.peers();
  }

  left(id) {
    this.peers.delete(id);
    if (this.ringing?.peer.id === id) this.#stopRinging('left');
    if (this.session?.party.peer.id === id) this.session.peerLeft();
    this.#tell.peers();
  }

  frame(frame) {
    if (frame.event === 'offer') return this.#onOffer(frame);
    if (this.session?.owns(frame)) return this.session.frame(frame);
    if (this.ringing && this.#isOfRinging(frame)) {
      if (frame.event === 'bye') this.#stopRinging('gave-up');
      else if (this.ringing.frames.length < MAX_ORPHANS) this.ringing.frames.push(frame);
    } else if (frame.event === 'candidate') {
      this.#orphans.push(frame);
      if (this.#orphans.length > MAX_ORPHANS) this.#orphans.shift();
    }
    return undefined;
  }

  /** The server knows no such peer: it has gone. */
  noSuchPeer() {
    const isGone = this.session && !this.peers.has(this.session.party.peer.id);
    if (isGone && this.session.phase !== 'call' && performance.now() > this.#comingBackUntil) {
      this.session.peerLeft();
    }
  }

  call(id) {
    const peer = this.peers.get(id);
    if (!peer || this.session || this.ringing) return;
    this.#begin(peer, random(8), true).start();
  }

  answer() {
    const {peer, offer, frames} = this.ringing ?? {};
    if (!peer) return;
    clearTimeout(this.#timer);
    this.ringing = null;
    this.#accept(peer, offer, frames);
  }

  decline(reason = 'declined') {
    if (!this.ringing) return;
    this.#reply(this.ringing.offer, 'bye', {reason});
    this.#stopRinging(reason);
  }

  /** Whoever broke off has to ring again. */
  settle() {
    this.#broken = null;
  }

  /** The page goes. */
  leave() {
    if (this.ringing) this.#reply(this.ringing.offer, 'bye', {reason: PAGE_LEFT});
    this.session?.leave(PAGE_LEFT);
  }

  #onOffer(frame) {
    const {from, session = null, data} = frame;
    // What is wrong with a session's name comes back with every frame of ours.
    if (typeof data?.sdp !== 'string' || (session !== null && !NAME.test(session)) || this.#isFlood(from)) return;
    const peer = this.peers.get(from);
    const current = this.session;
    if (current?.owns(frame)) {
      current.frame(frame);
    } else if (!peer || (peer.app !== null && peer.app !== 'call')) {
      // Peers offer only inside their own app.
    } else if (current && current.party.peer.id === from) {
      this.#again(current, peer, frame);
    } else if (this.ringing?.peer.id === from) {
      if ((this.ringing.offer.session ?? null) !== session) this.ringing.frames = [];
      this.ringing.offer = frame;
    } else if (current || this.ringing) {
      this.#reply(frame, 'busy', null);
    } else if (this.#broken?.id === from && performance.now() < this.#broken.until) {
      this.#accept(peer, frame, []);
    } else if (performance.now() < this.#quietUntil) {
      this.#reply(frame, 'busy', null);
    } else {
      this.ringing = {peer, offer: frame, frames: []};
      this.#timer = setTimeout(() => this.decline('unanswered'), RINGS);
      this.#tell.rings(peer);
    }
  }

  #isRingingGone() {
    return Boolean(this.ringing) && !this.peers.has(this.ringing.peer.id);
  }

  #isFlood(from) {
    const now = performance.now();
    if (now > this.#offers.since + 1000) this.#offers = {since: now, all: 0, of: new Map()};
    const ofOne = (this.#offers.of.get(from) ?? 0) + 1;
    this.#offers.of.set(from, ofOne);
    if (ofOne > MAX_OFFERS_OF_ONE) return true;
    this.#offers.all += 1;
    return this.#offers.all > MAX_OFFERS;
  }

  /** An offer of the very peer that we have a call with, or call. */
  #again(current, peer, frame) {
    // The lower id makes way (perfect negotiation); a tutorial client knows no id of its own and never does.
    const yields = peer.role === null || this.#me < peer.id;
    if (current.isUnanswered && !yields) return;
    current.drop();
    this.#accept(peer, frame, []);
  }

  #accept(peer, offer, frames) {
    const session = this.#begin(peer, offer.session ?? null, false);
    const isOf = (one) => one.from === peer.id && (one.session == null || one.session === offer.session);
    const early = this.#orphans.filter(isOf);
    this.#orphans = this.#orphans.filter((one) => !isOf(one));
    for (const frame of [offer, ...early, ...frames]) session.frame(frame);
  }

  #begin(peer, id, ours) {
    const isTutorial = peer.role === null;
    const party = {peer, id, ours, isTutorial, polite: isTutorial || this.#me < peer.id};
    const tell = {...this.#tell, over: (end) => this.#onOver(end)};
    const {signaling, sound, settings} = this.#parts;
    this.#broken = null;
    this.session = new Session(party, {signaling, sound, relayOnly: settings.relayOnly, tell});
    this.#tell.phase();
    return this.session;
  }

  #onOver(end) {
    const {peer} = this.session.party;
    this.session = null;
    const broke = end.by === 'remote' && (end.detail === PAGE_LEFT || (end.reason === 'no-path' && !end.quiet));
    this.#broken = broke && !isForeign(peer) ? {id: peer.id, until: performance.now() + GOES_ON} : null;
    this.#tell.over(peer, end);
  }

  #isOfRinging({from, session}) {
    const {peer, offer} = this.ringing;
    return from === peer.id && (session == null || session === offer.session);
  }

  #stopRinging(why) {
    clearTimeout(this.#timer);
    this.#quietUntil = performance.now() + QUIET;
    const {peer} = this.ringing;
    this.ringing = null;
    this.#tell.missed(peer, why);
  }

  #reply({from, session}, event, data) {
    this.#parts.signaling.send({event, data, to: from, ...(session == null ? {} : {session})});
  }
}
