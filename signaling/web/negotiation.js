// Offer and answer of one call (RFC 8829) as a machine without I/O: perfect negotiation of W3C webrtc-pc, on signaling
// that may lose and repeat. It does what `proto/negotiation.rs` of peer-cli does. Whoever drives it carries out each
// output in turn, and tells what came of it before anything else.

import {bounded, candidates, ufrag, version} from './sdp.js';

/** Candidates that wait for a description, each way. */
const MAX_WAITING = 256;
/** Candidates of theirs that are used with one description. */
const MAX_REMOTE = 64;

/** Their candidates, each with the generation it belongs to (RFC 8838). */
class Remote {
  described;
  applied = [];
  waiting = [];

  add(candidate) {
    const named = candidate.usernameFragment;
    const fits = this.described !== undefined &&
      (this.described === null || named == null || named === this.described);
    if (!fits) {
      this.waiting.push(candidate);
      if (this.waiting.length > MAX_WAITING) this.waiting.shift();
      return false;
    }
    if (this.applied.includes(candidate.candidate) || this.applied.length >= MAX_REMOTE) return false;
    this.applied.push(candidate.candidate);
    return true;
  }

  bounded(sdp) {
    return bounded(sdp, MAX_REMOTE, this.described === ufrag(sdp) ? this.applied : []);
  }

  describe(sdp) {
    const before = this.described;
    this.described = ufrag(sdp);
    if (before !== undefined && before !== this.described) {
      this.applied = [];
      this.waiting = this.waiting.filter((one) => one.usernameFragment !== before);
    }
    this.applied = [...new Set([...this.applied, ...candidates(sdp)])];
    return this.waiting.splice(0).filter((one) => this.add(one));
  }

  forget(generation) {
    this.waiting = this.waiting.filter((one) =>
      one.usernameFragment == null ? this.described !== undefined : one.usernameFragment !== generation);
  }
}

/** Ours. */
class Local {
  generation = null;
  described = false;
  sent = [];
  waiting = [];

  describe(sdp) {
    this.described = true;
    this.generation = ufrag(sdp);
    this.sent = [];
    return this.waiting.splice(0).map((one) => this.add(one)).filter(Boolean);
  }

  add(one) {
    const named = one.data.usernameFragment;
    if (!this.described) {
      if (this.waiting.length < MAX_WAITING) this.waiting.push(one);
      return null;
    }
    // One of a generation that is over reaches nobody.
    if (named != null && named !== this.generation) return null;
    const whole = {event: one.event, data: {...one.data, usernameFragment: this.generation}};
    const again = JSON.stringify(whole);
    if (this.sent.some((other) => JSON.stringify(other) === again)) return null;
    if (this.sent.length < MAX_WAITING) this.sent.push(whole);
    return whole;
  }
}

/**
 * One call's machine. `outputs` are {do: 'make-offer', purpose} and {do: 'make-answer', sdp}, both answered with
 * `described` or `refused`; {do: 'set-answer', sdp}, answered with `accepted` or `refused`; {do: 'rollback'};
 * {do: 'add-candidate', candidate}; {do: 'send', event, data, generation}.
 */
export class Negotiation {
  outputs = [];
  #polite;
  #state = {name: 'stable'};
  #remote = new Remote();
  #local = new Local();
  #offers;
  #answered = null;
  #accepted = null;

  /** The polite side makes way when offers cross; `offers` have been made before. */
  constructor(polite, offers = 0) {
    this.#polite = polite;
    this.#offers = offers;
  }

