// An SMPP message centre for tests and the demo; the protocol itself is the npm package "smpp".
//
// Environment: PORT (0 = any free one), DLR_MS (receipt delay, empty = no receipts), LOG (file for
// the JSON lines, else standard output), MODE, PASSWORD (default "secret").
// Modes: ok · throttle (0x58) · queuefull (0x14) · reject (0x0b) · slow (no answer) · badpass (0x0e).
// Lines on standard input: "mode NAME" changes the mode; 'mo {"from": "…", "to": "…", "text": "…"}' lets
// a subscriber write to our number. The end of standard input ends the program.
'use strict';
const fs = require('fs');
const smpp = require('smpp');

const REFUSALS = { throttle: 0x58, queuefull: 0x14, reject: 0x0b };
const MODES = ['ok', 'slow', 'badpass', ...Object.keys(REFUSALS)];
const password = process.env.PASSWORD || 'secret';
const delay = process.env.DLR_MS === '' ? null : Number(process.env.DLR_MS || 300);
const out = process.env.LOG ? fs.openSync(process.env.LOG, 'a') : 1;
let mode = process.env.MODE || 'ok';
let nextId = Date.now() * 1000; // another base at each start: old receipts match no new message
let unsent = []; // receipts and subscribers' messages waiting for somebody to be bound
let reference = 0; // of the parts of a long message, one octet
const bound = new Set();

const log = (event, fields) =>
  fs.writeSync(out, JSON.stringify({ at: new Date().toISOString(), event, ...fields }) + '\n');

function receipt(id, submit) {
  const good = !submit.destination_addr.endsWith('9');
  const minute = new Date().toISOString().replace(/\D/g, '').slice(2, 12);
  return {
    esm_class: 4,
    source_addr: submit.destination_addr,
    destination_addr: submit.source_addr,
    short_message: `id:${id} sub:001 dlvrd:00${good ? 1 : 0} submit date:${minute} ` +
      `done date:${minute} stat:${good ? 'DELIVRD' : 'UNDELIV'} err:${good ? '000' : '001'} text:`,
  };
}

// What a subscriber wrote, as deliver_sm: GSM-7 one septet to an octet where it fits, else UCS-2, in parts
// when it is long, with an escape and a surrogate pair each kept whole.
function written({ from, to, text }) {
  const gsm = smpp.encodings.ASCII.match(text);
  const whole = smpp.encodings[gsm ? 'ASCII' : 'UCS2'].encode(text);
  const fields = { source_addr: from, destination_addr: to, data_coding: gsm ? 0 : 8 };
  for (const key of ['source_addr', 'dest_addr']) Object.assign(fields, { [key + '_ton']: 1, [key + '_npi']: 1 });
  if (whole.length <= (gsm ? 160 : 140)) return [{ ...fields, short_message: whole }];
  const parts = [];
  for (let at = 0, end; at < whole.length; at = end) {
    end = Math.min(at + (gsm ? 153 : 134), whole.length);
    if (end < whole.length && gsm && whole[end - 1] === 0x1b) end -= 1;
    if (end < whole.length && !gsm && (whole[end - 2] & 0xfc) === 0xd8) end -= 2;
    parts.push(whole.slice(at, end));
  }
  reference = (reference + 1) & 0xff;
  return parts.map((message, n) => ({
    ...fields, esm_class: 0x40,
    short_message: { udh: Buffer.from([5, 0, 3, reference, parts.length, n + 1]), message },
  }));
}

function deliver() {
  const [session] = bound;
  while (session && unsent.length) {
    const fields = unsent.shift();
    const text = fields.short_message.message || fields.short_message;
    log('deliver_sm', { from: fields.source_addr, to: fields.destination_addr, text: text.toString('hex') });
    session.deliver_sm(fields);
  }
}

function submit(session, pdu) {
  const status = REFUSALS[mode] || 0;
  const id = String(nextId++);
  const { udh = [], message = '' } = pdu.short_message;
  log('submit_sm', {
    id, status, mode, from: pdu.source_addr, to: pdu.destination_addr,
    data_coding: pdu.data_coding, esm_class: pdu.esm_class, priority: pdu.priority_flag,
    registered: pdu.registered_delivery, validity: pdu.validity_period,
    udh: Buffer.concat(udh).toString('hex'), text: message.toString(),
  });
  if (mode === 'slow') return;
  session.send(pdu.response(status ? { command_status: status } : { message_id: id }));
  if (status || delay === null || !(pdu.registered_delivery & 1)) return;
  setTimeout(() => { unsent.push(receipt(id, pdu)); deliver(); }, delay);
}

function bind(session, pdu) {
  const refused = mode === 'badpass' || pdu.password !== password;
  log(pdu.command, { system_id: pdu.system_id, status: refused ? 0x0e : 0 });
  session.send(pdu.response({ command_status: refused ? 0x0e : 0, system_id: 'simulator' }));
  if (!refused && pdu.command !== 'bind_transmitter') { bound.add(session); deliver(); }
}

const server = smpp.createServer((session) => {
  session.socket.setNoDelay(true);
  session.on('error', () => {}); // a reset connection is the client's affair
  session.on('close', () => bound.delete(session));
  for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
    session.on(kind, (pdu) => bind(session, pdu));
  }
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
});

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.startsWith('mo {')) { unsent.push(...written(JSON.parse(line.slice(3)))); return deliver(); }
  const wanted = line.replace(/^mode /, '').trim();
  if (MODES.includes(wanted)) mode = wanted;
  log('mode', { mode });
}).on('close', () => process.exit(0));

server.listen(Number(process.env.PORT || 2775), '127.0.0.1', () =>
  fs.writeSync(1, `ready ${server.address().port}\n`));