  /** Whether an offer was ever answered, by either side. */
  get isAgreed() {
    return Boolean(this.#answered ?? this.#accepted);
  }

  /** Whether an offer of ours is out and unanswered. */
  get isOffering() {
    return this.#state.name === 'have-local-offer';
  }

  offer(purpose) {
    if (this.isOffering) this.outputs.push({do: 'rollback'});
    this.#offers += 1;
    this.#state = {name: 'making-offer', generation: this.#offers};
    this.outputs.push({do: 'make-offer', purpose});
  }

  /** The offer or answer asked for is made. */
  described(sdp) {
    const {name, generation, offer} = this.#state;
    if (name === 'making-offer') {
      this.#state = {name: 'have-local-offer', generation, sdp};
      this.#send('offer', {type: 'offer', sdp}, generation);
      this.#describeLocally(sdp);
    } else if (name === 'making-answer') {
      this.#state = {name: 'stable'};
      this.#answered = {generation, offer, answer: sdp, isLast: true};
      this.#sendAnswer();
      this.#describeLocally(sdp);
      this.#describeRemotely(offer);
    }
  }

  /** The answer asked to be set is set. */
  accepted() {
    const {generation, answer} = this.#state;
    this.#state = {name: 'stable'};
    this.#accepted = {generation, answer};
    if (this.#answered) this.#answered.isLast = false;
    this.#describeRemotely(answer);
  }

  /** What was asked for could not be done. */
  refused() {
    const {name, generation, sdp, offer} = this.#state;
    if (name === 'making-answer') this.#remote.forget(ufrag(offer));
    // A good answer may still come: broadcast rooms hold more than one answerer.
    this.#state = name === 'setting-answer' ? {name: 'have-local-offer', generation, sdp} : {name: 'stable'};
  }

  /** What the other side sends; `generation` is the number of the offer that this is, or answers. */
  remote(event, data, generation = null) {
    if (event === 'offer') this.#onOffer(this.#remote.bounded(data.sdp), generation);
    if (event === 'answer') this.#onAnswer(this.#remote.bounded(data.sdp), generation);
    if (event === 'candidate' && this.#remote.add(data)) this.outputs.push({do: 'add-candidate', candidate: data});
  }

  /** A candidate of ours, or with `candidates-end` the end of them. */
  local(event, data) {
    const whole = this.#local.add({event, data});
    if (whole) this.#send(whole.event, whole.data);
  }

  /** What we said last may be lost: signaling is back, or the other side came anew. */
  resend() {
    // Without numbers, as a tutorial page has none, it would not know the repeat for one.
    if (this.#answered?.isLast && this.#answered.generation !== null) this.#sendAnswer();
    this.#resendOfferOrCandidates();
  }

  #onOffer(sdp, generation) {
    const last = this.#answered;
    if (last) {
      const numbered = generation !== null && last.generation !== null;
      if (numbered && generation < last.generation) return;
      if (numbered ? generation === last.generation : version(sdp) === version(last.offer)) {
        if (!last.isLast) return;
        this.#sendAnswer();
        this.#resendOfferOrCandidates();
        return;
      }
    }
    if (this.isOffering) {
      // Theirs crosses ours: they will make way, or we do.
      if (!this.#polite) return;
      this.outputs.push({do: 'rollback'});
    }
    this.#state = {name: 'making-answer', generation, offer: sdp};
    this.outputs.push({do: 'make-answer', sdp});
  }

  #onAnswer(sdp, generation) {
    const repeated = this.#accepted?.answer === sdp;
    const fits = generation === null || generation === this.#state.generation;
    if (this.isOffering && !repeated && fits) {
      this.#state = {...this.#state, name: 'setting-answer', answer: sdp};
      this.outputs.push({do: 'set-answer', sdp});
      return;
    }
    // An answer to an offer that made way: the two believe in different pairs of descriptions now; a new offer ends that.
    const late = generation !== null && (this.#accepted?.generation ?? 0) < generation && generation <= this.#offers;
    if (late && this.#state.name === 'stable') this.offer('restart');
  }

  #resendOfferOrCandidates() {
    const {generation, sdp} = this.#state;
    if (this.isOffering) this.#send('offer', {type: 'offer', sdp}, generation);
    for (const {event, data} of this.#local.sent) this.#send(event, data);
  }

  #describeLocally(sdp) {
    for (const {event, data} of this.#local.describe(sdp)) this.#send(event, data);
  }

  #describeRemotely(sdp) {
    for (const candidate of this.#remote.describe(sdp)) this.outputs.push({do: 'add-candidate', candidate});
  }

  #sendAnswer() {
    const {answer, generation} = this.#answered;
    this.#send('answer', {type: 'answer', sdp: answer}, generation);
  }

  #send(event, data, generation = null) {
    this.outputs.push({do: 'send', event, data, generation});
  }
}
